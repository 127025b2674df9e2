/* The strip below an overlay. Its three arrangements follow from the room: one row, two, or three where the picture is narrow. */
#include <stdio.h>
#include <string.h>

#include "image/caption.h"

#define MIN_LINE_PX 15
#define MAX_LINE_PX 160

static const uint8_t text_rgb[3] = {24, 24, 28}, figure_rgb[3] = {84, 84, 92}, frame_rgb[3] = {150, 150, 156};

/* Everything in pixels; the strip's own coordinates. */
struct layout {
    int line, pad, height;
    char low[32], high[32];
    int low_width, high_width;
    int text_y, text_room;
    int bar_x, bar_y, bar_width, bar_height;
    int low_x, high_x, figure_y, figure_room;
};

static int at_least(int value, int least)
{
    return value < least ? least : value;
}

static void arrange(struct layout *l, int width, const char *text, float raw_min, float raw_max)
{
    /* In proportion to the picture: a contact sheet may scale both down. */
    l->line = width / 26;
    l->line = l->line < MIN_LINE_PX ? MIN_LINE_PX : l->line > MAX_LINE_PX ? MAX_LINE_PX : l->line;
    l->pad = l->line / 2;
    l->bar_height = l->line * 5 / 8;
    snprintf(l->low, sizeof l->low, "%.4g", (double)raw_min);
    snprintf(l->high, sizeof l->high, "%.4g", (double)raw_max);
    l->low_width = csg_caption_width_px(l->low, l->line);
    l->high_width = csg_caption_width_px(l->high, l->line);
    l->text_y = l->pad;
    l->text_room = at_least(width - 2 * l->pad, 0);
    l->figure_room = at_least(l->low_width, l->high_width);
    int gap = l->line / 3, text_width = csg_caption_width_px(text, l->line), row = l->line + l->pad / 2;
    int figures = l->low_width + l->high_width + 2 * gap, block = figures + width * 3 / 10;
    bool one_row = text_width < width && 2 * l->pad + text_width + 2 * l->line + block <= width;
    bool two_rows = 2 * l->pad + figures + 3 * l->line <= width;
    if (one_row || two_rows) {
        l->figure_y = one_row ? l->text_y : l->text_y + row;
        l->low_x = one_row ? width - l->pad - block : l->pad;
        l->high_x = width - l->pad - l->high_width;
        l->bar_x = l->low_x + l->low_width + gap;
        l->bar_width = l->high_x - gap - l->bar_x;
        l->bar_y = l->figure_y + (l->line - l->bar_height) / 2;
    } else {
        l->bar_x = l->pad < width / 4 ? l->pad : 0;
        l->bar_width = width - 2 * l->bar_x;
        l->bar_y = l->text_y + row;
        l->figure_y = l->bar_y + l->bar_height + l->pad / 4;
        l->low_x = l->bar_x;
        if (figures - gap > l->bar_width) /* not both whole beside each other: half each */
            l->figure_room = (l->bar_width - gap) / 2;
        l->high_x = l->bar_x + l->bar_width - (l->high_width < l->figure_room ? l->high_width : l->figure_room);
    }
    l->height = l->figure_y + l->line + l->pad;
}

static void put(struct csg_image *image, int x, int y, const uint8_t rgb[3])
{
    memcpy(image->rgb + ((size_t)y * (size_t)image->width_px + (size_t)x) * 3, rgb, 3);
}

/* The frame takes the outermost pixels, so that light colours end visibly on white. */
static void draw_bar(struct csg_image *image, const struct layout *l, int top, const struct csg_colormap *map)
{
    for (int y = 0; y < l->bar_height; y++)
        for (int x = 0; x < l->bar_width; x++) {
            bool frame = x == 0 || y == 0 || x == l->bar_width - 1 || y == l->bar_height - 1;
            long long entry = l->bar_width > 1 ? (long long)x * 255 / (l->bar_width - 1) : 0;
            put(image, l->bar_x + x, top + l->bar_y + y, frame ? frame_rgb : map->rgb[entry]);
        }
}

int csg_legend_draw(struct csg_image **out, const struct csg_image *image, const char *text, const struct csg_colormap *map,
                    float raw_min, float raw_max, struct csg_error *err)
{
    struct layout l = {0};
    struct csg_image *drawn;
    int top = image->height_px;
    *out = NULL;
    arrange(&l, image->width_px, text, raw_min, raw_max);
    int status = csg_image_create(&drawn, image->width_px, top + l.height, err);
    if (status)
        return status;
    size_t row_bytes = (size_t)image->width_px * 3;
    memcpy(drawn->rgb, image->rgb, row_bytes * (size_t)top);
    memset(drawn->rgb + row_bytes * (size_t)top, 255, row_bytes * (size_t)l.height);
    draw_bar(drawn, &l, top, map);
    status = csg_caption_draw(drawn, text, l.pad, top + l.text_y, l.line, l.text_room, text_rgb, err);
    if (status == CSG_OK)
        status = csg_caption_draw(drawn, l.low, l.low_x, top + l.figure_y, l.line, l.figure_room, figure_rgb, err);
    if (status == CSG_OK)
        status = csg_caption_draw(drawn, l.high, l.high_x, top + l.figure_y, l.line, l.figure_room, figure_rgb, err);
    if (status) {
        csg_image_destroy(&drawn);
        return status;
    }
    *out = drawn;
    return CSG_OK;
}
