/* PNG and NPY files, colour maps, and the ways of writing that must fail. */
#include "test_data.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/colormap.h"

static struct csg_image *noise(int width_px, int height_px)
{
    struct csg_image *image;
    assert_int_equal(csg_image_create(&image, width_px, height_px, NULL), CSG_OK);
    uint32_t x = 1;
    for (size_t i = 0; i < 3 * (size_t)width_px * (size_t)height_px; i++) {
        x = x * 1664525 + 1013904223;
        image->rgb[i] = (uint8_t)(x >> 24);
    }
    return image;
}

static void png_comes_back_as_it_was(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 300}, {37, 23}, {20000, 3}, {3, 20000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct csg_image *wrote = noise(sizes[i][0], sizes[i][1]), *read;
        assert_int_equal(csg_image_write_png(wrote, "written.png", true, NULL), CSG_OK);
        assert_int_equal(csg_image_load(&read, "written.png", NULL), CSG_OK);
        assert_int_equal(csg_image_width_px(read), sizes[i][0]);
        assert_int_equal(csg_image_height_px(read), sizes[i][1]);
        assert_ptr_equal(csg_image_rgb(read), read->rgb);
        assert_same_picture(read, wrote);
        csg_image_destroy(&wrote);
        csg_image_destroy(&read);
        assert_null(read);
    }
    unlink("written.png");
    csg_image_destroy(NULL);
}

static void existing_files_stay(void **state)
{
    (void)state;
    const float one = 1;
    const size_t dim = 1;
    struct csg_error err = {0};
    struct csg_image *image = noise(5, 4);
    FILE *file = fopen("mine.txt", "wb");
    assert_non_null(file);
    fputs("mine", file);
    fclose(file);
    assert_int_equal(csg_image_write_png(image, "mine.txt", false, &err), CSG_ERROR);
    assert_non_null(strstr(err.sentence, "mine.txt"));
    assert_int_equal(csg_npy_write("mine.txt", &one, &dim, 1, false, &err), CSG_ERROR);
    size_t bytes;
    char *data;
    assert_int_equal(csg_read_file(&data, &bytes, "mine.txt", 100, CSG_ERROR_INPUT, NULL), CSG_OK);
    assert_string_equal(data, "mine");
    free(data);
    assert_int_equal(csg_image_write_png(image, "mine.txt", true, &err), CSG_OK);
    unlink("mine.txt");
    assert_int_equal(csg_image_write_png(image, "no-such-folder/a.png", true, &err), CSG_ERROR);
    assert_non_null(strstr(err.sentence, "no-such-folder/a.png"));
    assert_int_equal(csg_image_write_png(image, ".", true, &err), CSG_ERROR);
    assert_int_equal(csg_npy_write("no-such-folder/a.npy", &one, &dim, 1, true, &err), CSG_ERROR);
    csg_image_destroy(&image);
}

/* A disk that gets full, played by a limit on the size of files: an error, and nothing is left behind. */
static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    static float values[10000];
    const size_t dim = 10000;
    struct csg_error err = {0};
    struct csg_image *image = noise(100, 100);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 5000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(mkdir("full", 0700), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int png = csg_image_write_png(image, "full/a.png", true, &err);
    int npy = csg_npy_write("full/a.npy", values, &dim, 1, true, NULL);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(png, CSG_ERROR);
    assert_int_equal(npy, CSG_ERROR);
    assert_non_null(strstr(err.sentence, "full/a.png"));
    assert_int_equal(rmdir("full"), 0); /* it is empty */
    csg_image_destroy(&image);
}

static void npy_is_what_numpy_writes(void **state)
{
    (void)state;
    static const struct {
        size_t dims[8], n_dims;
        const char *shape;
    } rows[] = {
        {{3}, 1, "(3,)"},
        {{2, 3}, 2, "(2, 3)"},
        {{1, 2, 3}, 3, "(1, 2, 3)"},
        {{0, 5}, 2, "(0, 5)"},
        {{1, 1, 1, 1, 1, 1, 1, 6}, 8, "(1, 1, 1, 1, 1, 1, 1, 6)"},
        {{50, 60}, 2, "(50, 60)"},
    };
    float *values = malloc(3000 * sizeof *values);
    assert_non_null(values);
    for (int i = 0; i < 3000; i++)
        values[i] = (float)i * 0.37f - 5;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char head[256], *data;
        size_t bytes, count = 1;
        for (size_t d = 0; d < rows[i].n_dims; d++)
            count *= rows[i].dims[d];
        assert_int_equal(csg_npy_write("written.npy", values, rows[i].dims, rows[i].n_dims, true, NULL), CSG_OK);
        assert_int_equal(csg_read_file(&data, &bytes, "written.npy", 1 << 20, CSG_ERROR_INPUT, NULL), CSG_OK);
        assert_memory_equal(data, "\x93NUMPY\x01\x00", 8);
        size_t length = (uint8_t)data[8] | (size_t)(uint8_t)data[9] << 8;
        assert_int_equal((10 + length) % 64, 0);
        assert_int_equal(bytes, 10 + length + 4 * count);
        int used = snprintf(head, sizeof head, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", rows[i].shape);
        assert_memory_equal(data + 10, head, (size_t)used);
        for (size_t c = 10 + (size_t)used; c < 9 + length; c++)
            assert_int_equal(data[c], ' ');
        assert_int_equal(data[9 + length], '\n');
        for (size_t v = 0; v < count; v++) {
            const uint8_t *p = (const uint8_t *)data + 10 + length + 4 * v;
            uint32_t bits = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
            assert_memory_equal(&bits, &values[v], 4);
        }
        free(data);
    }
    unlink("written.npy");
    const size_t huge[2] = {SIZE_MAX, 2}, one = 1;
    struct csg_error err;
    assert_int_equal(csg_npy_write("written.npy", values, huge, 2, true, &err), CSG_ERROR_USAGE);
    assert_int_equal(csg_npy_write("written.npy", values, &one, 0, true, &err), CSG_ERROR_USAGE);
    assert_int_equal(csg_npy_write("written.npy", values, huge, 9, true, &err), CSG_ERROR_USAGE);
    assert_int_equal(csg_npy_write("written.npy", NULL, &one, 1, true, &err), CSG_ERROR_USAGE);
    assert_false(csg_is_file("written.npy"));
    free(values);
}

static void images_from_memory(void **state)
{
    (void)state;
    uint8_t pixels[2][16];
    struct csg_image *image;
    struct csg_error err;
    for (int i = 0; i < 32; i++)
        pixels[i / 16][i % 16] = (uint8_t)i;
    assert_int_equal(csg_image_from_rgb(&image, pixels[0], 3, 2, 16, NULL), CSG_OK);
    assert_memory_equal(image->rgb, pixels[0], 9);
    assert_memory_equal(image->rgb + 9, pixels[1], 9);
    csg_image_destroy(&image);
    assert_int_equal(csg_image_from_rgb(&image, pixels[0], 3, 2, 8, &err), CSG_ERROR_USAGE);
    assert_int_equal(csg_image_from_rgb(&image, NULL, 3, 2, 0, &err), CSG_ERROR_USAGE);
    assert_int_equal(csg_image_from_rgb(&image, pixels[0], 0, 2, 0, &err), CSG_ERROR_INPUT);
    assert_int_equal(csg_image_from_rgb(&image, pixels[0], 3, -2, 0, &err), CSG_ERROR_INPUT);
    assert_int_equal(csg_image_from_rgb(&image, pixels[0], 1 << 20, 1 << 20, 0, &err), CSG_ERROR_INPUT);
    assert_null(image);
}

static void colour_maps_have_their_ends(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t first[3], last[3];
    } rows[] = {
        {"viridis", {68, 1, 84}, {253, 231, 36}}, {"jet", {0, 0, 128}, {128, 0, 0}},        {"turbo", {48, 18, 59}, {122, 4, 2}},
        {"inferno", {0, 0, 3}, {252, 254, 164}},  {"cividis", {0, 34, 77}, {253, 231, 55}}, {"grey", {0, 0, 0}, {255, 255, 255}},
    };
    const struct csg_colormap *map;
    size_t n = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(csg_colormap_name(i), rows[i].name);
        assert_int_equal(csg_colormap_find(&map, rows[i].name, NULL), CSG_OK);
        assert_ptr_equal(map, csg_colormap_at(i));
        for (int c = 0; c < 3; c++) { /* matplotlib's versions differ by one level in how they round */
            assert_true(abs(map->rgb[0][c] - rows[i].first[c]) <= 1);
            assert_true(abs(map->rgb[255][c] - rows[i].last[c]) <= 1);
        }
    }
    assert_null(csg_colormap_at(n));
    assert_null(csg_colormap_name(n));
    assert_int_equal(csg_colormap_find(&map, NULL, NULL), CSG_OK);
    assert_string_equal(map->name, "viridis");
    struct csg_error err;
    assert_int_equal(csg_colormap_find(&map, "rainbow", &err), CSG_ERROR_USAGE);
    assert_null(map);
    assert_non_null(strstr(err.sentence, "viridis, jet, turbo, inferno, cividis, grey"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_comes_back_as_it_was), cmocka_unit_test(existing_files_stay),
        cmocka_unit_test(a_full_disk_is_an_error),  cmocka_unit_test(npy_is_what_numpy_writes),
        cmocka_unit_test(images_from_memory),       cmocka_unit_test(colour_maps_have_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
