#include <math.h>

#include "ref/ref.h"

static double slope(double x, enum csg_activation act)
{
    switch (act) {
    case CSG_ACT_QUICK_GELU: {
        double s = 1.0 / (1.0 + exp(-1.702 * x));
        return s * (1.0 + 1.702 * x * (1.0 - s));
    }
    case CSG_ACT_GELU: /* x Phi(x): Phi(x) + x phi(x) */
        return 0.5 * (1.0 + erf(x / sqrt(2.0))) + x * exp(-0.5 * x * x) / sqrt(2.0 * acos(-1.0));
    case CSG_ACT_RELU:
        return x > 0.0 ? 1.0 : 0.0;
    case CSG_ACT_NONE:
        break;
    }
    return 1.0;
}

int csg_ref_actback(struct csg_backend *backend, const struct csg_actback_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    for (size_t r = 0; r < a->rows; r++) {
        const float *x = CSG_REF_AT(a->x, float) + r * a->x_stride, *dy = CSG_REF_AT(a->dy, float) + r * a->dy_stride;
        float *dx = CSG_REF_AT(a->dx, float) + r * a->dx_stride;
        for (size_t c = 0; c < a->width; c++)
            dx[c] = (float)((double)dy[c] * slope((double)x[c], a->act));
    }
    return CSG_OK;
}
