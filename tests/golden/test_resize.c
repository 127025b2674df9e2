/* The operator `resize` with the weights of host/image is Pillow to the bit, on a backend below the public header:
 *
 *     test_resize DEVICE GOLDEN_ROOT CASE...
 *
 * What resized.png holds is what the encoder sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_case.h"
#include "image/resize.h"
#include "ocl/backend.h"
#include "ref/ref.h"

static const char *device, *root;
static struct csg_backend *backend;

static void require(int status, const struct csg_error *err)
{
    if (status != CSG_OK)
        fail_msg("status %d: %s", status, err->sentence);
}

static struct csg_buffer *pass(struct csg_buffer *in, int w_px, int h_px, int out_px, bool vertical)
{
    struct csg_error err = {0};
    struct csg_resize_axis *axis = NULL;
    struct csg_buffer *out = NULL, *first = NULL, *count = NULL, *weights = NULL;
    size_t n = (size_t)out_px;
    require(csg_resize_axis_create(&axis, vertical ? h_px : w_px, out_px, &err), &err);
    require(csg_buffer_from(backend, axis->first, n * sizeof *axis->first, &first, &err), &err);
    require(csg_buffer_from(backend, axis->count, n * sizeof *axis->count, &count, &err), &err);
    require(csg_buffer_from(backend, axis->weights, n * (size_t)axis->taps * sizeof *axis->weights, &weights, &err), &err);
    require(csg_buffer_create(backend, 3 * n * (size_t)(vertical ? w_px : h_px), &out, &err), &err);
    const struct csg_resize_args args = {.in = csg_view(in, 0),
                                         .out = csg_view(out, 0),
                                         .first = csg_view(first, 0),
                                         .count = csg_view(count, 0),
                                         .weights = csg_view(weights, 0),
                                         .in_w_px = (size_t)w_px,
                                         .in_h_px = (size_t)h_px,
                                         .out_px = n,
                                         .taps = (size_t)axis->taps,
                                         .vertical = vertical};
    require(csg_resize(backend, &args, &err), &err);
    require(csg_backend_finish(backend, &err), &err);
    csg_resize_axis_destroy(&axis);
    csg_buffer_destroy(&first);
    csg_buffer_destroy(&count);
    csg_buffer_destroy(&weights);
    return out;
}

static void test_case(void **state)
{
    struct csg_error err = {0};
    struct golden_case *golden = golden_open(root, *state);
    struct csg_image *want = NULL;
    struct csg_buffer *in = NULL;
    assert_non_null(golden);
    require(csg_image_load(&want, golden_path(golden, "resized.png"), &err), &err);
    int w = csg_image_width_px(golden->picture), h = csg_image_height_px(golden->picture);
    int out_w = csg_image_width_px(want), out_h = csg_image_height_px(want);
    size_t bytes = 3 * (size_t)out_w * (size_t)out_h, differ = 0;
    uint8_t *got = malloc(bytes);
    assert_non_null(got);

    require(csg_buffer_from(backend, csg_image_rgb(golden->picture), 3 * (size_t)w * (size_t)h, &in, &err), &err);
    struct csg_buffer *wide = pass(in, w, h, out_w, false);
    struct csg_buffer *out = pass(wide, out_w, h, out_h, true);
    require(csg_buffer_read(out, 0, got, bytes, &err), &err);
    for (size_t i = 0; i < bytes; i++)
        differ += got[i] != csg_image_rgb(want)[i];
    print_message("  %-18s %d x %d to %d x %d: %zu of %zu bytes differ\n", golden->name, w, h, out_w, out_h, differ, bytes);
    assert_int_equal(differ, 0);

    free(got);
    csg_buffer_destroy(&in);
    csg_buffer_destroy(&wide);
    csg_buffer_destroy(&out);
    csg_image_destroy(&want);
    golden_close(&golden);
}

static int open_backend(void **state)
{
    (void)state;
    struct csg_error err = {0};
    const struct csg_ocl_params params = {.device = strcmp(device, "best") == 0 ? NULL : device};
    int status = strcmp(device, "reference") == 0 ? csg_ref_backend_create(&backend, &err)
                                                  : csg_ocl_backend_create(&backend, &params, &err);
    if (status != CSG_OK)
        print_error("%s\n", err.sentence);
    return status;
}

static int close_backend(void **state)
{
    (void)state;
    csg_backend_destroy(&backend);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: test_resize DEVICE GOLDEN_ROOT CASE...\n");
        return 2;
    }
    device = argv[1];
    root = argv[2];
    size_t count = (size_t)argc - 3;
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    if (!tests)
        return 1;
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){argv[3 + i], test_case, NULL, NULL, argv[3 + i]};
    /* What cmocka_run_group_tests does with an array whose length is not known to the compiler. */
    int failed = _cmocka_run_group_tests("resize", tests, count, open_backend, close_backend);
    free(tests);
    return failed ? 1 : 0;
}
