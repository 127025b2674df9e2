#define _GNU_SOURCE /* O_TMPFILE */
/* Files come to be as a whole: on a file system that has files without a name, and on one that has none. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/files.h"

#ifndef O_TMPFILE
#define O_TMPFILE 0
#endif

static bool names_only;

/* A file system that knows no O_TMPFILE refuses it as the folder that the call opens. */
#define OPEN(name)                                                                                                               \
    int __real_##name(const char *path, int flags, mode_t mode);                                                                 \
    int __wrap_##name(const char *path, int flags, mode_t mode);                                                                 \
    int __wrap_##name(const char *path, int flags, mode_t mode)                                                                  \
    {                                                                                                                            \
        bool refused = names_only && O_TMPFILE && (flags & O_TMPFILE) == O_TMPFILE;                                              \
        return refused ? -1 : __real_##name(path, flags, mode);                                                                  \
    }
OPEN(open)
OPEN(open64)

static char folder[64], path[128], part[160];

static size_t entries(void)
{
    char **names;
    size_t count;
    assert_int_equal(csg_list_files(&names, &count, folder, "", CSG_ERROR, NULL), CSG_OK);
    csg_names_free(&names, count);
    return count;
}

static void expect(const char *text)
{
    char *data;
    size_t bytes;
    assert_int_equal(csg_read_file(&data, &bytes, path, 100, CSG_ERROR, NULL), CSG_OK);
    assert_string_equal(data, text);
    free(data);
}

static struct csg_output *begin(const char *text, bool overwrite)
{
    struct csg_output *output;
    assert_int_equal(csg_output_create(&output, path, overwrite, NULL), CSG_OK);
    assert_int_equal(csg_output_write(output, text, strlen(text), NULL), CSG_OK);
    return output;
}

static void plant(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
}

static int set_up(void **state)
{
    names_only = *state != NULL;
    snprintf(folder, sizeof folder, "/tmp/csg-test-output-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(part, sizeof part, "%s.csg-part", path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(part);
    unlink(path);
    return rmdir(folder);
}

static void whole_or_not_at_all(void **state)
{
    (void)state;
    struct csg_output *output = begin("first", false);
    assert_int_equal(entries(), names_only || !O_TMPFILE);
    assert_false(csg_is_file(path));
    csg_output_destroy(&output);
    assert_int_equal(entries(), 0);
    output = begin("first", false);
    assert_int_equal(csg_output_commit(&output, NULL), CSG_OK);
    expect("first");
    output = begin("second", true);
    expect("first");
    assert_int_equal(csg_output_commit(&output, NULL), CSG_OK);
    expect("second");
    assert_int_equal(entries(), 1);
}

static void in_one_call(void **state)
{
    (void)state;
    assert_int_equal(csg_file_write(path, "first", 5, false, NULL), CSG_OK);
    assert_int_equal(csg_file_write(path, "second", 6, false, NULL), CSG_ERROR);
    expect("first");
    assert_int_equal(csg_file_write(path, "third", 5, true, NULL), CSG_OK);
    expect("third");
}

static void nothing_is_overwritten_untold(void **state)
{
    (void)state;
    struct csg_error err;
    struct csg_output *output = begin("ours", false);
    plant(path, "theirs");
    assert_int_equal(csg_output_commit(&output, &err), CSG_ERROR);
    assert_non_null(strstr(err.sentence, "exists already"));
    assert_null(output);
    expect("theirs");
    assert_int_equal(entries(), 1);
}

static void the_mode_is_what_the_user_asks_for(void **state)
{
    (void)state;
    struct stat info;
    mode_t before = umask(027);
    struct csg_output *output = begin("x", false);
    umask(before);
    assert_int_equal(csg_output_commit(&output, NULL), CSG_OK);
    assert_true(stat(path, &info) == 0 && (info.st_mode & 0777) == 0640 && info.st_nlink == 1);
    assert_int_equal(csg_output_create_own(&output, path, NULL), CSG_OK);
    assert_int_equal(csg_output_commit(&output, NULL), CSG_OK);
    assert_true(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600);
}

/* Two that write one name do not write one file. */
static void two_at_once(void **state)
{
    (void)state;
    struct csg_output *one = begin("one", true), *other = begin("other", true);
    assert_int_equal(csg_output_write(one, " and more", 9, NULL), CSG_OK);
    assert_int_equal(csg_output_commit(&one, NULL), CSG_OK);
    expect("one and more");
    assert_int_equal(csg_output_commit(&other, NULL), CSG_OK);
    expect("other");
    assert_int_equal(entries(), 1);
}

static void what_a_killed_program_left_is_taken_over(void **state)
{
    (void)state;
    plant(part, "half of something longer");
    struct csg_output *output = begin("whole", false);
    assert_int_equal(entries(), 1);
    assert_int_equal(csg_output_commit(&output, NULL), CSG_OK);
    expect("whole");
    assert_int_equal(entries(), 1);
}

/* What somebody writes at the moment, and what is a link, is not touched. */
static void what_is_not_ours_is_left_alone(void **state)
{
    (void)state;
    char other[160];
    snprintf(other, sizeof other, "%s/other", folder);
    plant(other, "theirs");
    int fd = open(other, O_RDWR);
    assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
    for (int linked = 0; linked < 2; linked++) {
        assert_int_equal(linked ? symlink(other, part) : rename(other, part), 0);
        struct csg_output *output = begin("ours", true);
        assert_int_equal(csg_output_commit(&output, NULL), CSG_OK);
        expect("ours");
        char there[8] = "";
        assert_true(pread(fd, there, sizeof there, 0) == 6 && strcmp(there, "theirs") == 0);
        assert_int_equal(linked ? unlink(part) : rename(part, other), 0);
    }
    close(fd);
    unlink(other);
}

static void what_lies_there(void **state)
{
    (void)state;
    assert_false(csg_output_exists(path));
    assert_int_equal(symlink("/nowhere/at/all", path), 0);
    assert_true(csg_output_exists(path));
    unlink(path);
    assert_true(csg_output_exists(folder));
}

int main(void)
{
    static char named[] = "named";
#define CASE(name, state) cmocka_unit_test_prestate_setup_teardown(name, set_up, tear_down, state)
    const struct CMUnitTest tests[] = {
        CASE(whole_or_not_at_all, NULL),
        CASE(nothing_is_overwritten_untold, NULL),
        CASE(the_mode_is_what_the_user_asks_for, NULL),
        CASE(two_at_once, NULL),
        CASE(in_one_call, NULL),
        CASE(what_lies_there, NULL),
        CASE(whole_or_not_at_all, named),
        CASE(nothing_is_overwritten_untold, named),
        CASE(the_mode_is_what_the_user_asks_for, named),
        CASE(two_at_once, named),
        CASE(what_a_killed_program_left_is_taken_over, named),
        CASE(what_is_not_ours_is_left_alone, named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
