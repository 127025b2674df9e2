/* Which device a SPEC means, which quirks are known, and that a damaged cache of programs costs time only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/files.h"
#include "ocl/ocl.h"

static int create(struct csg_backend **out, const char *device, const char *device_class, const char *quirks, const char *cache,
                  struct csg_error *err)
{
    struct csg_ocl_params params = {.device = device, .device_class = device_class, .quirks = quirks, .cache_dir = cache};
    return csg_ocl_backend_create(out, &params, err);
}

static void test_wrong_parameters(void **state)
{
    (void)state;
    struct csg_backend *backend = NULL;
    struct csg_error err;
    assert_int_equal(create(&backend, "99999", NULL, NULL, NULL, &err), CSG_ERROR_NO_DEVICE);
    assert_null(backend);
    assert_non_null(strstr(err.sentence, "known by index and name are 0: "));
    assert_int_equal(create(&backend, "no such device", NULL, NULL, NULL, &err), CSG_ERROR_NO_DEVICE);
    assert_int_equal(create(&backend, NULL, "abacus", NULL, NULL, &err), CSG_ERROR_USAGE);
    assert_int_equal(create(&backend, NULL, NULL, "no-such-quirk", NULL, &err), CSG_ERROR_USAGE);
    assert_null(backend);
}

static void test_best_device_comes_first(void **state)
{
    (void)state;
    struct csg_device_info *devices;
    struct csg_backend *backend;
    struct csg_error err;
    size_t count, chosen = 0, best = 0;
    assert_int_equal(csg_ocl_devices(&devices, &count, &err), CSG_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(devices[i].index, i);
        assert_true(devices[i].verdict[0] != '\0');
        chosen += devices[i].chosen;
        best = devices[i].chosen ? i : best;
    }
    assert_int_equal(chosen, 1);
    assert_int_equal(create(&backend, NULL, NULL, NULL, NULL, &err), CSG_OK);
    assert_string_equal(backend->device, devices[best].name);
    csg_backend_destroy(&backend);
    free(devices);
}

/* Every device is asked for once where another one failed, but for that one. */
static void test_the_others(void **state)
{
    (void)state;
    struct csg_device_info *devices;
    size_t count, usable = 0;
    assert_int_equal(csg_ocl_devices(&devices, &count, NULL), CSG_OK);
    for (size_t i = 0; i < count; i++)
        usable += devices[i].usable;
    for (size_t i = 0; i < count; i++) {
        char spec[24], seen[256] = {0};
        unsigned other;
        size_t n = 0;
        if (!devices[i].usable || count > sizeof seen)
            continue;
        snprintf(spec, sizeof spec, "%zu", i);
        for (; csg_ocl_other(spec, n, &other); n++) {
            assert_true(other < count && other != i && devices[other].usable && !seen[other]);
            assert_true(n > 0 || devices[i].chosen || devices[other].chosen); /* the best comes first */
            seen[other] = 1;
        }
        assert_int_equal(n, usable - 1);
    }
    unsigned first;
    assert_true(csg_ocl_other("no such device", 0, &first) && devices[first].chosen);
    free(devices);
}

static void build_one(const char *cache, char key[65])
{
    struct csg_backend *backend;
    struct csg_error err;
    cl_kernel kernel;
    assert_int_equal(create(&backend, NULL, NULL, NULL, cache, &err), CSG_OK);
    assert_int_equal(csg_ocl_kernel(csg_ocl_of(backend), CSG_OP_gather, "", "gather", &kernel, &err), CSG_OK);
    assert_int_equal(csg_ocl_cache_key(csg_ocl_of(backend), "", "", key, &err), CSG_OK);
    assert_int_equal(csg_ocl_kernel(csg_ocl_of(backend), CSG_OP_gather, "", "scatter", &kernel, &err), CSG_ERROR_BUILD);
    csg_backend_destroy(&backend);
}

static void test_damaged_cache(void **state)
{
    (void)state;
    static const unsigned char binary[] = "program";
    char folder[] = "/tmp/csg-test-ocl-XXXXXX", key[65], path[200];
    struct csg_backend *backend;
    struct csg_error err;
    size_t bytes = 0;
    assert_non_null(mkdtemp(folder));
    build_one(folder, key);
    build_one(folder, key);
    assert_int_equal(create(&backend, NULL, NULL, "", folder, &err), CSG_OK);
    struct csg_ocl *ocl = csg_ocl_of(backend);
    assert_null(csg_ocl_cache_load(ocl, key, &bytes));
    csg_ocl_cache_store(ocl, key, binary, sizeof binary);
    unsigned char *loaded = csg_ocl_cache_load(ocl, key, &bytes);
    assert_non_null(loaded);
    assert_int_equal(bytes, sizeof binary);
    assert_memory_equal(loaded, binary, bytes);
    free(loaded);
    snprintf(path, sizeof path, "%s/programs/%s.bin", folder, key);
    /* Each single byte matters, and so does the length. */
    char *file;
    size_t size;
    assert_int_equal(csg_read_file(&file, &size, path, 1 << 20, CSG_ERROR, &err), CSG_OK);
    for (size_t i = 0; i <= size; i++) {
        struct csg_output *output = NULL;
        if (i < size)
            file[i] = (char)(file[i] ^ 1);
        assert_int_equal(csg_output_create(&output, path, true, &err), CSG_OK);
        assert_int_equal(csg_output_write(output, file, i < size ? size : size - 1, &err), CSG_OK);
        assert_int_equal(csg_output_commit(&output, &err), CSG_OK);
        assert_null(csg_ocl_cache_load(ocl, key, &bytes));
        if (i < size)
            file[i] = (char)(file[i] ^ 1);
    }
    free(file);
    csg_backend_destroy(&backend);
    char command[200];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_parameters),
        cmocka_unit_test(test_best_device_comes_first),
        cmocka_unit_test(test_the_others),
        cmocka_unit_test(test_damaged_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
