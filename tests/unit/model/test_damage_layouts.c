/* Damaged files of Hugging Face's and OpenAI's layouts: each is read or refused with a sentence. The sanitizers see the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "damage.h"
#include "model/model.h"
#include "model/tokenizer.h"
#include "model/torch_archive.h"
#include "scratch.h"

#define ROUNDS 1500

static size_t accepted, refused;

/* Every byte of what was accepted must lie inside the file. */
static void touch(const struct csg_tensor *tensor)
{
    float *values = calloc(tensor->elements, sizeof *values);
    assert_non_null(values);
    csg_tensor_to_f32(tensor, values);
    free(values);
}

static void try_model(void)
{
    struct csg_model *model;
    struct csg_error err = {0};
    int status = csg_model_open(&model, scratch_folder(), NULL, &err);
    assert_true(status == CSG_OK || status == CSG_ERROR_MODEL);
    if (status) {
        refused++;
        assert_null(model);
        assert_true(strlen(err.sentence) > 10);
        return;
    }
    accepted++;
    touch(&model->token_embedding);
    touch(&model->vision.blocks[model->vision.layers - 1].proj_weight);
    csg_model_close(&model);
}

/* An archive in a block of its own size, so that a byte too far is seen. */
static void try_archive(const uint8_t *data, size_t bytes)
{
    struct csg_tensors tensors = {0};
    struct csg_error err = {0};
    uint8_t *block = malloc(bytes ? bytes : 1);
    assert_non_null(block);
    memcpy(block, data, bytes);
    const struct csg_mapped file = {.data = block, .bytes = bytes};
    int status = csg_torch_archive_read(&tensors, &file, "archive.pt", &err);
    assert_true(status == CSG_OK || status == CSG_ERROR_MODEL);
    if (status)
        assert_true(strlen(err.sentence) > 10);
    for (size_t i = 0; i < tensors.count && !status; i++)
        if (tensors.items[i].readable)
            touch(&tensors.items[i].tensor);
    *(status ? &refused : &accepted) += 1;
    csg_tensors_free(&tensors);
    free(block);
}

static size_t find(const struct bytes *file, const char *text, size_t from)
{
    size_t length = strlen(text);
    for (size_t i = from; i + length <= file->count; i++)
        if (memcmp(file->data + i, text, length) == 0)
            return i;
    fail_msg("%s is not in the file", text);
    return 0;
}

static void test_archive(void **state)
{
    (void)state;
    struct bytes whole = read_layout("openai/ViT-tiny.pt"), copy = {malloc(whole.count), 0};
    size_t program = find(&whole, "data.pkl", 0), first = find(&whole, "conv1", program);
    size_t directory = find(&whole, "PK\001\002", 0);
    /* where the damage goes: the program of names and shapes, its first tensors, the directory, anywhere */
    const size_t places[][2] = {
        {program, 24000}, {first, 400}, {directory, whole.count - directory}, {whole.count - 120, 120}, {0, whole.count}};
    assert_non_null(copy.data);
    accepted = refused = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        const size_t *place = places[i % (sizeof places / sizeof places[0])];
        memcpy(copy.data, whole.data, whole.count);
        copy.count = whole.count;
        damage(&copy, place[0], place[1]);
        try_archive(copy.data, copy.count);
    }
    print_message("%zu read, %zu refused\n", accepted, refused);
    assert_true(accepted > 20 && refused > ROUNDS / 5);
    free(whole.data);
    free(copy.data);
}

static void test_archive_cut(void **state)
{
    (void)state;
    struct bytes whole = read_layout("openai/ViT-tiny.pt");
    size_t directory = find(&whole, "PK\001\002", 0);
    accepted = 0;
    for (size_t n = 0; n < whole.count; n += n < 64 ? 1 : n < directory ? 9973 : 61)
        try_archive(whole.data, n);
    for (size_t n = whole.count - 30; n < whole.count; n++)
        try_archive(whole.data, n);
    assert_int_equal(accepted, 0);
    try_archive(whole.data, whole.count);
    assert_int_equal(accepted, 1);
    free(whole.data);
}

/* Damages one file of the folder, over and over, and puts it back. */
static void damage_file(const char *path, const char *name, size_t from, size_t reach, size_t rounds)
{
    struct bytes whole = read_layout(path), copy = {malloc(whole.count), 0};
    assert_non_null(copy.data);
    for (size_t i = 0; i < rounds; i++) {
        memcpy(copy.data, whole.data, whole.count);
        copy.count = whole.count;
        damage(&copy, from, reach < whole.count ? reach : whole.count);
        scratch_write(name, copy.data, copy.count);
        try_model();
    }
    for (size_t n = 0; n < whole.count && n < reach; n += 1 + reach / 300) {
        scratch_write(name, whole.data, n);
        try_model();
    }
    scratch_write(name, whole.data, whole.count);
    free(whole.data);
    free(copy.data);
}

static void test_hugging_face(void **state)
{
    (void)state;
    static const char *const files[] = {"model-00001-of-00003.safetensors",
                                        "model-00002-of-00003.safetensors",
                                        "model-00003-of-00003.safetensors",
                                        "model.safetensors.index.json",
                                        "config.json",
                                        "preprocessor_config.json"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "hugging-face-shards/%s", files[i]);
        scratch_copy(path, files[i]);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "hugging-face-shards/%s", files[i]);
        accepted = refused = 0;
        damage_file(path, files[i], 0, i < 3 ? 6000 : SIZE_MAX, i < 3 ? ROUNDS / 3 : ROUNDS / 2);
        print_message("%s: %zu read, %zu refused\n", files[i], accepted, refused);
        assert_true(refused > 100);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        scratch_remove(files[i]);
}

static void test_tokenizer(void **state)
{
    (void)state;
    struct bytes whole = read_layout("hugging-face/tokenizer.json"), copy = {malloc(whole.count), 0};
    assert_non_null(copy.data);
    accepted = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        struct csg_tokenizer *tokenizer;
        struct csg_error err = {0};
        int32_t ids[20];
        size_t count, cut;
        memcpy(copy.data, whole.data, whole.count);
        copy.count = whole.count;
        if (i % 4)
            damage(&copy, i % 2 ? 0 : copy.count - 2000, copy.count);
        else
            copy.count = below(copy.count);
        scratch_write("tokenizer.json", copy.data, copy.count);
        int status = csg_tokenizer_create(&tokenizer, scratch_folder(), 600, &err);
        assert_true(status == CSG_OK || status == CSG_ERROR_MODEL);
        if (status)
            continue;
        accepted++;
        assert_int_equal(csg_tokenize(tokenizer, "a photo of two sleeping cats' benches", 20, ids, &count, &cut, &err), CSG_OK);
        for (size_t j = 0; j < count; j++)
            assert_in_range(ids[j], 0, 599);
        csg_tokenizer_destroy(&tokenizer);
    }
    assert_true(accepted > 20);
    scratch_remove("tokenizer.json");
    free(whole.data);
    free(copy.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archive),
        cmocka_unit_test(test_archive_cut),
        cmocka_unit_test(test_hugging_face),
        cmocka_unit_test(test_tokenizer),
    };
    damage_seed(21);
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
