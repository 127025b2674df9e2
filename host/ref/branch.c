#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ref/ref.h"

static bool one_query(const struct csg_branch_args *a, size_t i)
{
    const int32_t *from = CSG_REF_AT(a->from, int32_t), *path = CSG_REF_AT(a->path, int32_t) + from[i];
    size_t seen = (size_t)(from[i + 1] - from[i]), width = a->heads * a->head_dim;
    double *p = csg_calloc(seen, sizeof *p);
    const float *qkv = CSG_REF_AT(a->qkv, float), *self = qkv + (size_t)path[seen - 1] * a->qkv_stride;
    for (size_t head = 0; p && head < a->heads; head++) {
        const float *q = self + head * a->head_dim;
        float *out = CSG_REF_AT(a->out, float) + i * a->out_stride + head * a->head_dim;
        double top = -INFINITY, sum = 0.0;
        for (size_t j = 0; j < seen; j++) {
            const float *k = qkv + (size_t)path[j] * a->qkv_stride + width + head * a->head_dim;
            double score = 0.0;
            for (size_t c = 0; c < a->head_dim; c++)
                score += (double)q[c] * (double)k[c];
            p[j] = (double)a->scale * score;
            top = p[j] > top || j == 0 ? p[j] : top;
        }
        for (size_t j = 0; j < seen; j++)
            sum += p[j] = exp(p[j] - top);
        for (size_t c = 0; c < a->head_dim; c++) {
            double value = 0.0;
            for (size_t j = 0; j < seen; j++)
                value += p[j] * (double)qkv[(size_t)path[j] * a->qkv_stride + 2 * width + head * a->head_dim + c];
            out[c] = (float)(value / sum);
        }
    }
    bool done = p != NULL;
    free(p);
    return done;
}

int csg_ref_branch(struct csg_backend *backend, const struct csg_branch_args *a, struct csg_error *err)
{
    (void)backend;
    int failed = 0;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic) reduction(| : failed)
#endif
    for (size_t i = 0; i < a->queries; i++)
        failed |= !one_query(a, i);
    return failed ? csg_fail_memory(err) : CSG_OK;
}
