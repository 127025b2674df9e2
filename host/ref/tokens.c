#include "ref/ref.h"

int csg_ref_tokens(struct csg_backend *backend, const struct csg_tokens_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const int32_t *ids = CSG_REF_AT(a->ids, int32_t), *places = CSG_REF_AT(a->places, int32_t);
    const float *table = CSG_REF_AT(a->table, float), *pos = CSG_REF_AT(a->pos, float);
    float *out = CSG_REF_AT(a->out, float);

    for (size_t i = 0; i < a->rows; i++) {
        const float *token = table + (size_t)ids[i] * a->width, *place = pos + (size_t)places[i] * a->width;
        for (size_t c = 0; c < a->width; c++)
            out[i * a->width + c] = (float)((double)token[c] + (double)place[c]);
    }
    return CSG_OK;
}
