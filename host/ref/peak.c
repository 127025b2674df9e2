#include "ref/ref.h"

int csg_ref_peak(struct csg_backend *backend, const struct csg_peak_args *a, struct csg_error *err)
{
    (void)backend;
    (void)err;
    for (size_t map = 0; map < a->n; map++) {
        const float *in = CSG_REF_AT(a->in, float) + map * a->w * a->h;
        float *out = CSG_REF_AT(a->out, float) + 2 * map;
        size_t best = 0;
        for (size_t i = 1; i < a->w * a->h; i++)
            if (in[i] > in[best])
                best = i;
        out[0] = (float)(best % a->w);
        out[1] = (float)(best / a->w);
    }
    return CSG_OK;
}
