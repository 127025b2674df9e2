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

/* One head: where its rows begin, and what is summed over the queries. */
struct head {
    const struct csg_attendgrad_args *a;
    const float *q, *k, *v, *dy;
    float *dq;
    double *p, *g;   /* [tokens], of one query */
    double *dk, *dv; /* [tokens, head_dim] */
    double *out;     /* [tokens] */
    const float *flow;
};

static void one_query(struct head *h, size_t i)
{
    const struct csg_attendgrad_args *a = h->a;
    double top = -INFINITY, sum = 0.0, along = 0.0;
    for (size_t j = 0; j < a->tokens; j++) {
        h->p[j] = (double)a->scale * dot(h->q + i * a->qkv_stride, h->k + j * a->qkv_stride, a->head_dim);
        h->g[j] = dot(h->dy + i * a->dy_stride, h->v + j * a->qkv_stride, a->head_dim);
        top = h->p[j] > top || j == 0 ? h->p[j] : top;
    }
    for (size_t j = 0; j < a->tokens; j++) {
        h->p[j] = exp(h->p[j] - top);
        sum += h->p[j];
    }
    for (size_t j = 0; j < a->tokens; j++) {
        h->p[j] /= sum;
        along += h->p[j] * h->g[j];
    }
    for (size_t c = 0; c < a->head_dim; c++) {
        double total = 0.0;
        for (size_t j = 0; j < a->tokens; j++)
            total += h->p[j] * (h->g[j] - along) * (double)h->k[j * a->qkv_stride + c];
        h->dq[i * a->dqkv_stride + c] = (float)((double)a->scale * total);
    }
    for (size_t j = 0; j < a->tokens; j++) {
        double score = (double)a->scale * h->p[j] * (h->g[j] - along);
        for (size_t c = 0; c < a->head_dim; c++) {
            h->dk[j * a->head_dim + c] += score * (double)h->q[i * a->qkv_stride + c];
            h->dv[j * a->head_dim + c] += h->p[j] * (double)h->dy[i * a->dy_stride + c];
        }
        h->out[j] += (double)h->flow[i] * fmax(h->p[j] * h->g[j], 0.0) / (double)a->heads;
    }
}

int csg_ref_attendgrad(struct csg_backend *backend, const struct csg_attendgrad_args *a, struct csg_error *err)
{
    (void)backend;
    size_t width = a->heads * a->head_dim, n = a->tokens;
    struct head h = {.a = a,
                     .p = csg_calloc(n, sizeof *h.p),
                     .g = csg_calloc(n, sizeof *h.g),
                     .dk = csg_calloc(n, a->head_dim * sizeof *h.dk),
                     .dv = csg_calloc(n, a->head_dim * sizeof *h.dv),
                     .out = csg_calloc(n, sizeof *h.out),
                     .flow = CSG_REF_AT(a->flow, float)};
    bool done = h.p && h.g && h.dk && h.dv && h.out;
    for (size_t head = 0; done && head < a->heads; head++) {
        h.q = CSG_REF_AT(a->qkv, float) + head * a->head_dim;
        h.k = h.q + width;
        h.v = h.k + width;
        h.dy = CSG_REF_AT(a->dy, float) + head * a->head_dim;
        h.dq = CSG_REF_AT(a->dqkv, float) + head * a->head_dim;
        for (size_t i = 0; i < n * a->head_dim; i++)
            h.dk[i] = h.dv[i] = 0.0;
        for (size_t i = 0; i < n; i++)
            one_query(&h, i);
        for (size_t j = 0; j < n; j++)
            for (size_t c = 0; c < a->head_dim; c++) {
                h.dq[j * a->dqkv_stride + width + c] = (float)h.dk[j * a->head_dim + c];
                h.dq[j * a->dqkv_stride + 2 * width + c] = (float)h.dv[j * a->head_dim + c];
            }
    }
    for (size_t j = 0; done && j < n; j++)
        CSG_REF_AT(a->out, float)[j] = (float)((double)h.flow[j] + h.out[j]);
    free(h.p);
    free(h.g);
    free(h.dk);
    free(h.dv);
    free(h.out);
    return done ? CSG_OK : csg_fail_memory(err);
}
