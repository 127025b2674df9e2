#include "ref/ref.h"

int csg_ref_mean(struct csg_backend *backend, const struct csg_mean_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const int32_t *groups = CSG_REF_AT(a->groups, int32_t);
    const float *in = CSG_REF_AT(a->in, float);
    float *out = CSG_REF_AT(a->out, float);

    for (size_t g = 0; g < a->n_groups; g++) {
        size_t from = (size_t)groups[g], to = (size_t)groups[g + 1];
        for (size_t c = 0; c < a->width; c++) {
            double sum = 0.0;
            for (size_t i = from; i < to; i++)
                sum += (double)in[i * a->in_stride + c];
            out[g * a->out_stride + c] = (float)(sum / (double)(to - from));
        }
    }
    return CSG_OK;
}
