/* As test_attention.c: a score's error is that of a sum of D products, scaled, to which the factor `by` and the bias add their
 * roundings; each weight of the softmax is off by a factor 1 + d_j, and the weighted mean by sum p_j d_j |v_j - o| and the
 * roundings of both sums. The bias is at most 1 and is an exponential of an argument with 4 roundings: its error is
 * below u (6 + 4 * 0.37), the greatest x e^-x being 0.37. */
#include <math.h>

#include "check/conf.h"

enum { Q, K, V };

struct attend_case {
    size_t tokens, heads, dim, q_pad, k_pad, v_pad, out_pad;
    size_t grid_w; /* 0: no bias */
    float by;      /* 0: none */
    float weight;
    bool add;
    enum conf_dist dist;
    float factor;
    float near_weight; /* 0: no bias is given */
};
static const struct attend_case cases[] = {
    {50, 2, 64, 0, 0, 0, 0, 0, 0, 1, false, CONF_NORMAL, 1, 0},
    {1, 1, 64, 0, 0, 0, 0, 0, 0, 1, false, CONF_NORMAL, 1, 0},
    {2, 3, 32, 1, 2, 3, 4, 1, 0, 1, true, CONF_NORMAL, 1, 0},
    {17, 2, 64, 64, 128, 0, 0, 4, 0, 1, false, CONF_NORMAL, 1, 0},
    {50, 2, 64, 0, 0, 0, 0, 7, 0, 1, false, CONF_NORMAL, 1, 0},
    {64, 2, 80, 0, 0, 0, 0, 9, 0.7f, 0.3333333f, true, CONF_NORMAL, 1, 0},
    {65, 1, 128, 3, 0, 5, 1, 0, 2.5f, 0.3333333f, false, CONF_NORMAL, 1, 0},
    {197, 3, 64, 0, 0, 0, 0, 14, 0, 1, false, CONF_NORMAL, 1, 0},
    {257, 2, 80, 0, 7, 0, 0, 0, 0, 1, true, CONF_NORMAL, 1, 0},
    {577, 1, 64, 0, 0, 0, 0, 24, 0, 1, false, CONF_NORMAL, 2, 0},
    {37, 3, 7, 1, 0, 0, 1, 6, 0, 1, false, CONF_NORMAL, 1, 0},
    {33, 1, 300, 0, 0, 0, 0, 8, 0, 1, false, CONF_NORMAL, 1, 0},
    {61, 2, 64, 0, 0, 0, 0, 0, 0, 1, false, CONF_NORMAL, 8, 0},
    {61, 2, 64, 0, 0, 0, 0, 10, 0, 1, false, CONF_TINY, 1, 0},
    {53, 2, 64, 0, 0, 0, 0, 0, 0, 1, true, CONF_CONSTANT, 1, 0},
    {53, 2, 64, 0, 0, 0, 0, 13, 0, 1, false, CONF_ONE_HOT, 10, 0},
    {53, 2, 64, 0, 0, 0, 0, 0, 1.5f, 1, false, CONF_NEAR_TIE, 1, 0},
    {50, 2, 64, 0, 0, 0, 0, 7, 0, 0.8f, true, CONF_NORMAL, 1, 1.26f},
    {33, 3, 7, 1, 0, 2, 0, 0, 0.7f, 1, false, CONF_NORMAL, 1, -0.5f},
    {197, 1, 64, 0, 0, 0, 0, 14, 0, 1, false, CONF_NORMAL, 1, 2},
};

static bool has_near(const struct attend_case *p)
{
    return p->near_weight < 0.0f || p->near_weight > 0.0f;
}

static size_t out_operand(const struct attend_case *p)
{
    return 3 + (p->by > 0.0f) + has_near(p);
}

/* Some cases leave queries out. */
static size_t queries(const struct attend_case *p)
{
    return p->heads == 3 ? (p->tokens + 2) / 3 : p->tokens;
}

static void shape(struct conf_case *c, size_t index)
{
    const struct attend_case *p = &cases[index];
    struct csg_attend_args *a = &c->args.attend;
    size_t width = p->heads * p->dim;
    *a = (struct csg_attend_args){.q_stride = width + p->q_pad,
                                  .k_stride = width + p->k_pad,
                                  .v_stride = width + p->v_pad,
                                  .out_stride = width + p->out_pad,
                                  .queries = queries(p),
                                  .tokens = p->tokens,
                                  .heads = p->heads,
                                  .head_dim = p->dim,
                                  .scale = (float)(1.0 / sqrt((double)p->dim)),
                                  .weight = p->weight,
                                  .near_weight = p->near_weight,
                                  .add = p->add,
                                  .gauss_std = p->grid_w ? 5.0f : 0.0f,
                                  .grid_w = p->grid_w};
    conf_add(c, "q", CONF_IN, CONF_F32, &a->q, a->queries, width, a->q_stride, 3);
    conf_add(c, "k", CONF_IN, CONF_F32, &a->k, p->tokens, width, a->k_stride, 16);
    conf_add(c, "v", CONF_IN, CONF_F32, &a->v, p->tokens, width, a->v_stride, 5);
    if (p->by > 0.0f)
        conf_add(c, "by", CONF_IN, CONF_F32, &a->by, 1, 1, 0, 1);
    if (has_near(p))
        conf_add(c, "near", CONF_IN, CONF_F32, &a->near, p->tokens - 1, p->tokens - 1, 0, 9);
    conf_add(c, "out", p->add ? CONF_INOUT : CONF_OUT, CONF_F32, &a->out, a->queries, width, a->out_stride, 7);
    conf_label(c, "%zu queries of %zu tokens, %zu heads of %zu, strides + %zu + %zu + %zu + %zu%s%s%s%s, %s * %g", a->queries,
               p->tokens, p->heads, p->dim, p->q_pad, p->k_pad, p->v_pad, p->out_pad, p->grid_w ? ", Gaussian" : "",
               p->by > 0.0f ? ", a factor" : "", has_near(p) ? ", a bias" : "", p->add ? ", added" : "", conf_dist_name(p->dist),
               (double)p->factor);
}

/* p: the weights of token i in the head at column `at`; d: their relative errors */
static void weights(const struct conf_case *c, const struct attend_case *from, double scale, size_t i, size_t at, double *p,
                    double *d)
{
    const struct csg_attend_args *a = &c->args.attend;
    double top = -INFINITY, sum = 0.0;
    for (size_t j = 0; j < a->tokens; j++) {
        const float *q = conf_row(c, Q, i) + at, *k = conf_row(c, K, j) + at;
        double t = 0.0, s = 0.0, bias = 0.0, given = 0.0;
        for (size_t n = 0; n < a->head_dim; n++) {
            t += scale * (double)q[n] * (double)k[n];
            s += scale * fabs((double)q[n] * (double)k[n]);
        }
        if (a->grid_w && i && j) {
            double dx = (double)((i - 1) % a->grid_w) - (double)((j - 1) % a->grid_w);
            double dy = (double)((i - 1) / a->grid_w) - (double)((j - 1) / a->grid_w);
            bias = exp(-(dx * dx + dy * dy) / (2.0 * (double)a->gauss_std * (double)a->gauss_std));
        }
        if (has_near(from) && i && j)
            given = (double)a->near_weight * (double)conf_row(c, out_operand(from) - 1, i - 1)[j - 1];
        d[j] = conf_sum_error(c, a->head_dim + 2) * (s + bias + fabs(given)) + 4.0 * CONF_U * (fabs(t) + fabs(given)) +
               (bias > 0.0 ? 8.0 * CONF_U : 0.0);
        p[j] = t + bias + given;
        top = fmax(top, p[j]);
    }
    for (size_t j = 0; j < a->tokens; j++) {
        d[j] = expm1(d[j] + CONF_U * (3.0 * fabs(p[j] - top) + 6.0));
        p[j] = exp(p[j] - top);
        sum += p[j];
    }
    for (size_t j = 0; j < a->tokens; j++)
        p[j] /= sum;
}

static void bound_token(struct conf_case *c, const struct attend_case *from, double scale, size_t i, size_t at, double *p,
                        double *d, struct conf_mean *mean)
{
    const struct csg_attend_args *a = &c->args.attend;
    double weight = (double)a->weight, *bound = conf_bound(c, out_operand(from), i) + at;
    const float *before = conf_row(c, out_operand(from), i) + at;
    weights(c, from, scale, i, at, p, d);
    conf_mean(mean, a->head_dim, p, d, a->tokens, conf_row(c, V, 0) + at, a->v_stride);
    for (size_t n = 0; n < a->head_dim; n++) {
        const struct conf_mean *m = &mean[n];
        bound[n] = weight * (m->off + conf_sum_error(c, a->tokens) * (m->size + fabs(m->o)) + 8.0 * CONF_U * fabs(m->o)) +
                   4.0 * (double)a->tokens * CONF_FLOOR;
        if (a->add)
            bound[n] += 2.0 * CONF_U * (fabs((double)before[n]) + weight * fabs(m->o));
    }
}

static void fill(struct conf_case *c, size_t index)
{
    const struct attend_case *from = &cases[index];
    const struct csg_attend_args *a = &c->args.attend;
    double *p = conf_alloc(c, a->tokens, sizeof *p), *d = conf_alloc(c, a->tokens, sizeof *d);
    struct conf_mean *mean = conf_alloc(c, a->head_dim, sizeof *mean);
    double scale = (double)a->scale * (from->by > 0.0f ? (double)from->by : 1.0);
    for (size_t operand = Q; operand <= V; operand++) {
        conf_fill(c, operand, from->dist);
        for (size_t r = 0; r < (operand == Q ? a->queries : a->tokens); r++)
            for (size_t n = 0; n < a->heads * a->head_dim; n++)
                conf_row(c, operand, r)[n] *= from->factor;
    }
    if (from->by > 0.0f)
        *conf_row(c, 3, 0) = from->by;
    if (has_near(from))
        conf_fill(c, out_operand(from) - 1, CONF_NORMAL);
    if (from->add)
        conf_fill(c, out_operand(from), CONF_NORMAL);
    for (size_t i = 0; i < a->queries; i++)
        for (size_t head = 0; head < a->heads; head++)
            bound_token(c, from, scale, i, head * a->head_dim, p, d, mean);
}

const struct csg_test csg_test_attend = {sizeof cases / sizeof *cases, shape, fill};
