/* Records on disk: what is damaged in any byte, cut off or longer is not there, and the folder stays small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/record.h"
#include "base/store.h"

static const struct csg_record_kind kind = {"CSGTESTS", ".bin", 4096};
static const char payload[] = "what was kept";
static char folder[64], key[CSG_SHA256_HEX];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/csg-record-XXXXXX");
    return mkdtemp(folder) && csg_sha256_of("name", 4, key, NULL) == CSG_OK &&
                   csg_record_store(&kind, folder, key, payload, sizeof payload, NULL) == CSG_OK
               ? 0
               : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return csg_remove_tree(folder, NULL);
}

static bool there(bool *damaged)
{
    size_t bytes = 0;
    unsigned char *data = csg_record_load(&kind, folder, key, &bytes, damaged);
    bool same = data && bytes == sizeof payload && memcmp(data, payload, bytes) == 0;
    assert_true(same || !data);
    free(data);
    return same;
}

static void rewrite(const char *path, const char *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
}

static void test_damage(void **state)
{
    (void)state;
    char path[160], *data = NULL;
    size_t bytes = 0;
    bool damaged;
    snprintf(path, sizeof path, "%s/%s.bin", folder, key);
    assert_true(there(&damaged));
    assert_false(damaged);
    assert_int_equal(csg_read_file(&data, &bytes, path, 4096, CSG_ERROR, NULL), CSG_OK);
    for (size_t i = 0; i < bytes; i++) {
        data[i] ^= 1;
        rewrite(path, data, bytes);
        data[i] ^= 1;
        assert_false(there(&damaged));
        assert_true(damaged);
    }
    for (size_t shorter = 0; shorter < bytes; shorter += 7) {
        rewrite(path, data, shorter);
        assert_false(there(&damaged));
    }
    char *longer = calloc(1, bytes + 1);
    assert_non_null(longer);
    memcpy(longer, data, bytes);
    rewrite(path, longer, bytes + 1);
    assert_false(there(&damaged));
    rewrite(path, data, bytes);
    assert_true(there(&damaged));
    free(longer);
    free(data);
}

static void test_another_key(void **state)
{
    (void)state;
    char other[CSG_SHA256_HEX], path[160], moved[160];
    size_t bytes;
    bool damaged;
    assert_int_equal(csg_sha256_of("other", 5, other, NULL), CSG_OK);
    assert_null(csg_record_load(&kind, folder, other, &bytes, &damaged));
    assert_false(damaged);
    snprintf(path, sizeof path, "%s/%s.bin", folder, key);
    snprintf(moved, sizeof moved, "%s/%s.bin", folder, other);
    assert_int_equal(rename(path, moved), 0);
    assert_null(csg_record_load(&kind, folder, other, &bytes, &damaged));
    assert_true(damaged);
}

/* Root alone can give a file to someone else. */
static void test_what_others_could_have_written(void **state)
{
    (void)state;
    char path[160], elsewhere[160];
    struct stat info;
    bool damaged;
    snprintf(path, sizeof path, "%s/%s.bin", folder, key);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", folder);
    assert_int_equal(csg_record_store(&kind, folder, key, payload, sizeof payload, NULL), CSG_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_true(there(&damaged));
    static const mode_t shared[] = {0620, 0602, 0666};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        assert_int_equal(chmod(path, shared[i]), 0);
        assert_false(there(&damaged));
        assert_true(damaged);
    }
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(folder, 0770), 0);
    assert_false(there(&damaged));
    assert_int_equal(chmod(folder, 0700), 0);
    assert_true(there(&damaged));
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 12345), 0);
        assert_false(there(&damaged));
        assert_true(damaged);
        assert_int_equal(chown(path, 0, 0), 0);
    }
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_false(there(&damaged));
    assert_true(damaged);
    /* What replaces it is the link, not what it points to. */
    assert_int_equal(unlink(elsewhere), 0);
    assert_int_equal(csg_record_store(&kind, folder, key, payload, sizeof payload, NULL), CSG_OK);
    assert_false(csg_is_file(elsewhere));
    assert_true(there(&damaged));
}

static void test_the_oldest_go_first(void **state)
{
    (void)state;
    static const char *const names[] = {"first", "second", "third"};
    char keys[3][CSG_SHA256_HEX];
    size_t kept;
    uint64_t files, bytes;
    for (size_t i = 0; i < 3; i++) {
        csg_sleep_ms(20);
        assert_int_equal(csg_sha256_of(names[i], strlen(names[i]), keys[i], NULL), CSG_OK);
        assert_int_equal(csg_record_store(&kind, folder, keys[i], payload, sizeof payload, NULL), CSG_OK);
    }
    csg_record_count(folder, &files, &bytes, NULL);
    assert_int_equal(files, 4);
    csg_record_trim(&kind, folder, bytes / 2);
    csg_record_count(folder, &files, &bytes, NULL);
    assert_int_equal(files, 2);
    for (size_t i = 0; i < 3; i++) {
        unsigned char *data = csg_record_load(&kind, folder, keys[i], &kept, NULL);
        assert_int_equal(data != NULL, i > 0);
        free(data);
    }
}

static void test_the_folder_is_private(void **state)
{
    (void)state;
    char inner[100];
    struct stat info;
    snprintf(inner, sizeof inner, "%s/a/b", folder);
    assert_int_equal(csg_record_store(&kind, inner, key, payload, sizeof payload, NULL), CSG_OK);
    assert_int_equal(stat(inner, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_damage, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_another_key, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_what_others_could_have_written, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_the_oldest_go_first, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_the_folder_is_private, make_folder, remove_folder),
    };
    return cmocka_run_group_tests_name("records on disk", tests, NULL, NULL);
}
