/* The demo model finds what its card says it finds: the highest place of the map lies in a box of assets/pictures/NAME.boxes.json, in the
 * picture and in its mirror image, at some sizes and with the demo's label set. Public header alone.
 *
 * It is a small model. Texts of the boxes that are not claimed are tried too and printed: the white horse beside the person is not found
 * at every size, and "truck" was only ever another name for a car. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clip_surgeon/clip_surgeon.h>
#include <cmocka.h>
#include <jansson.h>

#define LABELS "demo"

static const struct {
    const char *picture;
    int size_px;
    unsigned first_block; /* 0: the default */
    const char *texts[3];
} claims[] = {{"horses", 240, 2, {"horse"}},
              {"person", 240, 2, {"person"}},
              {"dog", 240, 2, {"dog", "bicycle", "car"}},
              {"person", 240, 0, {"person", "dog", "horse"}},
              {"person", 352, 2, {"person", "dog", "horse"}},
              {"dog", 352, 2, {"dog", "bicycle", "car"}}};
#define N_CLAIMS (sizeof claims / sizeof *claims)
#define N_TEXTS (sizeof claims->texts / sizeof *claims->texts)

static void require(int status, const struct csg_error *err)
{
    if (status != CSG_OK)
        fail_msg("status %d: %s", status, err->sentence);
}

static struct csg_image *mirrored(const struct csg_image *image)
{
    struct csg_image *out = NULL;
    size_t w = (size_t)csg_image_width_px(image), h = (size_t)csg_image_height_px(image);
    uint8_t *rgb = malloc(3 * w * h);
    assert_non_null(rgb);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            memcpy(rgb + 3 * (y * w + x), csg_image_rgb(image) + 3 * (y * w + w - 1 - x), 3);
    assert_int_equal(csg_image_from_rgb(&out, rgb, (int)w, (int)h, 0, NULL), CSG_OK);
    free(rgb);
    return out;
}

static bool in_a_box(const json_t *boxes, const char *text, int x, int y)
{
    for (size_t i = 0; i < json_array_size(boxes); i++) {
        json_t *box = json_array_get(boxes, i), *side = json_object_get(box, "box_px");
        if (strcmp(json_string_value(json_object_get(box, "text")), text) == 0 &&
            x >= json_number_value(json_array_get(side, 0)) && y >= json_number_value(json_array_get(side, 1)) &&
            x < json_number_value(json_array_get(side, 2)) && y < json_number_value(json_array_get(side, 3)))
            return true;
    }
    return false;
}

static bool found(struct csg_engine *engine, const struct csg_image *image, const char *text, size_t claim, const json_t *boxes,
                  bool mirror)
{
    struct csg_error err = {0};
    struct csg_result *result = NULL;
    const struct csg_map_params params = {
        .labels = LABELS, .size_px = claims[claim].size_px, .first_block = claims[claim].first_block};
    require(csg_map(engine, image, &text, 1, &params, &result, &err), &err);
    assert_string_equal(result->mode, "set");
    int x = result->texts[0].peak_x_px, y = result->texts[0].peak_y_px;
    bool inside = in_a_box(boxes, text, mirror ? result->image_width_px - 1 - x : x, y);
    print_message("  '%s'%s is highest at %d,%d: %s\n", text, mirror ? " mirrored" : "", x, y,
                  inside ? "in its box" : "NOT in its box");
    csg_result_destroy(&result);
    return inside;
}

static json_t *load_boxes(const char *picture, struct csg_image **image)
{
    struct csg_error err = {0};
    char data[4096], path[8192];
    require(csg_data_dir(data, sizeof data, &err), &err);
    snprintf(path, sizeof path, "%s/pictures/%s.boxes.json", data, picture);
    json_t *about = json_load_file(path, 0, NULL);
    const char *name = json_string_value(json_object_get(about, "image"));
    if (!name)
        fail_msg("%s is missing or names no picture", path);
    snprintf(path, sizeof path, "%s/pictures/%s", data, name);
    require(csg_image_load(image, path, &err), &err);
    return about;
}

static bool first_of_its_text(const json_t *boxes, size_t i)
{
    const char *text = json_string_value(json_object_get(json_array_get(boxes, i), "text"));
    for (size_t j = 0; j < i; j++)
        if (strcmp(json_string_value(json_object_get(json_array_get(boxes, j), "text")), text) == 0)
            return false;
    return true;
}

static bool is_claimed(size_t claim, const char *text)
{
    for (size_t i = 0; i < N_TEXTS && claims[claim].texts[i]; i++)
        if (strcmp(claims[claim].texts[i], text) == 0)
            return true;
    return false;
}

/* The claims decide; other texts of the boxes are told. */
static size_t check_picture(struct csg_engine *engine, size_t claim)
{
    struct csg_image *image = NULL;
    json_t *about = load_boxes(claims[claim].picture, &image), *boxes = json_object_get(about, "boxes");
    struct csg_image *mirror = mirrored(image);
    size_t missed = 0, claimed = 0, expected = 0;
    print_message("%s, %d px, first block %u:\n", claims[claim].picture, claims[claim].size_px, claims[claim].first_block);
    for (size_t i = 0; i < json_array_size(boxes); i++) {
        const char *text = json_string_value(json_object_get(json_array_get(boxes, i), "text"));
        if (!first_of_its_text(boxes, i))
            continue;
        bool both = found(engine, image, text, claim, boxes, false);
        both = found(engine, mirror, text, claim, boxes, true) && both;
        claimed += is_claimed(claim, text);
        missed += is_claimed(claim, text) && !both;
    }
    csg_image_destroy(&mirror);
    csg_image_destroy(&image);
    json_decref(about);
    while (expected < N_TEXTS && claims[claim].texts[expected])
        expected++;
    assert_int_equal(claimed, expected);
    return missed;
}

static void the_highest_place_lies_in_a_box(void **state)
{
    (void)state;
    struct csg_error err = {0};
    struct csg_engine *engine = NULL;
    size_t missed = 0;
    require(csg_engine_create(&engine, NULL, &err), &err);
    for (size_t i = 0; i < N_CLAIMS; i++)
        missed += check_picture(engine, i);
    csg_engine_destroy(&engine);
    assert_int_equal(missed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_highest_place_lies_in_a_box)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
