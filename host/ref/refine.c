#include "ref/neighbour.h"
#include "ref/ref.h"

int csg_ref_refine(struct csg_backend *backend, const struct csg_refine_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    size_t cells = a->w * a->h;
    const float *weights = CSG_REF_AT(a->weights, float);
    for (size_t i = 0; i < a->n; i++) {
        const float *in = CSG_REF_AT(a->in, float) + i * cells;
        float *out = CSG_REF_AT(a->out, float) + i * cells;
        for (size_t at = 0; at < cells; at++) {
            double sum = 0.0;
            for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++)
                sum += (double)weights[n * cells + at] *
                       (double)in[csg_ref_neighbour(n, at % a->w, at / a->w, a->w, a->h, a->dilations_px)];
            out[at] = (float)sum;
        }
    }
    return CSG_OK;
}
