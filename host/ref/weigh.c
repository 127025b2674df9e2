#include "ref/ref.h"

int csg_ref_weigh(struct csg_backend *backend, const struct csg_weigh_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
#ifdef _OPENMP
#pragma omp parallel for schedule(static)
#endif
    for (size_t i = 0; i < a->rows; i++) {
        const float *weights = CSG_REF_AT(a->weights, float) + i * a->terms, *x = CSG_REF_AT(a->x, float);
        float *out = CSG_REF_AT(a->out, float) + i * a->out_stride;
        for (size_t c = 0; c < a->width; c++) {
            double sum = 0.0;
            for (size_t j = 0; j < a->terms; j++)
                sum += (double)weights[j] * (double)x[j * a->x_stride + c];
            out[c] = (float)((a->add ? (double)out[c] : 0.0) + (double)a->factor * sum);
        }
    }
    return CSG_OK;
}
