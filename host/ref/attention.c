#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ref/ref.h"

/* One head of one sequence, one path. The tokens' rows of q, k, v (query, key and value) begin at the first token's. */
struct head {
    const float *query, *key, *value;
    float *out;
    size_t stride, out_stride; /* of the rows of qkv, of the rows of out */
    size_t tokens, dim;
    double scale;
    bool causal;
};

/* p[j] = softmax_j(scale q . key_j) over the first n tokens; keys are [dim, tokens]. */
static void probabilities(double *p, const float *q, const float *keys, const struct head *h, size_t n)
{
    for (size_t j = 0; j < n; j++)
        p[j] = 0.0;
    for (size_t c = 0; c < h->dim; c++) {
        double scale = h->scale * (double)q[c];
        const float *row = keys + c * h->tokens;
        for (size_t j = 0; j < n; j++)
            p[j] += scale * (double)row[j];
    }
    double top = p[0], sum = 0.0;
    for (size_t j = 1; j < n; j++)
        top = p[j] > top ? p[j] : top;
    for (size_t j = 0; j < n; j++) {
        p[j] = exp(p[j] - top);
        sum += p[j];
    }
    for (size_t j = 0; j < n; j++)
        p[j] /= sum;
}

/* false where memory is short */
static bool one_head(const struct head *h)
{
    /* The keys are turned so that the loop over tokens is the inner one and can be vectorised. */
    float *keys = csg_calloc(h->dim * h->tokens, sizeof *keys);
    double *p = csg_calloc(h->tokens, sizeof *p), *sum = csg_calloc(h->dim, sizeof *sum);
    bool done = keys && p && sum;
    for (size_t j = 0; done && j < h->tokens; j++)
        for (size_t c = 0; c < h->dim; c++)
            keys[c * h->tokens + j] = h->key[j * h->stride + c];
    for (size_t i = 0; done && i < h->tokens; i++) {
        size_t n = h->causal ? i + 1 : h->tokens;
        probabilities(p, h->query + i * h->stride, keys, h, n);
        for (size_t c = 0; c < h->dim; c++)
            sum[c] = 0.0;
        for (size_t j = 0; j < n; j++)
            for (size_t c = 0; c < h->dim; c++)
                sum[c] += p[j] * (double)h->value[j * h->stride + c];
        for (size_t c = 0; c < h->dim; c++)
            h->out[i * h->out_stride + c] = (float)sum[c];
    }
    free(keys);
    free(p);
    free(sum);
    return done;
}

static bool both_paths(const struct csg_attention_args *a, size_t sequence, size_t head)
{
    const int32_t *seq = CSG_REF_AT(a->seq, int32_t);
    size_t first = (size_t)seq[sequence], width = a->heads * a->head_dim;
    const float *q = CSG_REF_AT(a->qkv, float) + first * a->qkv_stride + head * a->head_dim;
    struct head h = {.query = q,
                     .key = q + width,
                     .value = q + 2 * width,
                     .stride = a->qkv_stride,
                     .tokens = (size_t)seq[sequence + 1] - first,
                     .dim = a->head_dim,
                     .scale = (double)a->scale,
                     .causal = a->causal};
    bool done = true;
    if (a->qk.buffer) {
        h.out = CSG_REF_AT(a->qk, float) + first * a->qk_stride + head * a->head_dim;
        h.out_stride = a->qk_stride;
        done = one_head(&h);
    }
    if (a->vv.buffer && done) {
        h.query = h.key = h.value;
        h.out = CSG_REF_AT(a->vv, float) + first * a->vv_stride + head * a->head_dim;
        h.out_stride = a->vv_stride;
        done = one_head(&h);
    }
    return done;
}

int csg_ref_attention(struct csg_backend *backend, const struct csg_attention_args *a, struct csg_error *err)
{
    (void)backend;
    int failed = 0;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic) reduction(| : failed)
#endif
    for (size_t i = 0; i < a->sequences * a->heads; i++)
        failed |= !both_paths(a, i / a->heads, i % a->heads);
    return failed ? csg_fail_memory(err) : CSG_OK;
}
