/* What methods decide on the host, where no golden is large enough to show it: channels, windows, sizes of a pyramid, labels of patches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/regions.h"
#include "net/scorecam.h"
#include "task/pyramid.h"
#include "task/windows.h"

static void test_the_best_channels(void **state)
{
    (void)state;
    const float values[] = {1, 5, -2, 5, 3, 0};
    size_t index[3];
    assert_int_equal(csg_scorecam_best(index, 3, values, 6, NULL), CSG_OK);
    assert_int_equal(index[0], 1);
    assert_int_equal(index[1], 3);
    assert_int_equal(index[2], 4);
}

static void test_windows(void **state)
{
    (void)state;
    size_t from[4];
    assert_int_equal(csg_windows_along(13, 7, 3, from), 3);
    assert_int_equal(from[1], 3);
    assert_int_equal(from[2], 6);
    assert_int_equal(csg_windows_along(12, 7, 3, from), 3);
    assert_int_equal(from[2], 5);
    assert_int_equal(csg_windows_along(7, 7, 3, from), 1);
    assert_int_equal(csg_windows_along(4, 7, 3, from), 1);
    assert_int_equal(from[0], 0);
}

static void test_sizes_of_a_pyramid(void **state)
{
    (void)state;
    const size_t want[] = {12, 17, 21, 26, 30};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(csg_pyramid_patches(12, 30, i, 5), want[i]);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(csg_pyramid_patches(12, 16, i, 5), 12 + i);
    assert_int_equal(csg_pyramid_patches(7, 8, 0, 2), 7);
    assert_int_equal(csg_pyramid_patches(7, 8, 1, 2), 8);
}

static void test_labels_of_patches(void **state)
{
    (void)state;
    /* Two patches of 2 x 2: three of label 2; two of label 1 and of label 0, of which the smaller is taken. */
    const uint32_t pixels[] = {2, 2, 1, 0, 0, 2, 0, 1};
    uint32_t labels[2];
    assert_int_equal(csg_regions_labels(labels, pixels, 2, 1, 2, 3, NULL), CSG_OK);
    assert_int_equal(labels[0], 2);
    assert_int_equal(labels[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_best_channels), cmocka_unit_test(test_windows),
                                       cmocka_unit_test(test_sizes_of_a_pyramid), cmocka_unit_test(test_labels_of_patches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
