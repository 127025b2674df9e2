#include "task/coco.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Rows of pixels between pairs of crossings with the line through their centres: even-odd. */
static int fill_polygon(struct csg_mask *mask, const double *points, size_t n, uint16_t index, struct csg_error *err)
{
    double *crossings = csg_calloc(n, sizeof *crossings);
    if (!crossings)
        return csg_fail_memory(err);
    for (int y = 0; y < mask->height_px; y++) {
        double line = y + 0.5;
        size_t count = 0;
        for (size_t i = 0; i < n; i++) {
            const double *a = points + 2 * i, *b = points + 2 * ((i + 1) % n);
            if ((a[1] <= line) != (b[1] <= line))
                crossings[count++] = a[0] + (line - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
        }
        qsort(crossings, count, sizeof *crossings, ascending);
        for (size_t i = 0; i + 1 < count; i += 2) {
            double from = fmax(ceil(crossings[i] - 0.5), 0), to = fmin(ceil(crossings[i + 1] - 0.5), mask->width_px);
            for (int x = (int)fmin(from, mask->width_px); x < to; x++)
                mask->index[(size_t)y * (size_t)mask->width_px + (size_t)x] = index;
        }
    }
    free(crossings);
    return CSG_OK;
}

static int draw_polygon(struct csg_mask *mask, const json_t *polygon, uint16_t index, const char *what, struct csg_error *err)
{
    size_t n = json_array_size(polygon);
    if (n < 6 || n % 2)
        return csg_fail(err, CSG_ERROR_INPUT, "%s has a polygon of %zu numbers, but three corners are six", what, n);
    double *points = csg_calloc(n, sizeof *points);
    int status = points ? CSG_OK : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < n; i++) {
        points[i] = json_number_value(json_array_get(polygon, i));
        if (!json_is_number(json_array_get(polygon, i)) || !(fabs(points[i]) < 1e6))
            status = csg_fail(err, CSG_ERROR_INPUT, "%s has a polygon with something else than coordinates", what);
    }
    if (status == CSG_OK)
        status = fill_polygon(mask, points, n / 2, index, err);
    free(points);
    return status;
}

/* The next number of a compressed string: groups of five bits, the lowest first, with a sign; from the third on a difference to the number
 * two before it, which the caller adds. False at its end or where it is damaged. */
static bool next_number(const char **at, int64_t *number)
{
    uint64_t value = 0;
    unsigned shift = 0;
    for (;;) {
        unsigned bits = (unsigned)((unsigned char)**at - 48u);
        if (!**at || bits > 63 || shift > 55)
            return false;
        ++*at;
        value |= (uint64_t)(bits & 31u) << shift;
        shift += 5;
        if (bits & 32u)
            continue;
        *number = (int64_t)(bits & 16u ? value | ~(uint64_t)0 << shift : value);
        return true;
    }
}

struct runs {
    const json_t *list; /* or */
    const char *text;
    size_t at;
    int64_t before[2];
};

/* False at the end; *length is negative where there is no such run. */
static bool next_run(struct runs *runs, int64_t *length)
{
    if (runs->list) {
        if (runs->at == json_array_size(runs->list))
            return false;
        const json_t *value = json_array_get(runs->list, runs->at++);
        *length = json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
        return true;
    }
    if (!*runs->text)
        return false;
    if (!next_number(&runs->text, length))
        *length = -1;
    else if (runs->at++ > 2 && *length >= INT32_MIN && *length <= INT32_MAX)
        *length += runs->before[0];
    runs->before[0] = runs->before[1];
    runs->before[1] = *length;
    return true;
}

/* Column by column, background first. */
static int draw_runs(struct csg_mask *mask, const json_t *rle, uint16_t index, const char *what, struct csg_error *err)
{
    const json_t *size = json_object_get(rle, "size"), *counts = json_object_get(rle, "counts");
    size_t h = (size_t)mask->height_px, w = (size_t)mask->width_px, at = 0;
    if (json_integer_value(json_array_get(size, 0)) != mask->height_px ||
        json_integer_value(json_array_get(size, 1)) != mask->width_px)
        return csg_fail(err, CSG_ERROR_INPUT, "%s has run lengths of another size than its picture", what);
    struct runs runs = {.list = json_is_array(counts) ? counts : NULL, .text = json_string_value(counts)};
    int64_t length;
    if (!runs.list && !runs.text)
        return csg_fail(err, CSG_ERROR_INPUT, "%s has no run lengths", what);
    for (bool inside = false; next_run(&runs, &length); inside = !inside) {
        if (length < 0 || (uint64_t)length > h * w - at)
            return csg_fail(err, CSG_ERROR_INPUT, "%s has run lengths that do not fit its picture", what);
        for (size_t end = at + (size_t)length; at < end; at++)
            if (inside)
                mask->index[at % h * w + at / h] = index;
    }
    return CSG_OK;
}

int csg_coco_draw(struct csg_mask *mask, const json_t *segmentation, uint16_t index, const char *what, struct csg_error *err)
{
    int status = CSG_OK;
    if (json_is_object(segmentation))
        return draw_runs(mask, segmentation, index, what, err);
    if (!json_is_array(segmentation))
        return csg_fail(err, CSG_ERROR_INPUT, "%s has no segmentation", what);
    for (size_t i = 0; status == CSG_OK && i < json_array_size(segmentation); i++)
        status = draw_polygon(mask, json_array_get(segmentation, i), index, what, err);
    return status;
}
