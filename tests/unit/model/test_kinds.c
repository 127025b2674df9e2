/* Which folders and files are models, in which layout, and what their configurations say. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "model/labels.h"
#include "model/model.h"
#include "model/tokenizer.h"
#include "scratch.h"

static void refuse_at(const char *path, const char *part)
{
    struct csg_model *model;
    struct csg_error err = {0};
    assert_int_equal(csg_model_open(&model, path, NULL, &err), CSG_ERROR_MODEL);
    assert_null(model);
    if (!strstr(err.sentence, part))
        fail_msg("'%s' is not in: %s", part, err.sentence);
}

static void refuse(const char *part)
{
    refuse_at(scratch_folder(), part);
}

static struct csg_model *open_scratch(void)
{
    struct csg_model *model;
    struct csg_error err = {0};
    if (csg_model_open(&model, scratch_folder(), NULL, &err) != CSG_OK)
        fail_msg("%s", err.sentence);
    return model;
}

static const char *const sharded[] = {"config.json",
                                      "preprocessor_config.json",
                                      "model.safetensors.index.json",
                                      "model-00001-of-00003.safetensors",
                                      "model-00002-of-00003.safetensors",
                                      "model-00003-of-00003.safetensors",
                                      "tokenizer.json"};
#define N_SHARDED (sizeof sharded / sizeof sharded[0])

static void copy_sharded(void)
{
    for (size_t i = 0; i < N_SHARDED; i++) {
        char path[128];
        snprintf(path, sizeof path, "hugging-face-shards/%s", sharded[i]);
        scratch_copy(path, sharded[i]);
    }
}

static void clear(void)
{
    static const char *const more[] = {"open_clip_model.safetensors",
                                       "open_clip_config.json",
                                       "vocab.json",
                                       "merges.txt",
                                       "model.safetensors",
                                       "a.pt",
                                       "b.pt",
                                       "pytorch_model.bin"};
    for (size_t i = 0; i < N_SHARDED; i++)
        scratch_remove(sharded[i]);
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        scratch_remove(more[i]);
}

/* Writes a file of the sharded checkpoint with one part replaced. */
static void edit(const char *file, const char *old, const char *new)
{
    char path[128];
    snprintf(path, sizeof path, "hugging-face-shards/%s", file);
    struct bytes whole = read_layout(path);
    char *text = calloc(1, whole.count + strlen(new) + 1), *at;
    assert_non_null(text);
    memcpy(text, whole.data, whole.count);
    at = strstr(text, old);
    if (!at)
        fail_msg("%s is not in %s", old, file);
    size_t tail = strlen(at + strlen(old)) + 1;
    memmove(at + strlen(new), at + strlen(old), tail);
    memcpy(at, new, strlen(new));
    scratch_write_text(file, text);
    free(text);
    free(whole.data);
}

static void test_hugging_face(void **state)
{
    (void)state;
    copy_sharded();
    struct csg_model *m = open_scratch();
    assert_int_equal(m->n_files, 3);
    assert_int_equal(m->image_px, 32);
    assert_int_equal(m->patch_px, 8);
    assert_int_equal(m->vision.width, 24);
    assert_int_equal(m->vision.heads, 3);
    assert_int_equal(m->vision.mlp_width, 56);
    assert_int_equal(m->vision.layers, 3);
    assert_int_equal(m->text.width, 16);
    assert_int_equal(m->text.mlp_width, 40);
    assert_int_equal(m->embed_dim, 20);
    assert_int_equal(m->context, 18);
    assert_false(m->quick_gelu);
    assert_false(m->proj_transposed);
    assert_true(m->layer_norm_eps == 1e-4f);
    assert_true(m->mean[0] == 0.5f && m->std[2] == 0.2f);
    assert_int_equal(m->vision.blocks[1].k_weight.dtype, CSG_BF16);
    char hex[65];
    assert_int_equal(csg_model_sha256(m, hex, NULL), CSG_OK);
    assert_int_equal(strlen(hex), 64);
    csg_model_close(&m);

    edit("preprocessor_config.json", "\"do_normalize\": true", "\"do_normalize\": false");
    m = open_scratch();
    assert_true(m->mean[0] == 0.0f && m->std[2] == 1.0f);
    csg_model_close(&m);
    scratch_remove("preprocessor_config.json");
    m = open_scratch();
    assert_true(m->mean[0] == 0.48145466f && m->std[2] == 0.27577711f);
    csg_model_close(&m);
    edit("preprocessor_config.json", "0.25", "0");
    refuse("image_std is not three numbers");
    clear();
}

static void test_configs(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"\"model_type\": \"clip\",\n  \"proj", "\"model_type\": \"siglip\",\n  \"proj", "SigLIP models have no class token"},
        {"\"model_type\": \"clip\",\n  \"proj", "\"model_type\": \"siglip2\",\n  \"proj", "SigLIP models have no class token"},
        {"\"model_type\": \"clip\",\n  \"proj", "\"model_type\": \"clip_vision_model\",\n  \"proj", "an image tower alone"},
        {"\"model_type\": \"clip\",\n  \"proj", "\"model_type\": \"bert\",\n  \"proj", "model_type is bert, not clip"},
        {"\"model_type\": \"clip\",\n  \"proj", "\"model_type\": 7,\n  \"proj", "model_type is no string"},
        {"\"hidden_act\": \"gelu\"", "\"hidden_act\": \"gelu_new\"", "hidden_act is gelu_new, not"},
        {"\"hidden_act\": \"gelu\"", "\"hidden_act\": \"quick_gelu\"", "towers with different hidden_act"},
        {"\"hidden_act\": \"gelu\"", "\"hidden_act\": null", "towers with different hidden_act"},
        {"\"layer_norm_eps\": 0.0001", "\"layer_norm_eps\": 0.001", "towers with different layer_norm_eps"},
        {"\"layer_norm_eps\": 0.0001", "\"layer_norm_eps\": -1", "layer_norm_eps is not a number"},
        {"\"num_attention_heads\": 2", "\"num_attention_heads\": 3", "3 heads do not divide"},
        {"\"num_attention_heads\": 3", "\"num_attention_heads\": 0", "num_attention_heads"},
        {"\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2", "says 2 layers"},
        {"\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", "lacks the tensor vision_model.encoder.layers.3"},
        {"\"num_hidden_layers\": 3,", "", "lacks the tensor vision_model.encoder.layers.3"},
        {"\"hidden_size\": 24,", "",
         "vision_model.embeddings.patch_embedding.weight has shape [24, 3, 8, 8], not [768, 3, 8, 8]"},
        {"\"patch_size\": 8", "\"patch_size\": 7", "patches of 7 do not divide"},
        {"\"image_size\": 32", "\"image_size\": 40", "position_embedding.weight has shape [17, 24], not [26, 24]"},
        {"\"num_channels\": 3", "\"num_channels\": 4", "num_channels"},
        {"\"projection_dim\": 20,\n  \"text", "\"projection_dim\": 21,\n  \"text",
         "visual_projection.weight has shape [20, 24], not [21, 24]"},
        {"\"vision_config\": {", "\"vision_config\": 5, \"other\": {", "vision_config is no object"},
        {"\"vision_config\": {", "\"vision_config\": {}, \"other\": {", "towers with different hidden_act"},
        {"{", "[", "JSON"},
    };
    copy_sharded();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        edit("config.json", cases[i][0], cases[i][1]);
        refuse(cases[i][2]);
    }
    /* A section that stands there twice: the one called _dict counts. */
    edit("config.json", "\"vision_config\": {", "\"vision_config\": {\"hidden_size\": 999}, \"vision_config_dict\": {");
    struct csg_model *m = open_scratch();
    assert_int_equal(m->vision.width, 24);
    csg_model_close(&m);
    edit("config.json", "\"vision_config\": {", "\"vision_config_dict\": null, \"vision_config\": {");
    m = open_scratch();
    csg_model_close(&m);
    scratch_remove("config.json");
    refuse("holds no config.json");
    clear();
}

static void test_shards(void **state)
{
    (void)state;
    static const char name[] = "\"model-00001-of-00003.safetensors\"";
    copy_sharded();
    edit("model.safetensors.index.json", name, "\"../model-00001-of-00003.safetensors\"");
    refuse("which is not a file beside it");
    edit("model.safetensors.index.json", name, "\"/etc/passwd\"");
    refuse("which is not a file beside it");
    edit("model.safetensors.index.json", name, "7");
    refuse("(no string)");
    edit("model.safetensors.index.json", name, "\"absent.safetensors\"");
    refuse("absent.safetensors cannot be opened");
    edit("model.safetensors.index.json", "weight_map", "other");
    refuse("has no weight_map");
    scratch_copy("hugging-face-shards/model.safetensors.index.json", "model.safetensors.index.json");
    scratch_copy("hugging-face-shards/model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors");
    refuse("twice");
    /* Both there: the file alone counts. */
    scratch_copy("hugging-face/model.safetensors", "model.safetensors");
    scratch_copy("hugging-face/config.json", "config.json");
    struct csg_model *m = open_scratch();
    assert_int_equal(m->vision.width, 64);
    assert_true(m->quick_gelu);
    csg_model_close(&m);
    clear();
}

static void test_recognised(void **state)
{
    (void)state;
    clear();
    refuse("holds no model: neither open_clip_model.safetensors with open_clip_config.json, nor model.safetensors");
    scratch_write_text("pytorch_model.bin", "\x80\x02.");
    refuse("pytorch_model.bin is a Python pickle, which runs code as it is read");
    refuse("weights_only=True");
    refuse_at(scratch_path("pytorch_model.bin"), "is a Python pickle");
    /* Under another name it is one still, as an archive or bare. */
    scratch_copy("hugging-face/config.json", "config.json");
    scratch_copy("openai/ViT-tiny.pt", "model.safetensors");
    refuse("model.safetensors is a Python pickle, which runs code as it is read");
    scratch_write_text("model.safetensors", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9");
    refuse("model.safetensors is a Python pickle, which runs code as it is read");
    scratch_write_text("model.safetensors", "no weights at all");
    refuse("no safetensors file");
    scratch_remove("model.safetensors");
    scratch_remove("config.json");
    scratch_copy("openai/ViT-tiny.pt", "a.pt");
    struct csg_model *m = open_scratch();
    assert_true(m->quick_gelu);
    assert_true(m->proj_transposed);
    assert_int_equal(m->image_px, 48);
    assert_int_equal(m->patch_px, 8);
    assert_int_equal(m->vision.layers, 2);
    assert_int_equal(m->vision.heads, 1);
    assert_int_equal(m->text.layers, 1);
    assert_int_equal(m->text.heads, 1);
    assert_int_equal(m->embed_dim, 64);
    assert_int_equal(m->vision.blocks[0].q_weight.dtype, CSG_F16);
    assert_int_equal(m->vision.blocks[0].ln_1.weight.dtype, CSG_F32);
    csg_model_close(&m);
    struct csg_error err = {0};
    assert_int_equal(csg_model_open(&m, scratch_path("a.pt"), NULL, &err), CSG_OK);
    assert_string_equal(m->name, "a.pt");
    csg_model_close(&m);
    scratch_copy("openai/ViT-tiny.pt", "b.pt");
    refuse("holds 2 files *.pt, among them a.pt and b.pt");
    scratch_remove("b.pt");
    scratch_write_text("a.pt", "\x80\x02}q\x00.");
    refuse("is no TorchScript archive as OpenAI publishes them");
    scratch_write_text("a.pt", "PK\003\004 and nothing more");
    refuse("is no TorchScript archive, or a damaged one");
    refuse_at(scratch_path("scratch.txt"), "there is no model");
    scratch_write_text("a.pt", "");
    refuse("is empty");
    /* open_clip's comes first. */
    write_tiny_model();
    m = open_scratch();
    assert_int_equal(m->vision.width, 8);
    csg_model_close(&m);
    refuse_at(scratch_path("merges.txt"), "is a file; a model is a folder with");
    clear();
}

/* An archive as Python's torch.save makes it, of a program and one storage. */
static void write_archive(const char *program, size_t bytes, const char *prefix, zip_int32_t method)
{
    int reason;
    char name[64];
    scratch_remove("a.pt");
    zip_t *zip = zip_open(scratch_path("a.pt"), ZIP_CREATE, &reason);
    assert_non_null(zip);
    static const float values[4] = {1, 2, 3, 4};
    snprintf(name, sizeof name, "%sdata.pkl", prefix);
    zip_int64_t at = zip_file_add(zip, name, zip_source_buffer(zip, program, bytes, 0), 0);
    assert_int_equal(zip_set_file_compression(zip, (zip_uint64_t)at, method, 0), 0);
    snprintf(name, sizeof name, "%sdata/0", prefix);
    at = zip_file_add(zip, name, zip_source_buffer(zip, values, sizeof values, 0), 0);
    assert_int_equal(zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0), 0);
    assert_int_equal(zip_close(zip), 0);
}

/* A module with the tensor `w`: shape, strides and offset as pickled numbers, the storage's size and key. */
#define MODULE(offset, shape, strides, held, key)                                                                                \
    "\x80\x02"                                                                                                                   \
    "c__torch__\nM\n)\x81}(X\x01\x00\x00\x00w"                                                                                   \
    "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n" key "X\x03\x00\x00\x00"                \
    "cpu" held "tQ" offset "(" shape "t(" strides "t\x89"                                                                        \
    "ccollections\nOrderedDict\n)Rt"                                                                                             \
    "Rub."
#define KEY                                                                                                                      \
    "X\x01\x00\x00\x00"                                                                                                          \
    "0"

static void test_archives(void **state)
{
    (void)state;
#define TRY(program, part)                                                                                                       \
    do {                                                                                                                         \
        write_archive(program, sizeof(program) - 1, "m/", ZIP_CM_STORE);                                                         \
        refuse(part);                                                                                                            \
    } while (0)
    /* What is right is read: only the tensors of a model are missing. */
    TRY(MODULE("K\x00", "K\x02K\x02", "K\x02K\x01", "K\x04", KEY), "lacks the tensor visual.conv1.weight");
    TRY(MODULE("K\x01", "K\x03K\x01", "K\x01K\x07", "K\x04", KEY), "lacks the tensor visual.conv1.weight");
    TRY(MODULE("K\x00", "", "", "K\x04", KEY), "lacks the tensor visual.conv1.weight");
    TRY(MODULE("K\x00", "K\x02K\x02", "K\x01K\x02", "K\x04", KEY), "is not contiguous");
    TRY(MODULE("K\x00", "K\x02K\x02", "K\x02", "K\x04", KEY), "has no valid shape");
    TRY(MODULE("K\x00", "K\x05", "K\x01", "K\x04", KEY), "reaches beyond its storage");
    TRY(MODULE("K\x01", "K\x04", "K\x01", "K\x04", KEY), "reaches beyond its storage");
    TRY(MODULE("J\xFF\xFF\xFF\xFF", "K\x01", "K\x01", "K\x04", KEY), "reaches beyond its storage");
    TRY(MODULE("\x8A\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", "K\x01", "K\x01", "K\x04", KEY), "reaches beyond its storage");
    TRY(MODULE("K\x00", "\x8A\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7FJ\x00\x00\x00\x40", "J\x00\x00\x00\x40K\x01", "K\x04", KEY),
        "larger than memory");
    TRY(MODULE("K\x00", "J\xFE\xFF\xFF\xFF", "K\x01", "K\x04", KEY), "not a size");
    TRY(MODULE("K\x00", "K\x02", "K\x01", "K\x05", KEY), "storage that is cut off");
    TRY(MODULE("K\x00", "K\x02", "K\x01", "K\x04",
               "X\x01\x00\x00\x00"
               "1"),
        "holds no file m/data/1");
    TRY(MODULE("K\x00", "K\x02", "K\x01", "K\x04",
               "X\x04\x00\x00\x00"
               "../0"),
        "a storage that is not a number");
    TRY(MODULE("K\x00", "K\x02", "K\x01", "K\x04", "K\x00"), "no valid storage");
    TRY("\x80\x02}.", "holds tensors without a module");
    TRY("\x80\x02"
        "cos\nsystem\n.",
        "asks for os.system");
    /* Modules that hold each other end somewhere; so do those that are shared again and again. */
    TRY("\x80\x02"
        "c__torch__\nM\n)\x81q\x00}(X\x01\x00\x00\x00mh\x00ub.",
        "nested too deep");
    TRY("\x80\x02"
        "c__torch__\nM\n)\x81}(X\x02\x00\x00\x00m\x00K\x01ub.",
        "has no valid name");
    write_archive("\x80\x02N.", 4, "m/", ZIP_CM_DEFLATE);
    struct csg_model *model;
    struct csg_error err = {0};
    assert_int_equal(csg_model_open(&model, scratch_folder(), NULL, &err), CSG_ERROR_MODEL);
    write_archive("\x80\x02N.", 4, "", ZIP_CM_STORE);
    refuse("holds no data.pkl");
    char *text = calloc(1, 3000); /* long enough that libzip compresses it */
    assert_non_null(text);
    write_archive(text, 3000, "m/", ZIP_CM_DEFLATE);
    refuse("is compressed or encrypted");
    free(text);
    clear();
}

static void test_tokenizer_json(void **state)
{
    (void)state;
    struct csg_tokenizer *tokenizer;
    struct csg_error err = {0};
    int32_t ids[2][20];
    size_t count[2], cut;
    scratch_copy("hugging-face/tokenizer.json", "tokenizer.json");
    for (size_t i = 0; i < 2; i++) { /* vocab.json and merges.txt come first */
        if (i) {
            scratch_copy("open-clip/vocab.json", "vocab.json");
            scratch_copy("open-clip/merges.txt", "merges.txt");
            scratch_write_text("tokenizer.json", "{}");
        }
        assert_int_equal(csg_tokenizer_create(&tokenizer, scratch_folder(), 600, &err), CSG_OK);
        assert_int_equal(csg_tokenize(tokenizer, "two cats, sleeping on a person's dog", 20, ids[i], &count[i], &cut, &err),
                         CSG_OK);
        csg_tokenizer_destroy(&tokenizer);
    }
    assert_int_equal(count[0], count[1]);
    assert_memory_equal(ids[0], ids[1], count[0] * sizeof ids[0][0]);
    clear();

    static const char *const cases[][2] = {
        {"{}", "is not a byte-pair encoding as CLIP's"},
        {"{\"model\":{\"type\":\"Unigram\",\"end_of_word_suffix\":\"</w>\",\"vocab\":{},\"merges\":[]}}", "is not a byte-pair"},
        {"{\"model\":{\"type\":\"BPE\",\"end_of_word_suffix\":null,\"vocab\":{},\"merges\":[]}}", "is not a byte-pair"},
        {"{\"model\":{\"end_of_word_suffix\":\"</w>\",\"vocab\":{},\"merges\":[\"a b\",\"ab\"]}}", "two parts"},
        {"{\"model\":{\"end_of_word_suffix\":\"</w>\",\"vocab\":{},\"merges\":[[\"a\",7]]}}", "merge 0 is not two parts"},
        {"{\"model\":{\"end_of_word_suffix\":\"</w>\",\"vocab\":{},\"merges\":[[\"a\",\"b\",\"c\"]]}}",
         "merge 0 is not two parts"},
        {"{\"model\":{\"end_of_word_suffix\":\"</w>\",\"vocab\":{},\"merges\":[\"a\\nb c\"]}}", "merge 0 is not two parts"},
        {"{\"model\":{\"end_of_word_suffix\":\"</w>\",\"vocab\":{},\"merges\":[]}}", "lacks the token <|startoftext|>"},
        {"{\"added_tokens\":[{\"id\":0,\"content\":\"<|startoftext|>\"}],\"model\":{\"end_of_word_suffix\":\"</w>\",\"vocab\":{},"
         "\"merges\":[]}}",
         "lacks the token <|endoftext|>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scratch_write_text("tokenizer.json", cases[i][0]);
        assert_int_equal(csg_tokenizer_create(&tokenizer, scratch_folder(), 600, &err), CSG_ERROR_MODEL);
        if (!strstr(err.sentence, cases[i][1]))
            fail_msg("'%s' is not in: %s", cases[i][1], err.sentence);
    }
    clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hugging_face), cmocka_unit_test(test_configs),  cmocka_unit_test(test_shards),
        cmocka_unit_test(test_recognised),   cmocka_unit_test(test_archives), cmocka_unit_test(test_tokenizer_json),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
