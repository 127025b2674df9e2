/* Every kind of file against Pillow, damaged files, and files that are none. */
#include "test_data.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "image/decode.h"

static const char *const names[] = {
    "rgb.png",     "grey.png",     "rgba.png",      "grey-alpha.png",  "palette.png",    "palette-alpha.png", "bit.png",
    "one.png",     "turned.png",   "rgb16.png",     "grey16.png",      "interlaced.png", "rgb.bmp",           "palette.bmp",
    "rgb.tga",     "rle.tga",      "palette.gif",   "rgb.ppm-in",      "grey.pgm",       "bit.pbm",           "plain.pbm",
    "plain.pgm",   "plain.ppm-in", "deep.ppm-in",   "shallow.pgm",     "444.jpg",        "422.jpg",           "420.jpg",
    "grey.jpg",    "cmyk.jpg",     "adobe-rgb.jpg", "progressive.jpg", "restart.jpg",    "orient1.jpg",       "orient2.jpg",
    "orient3.jpg", "orient4.jpg",  "orient5.jpg",   "orient6.jpg",     "orient7.jpg",    "orient8.jpg",
};
#define N_NAMES (sizeof names / sizeof *names)

#ifdef CSG_HAVE_LIBJPEG
static const bool exact = true;
#else
static const bool exact = false;
#endif

static void loads_as_pillow_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NAMES; i++) {
        char path[512], expected[128];
        struct csg_error err = {0};
        struct csg_image *got, *wanted;
        snprintf(expected, sizeof expected, "%s.ppm", names[i]);
        if (csg_image_load(&got, data_path(path, names[i]), &err) != CSG_OK)
            fail_msg("%s", err.sentence);
        wanted = read_ppm(expected);
        print_message("%s: mean difference %.4f\n", names[i], difference(got, wanted));
        if (exact || !strstr(names[i], ".jpg"))
            assert_same_picture(got, wanted);
        else
            assert_true(difference(got, wanted) < 0.5); /* CMYK is multiplied by another rounding */
        csg_image_destroy(&got);
        csg_image_destroy(&wanted);
    }
}

static void both_jpeg_decoders_agree(void **state)
{
    (void)state;
#ifdef CSG_HAVE_LIBJPEG
    size_t bytes;
    uint8_t *data = read_data("large.jpg", &bytes);
    struct csg_image *turbo, *stb;
    assert_int_equal(csg_decode_jpeg(&turbo, data, bytes, "large.jpg", NULL), CSG_OK);
    assert_int_equal(csg_decode_stb(&stb, data, bytes, "large.jpg", NULL), CSG_OK);
    double mean = difference(turbo, stb);
    print_message("stb_image and libjpeg: mean difference %.4f\n", mean);
    assert_true(mean <= 0.1);
    csg_image_destroy(&turbo);
    csg_image_destroy(&stb);
    free(data);
#else
    skip();
#endif
}

/* Decodes an exact copy, so that a sanitizer sees a read past its end. */
static int decode_copy(struct csg_image **out, const uint8_t *data, size_t bytes, struct csg_error *err)
{
    uint8_t *copy = malloc(bytes ? bytes : 1);
    assert_non_null(copy);
    memcpy(copy, data, bytes);
    int status = csg_image_decode(out, copy, bytes, "cut", err);
    free(copy);
    return status;
}

static void refuses_what_is_cut_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NAMES; i++) {
        size_t bytes;
        if (strncmp(names[i], "plain", 5) == 0)
            continue; /* a number that has lost a digit is a number */
        uint8_t *data = read_data(names[i], &bytes);
        struct csg_image *whole;
        assert_int_equal(csg_image_decode(&whole, data, bytes, names[i], NULL), CSG_OK);
        size_t needed = bytes, stride = bytes > 2000 ? bytes / 500 : 1;
        for (size_t length = 0; length < bytes; length += length + 60 < bytes ? stride : 1) {
            struct csg_image *image;
            struct csg_error err = {0};
            int status = decode_copy(&image, data, length, &err);
            if (status == CSG_OK) { /* what is missing is no pixel */
                assert_same_picture(image, whole);
                if (length < needed)
                    needed = length;
                csg_image_destroy(&image);
                continue;
            }
            assert_null(image);
            assert_int_equal(status, CSG_ERROR_INPUT);
            assert_int_equal(err.status, CSG_ERROR_INPUT);
            assert_non_null(strstr(err.sentence, "cut"));
            assert_int_equal(needed, bytes); /* a longer piece is not refused where a shorter was taken */
        }
        if (needed < bytes)
            print_message("%s needs %zu of its %zu bytes\n", names[i], needed, bytes);
        assert_true(bytes - needed <= 26); /* the trailer of a GIF, the footer of a TGA */
        csg_image_destroy(&whole);
        free(data);
    }
}

/* Nothing but the two outcomes; that nothing else happens is the sanitizers' to see. */
static void survives_changed_bytes(void **state)
{
    (void)state;
    struct csg_rng rng;
    unsigned taken = 0, refused = 0;
    csg_rng_init(&rng, 20, 3);
    for (size_t i = 0; i < N_NAMES; i++) {
        size_t bytes;
        uint8_t *data = read_data(names[i], &bytes);
        uint8_t *changed = malloc(bytes);
        assert_non_null(changed);
        for (int round = 0; round < 60; round++) {
            memcpy(changed, data, bytes);
            for (unsigned n = 1 + csg_rng_u32(&rng) % 4; n; n--) {
                /* Half of the changes in the head. Sizes of a BMP or TGA that claim gigabytes only cost time. */
                size_t range = csg_rng_u32(&rng) % 2 && bytes > 64 ? 64 : bytes;
                changed[csg_rng_u32(&rng) % range] ^= (uint8_t)(1u << csg_rng_u32(&rng) % 8);
            }
            struct csg_image *image;
            int status = csg_image_decode(&image, changed, bytes, "changed", NULL);
            assert_true(status == CSG_OK || status == CSG_ERROR_INPUT || status == CSG_ERROR);
            assert_true((status == CSG_OK) == (image != NULL));
            *(status == CSG_OK ? &taken : &refused) += 1;
            csg_image_destroy(&image);
        }
        free(changed);
        free(data);
    }
    print_message("%u taken, %u refused\n", taken, refused);
    assert_true(refused > 0);
}

static void assert_refused(const char *path, const char *part)
{
    struct csg_image *image;
    struct csg_error err = {0};
    assert_int_equal(csg_image_load(&image, path, &err), CSG_ERROR_INPUT);
    assert_null(image);
    print_message("%s\n", err.sentence);
    assert_non_null(strstr(err.sentence, path));
    assert_non_null(strstr(err.sentence, part));
}

static void write_file(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
}

static void refuses_what_is_no_picture(void **state)
{
    (void)state;
    static const char text[] = "This is a line of text and no picture, long enough for every format's head to be looked for.\n";
    static const char no_pixels[] = "P6\n0 5\n255\n";
    static const char vast[] = "P6\n100000 100000\n255\n0123456789";
    assert_refused("no-such-file.png", "cannot be opened");
    assert_refused(".", "folder");
    write_file("empty.png", text, 0);
    assert_refused("empty.png", "empty");
    write_file("text.jpg", text, sizeof text - 1);
    assert_refused("text.jpg", "no picture");
    write_file("zero.ppm", no_pixels, sizeof no_pixels - 1);
    assert_refused("zero.ppm", "zero.ppm");
    write_file("vast.ppm", vast, sizeof vast - 1);
    assert_refused("vast.ppm", "too large");
    /* A BMP of 0 x 5. */
    size_t bytes;
    uint8_t *bmp = read_data("rgb.bmp", &bytes);
    memset(bmp + 18, 0, 4);
    write_file("zero.bmp", bmp, bytes);
    assert_refused("zero.bmp", "zero.bmp");
    free(bmp);
    uint8_t *png = read_data("rgb.png", &bytes);
    png[bytes / 2] ^= 4;
    write_file("checksum.png", png, bytes);
    assert_refused("checksum.png", "checksum");
    free(png);
    uint8_t *jpeg = read_data("444.jpg", &bytes);
    memcpy(jpeg + bytes / 2, "\xff\xd9", 2); /* an end in the midst of the pixels */
    write_file("early.jpg", jpeg, bytes);
    if (exact) /* stb_image goes on with grey blocks */
        assert_refused("early.jpg", "damaged");
    free(jpeg);
    unlink("empty.png");
    unlink("text.jpg");
    unlink("zero.ppm");
    unlink("vast.ppm");
    unlink("zero.bmp");
    unlink("checksum.png");
    unlink("early.jpg");
}

/* What stb_image alone would go on with: a table past its end, and minutes over pixels that no file of that size can hold. */
static void keeps_harm_from_stb_image(void **state)
{
    (void)state;
    size_t bytes, at = 2;
    struct csg_image *image;
    struct csg_error err = {0};
    uint8_t *jpeg = read_data("444.jpg", &bytes);
    assert_true(csg_jpeg_tables_fit(jpeg, bytes));
    while (jpeg[at + 1] != 0xc4) /* the first Huffman table */
        at += 2 + ((size_t)jpeg[at + 2] << 8 | jpeg[at + 3]);
    jpeg[at + 5 + 15] = 255;
    assert_false(csg_jpeg_tables_fit(jpeg, bytes));
    assert_int_equal(csg_decode_stb(&image, jpeg, bytes, "long", &err), CSG_ERROR_INPUT);
    assert_non_null(strstr(err.sentence, "Huffman"));
    free(jpeg);
    uint8_t *bmp = read_data("rgb.bmp", &bytes);
    memcpy(bmp + 18, "\0\x3f\0\0\0\x3f\0\0", 8); /* 16128 x 16128 */
    assert_int_equal(csg_image_decode(&image, bmp, bytes, "bomb", &err), CSG_ERROR_INPUT);
    assert_non_null(strstr(err.sentence, "cannot hold"));
    free(bmp);
}

static void reads_standard_input(void **state)
{
    (void)state;
    char path[512];
    struct csg_image *got, *wanted = read_ppm("rgb.png.ppm");
    assert_non_null(freopen(data_path(path, "rgb.png"), "rb", stdin));
    assert_int_equal(csg_image_load(&got, "-", NULL), CSG_OK);
    assert_same_picture(got, wanted);
    csg_image_destroy(&got);
    csg_image_destroy(&wanted);
    struct csg_error err;
    assert_int_equal(csg_image_load(&got, "-", &err), CSG_ERROR_INPUT); /* it is at its end */
    assert_non_null(strstr(err.sentence, "standard input"));
}

/* Hostile TIFF structures: offsets past the end, counts past the end, wrong types. */
static void reads_any_exif(void **state)
{
    (void)state;
    uint8_t tiff[26] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6};
    assert_int_equal(csg_exif_orientation(tiff, sizeof tiff), 6);
    for (size_t length = 0; length < 22; length++) {
        uint8_t *copy = malloc(length ? length : 1);
        assert_non_null(copy);
        memcpy(copy, tiff, length);
        assert_int_equal(csg_exif_orientation(copy, length), 1);
        free(copy);
    }
    for (unsigned value = 0; value < 256; value++) {
        tiff[19] = (uint8_t)value;
        assert_int_equal(csg_exif_orientation(tiff, sizeof tiff), value >= 1 && value <= 8 ? (int)value : 1);
    }
    tiff[19] = 6;
    memset(tiff + 4, 0xff, 4);
    assert_int_equal(csg_exif_orientation(tiff, sizeof tiff), 1);
    memcpy(tiff + 4, "\0\0\0\x08\xff\xff", 6);
    assert_int_equal(csg_exif_orientation(tiff, sizeof tiff), 6);
    tiff[11] = 0x13;
    assert_int_equal(csg_exif_orientation(tiff, sizeof tiff), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_as_pillow_does),
        cmocka_unit_test(both_jpeg_decoders_agree),
        cmocka_unit_test(refuses_what_is_cut_off),
        cmocka_unit_test(survives_changed_bytes),
        cmocka_unit_test(refuses_what_is_no_picture),
        cmocka_unit_test(reads_standard_input),
        cmocka_unit_test(reads_any_exif),
        cmocka_unit_test(keeps_harm_from_stb_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
