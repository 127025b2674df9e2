#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ref/ref.h"

static double dot(const float *x, const float *y, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

/* p = softmax(scale q_0 k^T) of the head whose q begins at `head`. */
static void weights(double *p, const struct csg_attendback_args *a, const float *head, size_t width)
{
    double top = -INFINITY, sum = 0.0;
    for (size_t j = 0; j < a->tokens; j++) {
        p[j] = (double)a->scale * dot(head, head + j * a->qkv_stride + width, a->head_dim);
        top = p[j] > top || j == 0 ? p[j] : top;
    }
    for (size_t j = 0; j < a->tokens; j++) {
        p[j] = exp(p[j] - top);
        sum += p[j];
    }
    for (size_t j = 0; j < a->tokens; j++)
        p[j] /= sum;
}

/* The gradient of the scores of all patches together is a_0 (sum_j a_j g_j - g_0): what softmax leaves of the rest cancels. */
static void pull_head(const struct csg_attendback_args *a, const double *p, const float *head, const float *dy, float *pull,
                      size_t width)
{
    double along = 0.0, patches = 0.0, n = (double)(a->tokens - 1);
    for (size_t j = 0; j < a->tokens; j++)
        along += p[j] * dot(dy, head + j * a->qkv_stride + 2 * width, a->head_dim);
    for (size_t j = 1; j < a->tokens; j++)
        patches += p[j];
    double scores = p[0] * (along - dot(dy, head + 2 * width, a->head_dim));
    for (size_t c = 0; c < a->head_dim; c++) {
        pull[c] = 0.0f;
        pull[width + c] = (float)((double)a->scale * scores / n * (double)head[c]);
        pull[2 * width + c] = (float)(patches / n * (double)dy[c]);
    }
}

int csg_ref_attendback(struct csg_backend *backend, const struct csg_attendback_args *a, struct csg_error *err)
{
    (void)backend;
    size_t width = a->heads * a->head_dim;
    double *p = csg_calloc(a->heads, a->tokens * sizeof *p);
    if (!p)
        return csg_fail_memory(err);
    for (size_t h = 0; h < a->heads; h++)
        weights(p + h * a->tokens, a, CSG_REF_AT(a->qkv, float) + h * a->head_dim, width);
    for (size_t t = 0; t < a->n; t++) {
        const float *dy = CSG_REF_AT(a->dy, float) + t * a->dy_stride;
        for (size_t j = 0; a->relevance.buffer && j < a->tokens; j++) {
            double sum = 0.0;
            for (size_t h = 0; h < a->heads; h++) {
                const float *v = CSG_REF_AT(a->qkv, float) + j * a->qkv_stride + 2 * width + h * a->head_dim;
                sum += fmax(p[h * a->tokens + j] * dot(dy + h * a->head_dim, v, a->head_dim), 0.0);
            }
            CSG_REF_AT(a->relevance, float)[j * a->n + t] = (float)(sum / (double)a->heads);
        }
        for (size_t h = 0; a->pull.buffer && h < a->heads; h++)
            pull_head(a, p + h * a->tokens, CSG_REF_AT(a->qkv, float) + h * a->head_dim, dy + h * a->head_dim,
                      CSG_REF_AT(a->pull, float) + t * a->pull_stride + h * a->head_dim, width);
    }
    free(p);
    return CSG_OK;
}
