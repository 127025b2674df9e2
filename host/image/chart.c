/* Tables of figures as bars. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "image/caption.h"

#define ROW_PX 26
#define TEXT_PX 18
#define GAP_PX 10
#define BAR_PX 170    /* of a panel: its bars, and */
#define FIGURE_PX 70  /* the figures beside them */
#define LABELS_PX 160 /* the rows' names */
#define MAX_ROWS 1000
#define MAX_COLUMNS 16

static const uint8_t ink[3] = {32, 32, 32}, axis[3] = {150, 150, 150}, positive[3] = {49, 104, 142}, negative[3] = {176, 74, 60};

static void fill(struct csg_image *image, int x, int y, int w, int h, const uint8_t rgb[3])
{
    for (int row = y; row < y + h; row++)
        for (int column = x; column < x + w; column++)
            memcpy(image->rgb + ((size_t)row * (size_t)image->width_px + (size_t)column) * 3, rgb, 3);
}

/* The least and the greatest value of a column, 0 among them. */
static void range_of(const struct csg_chart *chart, size_t column, double *low, double *high)
{
    *low = *high = 0;
    for (size_t r = 0; r < chart->n_rows; r++) {
        double value = chart->values[r * chart->n_columns + column];
        if (isfinite(value)) {
            *low = fmin(*low, value);
            *high = fmax(*high, value);
        }
    }
}

static int draw_bar(struct csg_image *image, double value, double low, double high, int left, int top, struct csg_error *err)
{
    char figure[32] = "-";
    double span = high > low ? high - low : 1;
    int zero = (int)lround(-low / span * BAR_PX), end = zero;
    if (isfinite(value)) {
        snprintf(figure, sizeof figure, "%.2f", value);
        end = (int)lround((value - low) / span * BAR_PX);
    }
    fill(image, left + (end < zero ? end : zero), top + 4, end < zero ? zero - end : end - zero, ROW_PX - 8,
         end < zero ? negative : positive);
    fill(image, left + zero, top, 1, ROW_PX, axis);
    return csg_caption_draw(image, figure, left + BAR_PX + GAP_PX / 2, top + (ROW_PX - TEXT_PX) / 2, TEXT_PX, FIGURE_PX - GAP_PX,
                            ink, err);
}

static int draw_column(struct csg_image *image, const struct csg_chart *chart, size_t column, int left, int top,
                       struct csg_error *err)
{
    double low, high;
    range_of(chart, column, &low, &high);
    int status = csg_caption_draw(image, chart->columns[column], left, top, TEXT_PX, BAR_PX + FIGURE_PX - GAP_PX, ink, err);
    for (size_t r = 0; status == CSG_OK && r < chart->n_rows; r++)
        status = draw_bar(image, chart->values[r * chart->n_columns + column], low, high, left, top + ((int)r + 1) * ROW_PX, err);
    return status;
}

int csg_chart_draw(struct csg_image **out, const struct csg_chart *chart, struct csg_error *err)
{
    static const uint8_t white = 255;
    *out = NULL;
    if (!chart->n_rows || !chart->n_columns || chart->n_rows > MAX_ROWS || chart->n_columns > MAX_COLUMNS)
        return csg_fail(err, CSG_ERROR_USAGE, "a chart has 1 to %d rows and 1 to %d columns, not %zu and %zu", MAX_ROWS,
                        MAX_COLUMNS, chart->n_rows, chart->n_columns);
    int width = 2 * GAP_PX + LABELS_PX + (int)chart->n_columns * (BAR_PX + FIGURE_PX), top = GAP_PX + ROW_PX;
    int height = top + ((int)chart->n_rows + 1) * ROW_PX + GAP_PX;
    struct csg_image *image = NULL;
    int status = csg_image_create(&image, width, height, err);
    if (status)
        return status;
    memset(image->rgb, white, (size_t)width * (size_t)height * 3);
    status = csg_caption_draw(image, chart->title, GAP_PX, GAP_PX, TEXT_PX, width - 2 * GAP_PX, ink, err);
    for (size_t r = 0; status == CSG_OK && r < chart->n_rows; r++)
        status = csg_caption_draw(image, chart->rows[r], GAP_PX, top + ((int)r + 1) * ROW_PX + (ROW_PX - TEXT_PX) / 2, TEXT_PX,
                                  LABELS_PX - GAP_PX, ink, err);
    for (size_t c = 0; status == CSG_OK && c < chart->n_columns; c++)
        status = draw_column(image, chart, c, GAP_PX + LABELS_PX + (int)c * (BAR_PX + FIGURE_PX), top, err);
    if (status)
        csg_image_destroy(&image);
    *out = image;
    return status;
}
