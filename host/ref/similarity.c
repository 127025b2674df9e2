#include "ref/ref.h"

int csg_ref_similarity(struct csg_backend *backend, const struct csg_similarity_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
#ifdef _OPENMP
#pragma omp parallel for schedule(static)
#endif
    for (size_t i = 0; i < a->rows; i++) {
        const float *token = CSG_REF_AT(a->tokens, float) + i * a->tokens_stride;
        for (size_t t = 0; t < a->n_texts; t++) {
            const float *text = CSG_REF_AT(a->texts, float) + t * a->texts_stride;
            double sum = 0.0;
            for (size_t c = 0; c < a->width; c++)
                sum += (double)token[c] * (double)text[c];
            CSG_REF_AT(a->out, float)[i * a->n_texts + t] = (float)sum;
        }
    }
    return CSG_OK;
}
