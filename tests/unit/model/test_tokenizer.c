#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "model/tokenizer.h"
#include "scratch.h"

#define MOST 128

static struct csg_tokenizer *clip;

static int setup(void **state)
{
    struct csg_error err = {0};
    if (scratch_setup(state) || csg_tokenizer_create(&clip, scratch_folder(), 49408, &err)) {
        print_error("%s\n", err.sentence);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    csg_tokenizer_destroy(&clip);
    csg_tokenizer_destroy(&clip);
    csg_tokenizer_destroy(NULL);
    return scratch_teardown(state);
}

/* Compares every line of a golden: [text, id, ...]. */
static void compare_golden(const struct csg_tokenizer *tokenizer, const char *name, size_t context)
{
    struct csg_error err;
    char *path = csg_path_join(getenv("CSG_TEST_DATA"), name);
    FILE *f = fopen(path, "r");
    char line[16384];
    size_t lines = 0, wrong = 0;
    assert_non_null(f);
    for (; fgets(line, sizeof line, f); lines++) {
        int32_t ids[MOST];
        size_t count, cut;
        json_t *golden = json_loads(line, 0, NULL);
        assert_non_null(golden);
        const char *text = json_string_value(json_array_get(golden, 0));
        assert_int_equal(csg_tokenize(tokenizer, text, context, ids, &count, &cut, &err), CSG_OK);
        bool same = count + 1 == json_array_size(golden);
        for (size_t i = 0; same && i < count; i++)
            same = ids[i] == json_integer_value(json_array_get(golden, i + 1));
        if (!same) {
            print_error("%s: line %zu differs: %s", name, lines + 1, line);
            wrong++;
        }
        if (cut != SIZE_MAX)
            assert_int_equal(count, context);
        json_decref(golden);
    }
    fclose(f);
    free(path);
    assert_true(lines > 250);
    assert_int_equal(wrong, 0);
}

static void test_published_ids(void **state)
{
    (void)state;
    compare_golden(clip, "clip_tokens.jsonl", 77);
}

static void test_demo_ids(void **state)
{
    (void)state;
    struct csg_error err;
    struct csg_tokenizer *demo;
    char *data;
    assert_int_equal(csg_data_folder(&data, &err), CSG_OK);
    assert_non_null(data);
    char *folder = csg_path_join(data, "demo-model");
    assert_int_equal(csg_tokenizer_create(&demo, folder, 2097, &err), CSG_OK);
    compare_golden(demo, "demo_tokens.jsonl", 32);
    csg_tokenizer_destroy(&demo);
    assert_int_equal(csg_tokenizer_create(&demo, folder, 2096, &err), CSG_ERROR_MODEL);
    assert_null(demo);
    free(folder);
    free(data);
}

static void test_cleaning(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {" \t\n", ""},
        {"A  Dog\r\n", "a dog"},
        {"\xE2\x80\x9Cit\xE2\x80\x99s\xE2\x80\x9D", "\"it's\""},
        {"\xEF\xBD\x81\xE3\x80\x80\xEF\xAC\x81", "a fi"},
        {"STRASSE Stra\xC3\x9F"
         "e",
         "strasse stra\xC3\x9F"
         "e"},
        {"\xC4\xB0", "i\xCC\x87"},
        {"\xCE\x9F\xCE\xA3 \xCE\xA3", "\xCE\xBF\xCF\x82 \xCF\x83"},
        {"e\xCC\x81", "\xC3\xA9"},
        {"&amp;amp;lt;", "<"},
        {"caf&eacute &notit;", "caf\xC3\xA9 \xC2\xACit;"},
        {"&#128;&#x1b;[31m", "\xE2\x82\xAC[31m"},
        {"\x1b[1;31mred\x07", "red"},
        {"\xEF\xBF\xA3", "\xCC\x84"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *cleaned;
        assert_int_equal(csg_clean_text(cases[i][0], &cleaned, NULL), CSG_OK);
        assert_string_equal(cleaned, cases[i][1]);
        free(cleaned);
    }
}

static void test_cut(void **state)
{
    (void)state;
    int32_t ids[MOST];
    size_t count, cut;
    struct csg_error err;
    assert_int_equal(csg_tokenize(clip, "a dog runs fast", 6, ids, &count, &cut, &err), CSG_OK);
    assert_int_equal(count, 6);
    assert_true(cut == SIZE_MAX);
    assert_int_equal(csg_tokenize(clip, "  A dog\truns fast", 5, ids, &count, &cut, &err), CSG_OK);
    assert_int_equal(count, 5);
    assert_int_equal(cut, strlen("a dog runs "));
    assert_int_equal(ids[0], 49406);
    assert_int_equal(ids[4], 49407);
    assert_int_equal(csg_tokenize(clip, "dog", 2, ids, &count, &cut, &err), CSG_OK);
    assert_int_equal(count, 2);
    assert_int_equal(cut, 0);
    assert_int_equal(csg_tokenize(clip, "", 2, ids, &count, &cut, &err), CSG_OK);
    assert_true(cut == SIZE_MAX);
    assert_int_equal(csg_tokenize(clip, "dog", 1, ids, &count, &cut, &err), CSG_ERROR_USAGE);
}

static void test_wrong_utf8(void **state)
{
    (void)state;
    static const char *const cases[] = {"\xFF", "a\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"};
    int32_t ids[MOST];
    size_t count, cut;
    struct csg_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(csg_tokenize(clip, cases[i], 77, ids, &count, &cut, &err), CSG_ERROR_INPUT);
}

/* One word, or one reference, of a megabyte; the times under a sanitizer are many times those without. */
static void test_long_texts(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "ab", "zq", "amp;", "&quot", "\xCC\x81\xCC\xA3", "\xCE\xA3", "!", "9"};
    const size_t megabyte = (size_t)1 << 20;
    char *text = malloc(megabyte + 2);
    int32_t ids[MOST];
    assert_non_null(text);
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        size_t length = strlen(units[u]), count, cut;
        text[0] = '&';
        for (size_t i = 0; i + length <= megabyte; i += length)
            memcpy(text + 1 + i, units[u], length);
        text[1 + megabyte / length * length] = 0;
        double start = csg_now_ms();
        assert_int_equal(csg_tokenize(clip, text, 77, ids, &count, &cut, NULL), CSG_OK);
        assert_true(csg_now_ms() - start < 20000.0);
    }
    free(text);
}

/* Symbols that the vocabulary lacks are written as parts of it; a merge may use what only a later line makes. */
static void test_incomplete_vocab(void **state)
{
    (void)state;
    struct csg_tokenizer *tokenizer;
    struct csg_error err;
    int32_t ids[MOST];
    size_t count, cut;
    char *vocab = make_tiny_vocab();
    scratch_write_text("vocab.json", vocab);
    scratch_write_text("merges.txt", "#version: 0.2\nab c</w>\na b\nx nothing\n");
    assert_int_equal(csg_tokenizer_create(&tokenizer, scratch_folder(), 514, &err), CSG_OK);
    assert_int_equal(csg_tokenize(tokenizer, "abc", 77, ids, &count, &cut, &err), CSG_OK);
    assert_int_equal(count, 5);
    assert_int_equal(ids[1], 'a');
    assert_int_equal(ids[2], 'b');
    assert_int_equal(ids[3], 256 + 'c');
    assert_int_equal(csg_tokenize(tokenizer, "abc", 4, ids, &count, &cut, &err), CSG_OK);
    assert_int_equal(cut, 2);
    csg_tokenizer_destroy(&tokenizer);
    free(vocab);
    scratch_remove("vocab.json");
    scratch_remove("merges.txt");
}

static void refuse(const char *vocab, const char *merges, size_t vocab_size)
{
    struct csg_tokenizer *tokenizer;
    struct csg_error err = {0};
    scratch_write_text("vocab.json", vocab);
    scratch_write_text("merges.txt", merges);
    assert_int_equal(csg_tokenizer_create(&tokenizer, scratch_folder(), vocab_size, &err), CSG_ERROR_MODEL);
    assert_null(tokenizer);
    assert_true(strlen(err.sentence) > 10);
    scratch_remove("vocab.json");
    scratch_remove("merges.txt");
}

static void replace(char *text, const char *old, const char *new)
{
    char *at = strstr(text, old);
    assert_non_null(at);
    assert_int_equal(strlen(old), strlen(new));
    memcpy(at, new, strlen(new));
}

static void test_hostile_vocab(void **state)
{
    (void)state;
    char *good = make_tiny_vocab(), *vocab = make_tiny_vocab();
    static const char *const changes[][2] = {
        {":513}", ":514}"},
        {":513}", ":512}"},
        {":513}", ":-13}"},
        {":513}", ":1.5}"},
        {":513}", ":\"a\"}"},
        {":513}", ":nul}"},
        {"<|end", "<|edn"},
        {"\"\\u0061\"", "\"\\u0062\""},
        {"\"\\u0061\"", "\"\\u4061\""},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        memcpy(vocab, good, strlen(good) + 1);
        replace(vocab, changes[i][0], changes[i][1]);
        refuse(vocab, tiny_merges, 514);
    }
    refuse("{}", tiny_merges, 514);
    refuse("[]", tiny_merges, 514);
    refuse("{\"a\":{\"b\":1}}", tiny_merges, 514);
    refuse("", tiny_merges, 514);
    refuse(good, "#version\na b c\n", 514);
    refuse(good, "#version\nab\n", 514);
    refuse(good, "#version\n a\n", 514);
    free(good);
    free(vocab);
    struct csg_tokenizer *tokenizer;
    assert_int_equal(csg_tokenizer_create(&tokenizer, scratch_folder(), 49407, NULL), CSG_ERROR_MODEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_ids),    cmocka_unit_test(test_demo_ids),
        cmocka_unit_test(test_cleaning),         cmocka_unit_test(test_cut),
        cmocka_unit_test(test_wrong_utf8),       cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_incomplete_vocab), cmocka_unit_test(test_hostile_vocab),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
