/* The weights are those of test_attention.c, off by a factor 1 + d_j; g[t, j] = dy v_j is a sum of D products. Relevance is a mean of
 * products of both, and max(., 0) does not stretch errors. Of pull, k has scale a_0 (sum a g - g_0) q / patches, whose
 * inner sum feels every d_j and every g, and v (1 - a_0) dy / patches. */
#include <math.h>

#include "check/conf.h"

enum { QKV, DY };

struct attendback_case {
    size_t tokens, n, heads, dim, qkv_pad, dy_pad, pull_pad;
    bool relevance, pull;
    enum conf_dist dist;
    float factor;
};
static const struct attendback_case cases[] = {
    {50, 3, 2, 64, 0, 0, 0, true, true, CONF_NORMAL, 1},   {2, 1, 1, 64, 0, 0, 0, true, true, CONF_NORMAL, 1},
    {197, 6, 12, 64, 0, 0, 0, true, true, CONF_NORMAL, 1}, {65, 20, 3, 64, 3, 5, 7, true, true, CONF_NORMAL, 1},
    {17, 2, 3, 7, 1, 0, 0, true, false, CONF_NORMAL, 1},   {33, 2, 2, 32, 0, 0, 1, false, true, CONF_NORMAL, 1},
    {577, 2, 2, 80, 0, 0, 0, true, true, CONF_NORMAL, 2},  {37, 5, 1, 300, 0, 0, 0, true, true, CONF_NORMAL, 1},
    {61, 3, 2, 64, 0, 0, 0, true, true, CONF_NORMAL, 8},   {61, 3, 2, 64, 0, 0, 0, true, true, CONF_TINY, 1},
    {53, 4, 2, 64, 0, 0, 0, true, true, CONF_ONE_HOT, 10}, {53, 4, 2, 64, 0, 0, 0, true, true, CONF_NEAR_TIE, 1},
    {49, 4, 2, 64, 0, 0, 0, true, true, CONF_CONSTANT, 1},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct attendback_case *p = &cases[index];
    struct csg_attendback_args *a = &c->args.attendback;
    size_t width = p->heads * p->dim;
    *a = (struct csg_attendback_args){.qkv_stride = 3 * width + p->qkv_pad,
                                      .dy_stride = width + p->dy_pad,
                                      .pull_stride = 3 * width + p->pull_pad,
                                      .tokens = p->tokens,
                                      .n = p->n,
                                      .heads = p->heads,
                                      .head_dim = p->dim,
                                      .scale = (float)(1.0 / sqrt((double)p->dim))};
    conf_add(c, "qkv", CONF_IN, CONF_F32, &a->qkv, p->tokens, 3 * width, a->qkv_stride, 3);
    conf_add(c, "dy", CONF_IN, CONF_F32, &a->dy, p->n, width, a->dy_stride, 16);
    if (p->relevance)
        conf_add(c, "relevance", CONF_OUT, CONF_F32, &a->relevance, p->tokens, p->n, 0, 5);
    if (p->pull)
        conf_add(c, "pull", CONF_OUT, CONF_F32, &a->pull, p->n, 3 * width, a->pull_stride, 7);
    conf_label(c, "%zu tokens, %zu rows, %zu heads of %zu, strides + %zu + %zu + %zu%s%s, %s * %g", p->tokens, p->n, p->heads,
               p->dim, p->qkv_pad, p->dy_pad, p->pull_pad, p->relevance ? ", relevance" : "", p->pull ? ", pull" : "",
               conf_dist_name(p->dist), (double)p->factor);
}

/* The weights of a head and their relative errors. */
static void weights(const struct conf_case *c, size_t head, double *p, double *d)
{
    const struct csg_attendback_args *a = &c->args.attendback;
    const float *q = conf_row(c, QKV, 0) + head * a->head_dim;
    double top = -INFINITY, sum = 0.0;
    for (size_t j = 0; j < a->tokens; j++) {
        const float *k = conf_row(c, QKV, j) + (a->heads + head) * a->head_dim;
        double t = 0.0, s = 0.0;
        for (size_t i = 0; i < a->head_dim; i++) {
            t += (double)a->scale * (double)q[i] * (double)k[i];
            s += (double)a->scale * fabs((double)q[i] * (double)k[i]);
        }
        p[j] = t;
        d[j] = conf_sum_error(c, a->head_dim) * s + 2.0 * CONF_U * fabs(t);
        top = fmax(top, t);
    }
    for (size_t j = 0; j < a->tokens; j++) {
        d[j] = expm1(d[j] + CONF_U * (3.0 * fabs(p[j] - top) + 6.0));
        p[j] = exp(p[j] - top);
        sum += p[j];
    }
    double all = 0.0;
    for (size_t j = 0; j < a->tokens; j++) {
        p[j] /= sum;
        all += p[j] * d[j];
    }
    for (size_t j = 0; j < a->tokens; j++)
        d[j] += all + conf_sum_error(c, a->tokens) + 6.0 * CONF_U; /* of the sum that all are divided by */
}

static void bound_head(struct conf_case *c, const struct attendback_case *from, size_t t, size_t head, const double *p,
                       const double *d)
{
    const struct csg_attendback_args *a = &c->args.attendback;
    const float *dy = conf_row(c, DY, t) + head * a->head_dim;
    double along = 0.0, along_size = 0.0, along_off = 0.0, patches = 0.0, patches_off = 0.0, g0 = 0.0, g0_off = 0.0;
    double n = (double)(a->tokens - 1), sum = conf_sum_error(c, a->tokens);
    for (size_t j = 0; j < a->tokens; j++) {
        const float *v = conf_row(c, QKV, j) + (2 * a->heads + head) * a->head_dim;
        double g = 0.0, size = 0.0;
        for (size_t i = 0; i < a->head_dim; i++) {
            g += (double)dy[i] * (double)v[i];
            size += fabs((double)dy[i] * (double)v[i]);
        }
        double off = p[j] * (fabs(g) * (d[j] + 4.0 * CONF_U) + conf_sum_error(c, a->head_dim) * size);
        along += p[j] * g;
        along_size += p[j] * fabs(g);
        along_off += off;
        patches += j ? p[j] : 0.0;
        patches_off += j ? p[j] * d[j] : 0.0;
        g0 = j ? g0 : g;
        g0_off = j ? g0_off : conf_sum_error(c, a->head_dim) * size;
        if (from->relevance)
            conf_bound(c, DY + 1, j)[t] +=
                (off + (conf_sum_error(c, a->heads) + 6.0 * CONF_U) * p[j] * fabs(g)) / (double)a->heads +
                4.0 * (double)a->head_dim * CONF_FLOOR;
    }
    if (!from->pull)
        return;
    double *bound = conf_bound(c, DY + 1 + (size_t)from->relevance, t) + head * a->head_dim;
    size_t width = a->heads * a->head_dim;
    double inner = p[0] * (along_off + sum * along_size + g0_off + 4.0 * CONF_U * (fabs(along) + fabs(g0))) +
                   p[0] * (d[0] + 10.0 * CONF_U) * fabs(along - g0);
    for (size_t i = 0; i < a->head_dim; i++) {
        double q = fabs((double)conf_row(c, QKV, 0)[head * a->head_dim + i]);
        bound[i] = 0.0;
        bound[width + i] = (double)a->scale * inner * q / n + (double)a->tokens * CONF_FLOOR * (1.0 + q);
        bound[2 * width + i] = (patches_off + (sum + 10.0 * CONF_U) * patches) * fabs((double)dy[i]) / n +
                               (double)a->tokens * CONF_FLOOR * (1.0 + fabs((double)dy[i]));
    }
}

static void fill(struct conf_case *c, size_t index)
{
    const struct attendback_case *from = &cases[index];
    const struct csg_attendback_args *a = &c->args.attendback;
    double *p = conf_alloc(c, a->tokens, sizeof *p), *d = conf_alloc(c, a->tokens, sizeof *d);
    conf_fill(c, QKV, from->dist);
    for (size_t r = 0; r < a->tokens; r++)
        for (size_t i = 0; i < 3 * a->heads * a->head_dim; i++)
            conf_row(c, QKV, r)[i] *= from->factor;
    conf_fill(c, DY, CONF_NORMAL);
    for (size_t head = 0; head < a->heads; head++) {
        weights(c, head, p, d);
        for (size_t t = 0; t < a->n; t++)
            bound_head(c, from, t, head, p, d);
    }
}

const struct csg_test csg_test_attendback = {sizeof cases / sizeof *cases, shape, fill};
