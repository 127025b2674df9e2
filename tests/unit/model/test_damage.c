/* Thousands of damaged files: each must be read or refused with a sentence, and nothing else. The sanitizers see the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "damage.h"
#include "model/labels.h"
#include "model/model.h"
#include "model/tokenizer.h"
#include "scratch.h"

#define ROUNDS 3000

static void try_model(void)
{
    struct csg_model *model;
    struct csg_error err = {0};
    int status = csg_model_open(&model, scratch_folder(), NULL, &err);
    assert_true(status == CSG_OK || status == CSG_ERROR_MODEL);
    if (status) {
        assert_null(model);
        assert_true(strlen(err.sentence) > 10);
        return;
    }
    /* What was accepted must lie inside the file. */
    float *values = calloc(model->token_embedding.elements + model->vision.blocks[0].q_weight.elements, sizeof *values);
    assert_non_null(values);
    csg_tensor_to_f32(&model->token_embedding, values);
    csg_tensor_to_f32(&model->vision.blocks[0].q_weight, values);
    free(values);
    csg_model_close(&model);
}

static void test_weights(void **state)
{
    (void)state;
    write_tiny_model();
    struct bytes whole = make_tiny_model(NULL, NULL), copy = {malloc(whole.count), 0};
    size_t header = 8 + (size_t)(whole.data[0] | whole.data[1] << 8);
    assert_non_null(copy.data);
    for (int i = 0; i < ROUNDS; i++) {
        memcpy(copy.data, whole.data, whole.count);
        copy.count = whole.count;
        damage(&copy, 0, header);
        scratch_write("open_clip_model.safetensors", copy.data, copy.count);
        try_model();
    }
    for (int i = 0; i < ROUNDS / 4; i++) {
        copy.count = below(400);
        for (size_t j = 0; j < copy.count; j++)
            copy.data[j] = (uint8_t)(j && j < 8 ? 0 : below(256));
        scratch_write("open_clip_model.safetensors", copy.data, copy.count);
        try_model();
    }
    free(whole.data);
    free(copy.data);
}

static void test_config(void **state)
{
    (void)state;
    write_tiny_model();
    struct bytes copy = {malloc(4096), 0};
    assert_non_null(copy.data);
    for (int i = 0; i < ROUNDS; i++) {
        copy.count = strlen(tiny_config);
        memcpy(copy.data, tiny_config, copy.count);
        damage(&copy, 0, copy.count);
        scratch_write("open_clip_config.json", copy.data, copy.count);
        try_model();
    }
    free(copy.data);
}

static void try_tokenizer(const char *text)
{
    struct csg_tokenizer *tokenizer;
    struct csg_error err = {0};
    int32_t ids[20];
    size_t count, cut;
    int status = csg_tokenizer_create(&tokenizer, scratch_folder(), 600, &err);
    assert_true(status == CSG_OK || status == CSG_ERROR_MODEL);
    if (status)
        return;
    assert_int_equal(csg_tokenize(tokenizer, text, 20, ids, &count, &cut, &err), CSG_OK);
    assert_true(count >= 2 && count <= 20);
    for (size_t i = 0; i < count; i++)
        assert_in_range(ids[i], 0, 599);
    csg_tokenizer_destroy(&tokenizer);
}

static void test_vocabulary(void **state)
{
    (void)state;
    static const char merges[] = "#version: 0.2\na b\nab c</w>\nd o\ndo g</w>\no g</w>\nc a\nca t</w>\nt h\nth e</w>\n";
    char *vocab = make_tiny_vocab();
    struct bytes copy = {malloc(strlen(vocab) + 1), 0};
    assert_non_null(copy.data);
    for (int i = 0; i < ROUNDS; i++) {
        bool of_merges = i % 2;
        const char *text = of_merges ? merges : vocab;
        copy.count = strlen(text);
        memcpy(copy.data, text, copy.count);
        damage(&copy, 0, copy.count);
        scratch_write_text("vocab.json", vocab);
        scratch_write_text("merges.txt", merges);
        scratch_write(of_merges ? "merges.txt" : "vocab.json", copy.data, copy.count);
        try_tokenizer("the cat, the dog & abc abdogcat");
    }
    free(copy.data);
    free(vocab);
}

static void test_texts(void **state)
{
    (void)state;
    static const char *const parts[] = {"&",
                                        "amp;",
                                        "&#",
                                        "x",
                                        "1",
                                        ";",
                                        "a",
                                        "\xCC\x81",
                                        "\xCE\xA3",
                                        "\xEF\xAC\x83",
                                        "<",
                                        "|",
                                        "\n",
                                        "\x1b[",
                                        "'",
                                        "s",
                                        "\xF0\x9F\x90\xB6",
                                        "\xE2\x80\x99",
                                        " ",
                                        "\xC4\xB0",
                                        "startoftext",
                                        "|>",
                                        "lt",
                                        "\xFF"};
    write_tiny_model();
    struct csg_tokenizer *tokenizer;
    assert_int_equal(csg_tokenizer_create(&tokenizer, scratch_folder(), 514, NULL), CSG_OK);
    for (int i = 0; i < 4 * ROUNDS; i++) {
        char text[400] = "";
        int32_t ids[12];
        size_t count, cut;
        for (size_t n = below(30), at = 0; n > 0; n--)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s", parts[below(sizeof parts / sizeof parts[0])]);
        int status = csg_tokenize(tokenizer, text, 12, ids, &count, &cut, NULL);
        assert_int_equal(status, strchr(text, '\xFF') ? CSG_ERROR_INPUT : CSG_OK);
        if (status)
            continue;
        char *cleaned;
        assert_int_equal(csg_clean_text(text, &cleaned, NULL), CSG_OK);
        assert_true(cut == SIZE_MAX || (cut < strlen(cleaned) && count == 12));
        free(cleaned);
    }
    csg_tokenizer_destroy(&tokenizer);
}

static void test_lists(void **state)
{
    (void)state;
    static const char list[] = "\xEF\xBB\xBF# one\r\na {} dog\n\n the {}\t\nna\xC3\xAFve {}\n";
    struct bytes copy = {malloc(sizeof list), 0};
    assert_non_null(copy.data);
    for (int i = 0; i < ROUNDS; i++) {
        struct csg_strings strings;
        copy.count = sizeof list - 1;
        memcpy(copy.data, list, copy.count);
        damage(&copy, 0, copy.count);
        scratch_write("list.txt", copy.data, copy.count);
        int status = i % 2 ? csg_labels_load(&strings, scratch_path("list.txt"), NULL)
                           : csg_templates_load(&strings, scratch_path("list.txt"), NULL);
        assert_true(status == CSG_OK || status == CSG_ERROR_INPUT);
        assert_int_equal(strings.count == 0, status != CSG_OK);
        csg_strings_free(&strings);
    }
    free(copy.data);
}

static int setup(void **state)
{
    damage_seed(20);
    return scratch_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights), cmocka_unit_test(test_config), cmocka_unit_test(test_vocabulary),
        cmocka_unit_test(test_texts),   cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, setup, scratch_teardown);
}
