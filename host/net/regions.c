#include "net/regions.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define STD 5
#define TAPS (6 * STD + 1)

int csg_regions_labels(uint32_t *labels, const uint32_t *pixels, size_t grid_w, size_t grid_h, size_t patch_px, size_t n_labels,
                       struct csg_error *err)
{
    uint32_t *count = csg_calloc(n_labels, sizeof *count);
    if (!count)
        return csg_fail_memory(err);
    for (size_t cell = 0; cell < grid_w * grid_h; cell++) {
        size_t top = cell / grid_w * patch_px, left = cell % grid_w * patch_px;
        for (size_t l = 0; l < n_labels; l++)
            count[l] = 0;
        for (size_t i = 0; i < patch_px * patch_px; i++)
            count[pixels[(top + i / patch_px) * grid_w * patch_px + left + i % patch_px]]++;
        labels[cell] = 0;
        for (size_t l = 1; l < n_labels; l++)
            if (count[l] > count[labels[cell]])
                labels[cell] = (uint32_t)l;
    }
    free(count);
    return CSG_OK;
}

static size_t gap(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

/* Between a and b, the part t of the way; halves go to the even side. The numbers are float32 in the published code, so they are here. */
static size_t between(size_t a, size_t b, float t)
{
    return (size_t)lrintf((float)a * (1 - t) + (float)b * t);
}

/* Whether all cells on the way from i towards j have its label. As published, the way is cut into as many steps as the longest way of the
 * grid has, and of these the first ones are looked at, as many as lie between the two cells. */
static bool straight(const uint32_t *labels, size_t grid_w, size_t longest, size_t i, size_t j)
{
    size_t y = i / grid_w, x = i % grid_w, v = j / grid_w, u = j % grid_w;
    size_t steps = gap(y, v) > gap(x, u) ? gap(y, v) : gap(x, u);
    for (size_t n = 0; n <= steps; n++) {
        float t = (float)((double)n / (double)longest);
        if (labels[between(y, v, t) * grid_w + between(x, u, t)] != labels[i])
            return false;
    }
    return true;
}

static void connect(double *row, const uint32_t *labels, size_t grid_w, size_t grid_h, size_t i)
{
    size_t longest = (grid_w > grid_h ? grid_w : grid_h) - 1;
    for (size_t j = 0; j < grid_w * grid_h; j++) {
        size_t down = gap(i / grid_w, j / grid_w), across = gap(i % grid_w, j % grid_w);
        row[j] = labels[i] != labels[j]                    ? 0
                 : straight(labels, grid_w, longest, i, j) ? 1
                                                           : exp(-(double)(down > across ? down : across) / (double)longest);
    }
}

/* The row smoothed, zeros beside it, and divided by its sum. */
static void smooth(float *out, const double *row, size_t cells)
{
    size_t taps = cells < TAPS ? cells + (cells % 2 == 0) : TAPS, half = taps / 2;
    double weights[TAPS + 1] = {0}, total = 0, sum = 0;
    for (size_t k = 0; k < taps; k++) {
        double x = (double)k - (double)half;
        weights[k] = exp(-x * x / (2.0 * STD * STD));
        total += weights[k];
    }
    for (size_t j = 0; j < cells; j++) {
        double value = 0;
        for (size_t k = j < half ? half - j : 0; k < taps && j + k < cells + half; k++)
            value += weights[k] / total * row[j + k - half];
        out[j] = (float)value;
        sum += value;
    }
    for (size_t j = 0; j < cells; j++)
        out[j] = (float)((double)out[j] / (sum + 1e-8));
}

int csg_regions_bias(float *bias, const uint32_t *labels, size_t grid_w, size_t grid_h, struct csg_error *err)
{
    size_t cells = grid_w * grid_h;
    double *row = csg_calloc(cells, sizeof *row);
    float most = 0;
    if (!row)
        return csg_fail_memory(err);
    for (size_t i = 0; i < cells; i++) {
        connect(row, labels, grid_w, grid_h, i);
        smooth(bias + i * cells, row, cells);
        for (size_t j = 0; j < cells; j++)
            most = fmaxf(most, bias[i * cells + j]);
    }
    for (size_t i = 0; most > 0 && i < cells * cells; i++)
        bias[i] /= most;
    free(row);
    return CSG_OK;
}
