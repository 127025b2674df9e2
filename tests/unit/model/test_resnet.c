/* Where the tensors of a ResNet belong, and what is said of those that do not fit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "scratch.h"

static const char *const files[] = {"open_clip_config.json", "open_clip_model.safetensors", "vocab.json", "merges.txt"};

static void copy_all(void)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        snprintf(path, sizeof path, "open-clip-resnet/%s", files[i]);
        scratch_copy(path, files[i]);
    }
}

static void refuse(const char *part)
{
    struct csg_model *model;
    struct csg_error err = {0};
    assert_int_equal(csg_model_open(&model, scratch_folder(), NULL, &err), CSG_ERROR_MODEL);
    assert_null(model);
    if (!strstr(err.sentence, part))
        fail_msg("'%s' is not in: %s", part, err.sentence);
}

/* One of the files with one part replaced by another as long, opened and refused; then whole again. */
static void refuse_edited(const char *file, const char *old, const char *new, const char *part)
{
    char path[128];
    snprintf(path, sizeof path, "open-clip-resnet/%s", file);
    struct bytes whole = read_layout(path);
    size_t n = strlen(old), at = 0;
    assert_int_equal(strlen(new), n);
    while (at + n <= whole.count && memcmp(whole.data + at, old, n) != 0)
        at++;
    if (at + n > whole.count)
        fail_msg("%s is not in %s", old, file);
    memcpy(whole.data + at, new, n);
    scratch_write(file, whole.data, whole.count);
    free(whole.data);
    refuse(part);
    scratch_copy(path, file);
}

static void test_sizes(void **state)
{
    (void)state;
    static const size_t stages[4] = {1, 2, 1, 2}, strides[6] = {1, 2, 1, 2, 2, 1};
    struct csg_model *m;
    copy_all();
    assert_int_equal(csg_model_open(&m, scratch_folder(), NULL, NULL), CSG_OK);
    assert_int_equal(m->architecture, CSG_RESNET);
    assert_string_equal(csg_model_architecture(m), "ResNet");
    assert_memory_equal(m->resnet.stages, stages, sizeof stages);
    assert_int_equal(m->resnet.width, 4);
    assert_int_equal(m->resnet.n_blocks, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(m->resnet.blocks[i].stride, strides[i]);
        assert_int_equal(m->resnet.blocks[i].down.weight.data != NULL, i != 2 && i != 5);
    }
    assert_int_equal(m->image_px, 96);
    assert_int_equal(m->patch_px, 32);
    assert_int_equal(m->grid, 3);
    assert_int_equal(m->vision.width, 128);
    assert_int_equal(m->vision.heads, 2);
    assert_int_equal(m->vision.layers, 1);
    assert_int_equal(m->embed_dim, 24);
    assert_int_equal(csg_model_parameters(m), 195162);
    csg_model_close(&m);
}

static void test_refused(void **state)
{
    (void)state;
    copy_all();
    refuse_edited("open_clip_model.safetensors", "visual.layer4.1.bn2.running_var", "visual.layer4.1.bn2.running_rav",
                  "lacks the tensor visual.layer4.1.bn2.running_var");
    refuse_edited("open_clip_model.safetensors", "visual.layer2.0.downsample.0", "visual.layer2.0.downsample.9",
                  "lacks the tensor visual.layer2.0.downsample.0.weight");
    refuse_edited("open_clip_model.safetensors", "\"shape\":[24,128]", "\"shape\":[12,256]",
                  "visual.attnpool.c_proj.weight has shape [12, 256], not [24, 128]");
    refuse_edited("open_clip_config.json", "\"width\": 4", "\"width\": 6",
                  "visual.conv1.weight has shape [2, 3, 3, 3], not [3, 3, 3, 3]");
    refuse_edited("open_clip_config.json", "\"width\": 4", "\"width\": 3",
                  "heads of 64 do not divide the image tower's width of 96");
    refuse_edited("open_clip_config.json", "\"image_size\": 96", "\"image_size\": 64", "[10, 128], not [5, 128]");
    refuse_edited("open_clip_config.json", "\"image_size\": 96", "\"image_size\": 95", "patches of 32 do not divide");
    char path[128];
    snprintf(path, sizeof path, "open-clip/%s", files[0]);
    scratch_copy(path, files[0]);
    refuse("the checkpoint is a ResNet's");
    copy_all();
    scratch_copy("open-clip/open_clip_model.safetensors", files[1]);
    refuse("lacks the tensor visual.layer1.0.conv1.weight");
}

static void test_stages(void **state)
{
    (void)state;
    copy_all();
    struct bytes whole = read_layout("open-clip-resnet/open_clip_config.json");
    char *text = calloc(1, whole.count + 1), *at;
    assert_non_null(text);
    memcpy(text, whole.data, whole.count);
    at = strstr(text, "1,\n    2\n   ]"); /* of the third and the fourth */
    if (!at)
        fail_msg("no stages in %s", text);
    *at = '3';
    scratch_write_text("open_clip_config.json", text);
    refuse("stage 3 of the ResNet has 1 blocks in the checkpoint, not as many as the configuration says");
    free(text);
    free(whole.data);
}

/* Cut anywhere, the file is refused with a sentence. */
static void test_cut(void **state)
{
    (void)state;
    copy_all();
    struct bytes whole = read_layout("open-clip-resnet/open_clip_model.safetensors");
    for (size_t n = 0; n < whole.count; n += n < 16 ? 1 : 4999) {
        scratch_write("open_clip_model.safetensors", whole.data, n);
        refuse("");
    }
    free(whole.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_stages), cmocka_unit_test(test_cut)};
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
