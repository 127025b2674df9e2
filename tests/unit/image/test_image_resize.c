/* The axes of the bicubic, applied in two plain passes, against Pillow to the bit. */
#include "test_data.h"

#include "image/resize.h"

static uint8_t clip8(int64_t sum)
{
    int64_t value = sum >> 22;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static struct csg_image *pass(const struct csg_image *in, int out_px, bool vertical)
{
    struct csg_resize_axis *axis;
    struct csg_image *out;
    int side = vertical ? in->height_px : in->width_px;
    assert_int_equal(csg_resize_axis_create(&axis, side, out_px, NULL), CSG_OK);
    assert_int_equal(axis->in_px, side);
    assert_int_equal(axis->out_px, out_px);
    assert_int_equal(csg_image_create(&out, vertical ? in->width_px : out_px, vertical ? out_px : in->height_px, NULL), CSG_OK);
    for (int y = 0; y < out->height_px; y++)
        for (int x = 0; x < out->width_px; x++) {
            int i = vertical ? y : x;
            assert_true(axis->first[i] >= 0 && axis->count[i] >= 1 && axis->count[i] <= axis->taps);
            assert_true(axis->first[i] + axis->count[i] <= side);
            for (int c = 0; c < 3; c++) {
                int64_t sum = 1 << 21;
                for (int j = 0; j < axis->count[i]; j++) {
                    int from = axis->first[i] + j;
                    int at = vertical ? from * in->width_px + x : y * in->width_px + from;
                    sum += (int64_t)axis->weights[i * axis->taps + j] * in->rgb[3 * at + c];
                }
                out->rgb[3 * (y * out->width_px + x) + c] = clip8(sum);
            }
        }
    csg_resize_axis_destroy(&axis);
    assert_null(axis);
    return out;
}

static void resizes_as_pillow_does(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int width_px, height_px;
    } rows[] = {
        {"resize-41x29", 41, 29}, {"resize-41x29", 13, 7},  {"resize-41x29", 97, 64}, {"resize-41x29", 20, 29},
        {"resize-41x29", 41, 11}, {"resize-41x29", 60, 7},  {"resize-41x29", 1, 1},   {"resize-1x1", 9, 5},
        {"resize-300x2", 3, 90},  {"resize-300x2", 299, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s.ppm", rows[i].in);
        struct csg_image *in = read_ppm(name);
        snprintf(name, sizeof name, "%s-%dx%d.ppm", rows[i].in, rows[i].width_px, rows[i].height_px);
        struct csg_image *wanted = read_ppm(name);
        struct csg_image *wide = pass(in, rows[i].width_px, false), *got = pass(wide, rows[i].height_px, true);
        assert_same_picture(got, wanted);
        csg_image_destroy(&in);
        csg_image_destroy(&wide);
        csg_image_destroy(&got);
        csg_image_destroy(&wanted);
    }
}

/* Pillow leaves out the pass of a side that keeps its length; the identity's weights say the same. */
static void an_equal_side_is_copied(void **state)
{
    (void)state;
    for (int side = 1; side < 700; side += side < 40 ? 1 : 37) {
        struct csg_resize_axis *axis;
        assert_int_equal(csg_resize_axis_create(&axis, side, side, NULL), CSG_OK);
        for (int i = 0; i < side; i++)
            for (int j = 0; j < axis->count[i]; j++)
                assert_int_equal(axis->weights[i * axis->taps + j], axis->first[i] + j == i ? 1 << 22 : 0);
        csg_resize_axis_destroy(&axis);
    }
}

static void refuses_sides_without_pixels(void **state)
{
    (void)state;
    static const int sides[][2] = {{0, 5}, {5, 0}, {-1, 5}, {5, -7}, {1 << 30, 4}, {4, 1 << 30}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        struct csg_resize_axis *axis;
        struct csg_error err = {0};
        assert_int_equal(csg_resize_axis_create(&axis, sides[i][0], sides[i][1], &err), CSG_ERROR_INPUT);
        assert_null(axis);
        assert_true(err.sentence[0]);
    }
    struct csg_resize_axis *none = NULL;
    csg_resize_axis_destroy(&none);
    csg_resize_axis_destroy(NULL);
}

static void a_long_side_shrinks_to_one(void **state)
{
    (void)state;
    struct csg_resize_axis *axis;
    assert_int_equal(csg_resize_axis_create(&axis, 20000, 1, NULL), CSG_OK);
    assert_int_equal(axis->taps, 20000);
    int64_t sum = 0;
    for (int j = 0; j < axis->count[0]; j++)
        sum += axis->weights[j];
    assert_true(llabs(sum - (1 << 22)) < 10000); /* half a unit a weight */
    csg_resize_axis_destroy(&axis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resizes_as_pillow_does),
        cmocka_unit_test(an_equal_side_is_copied),
        cmocka_unit_test(refuses_sides_without_pixels),
        cmocka_unit_test(a_long_side_shrinks_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
