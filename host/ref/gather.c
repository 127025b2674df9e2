#include <string.h>

#include "ref/ref.h"

int csg_ref_gather(struct csg_backend *backend, const struct csg_gather_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const int32_t *rows_at = CSG_REF_AT(a->rows_at, int32_t);
    const float *in = CSG_REF_AT(a->in, float);
    float *out = CSG_REF_AT(a->out, float);

    for (size_t i = 0; i < a->rows; i++)
        memcpy(out + i * a->out_stride, in + (size_t)rows_at[i] * a->in_stride, a->width * sizeof *out);
    return CSG_OK;
}
