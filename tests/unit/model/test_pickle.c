/* Pickles made by hand: what tensors need is read, all else is refused, nothing is run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "damage.h"
#include "model/pickle.h"

/* Reads from a block of its own size, so that a byte too far is seen. */
static int read_block(struct csg_pickle *out, const void *data, size_t bytes, struct csg_error *err)
{
    static uint8_t *block; /* values point into it */
    free(block);
    block = malloc(bytes ? bytes : 1);
    assert_non_null(block);
    memcpy(block, data, bytes);
    return csg_pickle_read(out, block, bytes, "program", err);
}
#define READ(out, text, err) read_block(out, text, sizeof(text) - 1, err)

static void refuse_bytes(const char *text, size_t bytes, const char *part)
{
    struct csg_pickle pickle;
    struct csg_error err = {0};
    assert_int_equal(read_block(&pickle, text, bytes, &err), CSG_ERROR_MODEL);
    assert_null(pickle.values);
    if (!strstr(err.sentence, part))
        fail_msg("'%s' lacks '%s'", err.sentence, part);
}
#define REFUSE(text, part) refuse_bytes(text, sizeof(text) - 1, part)

static void test_values(void **state)
{
    (void)state;
    struct csg_pickle p;
    struct csg_error err = {0};
    /* (5, -2, 300, -1 as LONG1, 2^40 as LONG1, True, "ab", None, 1.5) */
    static const char text[] =
        "\x80\x02(K\x05J\xFE\xFF\xFF\xFFM\x2C\x01\x8A\x01\xFF\x8A\x06\x00\x00\x00\x00\x00\x01\x88X\x02\x00\x00\x00"
        "abN"
        "G?\xF8\x00\x00\x00\x00\x00\x00t.";
    static const int64_t numbers[] = {5, -2, 300, -1, (int64_t)1 << 40, 1};
    assert_int_equal(READ(&p, text, &err), CSG_OK);
    const struct csg_pickle_value *root = &p.values[p.root];
    assert_int_equal(root->kind, CSG_PICKLE_TUPLE);
    assert_int_equal(root->count, 9);
    for (size_t i = 0; i < 6; i++)
        assert_true(csg_pickle_item(&p, root, i)->number == numbers[i]);
    assert_true(csg_pickle_is(csg_pickle_item(&p, root, 6), "ab"));
    assert_false(csg_pickle_is(csg_pickle_item(&p, root, 6), "abc"));
    assert_null(csg_pickle_item(&p, root, 9));
    csg_pickle_free(&p);
    /* the memo, dictionaries, lists, an object of TorchScript with attributes */
    assert_int_equal(READ(&p,
                          "\x80\x02(]q\x01(K\x01K\x02"
                          "eh\x01}(X\x01\x00\x00\x00kK\x03uc__torch__.clip\nCLIP\n)\x81}bt.",
                          &err),
                     CSG_OK);
    root = &p.values[p.root];
    assert_int_equal(root->count, 4);
    assert_ptr_equal(csg_pickle_item(&p, root, 0), csg_pickle_item(&p, root, 1));
    assert_int_equal(csg_pickle_item(&p, root, 0)->count, 2);
    assert_int_equal(csg_pickle_item(&p, root, 2)->kind, CSG_PICKLE_DICT);
    assert_int_equal(csg_pickle_item(&p, root, 3)->kind, CSG_PICKLE_OBJECT);
    csg_pickle_free(&p);
}

static void test_refused(void **state)
{
    (void)state;
    REFUSE("\x80\x02"
           "cos\nsystem\nX\x02\x00\x00\x00ls\x85R.",
           "asks for os.system, which is not a part of tensors");
    REFUSE("\x80\x04\x8c\x08"
           "builtins\x8c\x04"
           "eval\x93.",
           "asks for builtins.eval");
    REFUSE("cposix\nsystem\n.", "posix.system");
    REFUSE("c__torch__evil\nx\n.", "asks for __torch__evil.x");
    REFUSE("ctorch._utils\n_rebuild_tensor\n.", "asks for");
    REFUSE("c__builtin__\nexec\n.", "exec");
    REFUSE("(S'x'\ni__main__\nX\n.", "instruction 0x53");
    REFUSE("(ios\nsystem\n.", "instruction 0x69"); /* INST */
    REFUSE("\x82\x01.", "instruction 0x82");       /* EXT1 */
    REFUSE("\x92.", "instruction 0x92");           /* NEWOBJ_EX */
    REFUSE("c__torch__.A\nA\n)R.", "a call of a class");
    REFUSE("ctorch\nFloatStorage\n)R.", "a call of a class");
    REFUSE("ccollections\nOrderedDict\n)\x81.", "not TorchScript's");
    REFUSE("K\x01K\x02\x81.", "not TorchScript's");
    REFUSE("K\x01}b.", "a state of what is no object");
    REFUSE("", "ends without an end");
    REFUSE(".", "an end with values left");
    REFUSE("K\x01K\x02.", "an end with values left");
    REFUSE("(.", "an end with values left");
    REFUSE("t.", "an end without a beginning");
    REFUSE("\x87.", "too few values");
    REFUSE("K\x01(\x85.", "too few values");
    REFUSE("(K\x01K\x02u.", "without a container");
    REFUSE("}(K\x01u.", "without a container");
    REFUSE("}K\x01"
           "a.",
           "without a container");
    REFUSE("K\x01s.", "an item of nothing");
    REFUSE("h\x05.", "never made");
    REFUSE("q\x00.", "a note of nothing");
    REFUSE("K\x01r\xFF\xFF\xFF\xFF.", "a note of nothing");
    REFUSE("X\xFF\xFF\xFF\xFFx.", "cut off");
    REFUSE("\x8A\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01.", "too large");
    REFUSE("\x80\x06.", "unknown protocol");
    REFUSE("cos", "a name without an end");
    REFUSE("Q.", "without a key");
}

/* Lists that hold themselves, and doubled lists of lists, are values like others: nothing walks through them. */
static void test_shapes(void **state)
{
    (void)state;
    struct csg_pickle p;
    struct csg_error err = {0};
    assert_int_equal(READ(&p,
                          "]q\x00h\x00"
                          "a.",
                          &err),
                     CSG_OK);
    assert_ptr_equal(csg_pickle_item(&p, &p.values[p.root], 0), &p.values[p.root]);
    csg_pickle_free(&p);
    size_t bytes = 100000;
    char *deep = malloc(bytes);
    assert_non_null(deep);
    memset(deep, '(', bytes);
    refuse_bytes(deep, bytes, "ends without an end");
    memset(deep, ']', bytes / 2);
    memset(deep + bytes / 2, 'a', bytes / 2);
    deep[bytes - 1] = '.';
    assert_int_equal(read_block(&p, deep, bytes, &err), CSG_OK);
    csg_pickle_free(&p);
    free(deep);
    char *large = calloc(CSG_PICKLE_LIMIT + 1, 1);
    assert_non_null(large);
    refuse_bytes(large, CSG_PICKLE_LIMIT + 1, "more than");
    free(large);
}

static void test_damaged(void **state)
{
    (void)state;
    struct bytes archive = read_layout("openai/ViT-tiny.pt"), copy = {malloc(archive.count), 0};
    static const char head[] = "\x80\x02"
                               "c__torch__";
    size_t at = 0, end;
    assert_non_null(copy.data);
    while (memcmp(archive.data + at, head, sizeof head - 1) != 0)
        at++;
    for (end = at; memcmp(archive.data + end, "PK", 2) != 0;)
        end++;
    size_t bytes = end - at, read = 0;
    for (int i = 0; i < 3000; i++) {
        struct csg_pickle pickle;
        struct csg_error err = {0};
        memcpy(copy.data, archive.data + at, bytes);
        copy.count = bytes;
        damage(&copy, 0, i % 2 ? 600 : bytes);
        int status = read_block(&pickle, copy.data, copy.count, &err);
        assert_true(status == CSG_OK || status == CSG_ERROR_MODEL);
        read += status == CSG_OK;
        csg_pickle_free(&pickle);
    }
    assert_true(read > 100 && read < 2900);
    for (size_t n = 0; n < bytes; n += n < 300 ? 1 : 101) {
        struct csg_pickle pickle;
        int status = read_block(&pickle, archive.data + at, n, NULL);
        assert_true(status == CSG_ERROR_MODEL || n > bytes - 100); /* descriptors of the archive stand behind the program */
        csg_pickle_free(&pickle);
    }
    free(copy.data);
    free(archive.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_damaged),
    };
    damage_seed(22);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
