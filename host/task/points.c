/* Points for SAM, as published (similarity_map_to_points with down_sample = 2). */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "task/map.h"
#include "task/similarity.h"

#define DOWN_SAMPLE 2

struct cell {
    float value;
    size_t index;
};

static int by_value(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* The cells of one map at half the grid, ascending by value; *k of them are positive (the highest) and as many negative.
 * *k is 0 where there are no cells or the map is constant. */
struct ranking {
    struct cell *cells;
    size_t count, w, h, k;
};

static int rank(struct csg_backend *backend, const struct csg_result *result, const float *similarity, double threshold,
                struct ranking *out, struct csg_error *err)
{
    size_t grid_w = (size_t)result->grid_w, grid_h = (size_t)result->grid_h;
    *out = (struct ranking){.w = grid_w / DOWN_SAMPLE, .h = grid_h / DOWN_SAMPLE};
    out->count = out->w * out->h;
    if (out->count == 0)
        return CSG_OK;
    float *small = csg_calloc(out->count, sizeof *small), range[2];
    out->cells = csg_calloc(out->count, sizeof *out->cells);
    int status = small && out->cells ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_task_bilinear(backend, similarity, 1, grid_w, grid_h, small, out->w, out->h, err);
    if (status == CSG_OK)
        status = csg_minmax_row(backend, small, out->count, small, range, err);
    if (status == CSG_OK && range[0] < range[1]) {
        size_t high = 0;
        for (size_t i = 0; i < out->count; i++) {
            out->cells[i] = (struct cell){small[i], i};
            high += small[i] >= (float)threshold;
        }
        qsort(out->cells, out->count, sizeof *out->cells, by_value);
        out->k = high < out->count / 2 ? high : out->count / 2;
    }
    free(small);
    if (status) {
        free(out->cells);
        out->cells = NULL;
    }
    return status;
}

/* The centre of the cell in picture pixels; single precision as in the published code. */
static void place(const struct csg_result *result, const struct ranking *ranking, size_t index, int point[2])
{
    float scale_w = (float)((double)result->image_width_px / (double)ranking->w);
    float scale_h = (float)((double)result->image_height_px / (double)ranking->h);
    float x = ((float)(index % ranking->w) + 0.5f) * scale_w, y = ((float)(index / ranking->w) + 0.5f) * scale_h;
    point[0] = (int)fminf(x, (float)(result->image_width_px - 1));
    point[1] = (int)fminf(y, (float)(result->image_height_px - 1));
}

/* Appends the k highest (ascending) or the k lowest. */
static int append(struct csg_full_result *result, const struct ranking *ranking, bool positive, size_t *count,
                  struct csg_error *err)
{
    int(*points)[2] = csg_realloc(result->points, *count + ranking->k, sizeof *points);
    if (!points)
        return csg_fail_memory(err);
    result->points = points;
    uint8_t *labels = csg_realloc(result->labels, *count + ranking->k, sizeof *labels);
    if (!labels)
        return csg_fail_memory(err);
    result->labels = labels;
    size_t from = positive ? ranking->count - ranking->k : 0;
    for (size_t i = 0; i < ranking->k; i++) {
        place(&result->result, ranking, ranking->cells[from + i].index, points[*count]);
        labels[(*count)++] = positive;
    }
    return CSG_OK;
}

int csg_task_points(struct csg_backend *backend, struct csg_full_result *result, size_t text, double threshold, size_t *count,
                    struct csg_error *err)
{
    const struct csg_result *public = &result->result;
    size_t cells = (size_t) public->grid_w * (size_t) public->grid_h;
    size_t from = result->part_from[text], to = result->part_from[text + 1];
    bool combined = to - from > 1;
    struct ranking ranking;
    *count = 0;
    if (public->map_w != public->grid_w || public->map_h != public->grid_h)
        return csg_fail(err, CSG_ERROR_USAGE, "points are found among patches: compute the maps without refinement");
    /* One text: its positives, then its negatives. a+b: the negatives of the mean map, then the positives of each part. */
    int status = rank(backend, public, public->similarity + text * cells, threshold, &ranking, err);
    if (status == CSG_OK && !combined)
        status = append(result, &ranking, true, count, err);
    if (status == CSG_OK)
        status = append(result, &ranking, false, count, err);
    free(ranking.cells);
    for (size_t part = from; status == CSG_OK && combined && part < to; part++) {
        status = rank(backend, public, result->part_similarity + part * cells, threshold, &ranking, err);
        if (status == CSG_OK)
            status = append(result, &ranking, true, count, err);
        free(ranking.cells);
    }
    return status;
}
