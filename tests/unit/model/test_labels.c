#include <stdlib.h>
#include <string.h>

#include "model/labels.h"
#include "scratch.h"

static void test_sets(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t count;
        const char *first, *last;
    } sets[] = {{"pascal59", 59, "airplane", "wood"},
                {"coco80", 80, "person", "toothbrush"},
                {"demo", 23, "aeroplane", "tree"},
                {"voc20", 20, "aeroplane", "tv monitor"},
                {"imagenet1000", 1000, "tench", "toilet paper"}};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        struct csg_strings labels;
        assert_int_equal(csg_labels_load(&labels, sets[i].name, NULL), CSG_OK);
        assert_int_equal(labels.count, sets[i].count);
        assert_string_equal(labels.items[0], sets[i].first);
        assert_string_equal(labels.items[labels.count - 1], sets[i].last);
        csg_strings_free(&labels);
        csg_strings_free(&labels);
    }
}

static void test_files(void **state)
{
    (void)state;
    struct csg_strings labels;
    struct csg_error err = {0};
    scratch_write_text("labels.txt", "\xEF\xBB\xBF# animals\r\n dog \r\n\r\n\tpotted plant\nna\xC3\xAFve");
    assert_int_equal(csg_labels_load(&labels, scratch_path("labels.txt"), &err), CSG_OK);
    assert_int_equal(labels.count, 3);
    assert_string_equal(labels.items[0], "dog");
    assert_string_equal(labels.items[1], "potted plant");
    assert_string_equal(labels.items[2], "na\xC3\xAFve");
    csg_strings_free(&labels);
    static const char *const wrong[] = {"", "\n\n", "# nothing\n", "dog\n\xFF\n", "dog\n\xED\xA0\x80"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        scratch_write_text("labels.txt", wrong[i]);
        assert_int_equal(csg_labels_load(&labels, scratch_path("labels.txt"), &err), CSG_ERROR_INPUT);
        assert_int_equal(labels.count, 0);
    }
    scratch_write("labels.txt", "a\0b\n", 4);
    assert_int_equal(csg_labels_load(&labels, scratch_path("labels.txt"), &err), CSG_ERROR_INPUT);
    assert_int_equal(csg_labels_load(&labels, "no-such-set", &err), CSG_ERROR_INPUT);
    assert_non_null(strstr(err.sentence, "no-such-set"));
    assert_non_null(strstr(err.sentence, "the sets are coco80, demo, imagenet1000, pascal59, voc20"));
    assert_int_equal(csg_labels_load(&labels, "../labels/voc20", &err), CSG_ERROR_INPUT);
    assert_int_equal(csg_labels_load(&labels, "", &err), CSG_ERROR_INPUT);
    /* one line and one byte too many */
    size_t large = ((size_t)1 << 20) + 1;
    char *text = malloc(large);
    assert_non_null(text);
    memset(text, 'a', large);
    scratch_write("labels.txt", text, large);
    assert_int_equal(csg_labels_load(&labels, scratch_path("labels.txt"), &err), CSG_ERROR_INPUT);
    for (size_t i = 1; i < 200002; i += 2)
        text[i] = '\n';
    scratch_write("labels.txt", text, 200000);
    assert_int_equal(csg_labels_load(&labels, scratch_path("labels.txt"), &err), CSG_OK);
    assert_int_equal(labels.count, 100000);
    csg_strings_free(&labels);
    scratch_write("labels.txt", text, 200002);
    assert_int_equal(csg_labels_load(&labels, scratch_path("labels.txt"), &err), CSG_ERROR_INPUT);
    free(text);
}

static void test_templates(void **state)
{
    (void)state;
    struct csg_strings templates;
    struct csg_error err = {0};
    assert_int_equal(csg_templates_load(&templates, NULL, &err), CSG_OK);
    assert_int_equal(templates.count, 85);
    assert_string_equal(templates.items[0], "a bad photo of a {}.");
    assert_string_equal(templates.items[84], "this is one {} in the scene.");
    csg_strings_free(&templates);
    assert_int_equal(csg_templates_load(&templates, "none", &err), CSG_OK);
    assert_int_equal(templates.count, 1);
    char *filled = csg_template_fill(templates.items[0], "a {} dog");
    assert_string_equal(filled, "a {} dog");
    free(filled);
    filled = csg_template_fill("a {}.", "");
    assert_string_equal(filled, "a .");
    free(filled);
    csg_strings_free(&templates);
    scratch_write_text("templates.txt", "a {} here\nthe {}\n");
    assert_int_equal(csg_templates_load(&templates, scratch_path("templates.txt"), &err), CSG_OK);
    assert_int_equal(templates.count, 2);
    csg_strings_free(&templates);
    static const char *const wrong[] = {"a dog\n", "a {} {}\n", "a {x}\n", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        scratch_write_text("templates.txt", wrong[i]);
        assert_int_equal(csg_templates_load(&templates, scratch_path("templates.txt"), &err), CSG_ERROR_INPUT);
    }
}

static void test_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
        const char *parts[3];
    } cases[] = {
        {"dog", 1, {"dog"}},
        {"person+bench", 2, {"person", "bench"}},
        {" person + potted plant +dog", 3, {"person", "potted plant", "dog"}},
        {"c\\+\\+", 1, {"c++"}},
        {"c\\++a\\b", 2, {"c+", "a\\b"}},
        {"\\\\+x", 1, {"\\+x"}},
        {"", 1, {""}},
        {"  ", 1, {""}},
        {"+", 1, {""}},
        {"a++b+", 2, {"a", "b"}},
        {"\\", 1, {"\\"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct csg_strings parts;
        assert_int_equal(csg_text_parts(&parts, cases[i].text, NULL), CSG_OK);
        assert_int_equal(parts.count, cases[i].count);
        for (size_t j = 0; j < parts.count; j++)
            assert_string_equal(parts.items[j], cases[i].parts[j]);
        csg_strings_free(&parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
