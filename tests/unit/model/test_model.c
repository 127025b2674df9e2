#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"
#include "scratch.h"

static char last_log[512];
static int n_logs;

static void keep_log(void *user, enum csg_log_level level, const char *message)
{
    (void)user;
    (void)level;
    n_logs++;
    snprintf(last_log, sizeof last_log, "%s", message);
}

static int open_scratch(struct csg_model **model, struct csg_error *err)
{
    struct csg_log log = {keep_log, NULL};
    n_logs = 0;
    return csg_model_open(model, scratch_folder(), &log, err);
}

/* The model of the folder must be refused with a sentence that has `part`. */
static void refuse(const char *part)
{
    struct csg_model *model;
    struct csg_error err = {0};
    assert_int_equal(open_scratch(&model, &err), CSG_ERROR_MODEL);
    assert_null(model);
    if (!strstr(err.sentence, part))
        fail_msg("'%s' is not in: %s", part, err.sentence);
}

static void test_demo_model(void **state)
{
    (void)state;
    struct csg_model *m;
    struct csg_error err = {0};
    struct csg_log log = {keep_log, NULL};
    char hex[65], words[256];
    n_logs = 0;
    assert_int_equal(csg_model_open(&m, "demo-model", &log, &err), CSG_OK);
    assert_int_equal(n_logs, 0);
    assert_string_equal(m->name, "demo-model");
    assert_true(m->quick_gelu && m->proj_transposed);
    assert_int_equal(m->embed_dim, 192);
    assert_int_equal(m->patch_px, 16);
    assert_int_equal(m->image_px, 192);
    assert_int_equal(m->grid, 12);
    assert_int_equal(m->vision.layers, 11);
    assert_int_equal(m->vision.heads, 3);
    assert_int_equal(m->vision.mlp_width, 768);
    assert_int_equal(m->text.layers, 2);
    assert_int_equal(m->text.mlp_width, 512);
    assert_int_equal(m->vocab_size, 2097);
    assert_int_equal(m->context, 32);
    assert_int_equal(csg_model_sha256(m, hex, &err), CSG_OK);
    assert_string_equal(hex, "eafd4f7d8c802ea86cda8985c0bbb88b9a734625024dbde1fd8d52611c635208");
    static const char *const unknown[][2] = {
        {"dog", ""},
        {"Dining Table", ""},
        {"dog+cat", ""},
        {"dining chair", "dining"},
        {"a zebra, a dog and a zebra.", "zebra"},
        {"", ""},
        {"traffic sign", ""},
        {"a photo of an ox near the dog in the fog", "ox, fog"},
    };
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(csg_model_unknown_words(m, unknown[i][0], words, sizeof words, &err), CSG_OK);
        assert_string_equal(words, unknown[i][1]);
    }
    assert_int_equal(csg_model_unknown_words(m, "zebra giraffe", words, 8, &err), CSG_OK);
    assert_string_equal(words, "zebra");
    assert_int_equal(csg_model_unknown_words(m, "\xFF", words, sizeof words, &err), CSG_ERROR_INPUT);
    csg_model_close(&m);
    assert_null(m);
    csg_model_close(&m);
    csg_model_close(NULL);
}

/* The first element's number in the file, which the tiny model has as its value. */
static float first(const struct csg_tensor *t)
{
    float *values = calloc(t->elements, sizeof *values), value;
    csg_tensor_to_f32(t, values);
    value = values[0];
    for (size_t i = 1; i < t->elements; i++)
        assert_true(values[i] == value + (float)i);
    free(values);
    return value;
}

static void test_tiny_model(void **state)
{
    (void)state;
    struct csg_model *m;
    struct csg_error err = {0};
    write_tiny_model();
    assert_int_equal(open_scratch(&m, &err), CSG_OK);
    assert_int_equal(n_logs, 0);
    assert_int_equal(m->vision.heads, 2);
    assert_int_equal(m->vision.mlp_width, 16);
    assert_int_equal(m->text.mlp_width, 12);
    assert_true(m->mean[0] == 0.48145466f && m->std[2] == 0.27577711f);
    const struct csg_block *b = &m->vision.blocks[1];
    assert_int_equal(b->k_weight.n_dims, 2);
    assert_int_equal(b->k_weight.dims[0], 8);
    assert_int_equal(b->k_weight.elements, 64);
    assert_true(first(&m->patch_weight) == 0.0f);
    assert_true(first(&m->class_embedding) == 96.0f);
    assert_true(first(&b->k_weight) == first(&b->q_weight) + 64.0f);
    assert_true(first(&b->v_weight) == first(&b->q_weight) + 128.0f);
    assert_true(first(&b->q_bias) == first(&b->q_weight) + 192.0f);
    assert_true(first(&b->v_bias) == first(&b->q_bias) + 16.0f);
    assert_int_equal(m->text.blocks[0].proj_weight.dims[1], 12);
    csg_model_close(&m);
}

static void test_sizes_from_tensors(void **state)
{
    (void)state;
    struct csg_model *m;
    struct csg_error err = {0};
    write_tiny_model();
    scratch_write_text(
        "open_clip_config.json",
        "{\"model_cfg\":{\"vision_cfg\":{\"layers\":2,\"width\":8,\"head_width\":8,\"patch_size\":2},"
        "\"text_cfg\":{\"width\":6,\"heads\":1,\"layers\":1}},\"preprocess_cfg\":{\"mean\":[0,0,0],\"std\":[1,1,1]}}");
    assert_int_equal(open_scratch(&m, &err), CSG_OK);
    assert_int_equal(m->embed_dim, 3);
    assert_int_equal(m->image_px, 4);
    assert_int_equal(m->grid, 2);
    assert_int_equal(m->context, 5);
    assert_int_equal(m->vocab_size, 514);
    assert_false(m->quick_gelu);
    assert_true(m->mean[1] == 0.0f && m->std[1] == 1.0f);
    csg_model_close(&m);
}

static void test_folders(void **state)
{
    (void)state;
    struct csg_model *m;
    struct csg_error err = {0};
    assert_int_equal(csg_model_open(&m, "no-such-model", NULL, &err), CSG_ERROR_MODEL);
    assert_non_null(strstr(err.sentence, "no-such-model"));
    write_tiny_model();
    assert_int_equal(csg_model_open(&m, scratch_path("open_clip_config.json"), NULL, &err), CSG_ERROR_MODEL);
    assert_non_null(strstr(err.sentence, "is a file"));
    /* a name under the user's folder comes before one of the project's */
    assert_int_equal(setenv("XDG_DATA_HOME", scratch_folder(), 1), 0);
    assert_int_equal(csg_make_folders(scratch_path("clip-surgeon/models/demo-model"), &err), CSG_OK);
    assert_int_equal(csg_model_open(&m, "demo-model", NULL, &err), CSG_ERROR_MODEL);
    assert_non_null(strstr(err.sentence, "clip-surgeon/models/demo-model holds no"));
    scratch_write_text("clip-surgeon/models/demo-model/open_clip_config.json", tiny_config);
    struct bytes weights = make_tiny_model(NULL, NULL);
    scratch_write("clip-surgeon/models/demo-model/open_clip_model.safetensors", weights.data, weights.count);
    free(weights.data);
    assert_int_equal(csg_model_open(&m, "demo-model", NULL, &err), CSG_OK);
    assert_int_equal(m->embed_dim, 3);
    csg_model_close(&m);
    scratch_remove("clip-surgeon/models/demo-model/open_clip_config.json");
    scratch_remove("clip-surgeon/models/demo-model/open_clip_model.safetensors");
    assert_int_equal(rmdir(scratch_path("clip-surgeon/models/demo-model")), 0);
    assert_int_equal(rmdir(scratch_path("clip-surgeon/models")), 0);
    assert_int_equal(rmdir(scratch_path("clip-surgeon")), 0);
    scratch_remove("open_clip_config.json");
    refuse("holds no open_clip_config.json");
    write_tiny_model();
    scratch_remove("open_clip_model.safetensors");
    refuse("holds no open_clip_model.safetensors");
}

static void write_weights(const char *except, const char *extra)
{
    struct bytes weights = make_tiny_model(except, extra);
    scratch_write("open_clip_model.safetensors", weights.data, weights.count);
    free(weights.data);
}

static void test_tensors(void **state)
{
    (void)state;
    struct csg_model *m;
    struct csg_error err = {0};
    write_tiny_model();
    write_weights("visual.transformer.resblocks.1.mlp.c_fc.bias", NULL);
    refuse("lacks the tensor visual.transformer.resblocks.1.mlp.c_fc.bias");
    write_weights("text_projection", NULL);
    refuse("lacks the tensor text_projection");
    write_weights("ln_final.bias", "\"ln_final.bias\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},");
    refuse("overlap");
    write_weights("ln_final.bias", "\"ln_final.bias\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[0,0]},");
    refuse("the tensor ln_final.bias has shape [0, 3], not [6]");
    write_weights("ln_final.bias", "\"ln_final.bias\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[0,0]},");
    refuse("the tensor ln_final.bias is of type I8");
    write_weights(NULL,
                  "\"visual.transformer.resblocks.2.ln_1.weight\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},");
    refuse("the configuration says 2 layers");
    /* surplus: one warning with the first names; constants are silent, of any type */
    write_weights(NULL, "\"a\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[0,0]},"
                        "\"b\":{\"dtype\":\"X9\",\"shape\":[7],\"data_offsets\":[0,0]},"
                        "\"c\":{\"dtype\":\"BOOL\",\"shape\":[0],\"data_offsets\":[0,0]},"
                        "\"d\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,0],\"data_offsets\":[0,0]},"
                        "\"visual.position_ids\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[0,0]},"
                        "\"logit_scale\":{\"dtype\":\"F64\",\"shape\":[0],\"data_offsets\":[0,0]},"
                        "\"__metadata__\":{\"format\":\"pt\"},");
    assert_int_equal(open_scratch(&m, &err), CSG_OK);
    assert_int_equal(n_logs, 1);
    assert_string_equal(last_log, "4 tensors of the checkpoint are not used: a, b, c, ...");
    csg_model_close(&m);
}

/* What most checkpoints lack; where it is there it must be right. */
static void test_optional_tensor(void **state)
{
    (void)state;
    struct csg_model *m;
    struct csg_error err = {0};
    write_tiny_model();
    assert_int_equal(open_scratch(&m, &err), CSG_OK);
    assert_null(m->vision_explain.data);
    csg_model_close(&m);
    write_weights(NULL, "\"visual.proj_explain\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[0,0]},");
    refuse("visual.proj_explain has shape [0, 3], not [8, 3]");
    write_weights(NULL, "\"visual.proj_explain\":{\"dtype\":\"I32\",\"shape\":[0],\"data_offsets\":[0,0]},");
    refuse("the tensor visual.proj_explain is of type I32");
}

static void test_hostile_headers(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "JSON"},
        {"[]", "no JSON object"},
        {"{\"a\":1}", "dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{}}", "JSON"},
        {"{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", "dtype"},
        {"{\"a\":{\"dtype\":\"A_VERY_LONG_TYPE\",\"shape\":[1],\"data_offsets\":[0,4]}}", "dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,4]}}", "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "side 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", "side 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,1],\"data_offsets\":[0,4]}}", "side 1"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,4]}}", "elements"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", "JSON"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", "data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", "data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "2 elements"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[16],\"data_offsets\":[0,64]}}", "of which there are only 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[9223372036854775807,9223372036854775807]}}", "only 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_"
         "offsets\":[3,7]}}",
         "overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[[[[[1]]]]],\"data_offsets\":[0,4]}}", "deeper"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "lacks the tensor visual.conv1.weight"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "the tensors end at byte 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "4 bytes before the tensor a"},
        {"{}", "the tensors end at byte 0"},
        {"{\"a\":NaN}", "JSON"},
    };
    write_tiny_model();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes file = make_safetensors(cases[i][0], 8);
        scratch_write("open_clip_model.safetensors", file.data, file.count);
        free(file.data);
        refuse(cases[i][1]);
    }
    /* A header of brackets or of commas alone. */
    char *bomb = malloc(3000001);
    assert_non_null(bomb);
    for (int i = 0; i < 2; i++) {
        memset(bomb, i ? ',' : '[', 3000000);
        bomb[3000000] = 0;
        struct bytes file = make_safetensors(bomb, 0);
        scratch_write("open_clip_model.safetensors", file.data, file.count);
        free(file.data);
        refuse(i ? "values" : "deeper");
    }
    free(bomb);
    /* Lengths of the header that the file does not have. */
    static const uint64_t lengths[] = {0, 1, 8, 100, 0x7FFFFFFF, 104857601, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct bytes file = make_safetensors("{}", 4);
        for (int b = 0; b < 8; b++)
            file.data[b] = (uint8_t)(lengths[i] >> 8 * b);
        scratch_write("open_clip_model.safetensors", file.data, file.count);
        free(file.data);
        refuse("");
    }
}

static void test_truncated(void **state)
{
    (void)state;
    write_tiny_model();
    struct bytes whole = make_tiny_model(NULL, NULL);
    for (size_t n = 0; n < whole.count; n += n < 40 ? 1 : 97) {
        scratch_write("open_clip_model.safetensors", whole.data, n);
        refuse("");
    }
    scratch_write("open_clip_model.safetensors", whole.data, whole.count - 1);
    refuse("of which there are only");
    free(whole.data);
}

/* The tiny configuration with one part replaced. */
static void refuse_config(const char *old, const char *new, const char *part)
{
    char text[2048];
    const char *at = strstr(tiny_config, old);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - tiny_config), tiny_config, new, at + strlen(old));
    scratch_write_text("open_clip_config.json", text);
    refuse(part);
}

static void test_configs(void **state)
{
    (void)state;
    write_tiny_model();
    refuse_config("\"layers\":2", "\"layers\":[3,4,6,3]", "patches of 32 do not divide the image_size of 4");
    refuse_config("\"layers\":2", "\"layers\":2,\"timm_model_name\":\"vit\"", "timm");
    refuse_config("\"layers\":2", "\"layers\":2,\"pool_type\":\"avg\"", "class token");
    refuse_config("\"heads\":2", "\"heads\":2,\"hf_model_name\":\"roberta\"", "Hugging Face text towers");
    refuse_config("\"heads\":2", "\"heads\":2,\"no_causal_mask\":true", "SigLIP");
    refuse_config("\"quick_gelu\":true", "\"init_logit_bias\":-10", "SigLIP");
    refuse_config("\"quick_gelu\":true", "\"quick_gelu\":1", "quick_gelu");
    refuse_config("\"layers\":2", "\"layers\":[3,4,6]", "layers is not four whole numbers");
    refuse_config("\"layers\":2", "\"layers\":[3,4,6,0]", "layers is not four whole numbers");
    refuse_config("\"layers\":2", "\"layers\":0", "layers");
    refuse_config("\"layers\":2", "\"layers\":257", "layers");
    refuse_config("\"layers\":2", "\"layers\":1", "says 1 layers");
    refuse_config("\"layers\":2", "\"layers\":3", "lacks the tensor visual.transformer.resblocks.2");
    refuse_config("\"layers\":2", "\"layers\":2.0", "layers");
    refuse_config("\"layers\":2", "\"layers\":NaN", "JSON");
    refuse_config("\"layers\":2", "\"layers\":1e400", "JSON");
    refuse_config("\"layers\":2", "\"layers\":99999999999999999999999", "JSON");
    refuse_config("\"layers\":2", "\"layers\":-9223372036854775808", "layers");
    refuse_config("\"layers\":2,", "", "layers");
    refuse_config("\"head_width\":4", "\"head_width\":3", "do not divide");
    refuse_config("\"heads\":2", "\"heads\":4", "do not divide");
    refuse_config("\"patch_size\":2", "\"patch_size\":3", "do not divide");
    refuse_config("\"patch_size\":2", "\"patch_size\":1", "visual.conv1.weight has shape [8, 3, 2, 2], not [8, 3, 1, 1]");
    refuse_config("\"image_size\":4", "\"image_size\":[4,6]", "image_size");
    refuse_config("\"image_size\":4", "\"image_size\":6", "visual.positional_embedding has shape [5, 8], not [10, 8]");
    refuse_config("\"embed_dim\":3", "\"embed_dim\":4", "visual.proj has shape [8, 3], not [8, 4]");
    refuse_config("\"context_length\":5", "\"context_length\":6", "positional_embedding has shape [5, 6], not [6, 6]");
    refuse_config("\"vocab_size\":514", "\"vocab_size\":515", "token_embedding.weight");
    refuse_config("\"width\":8", "\"width\":16", "visual.conv1.weight has shape");
    refuse_config("\"text_cfg\"", "\"text\"", "no text_cfg");
    refuse_config("\"model_cfg\"", "\"model\"", "no model_cfg");
    refuse_config("{\"model_cfg\"", "{\"preprocess_cfg\":{\"std\":[0,1,1]},\"model_cfg\"", "std");
    refuse_config("{\"model_cfg\"", "{\"preprocess_cfg\":{\"mean\":[1,1]},\"model_cfg\"", "mean");
    refuse_config("{\"model_cfg\"", "{\"preprocess_cfg\":{\"mean\":[1,1,\"a\"]},\"model_cfg\"", "mean");
    char deep[300];
    memset(deep, '[', sizeof deep);
    deep[sizeof deep - 1] = 0;
    scratch_write_text("open_clip_config.json", deep);
    refuse("deeper");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demo_model),      cmocka_unit_test(test_tiny_model), cmocka_unit_test(test_sizes_from_tensors),
        cmocka_unit_test(test_folders),         cmocka_unit_test(test_tensors),    cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_optional_tensor), cmocka_unit_test(test_truncated),  cmocka_unit_test(test_configs),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
