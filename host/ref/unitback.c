#include <math.h>

#include "ref/ref.h"

int csg_ref_unitback(struct csg_backend *backend, const struct csg_unitback_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = CSG_REF_AT(a->x, float) + r * a->x_stride, *dy = CSG_REF_AT(a->dy, float) + r * a->dy_stride;
        float *dx = CSG_REF_AT(a->dx, float) + r * a->dx_stride;
        double squares = 0.0, along = 0.0;
        for (size_t c = 0; c < a->width; c++) {
            squares += (double)x[c] * (double)x[c];
            along += (double)x[c] * (double)dy[c];
        }
        for (size_t c = 0; c < a->width; c++)
            dx[c] = (float)(((double)dy[c] - along / squares * (double)x[c]) / sqrt(squares));
    }
    return CSG_OK;
}
