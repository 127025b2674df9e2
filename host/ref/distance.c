#include "ref/ref.h"

int csg_ref_distance(struct csg_backend *backend, const struct csg_distance_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const float *x = CSG_REF_AT(a->x, float);
#ifdef _OPENMP
#pragma omp parallel for schedule(static)
#endif
    for (size_t i = 0; i < a->rows; i++) {
        for (size_t j = 0; j < a->rows; j++) {
            double sum = 0.0;
            for (size_t c = 0; c < a->width; c++) {
                double d = (double)x[i * a->x_stride + c] - (double)x[j * a->x_stride + c];
                sum += d * d;
            }
            CSG_REF_AT(a->out, float)[i * a->rows + j] = (float)sum;
        }
    }
    return CSG_OK;
}
