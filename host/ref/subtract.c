#include "ref/ref.h"

int csg_ref_subtract(struct csg_backend *backend, const struct csg_subtract_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const float *texts = CSG_REF_AT(a->texts, float), *redundant = CSG_REF_AT(a->redundant, float);
    float *out = CSG_REF_AT(a->out, float);

    for (size_t t = 0; t < a->n_texts; t++)
        for (size_t c = 0; c < a->width; c++)
            out[t * a->width + c] = (float)((double)texts[t * a->width + c] - (double)redundant[c]);
    return CSG_OK;
}
