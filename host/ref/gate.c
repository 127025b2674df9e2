#include "ref/ref.h"

int csg_ref_gate(struct csg_backend *backend, const struct csg_gate_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const float *s = CSG_REF_AT(a->s, float), *by = a->by.buffer ? CSG_REF_AT(a->by, float) : NULL;
    float *out = CSG_REF_AT(a->out, float);
    for (size_t i = 0; i < a->rows; i++)
        for (size_t t = 0; t < a->n; t++) {
            double value = (double)s[i * a->n + t] * (by ? (double)by[i] : 1.0);
            out[i * a->n + t] = s[i * a->n + t] > 0.0f ? (float)value : s[i * a->n + t] <= 0.0f ? 0.0f : s[i * a->n + t];
        }
    return CSG_OK;
}
