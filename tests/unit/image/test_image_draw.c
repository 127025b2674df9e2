/* Captions stay in their room, legends keep the picture, sheets have their cells where the grid says. */
#include "test_data.h"

#include "image/caption.h"

static struct csg_image *plain(int width_px, int height_px, uint8_t level)
{
    struct csg_image *image;
    assert_int_equal(csg_image_create(&image, width_px, height_px, NULL), CSG_OK);
    memset(image->rgb, level, 3 * (size_t)width_px * (size_t)height_px);
    return image;
}

struct ink {
    int left, top, right, bottom; /* right and bottom exclusive; all 0 without ink */
    double amount;                /* in fully covered pixels */
};

static struct ink find_ink(const struct csg_image *image)
{
    struct ink ink = {image->width_px, image->height_px, 0, 0, 0};
    for (int y = 0; y < image->height_px; y++)
        for (int x = 0; x < image->width_px; x++) {
            int level = image->rgb[3 * (y * image->width_px + x)];
            if (level == 255)
                continue;
            ink.amount += (255 - level) / 255.0;
            ink.left = x < ink.left ? x : ink.left;
            ink.right = x + 1 > ink.right ? x + 1 : ink.right;
            ink.top = y < ink.top ? y : ink.top;
            ink.bottom = y + 1 > ink.bottom ? y + 1 : ink.bottom;
        }
    if (ink.right == 0)
        ink.left = ink.top = 0;
    return ink;
}

static struct ink draw(const char *text, int height_px, int max_width_px)
{
    static const uint8_t black[3] = {0, 0, 0};
    struct csg_image *image = plain(600, 60, 255);
    assert_int_equal(csg_caption_draw(image, text, 20, 10, height_px, max_width_px, black, NULL), CSG_OK);
    struct ink ink = find_ink(image);
    csg_image_destroy(&image);
    return ink;
}

static void text_stands_in_its_box(void **state)
{
    (void)state;
    struct ink ink = draw("Agjy", 30, 500);
    assert_true(ink.amount > 100);
    assert_in_range(ink.left, 18, 24);
    assert_in_range(ink.right, ink.left + 30, 20 + csg_caption_width_px("Agjy", 30) + 1);
    assert_in_range(ink.top, 10, 20);
    assert_in_range(ink.bottom, 30, 41);
    assert_true(draw("iiii", 30, 500).amount < draw("MMMM", 30, 500).amount);
    assert_int_equal(draw("", 30, 500).right, 0);
    assert_true(csg_caption_width_px("AVAVAV", 40) < 3 * csg_caption_width_px("A", 40) + 3 * csg_caption_width_px("V", 40) - 4);
}

static void long_text_is_cut(void **state)
{
    (void)state;
    static const char text[] = "a caption that is far longer than the room that there is for it, whatever it says in the end";
    for (int room = 0; room < 500; room += 7) {
        struct ink ink = draw(text, 20, room);
        assert_true(ink.right <= 20 + room + 1);
        if (room > 40)
            assert_true(ink.right > 20 + room - 25); /* and not cut more than a letter and a blank too early */
    }
    /* Exactly as wide as its room: whole. */
    int width = csg_caption_width_px("exact", 20);
    assert_true(draw("exact", 20, width).amount == draw("exact", 20, 500).amount);
    assert_true(draw("exact", 20, width - 2).amount != draw("exact", 20, 500).amount);
}

static void any_bytes_are_text(void **state)
{
    (void)state;
    int replacement = csg_caption_width_px("\xef\xbf\xbd", 30);
    assert_true(replacement > 10);
    static const char *const one_sign[] = {"\xff", "\x80", "\xe6\x97\xa5", "\xf0\x9f\x90\xb4"}; /* none in the font */
    for (size_t i = 0; i < sizeof one_sign / sizeof *one_sign; i++)
        assert_int_equal(csg_caption_width_px(one_sign[i], 30), replacement);
    assert_in_range(csg_caption_width_px("\xc0\xaf", 30), 2 * replacement - 2, 2 * replacement + 2);     /* overlong */
    assert_in_range(csg_caption_width_px("\xed\xa0\x80", 30), 3 * replacement - 3, 3 * replacement + 3); /* surrogate */
    assert_in_range(csg_caption_width_px("\xe6\x97", 30), 2 * replacement - 2, 2 * replacement + 2);     /* ends early */
    assert_int_equal(csg_caption_width_px("a\nb", 30), csg_caption_width_px("a b", 30));
    assert_int_equal(csg_caption_width_px("a\xe2\x80\x8b"
                                          "b",
                                          30),
                     csg_caption_width_px("ab", 30));
    /* Every letter of the promised scripts is there. */
    static const char *const scripts[] = {"ä", "ß", "ł", "Ω", "λ", "Ж", "я", "→", "…", "€", "≤", "–", "„"};
    struct ink lacking = draw("\xff", 30, 500);
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        assert_true(draw(scripts[i], 30, 500).amount != lacking.amount);
}

static void text_outside_is_clipped(void **state)
{
    (void)state;
    static const uint8_t black[3] = {0, 0, 0};
    static const int places[][2] = {{-30, -10}, {-500, 5}, {35, 15}, {500, 500}, {0, -300}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct csg_image *image = plain(40, 20, 255);
        assert_int_equal(csg_caption_draw(image, "Wide text", places[i][0], places[i][1], 20, 400, black, NULL), CSG_OK);
        csg_image_destroy(&image);
    }
    struct csg_image *image = plain(4, 4, 255);
    struct csg_error err;
    assert_int_equal(csg_caption_draw(image, "x", 0, 0, 0, 4, black, &err), CSG_ERROR_USAGE);
    assert_int_equal(csg_caption_draw(image, "x", 0, 0, 100000, 4, black, &err), CSG_ERROR_USAGE);
    csg_image_destroy(&image);
}

static void legends_keep_the_picture(void **state)
{
    (void)state;
    static const char *const texts[] = {"horse", "",
                                        "a sentence that is too long for the strip of any but the widest of pictures"};
    static const int widths[] = {1, 2, 3, 7, 16, 40, 90, 150, 224, 640, 2000, 20000};
    for (size_t t = 0; t < 3; t++)
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            struct csg_image *image = plain(widths[w], 5, 77), *drawn;
            assert_int_equal(csg_legend_draw(&drawn, image, texts[t], csg_colormap_at(0), -1.5f, 1e-20f, NULL), CSG_OK);
            assert_int_equal(drawn->width_px, widths[w]);
            assert_true(drawn->height_px > 5 + 15);
            assert_memory_equal(drawn->rgb, image->rgb, 3 * 5 * (size_t)widths[w]);
            const uint8_t *last = drawn->rgb + 3 * ((size_t)drawn->height_px * (size_t)widths[w] - 1);
            assert_memory_equal(last, "\xff\xff\xff", 3);
            csg_image_destroy(&drawn);
            csg_image_destroy(&image);
        }
}

/* The bar shows the first and the last colour, left to right. */
static void the_bar_runs_from_low_to_high(void **state)
{
    (void)state;
    const struct csg_colormap *map;
    struct csg_image *image = plain(640, 5, 77), *drawn;
    assert_int_equal(csg_colormap_find(&map, "jet", NULL), CSG_OK);
    assert_int_equal(csg_legend_draw(&drawn, image, "horse", map, 0.1f, 0.2f, NULL), CSG_OK);
    int first = -1, last = -1;
    for (int y = 5; y < drawn->height_px; y++)
        for (int x = 0; x < 640; x++) {
            const uint8_t *p = drawn->rgb + 3 * (y * 640 + x);
            if (memcmp(p, map->rgb[2], 3) == 0)
                first = x;
            if (memcmp(p, map->rgb[253], 3) == 0)
                last = x;
        }
    assert_true(first > 0 && last > first + 150);
    csg_image_destroy(&drawn);
    csg_image_destroy(&image);
}

static const uint8_t *pixel(const struct csg_image *image, int x, int y)
{
    return image->rgb + 3 * (y * image->width_px + x);
}

static void sheets_are_grids(void **state)
{
    (void)state;
    struct csg_image *cells[5], *sheet;
    static const char *const captions[5] = {"first", NULL, "third", "fourth", "fifth"};
    for (int i = 0; i < 5; i++)
        cells[i] = plain(i == 4 ? 50 : 400, i == 1 ? 300 : 200, (uint8_t)(40 + 10 * i));
    const struct csg_image *const *list = (const struct csg_image *const *)cells;
    assert_int_equal(csg_contact_sheet(list, NULL, 5, 2, 100, &sheet, NULL), CSG_OK);
    /* margin 10; columns of 100; rows of 75 (the tallest, 400 x 300 scaled), 50 and 200 (50 px wide is not scaled) */
    assert_int_equal(sheet->width_px, 10 + 2 * 110);
    assert_int_equal(sheet->height_px, 10 + 85 + 60 + 210);
    assert_memory_equal(pixel(sheet, 9, 9), "\xff\xff\xff", 3);
    assert_int_equal(*pixel(sheet, 10, 10), 40);
    assert_int_equal(*pixel(sheet, 109, 59), 40);
    assert_int_equal(*pixel(sheet, 110, 30), 255);
    assert_int_equal(*pixel(sheet, 60, 60), 255);
    assert_int_equal(*pixel(sheet, 219, 84), 50);
    assert_int_equal(*pixel(sheet, 120, 95), 70);
    assert_int_equal(*pixel(sheet, 59, 354), 80);
    assert_int_equal(*pixel(sheet, 60, 354), 255);
    csg_image_destroy(&sheet);
    assert_int_equal(csg_contact_sheet(list, captions, 5, 2, 100, &sheet, NULL), CSG_OK);
    assert_int_equal(sheet->height_px, 10 + 85 + 60 + 210 + 3 * 18);
    struct csg_image *none;
    struct csg_error err;
    assert_int_equal(csg_contact_sheet(list, captions, 0, 2, 100, &none, &err), CSG_ERROR_USAGE);
    assert_int_equal(csg_contact_sheet(list, captions, 5, -1, 100, &none, &err), CSG_ERROR_USAGE);
    assert_int_equal(csg_contact_sheet(list, captions, 5, 2, -1, &none, &err), CSG_ERROR_USAGE);
    const struct csg_image *hole[2] = {cells[0], NULL};
    assert_int_equal(csg_contact_sheet(hole, NULL, 2, 2, 100, &none, &err), CSG_ERROR_USAGE);
    assert_null(none);
    csg_image_destroy(&sheet);
    assert_int_equal(csg_contact_sheet(list, captions, 5, 0, 0, &sheet, NULL), CSG_OK); /* three columns by itself */
    assert_int_equal(sheet->width_px, 16 + 3 * 416);
    csg_image_destroy(&sheet);
    for (int i = 0; i < 5; i++)
        csg_image_destroy(&cells[i]);
    cells[0] = plain(20000, 1, 9); /* one line stays one line */
    assert_int_equal(csg_contact_sheet(list, NULL, 1, 1, 100, &sheet, NULL), CSG_OK);
    assert_int_equal(sheet->height_px, 21);
    assert_int_equal(*pixel(sheet, 60, 10), 9);
    csg_image_destroy(&sheet);
    csg_image_destroy(&cells[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stands_in_its_box),   cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(any_bytes_are_text),       cmocka_unit_test(text_outside_is_clipped),
        cmocka_unit_test(legends_keep_the_picture), cmocka_unit_test(the_bar_runs_from_low_to_high),
        cmocka_unit_test(sheets_are_grids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
