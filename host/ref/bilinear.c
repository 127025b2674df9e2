#include "ref/axis.h"
#include "ref/ref.h"

int csg_ref_bilinear(struct csg_backend *backend, const struct csg_bilinear_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const float *in = CSG_REF_AT(a->in, float);
    float *out = CSG_REF_AT(a->out, float);

    for (size_t i = 0; i < a->n; i++, in += a->in_h * a->in_w) {
        for (size_t y = 0; y < a->out_h; y++) {
            struct csg_ref_axis v = csg_ref_axis(a->in_h, a->out_h, y);
            const float *upper = in + v.a * a->in_w, *lower = in + v.b * a->in_w;
            for (size_t x = 0; x < a->out_w; x++) {
                struct csg_ref_axis h = csg_ref_axis(a->in_w, a->out_w, x);
                double top = h.wa * (double)upper[h.a] + h.wb * (double)upper[h.b];
                double bottom = h.wa * (double)lower[h.a] + h.wb * (double)lower[h.b];
                *out++ = (float)(v.wa * top + v.wb * bottom);
            }
        }
    }
    return CSG_OK;
}
