#include <math.h>

#include "ref/ref.h"

int csg_ref_affinity(struct csg_backend *backend, const struct csg_affinity_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    float level = *CSG_REF_AT(a->level, float);
    bool softmax = a->kind == CSG_AFFINITY_SOFTMAX;
    for (size_t i = 0; i < a->rows; i++) {
        const float *s = CSG_REF_AT(a->s, float) + i * a->width;
        float *out = CSG_REF_AT(a->out, float) + i * a->width;
        double most = -INFINITY, sum = softmax ? 0.0 : 1e-6;
        for (size_t j = 0; j < a->width; j++)
            most = fmax(most, (double)s[j]);
        for (size_t j = 0; j < a->width; j++)
            if (s[j] >= level)
                sum += softmax ? exp((double)a->factor * ((double)s[j] - most)) : (double)s[j];
        for (size_t j = 0; j < a->width; j++) {
            double value = softmax ? exp((double)a->factor * ((double)s[j] - most)) : (double)s[j];
            out[j] = s[j] >= level ? (float)(value / sum) : 0.0f;
        }
    }
    return CSG_OK;
}
