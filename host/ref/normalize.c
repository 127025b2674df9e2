#include <math.h>

#include "ref/ref.h"

int csg_ref_normalize(struct csg_backend *backend, const struct csg_normalize_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const float *x = CSG_REF_AT(a->x, float);
    float *y = CSG_REF_AT(a->y, float);

    for (size_t i = 0; i < a->rows; i++, x += a->x_stride, y += a->y_stride) {
        double squares = 0.0;
        for (size_t c = 0; c < a->width; c++)
            squares += (double)x[c] * (double)x[c];
        double norm = squares > 0.0 || isnan(squares) ? sqrt(squares) : 1.0; /* a row of zeros stays zeros */
        for (size_t c = 0; c < a->width; c++)
            y[c] = (float)((double)x[c] / norm);
    }
    return CSG_OK;
}
