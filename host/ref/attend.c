#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ref/ref.h"

static double bias(const struct csg_attend_args *a, size_t i, size_t j)
{
    double sum = 0.0;
    if (i == 0 || j == 0)
        return 0.0;
    if (a->gauss_std > 0.0f) {
        double dx = (double)((i - 1) % a->grid_w) - (double)((j - 1) % a->grid_w);
        double dy = (double)((i - 1) / a->grid_w) - (double)((j - 1) / a->grid_w);
        sum += exp(-(dx * dx + dy * dy) / (2.0 * (double)a->gauss_std * (double)a->gauss_std));
    }
    if (a->near.buffer)
        sum += (double)a->near_weight * (double)CSG_REF_AT(a->near, float)[(i - 1) * (a->tokens - 1) + j - 1];
    return sum;
}

/* p = softmax of the scores of token i in the head that begins at column `at` */
static void probabilities(double *p, const struct csg_attend_args *a, double scale, size_t i, size_t at)
{
    const float *q = CSG_REF_AT(a->q, float) + i * a->q_stride + at;
    double top = -INFINITY, sum = 0.0;
    for (size_t j = 0; j < a->tokens; j++) {
        const float *k = CSG_REF_AT(a->k, float) + j * a->k_stride + at;
        double score = 0.0;
        for (size_t c = 0; c < a->head_dim; c++)
            score += (double)q[c] * (double)k[c];
        p[j] = scale * score + bias(a, i, j);
        top = p[j] > top || j == 0 ? p[j] : top;
    }
    for (size_t j = 0; j < a->tokens; j++) {
        p[j] = exp(p[j] - top);
        sum += p[j];
    }
    for (size_t j = 0; j < a->tokens; j++)
        p[j] /= sum;
}

static bool one_token(const struct csg_attend_args *a, double scale, size_t i)
{
    double *p = csg_calloc(a->tokens, sizeof *p), *sum = csg_calloc(a->head_dim, sizeof *sum);
    bool done = p && sum;
    for (size_t head = 0; done && head < a->heads; head++) {
        size_t at = head * a->head_dim;
        float *out = CSG_REF_AT(a->out, float) + i * a->out_stride + at;
        probabilities(p, a, scale, i, at);
        for (size_t c = 0; c < a->head_dim; c++)
            sum[c] = 0.0;
        for (size_t j = 0; j < a->tokens; j++) {
            const float *v = CSG_REF_AT(a->v, float) + j * a->v_stride + at;
            for (size_t c = 0; c < a->head_dim; c++)
                sum[c] += p[j] * (double)v[c];
        }
        for (size_t c = 0; c < a->head_dim; c++)
            out[c] = (float)((a->add ? (double)out[c] : 0.0) + (double)a->weight * sum[c]);
    }
    free(p);
    free(sum);
    return done;
}

int csg_ref_attend(struct csg_backend *backend, const struct csg_attend_args *a, struct csg_error *err)
{
    (void)backend;
    double scale = (double)a->scale * (a->by.buffer ? (double)*CSG_REF_AT(a->by, float) : 1.0);
    int failed = 0;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic) reduction(| : failed)
#endif
    for (size_t i = 0; i < a->queries; i++)
        failed |= !one_token(a, scale, i);
    return failed ? csg_fail_memory(err) : CSG_OK;
}
