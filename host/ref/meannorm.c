#include <math.h>

#include "ref/ref.h"

int csg_ref_meannorm(struct csg_backend *backend, const struct csg_meannorm_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    double sum = 0.0;
    for (size_t i = 0; i < a->rows; i++) {
        const float *x = CSG_REF_AT(a->x, float) + i * a->x_stride;
        double squares = 0.0;
        for (size_t c = 0; c < a->width; c++)
            squares += (double)x[c] * (double)x[c];
        sum += sqrt(squares);
    }
    *CSG_REF_AT(a->out, float) = (float)(sum / (double)a->rows);
    return CSG_OK;
}
