#include "net/mend.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define NEIGHBOURS 30
#define SHARE 0.05 /* of the patches that are outliers */

struct near {
    float distance;
    size_t at;
};

static int by_distance(const void *a, const void *b)
{
    const struct near *x = a, *y = b;
    if (x->distance < y->distance || x->distance > y->distance)
        return x->distance < y->distance ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Density of each patch and its k nearest ones, itself left out as the nearest. */
static int neighbourhoods(const float *distance, size_t cells, size_t k, double *density, size_t *nearest, struct csg_error *err)
{
    struct near *near = csg_calloc(cells, sizeof *near);
    if (!near)
        return csg_fail_memory(err);
    for (size_t i = 0; i < cells; i++) {
        for (size_t j = 0; j < cells; j++)
            near[j] = (struct near){distance[i * cells + j], j};
        qsort(near, cells, sizeof *near, by_distance);
        density[i] = 1.0 / (double)near[k].distance;
        for (size_t n = 0; n < k; n++)
            nearest[i * k + n] = near[n + 1].at;
    }
    free(near);
    return CSG_OK;
}

/* The value below which `share` of them lie, between the two nearest ones in line. */
static double quantile(const double *values, double *sorted, size_t n, double share)
{
    double at = share * (double)(n - 1);
    size_t low = (size_t)at, high = low + (low + 1 < n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = values[i];
    qsort(sorted, n, sizeof *sorted, by_value);
    return sorted[low] + (sorted[high] - sorted[low]) * (at - (double)low);
}

static int find_outliers(const float *distance, size_t cells, uint8_t *out, struct csg_error *err)
{
    size_t k = cells - 1 < NEIGHBOURS ? cells - 1 : NEIGHBOURS;
    double *density = csg_calloc(3 * cells, sizeof *density), *factor = density ? density + cells : NULL;
    size_t *nearest = csg_calloc(cells, k * sizeof *nearest);
    int status = density && nearest ? neighbourhoods(distance, cells, k, density, nearest, err) : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < cells; i++) {
        double sum = 0;
        for (size_t n = 0; n < k; n++)
            sum += density[nearest[i * k + n]];
        factor[i] = sum / (double)k / density[i];
    }
    if (status == CSG_OK) {
        double limit = quantile(factor, factor + cells, cells, 1.0 - SHARE);
        for (size_t i = 0; i < cells; i++)
            out[i] = factor[i] > limit;
    }
    free(density);
    free(nearest);
    return status;
}

/* The rows of the eight around cell i that are no outliers, or itself. */
static size_t list_rows(int32_t *rows, const uint8_t *out, size_t i, size_t grid_w, size_t grid_h)
{
    size_t n = 0, y = i / grid_w, x = i % grid_w;
    for (size_t v = y ? y - 1 : 0; out[i] && v <= y + 1 && v < grid_h; v++)
        for (size_t u = x ? x - 1 : 0; u <= x + 1 && u < grid_w; u++)
            if (!out[v * grid_w + u])
                rows[n++] = (int32_t)(v * grid_w + u);
    if (!n)
        rows[n++] = (int32_t)i;
    return n;
}

int csg_mend_create(struct csg_mend *mend, const float *distance, size_t cells, size_t grid_w, struct csg_error *err)
{
    uint8_t *out = csg_calloc(cells, 1);
    *mend = (struct csg_mend){.from = csg_calloc(cells + 1, sizeof(int32_t)), .rows = csg_calloc(cells, 8 * sizeof(int32_t))};
    int status = out && mend->from && mend->rows ? find_outliers(distance, cells, out, err) : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < cells; i++)
        mend->from[i + 1] = mend->from[i] + (int32_t)list_rows(mend->rows + mend->from[i], out, i, grid_w, cells / grid_w);
    free(out);
    if (status)
        csg_mend_free(mend);
    return status;
}

void csg_mend_free(struct csg_mend *mend)
{
    free(mend->from);
    free(mend->rows);
    *mend = (struct csg_mend){0};
}
