#include "image/resize.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "image/image.h"

#define FIXED_ONE ((double)(1 << 22)) /* 32 bits less 8 of the pixel and 2 of head-room for the overshoot */
#define SUPPORT 2.0                   /* of the cubic, in input pixels when enlarging */

/* Keys' cubic with a = -0.5. The order of the operations is Pillow's: the weights must agree to the last bit. */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

/* The window of output i: inputs first..first + count - 1. Halves are rounded by truncation towards zero, as Pillow does. */
static void window(const struct csg_resize_axis *axis, double center, double support, int32_t *first, int32_t *count)
{
    double from = center - support + 0.5, to = center + support + 0.5;
    *first = from > 0 ? (int32_t)from : 0;
    *count = (to < axis->in_px ? (int32_t)to : axis->in_px) - *first;
}

static void fill(struct csg_resize_axis *axis, double *row)
{
    double scale = (double)axis->in_px / axis->out_px;
    double stretch = scale < 1.0 ? 1.0 : scale, support = SUPPORT * stretch, shrink = 1.0 / stretch;
    for (int32_t i = 0; i < axis->out_px; i++) {
        double center = (i + 0.5) * scale, sum = 0;
        int32_t first, *weights = axis->weights + (size_t)i * (size_t)axis->taps;
        window(axis, center, support, &first, &axis->count[i]);
        axis->first[i] = first;
        for (int32_t j = 0; j < axis->count[i]; j++) {
            row[j] = cubic((j + first - center + 0.5) * shrink);
            sum += row[j];
        }
        for (int32_t j = 0; j < axis->count[i]; j++) {
            double weight = (sum != 0 ? row[j] / sum : row[j]) * FIXED_ONE;
            weights[j] = (int32_t)(weight < 0 ? -0.5 + weight : 0.5 + weight);
        }
    }
}

int csg_resize_axis_create(struct csg_resize_axis **out, int in_px, int out_px, struct csg_error *err)
{
    *out = NULL;
    if (in_px < 1 || out_px < 1 || (size_t)in_px > CSG_MAX_PIXELS || (size_t)out_px > CSG_MAX_PIXELS)
        return csg_fail(err, CSG_ERROR_INPUT, "a picture's side of %d pixels cannot be resized to %d", in_px, out_px);
    struct csg_resize_axis *axis = csg_calloc(1, sizeof *axis);
    if (!axis)
        return csg_fail_memory(err);
    axis->in_px = in_px;
    axis->out_px = out_px;
    /* No window is wider than 2 * ceil(support) + 1, nor than the input. */
    double widest = 2 * ceil(SUPPORT * (in_px > out_px ? (double)in_px / out_px : 1.0)) + 1;
    axis->taps = widest < in_px ? (int32_t)widest : in_px;
    axis->first = csg_calloc((size_t)out_px, sizeof *axis->first);
    axis->count = csg_calloc((size_t)out_px, sizeof *axis->count);
    size_t weights;
    if (csg_mul((size_t)out_px, (size_t)axis->taps, &weights))
        axis->weights = csg_calloc(weights, sizeof *axis->weights);
    double *row = csg_calloc((size_t)axis->taps, sizeof *row);
    if (!axis->first || !axis->count || !axis->weights || !row) {
        free(row);
        csg_resize_axis_destroy(&axis);
        return csg_fail_memory(err);
    }
    fill(axis, row);
    free(row);
    *out = axis;
    return CSG_OK;
}

void csg_resize_axis_destroy(struct csg_resize_axis **axis)
{
    if (!axis || !*axis)
        return;
    free((*axis)->first);
    free((*axis)->count);
    free((*axis)->weights);
    free(*axis);
    *axis = NULL;
}
