#include <math.h>

#include "ref/ref.h"

int csg_ref_layernorm(struct csg_backend *backend, const struct csg_layernorm_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const float *weight = CSG_REF_AT(a->weight, float), *bias = CSG_REF_AT(a->bias, float);
    const float *x = CSG_REF_AT(a->x, float);
    float *y = CSG_REF_AT(a->y, float);

    for (size_t i = 0; i < a->rows; i++, x += a->x_stride, y += a->y_stride) {
        double sum = 0.0, squares = 0.0;
        for (size_t c = 0; c < a->width; c++)
            sum += (double)x[c];
        double mean = sum / (double)a->width;
        for (size_t c = 0; c < a->width; c++)
            squares += ((double)x[c] - mean) * ((double)x[c] - mean);
        double sigma = sqrt(squares / (double)a->width + (double)a->eps);
        for (size_t c = 0; c < a->width; c++)
            y[c] = (float)(((double)x[c] - mean) / sigma * (double)weight[c] + (double)bias[c]);
    }
    return CSG_OK;
}
