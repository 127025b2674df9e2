/* Contact sheets: cells scaled down to one width, in rows, captions above. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/caption.h"
#include "image/resize.h"

#define DEFAULT_CELL_PX 480
#define MAX_CELL_PX 20000

static const uint8_t text_rgb[3] = {24, 24, 28};

/* One pass of the bicubic along x or y. */
static int resize_pass(struct csg_image **out, const struct csg_image *in, int out_px, bool vertical, struct csg_error *err)
{
    struct csg_resize_axis *axis = NULL;
    *out = NULL;
    int status = csg_resize_axis_create(&axis, vertical ? in->height_px : in->width_px, out_px, err);
    if (status == CSG_OK)
        status = csg_image_create(out, vertical ? in->width_px : out_px, vertical ? out_px : in->height_px, err);
    if (status) {
        csg_resize_axis_destroy(&axis);
        return status;
    }
    size_t in_width = (size_t)in->width_px, out_width = (size_t)(*out)->width_px, step = vertical ? 3 * in_width : 3;
    for (size_t y = 0; y < (size_t)(*out)->height_px; y++)
        for (size_t x = 0; x < out_width; x++) {
            size_t i = vertical ? y : x, first = (size_t)axis->first[i];
            const uint8_t *from = in->rgb + 3 * (vertical ? first * in_width + x : y * in_width + first);
            const int32_t *weights = axis->weights + i * (size_t)axis->taps;
            for (size_t c = 0; c < 3; c++) {
                int64_t sum = (int64_t)1 << 21;
                for (size_t j = 0; j < (size_t)axis->count[i]; j++)
                    sum += (int64_t)weights[j] * from[j * step + c];
                sum >>= 22;
                (*out)->rgb[3 * (y * out_width + x) + c] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
            }
        }
    csg_resize_axis_destroy(&axis);
    return CSG_OK;
}

/* Where everything stands. The heights of rows are their tallest cells'. */
struct grid {
    size_t count, columns, rows;
    int cell_px, column_px, line_px, margin_px, caption_px; /* caption_px: of the strip, 0 without any caption */
};

static void scaled_size(const struct csg_image *image, const struct grid *grid, int *width, int *height)
{
    *width = image->width_px;
    *height = image->height_px;
    if (image->width_px <= grid->cell_px)
        return;
    *width = grid->cell_px;
    *height = (int)llround((double)image->height_px * grid->cell_px / image->width_px);
    if (*height < 1)
        *height = 1;
}

static void arrange(struct grid *grid, const struct csg_image *const *cells, const char *const *captions)
{
    int cell = grid->cell_px;
    grid->line_px = cell / 20 < 15 ? 15 : cell / 20;
    if (grid->line_px > 160)
        grid->line_px = 160;
    grid->margin_px = grid->line_px * 2 / 3;
    grid->column_px = 1;
    for (size_t i = 0; i < grid->count; i++) {
        int width, height;
        scaled_size(cells[i], grid, &width, &height);
        if (captions && captions[i]) {
            int needed = csg_caption_width_px(captions[i], grid->line_px);
            grid->caption_px = grid->line_px + grid->line_px / 4;
            width = width > needed ? width : needed < cell ? needed : cell;
        }
        grid->column_px = grid->column_px > width ? grid->column_px : width;
    }
}

static int row_height(const struct grid *grid, const struct csg_image *const *cells, size_t row)
{
    int tallest = 0;
    for (size_t i = row * grid->columns; i < grid->count && i < (row + 1) * grid->columns; i++) {
        int width, height;
        scaled_size(cells[i], grid, &width, &height);
        tallest = tallest > height ? tallest : height;
    }
    return tallest;
}

static int draw_cell(struct csg_image *sheet, const struct csg_image *cell, const char *caption, const struct grid *grid, int x,
                     int y, struct csg_error *err)
{
    struct csg_image *wide = NULL, *scaled = NULL;
    int width, height, status = CSG_OK;
    scaled_size(cell, grid, &width, &height);
    if (caption)
        status = csg_caption_draw(sheet, caption, x, y, grid->line_px, grid->column_px, text_rgb, err);
    if (status == CSG_OK && width != cell->width_px) {
        status = resize_pass(&wide, cell, width, false, err);
        if (status == CSG_OK)
            status = resize_pass(&scaled, wide, height, true, err);
        cell = scaled;
    }
    for (int line = 0; status == CSG_OK && line < height; line++)
        memcpy(sheet->rgb + ((size_t)(y + grid->caption_px + line) * (size_t)sheet->width_px + (size_t)x) * 3,
               cell->rgb + (size_t)line * (size_t)width * 3, (size_t)width * 3);
    csg_image_destroy(&wide);
    csg_image_destroy(&scaled);
    return status;
}

int csg_contact_sheet(const struct csg_image *const *cells, const char *const *captions, size_t count, int columns, int cell_px,
                      struct csg_image **out, struct csg_error *err)
{
    struct csg_image *sheet = NULL;
    *out = NULL;
    if (!cells || !count || columns < 0 || cell_px < 0 || cell_px > MAX_CELL_PX)
        return csg_fail(err, CSG_ERROR_USAGE, "a contact sheet needs pictures, columns and cells of 1 to %d pixels", MAX_CELL_PX);
    for (size_t i = 0; i < count; i++)
        if (!cells[i])
            return csg_fail(err, CSG_ERROR_USAGE, "picture %zu of the contact sheet is missing", i + 1);
    struct grid grid = {.count = count, .cell_px = cell_px ? cell_px : DEFAULT_CELL_PX};
    grid.columns = columns ? (size_t)columns : (size_t)ceil(sqrt((double)count));
    grid.columns = grid.columns < count ? grid.columns : count;
    grid.rows = (count + grid.columns - 1) / grid.columns;
    arrange(&grid, cells, captions);
    double width = grid.margin_px + (double)grid.columns * (grid.column_px + grid.margin_px), height = grid.margin_px;
    for (size_t row = 0; row < grid.rows; row++)
        height += (double)row_height(&grid, cells, row) + grid.caption_px + grid.margin_px;
    if (width * height > (double)CSG_MAX_PIXELS)
        return csg_fail(err, CSG_ERROR_INPUT, "the contact sheet is too large: %.0f x %.0f pixels", width, height);
    int status = csg_image_create(&sheet, (int)width, (int)height, err), y = grid.margin_px;
    if (status)
        return status;
    memset(sheet->rgb, 255, (size_t)sheet->width_px * (size_t)sheet->height_px * 3);
    for (size_t i = 0; status == CSG_OK && i < count; i++) {
        size_t column = i % grid.columns;
        if (i && !column)
            y += row_height(&grid, cells, i / grid.columns - 1) + grid.caption_px + grid.margin_px;
        int x = grid.margin_px + (int)column * (grid.column_px + grid.margin_px);
        status = draw_cell(sheet, cells[i], captions ? captions[i] : NULL, &grid, x, y, err);
    }
    if (status) {
        csg_image_destroy(&sheet);
        return status;
    }
    *out = sheet;
    return CSG_OK;
}
