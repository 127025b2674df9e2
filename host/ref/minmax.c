#include "ref/ref.h"

int csg_ref_minmax(struct csg_backend *backend, const struct csg_minmax_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    size_t n = a->n_texts, cells = a->cells;

    for (size_t t = 0; t < n; t++) {
        const float *s = CSG_REF_AT(a->s, float) + n + t; /* past CLS */
        float *similarity = CSG_REF_AT(a->similarity, float) + t * cells, *map = CSG_REF_AT(a->map, float) + t * cells;
        float *range = CSG_REF_AT(a->range, float) + t * 2;
        float low = s[0], high = s[0];
        for (size_t i = 0; i < cells; i++) {
            similarity[i] = s[i * n];
            low = s[i * n] < low ? s[i * n] : low;
            high = s[i * n] > high ? s[i * n] : high;
        }
        for (size_t i = 0; i < cells; i++)
            map[i] = high > low ? (float)(((double)similarity[i] - (double)low) / ((double)high - (double)low)) : 0.0f;
        range[0] = low;
        range[1] = high;
    }
    return CSG_OK;
}
