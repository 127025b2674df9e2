#include <math.h>

#include "ref/ref.h"

int csg_ref_normback(struct csg_backend *backend, const struct csg_normback_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const float *weight = CSG_REF_AT(a->weight, float);
    double n = (double)a->width;
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = CSG_REF_AT(a->x, float) + r * a->x_stride, *dy = CSG_REF_AT(a->dy, float) + r * a->dy_stride;
        const float *add = a->add.buffer ? CSG_REF_AT(a->add, float) + r * a->add_stride : NULL;
        float *dx = CSG_REF_AT(a->dx, float) + r * a->dx_stride;
        double mean = 0.0, variance = 0.0, g_mean = 0.0, along = 0.0;
        for (size_t c = 0; c < a->width; c++)
            mean += (double)x[c] / n;
        for (size_t c = 0; c < a->width; c++)
            variance += ((double)x[c] - mean) * ((double)x[c] - mean) / n;
        double root = sqrt(variance + (double)a->eps);
        for (size_t c = 0; c < a->width; c++) {
            double g = (double)dy[c] * (double)weight[c];
            g_mean += g / n;
            along += g * ((double)x[c] - mean) / root / n;
        }
        for (size_t c = 0; c < a->width; c++) {
            double g = (double)dy[c] * (double)weight[c], xhat = ((double)x[c] - mean) / root;
            dx[c] = (float)((g - g_mean - xhat * along) / root + (add ? (double)add[c] : 0.0));
        }
    }
    return CSG_OK;
}
