/* As test_attendback.c for every query: weights off by a factor 1 + d_ij, g by its sum of D products. The gradient of a score,
 * a (g - sum a g), feels both; dq, dk and dv are sums over tokens of products, whose errors are those of their factors and of
 * the sum. What flows back is a sum over queries and heads of max(a g, 0), which does not stretch errors. */
#include <math.h>

#include "check/conf.h"

enum { QKV, DY, FLOW, DQKV, OUT };

struct attendgrad_case {
    size_t tokens, heads, dim, qkv_pad, dy_pad, dqkv_pad;
    enum conf_dist dist;
    float factor;
};
static const struct attendgrad_case cases[] = {
    {50, 2, 64, 0, 0, 0, CONF_NORMAL, 1},  {1, 1, 64, 0, 0, 0, CONF_NORMAL, 1},   {2, 3, 32, 1, 2, 3, CONF_NORMAL, 1},
    {197, 3, 64, 0, 0, 0, CONF_NORMAL, 1}, {65, 2, 80, 3, 5, 7, CONF_NORMAL, 1},  {37, 3, 7, 1, 0, 0, CONF_NORMAL, 1},
    {33, 1, 300, 0, 0, 0, CONF_NORMAL, 1}, {61, 2, 64, 0, 0, 0, CONF_NORMAL, 6},  {61, 2, 64, 0, 0, 0, CONF_TINY, 1},
    {53, 2, 64, 0, 0, 0, CONF_ONE_HOT, 8}, {49, 2, 64, 0, 1, 0, CONF_CONSTANT, 1}};

static void shape(struct conf_case *c, size_t index)
{
    const struct attendgrad_case *p = &cases[index];
    struct csg_attendgrad_args *a = &c->args.attendgrad;
    size_t width = p->heads * p->dim;
    *a = (struct csg_attendgrad_args){.qkv_stride = 3 * width + p->qkv_pad,
                                      .dy_stride = width + p->dy_pad,
                                      .dqkv_stride = 3 * width + p->dqkv_pad,
                                      .tokens = p->tokens,
                                      .heads = p->heads,
                                      .head_dim = p->dim,
                                      .scale = (float)(1.0 / sqrt((double)p->dim))};
    conf_add(c, "qkv", CONF_IN, CONF_F32, &a->qkv, p->tokens, 3 * width, a->qkv_stride, 3);
    conf_add(c, "dy", CONF_IN, CONF_F32, &a->dy, p->tokens, width, a->dy_stride, 16);
    conf_add(c, "flow", CONF_IN, CONF_F32, &a->flow, 1, p->tokens, 0, 1);
    conf_add(c, "dqkv", CONF_OUT, CONF_F32, &a->dqkv, p->tokens, 3 * width, a->dqkv_stride, 5);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, 1, p->tokens, 0, 7);
    conf_label(c, "%zu tokens, %zu heads of %zu, strides + %zu + %zu + %zu, %s * %g", p->tokens, p->heads, p->dim, p->qkv_pad,
               p->dy_pad, p->dqkv_pad, conf_dist_name(p->dist), (double)p->factor);
}

/* Of one query: weights, their relative errors, g, its errors. */
struct row {
    double *p, *d, *g, *e;
};

static void weigh(const struct conf_case *c, size_t i, size_t head, const struct row *row)
{
    const struct csg_attendgrad_args *a = &c->args.attendgrad;
    const float *q = conf_row(c, QKV, i) + head * a->head_dim, *dy = conf_row(c, DY, i) + head * a->head_dim;
    double top = -INFINITY, sum = 0.0, all = 0.0;
    for (size_t j = 0; j < a->tokens; j++) {
        const float *k = conf_row(c, QKV, j) + (a->heads + head) * a->head_dim, *v = k + a->heads * a->head_dim;
        double t = 0.0, s = 0.0, size = 0.0;
        row->g[j] = 0.0;
        for (size_t n = 0; n < a->head_dim; n++) {
            t += (double)a->scale * (double)q[n] * (double)k[n];
            s += (double)a->scale * fabs((double)q[n] * (double)k[n]);
            row->g[j] += (double)dy[n] * (double)v[n];
            size += fabs((double)dy[n] * (double)v[n]);
        }
        row->p[j] = t;
        row->d[j] = conf_sum_error(c, a->head_dim) * s + 2.0 * CONF_U * fabs(t);
        row->e[j] = conf_sum_error(c, a->head_dim) * size;
        top = fmax(top, t);
    }
    for (size_t j = 0; j < a->tokens; j++) {
        row->d[j] = expm1(row->d[j] + CONF_U * (3.0 * fabs(row->p[j] - top) + 6.0));
        row->p[j] = exp(row->p[j] - top);
        sum += row->p[j];
    }
    for (size_t j = 0; j < a->tokens; j++) {
        row->p[j] /= sum;
        all += row->p[j] * row->d[j];
    }
    for (size_t j = 0; j < a->tokens; j++)
        row->d[j] += all + conf_sum_error(c, a->tokens) + 6.0 * CONF_U;
}

static void bound_query(struct conf_case *c, size_t i, size_t head, const struct row *row)
{
    const struct csg_attendgrad_args *a = &c->args.attendgrad;
    size_t width = a->heads * a->head_dim, at = head * a->head_dim;
    double along = 0.0, along_off = 0.0, sum = conf_sum_error(c, a->tokens) + 4.0 * CONF_U;
    weigh(c, i, head, row);
    for (size_t j = 0; j < a->tokens; j++) {
        along += row->p[j] * row->g[j];
        along_off += row->p[j] * (fabs(row->g[j]) * (row->d[j] + sum) + row->e[j]);
    }
    for (size_t j = 0; j < a->tokens; j++) {
        double score = fabs(row->p[j] * (row->g[j] - along));
        double off = row->p[j] * (row->e[j] + along_off + 4.0 * CONF_U * (fabs(row->g[j]) + fabs(along))) +
                     score * (row->d[j] + 4.0 * CONF_U);
        double flow = fabs((double)conf_row(c, FLOW, 0)[i]);
        for (size_t n = 0; n < a->head_dim; n++) {
            double q = fabs((double)conf_row(c, QKV, i)[at + n]), k = fabs((double)conf_row(c, QKV, j)[width + at + n]);
            double dy = fabs((double)conf_row(c, DY, i)[at + n]);
            conf_bound(c, DQKV, i)[at + n] += (double)a->scale * (off + sum * score) * k + 4.0 * CONF_FLOOR * (1.0 + k);
            conf_bound(c, DQKV, j)[width + at + n] += (double)a->scale * (off + sum * score) * q + 4.0 * CONF_FLOOR * (1.0 + q);
            conf_bound(c, DQKV, j)[2 * width + at + n] += row->p[j] * (row->d[j] + sum) * dy + 4.0 * CONF_FLOOR * (1.0 + dy);
        }
        conf_bound(c, OUT, 0)[j] += flow * row->p[j] *
                                        (fabs(row->g[j]) * (row->d[j] + sum + (4.0 + (double)a->heads) * CONF_U) + row->e[j]) /
                                        (double)a->heads +
                                    4.0 * CONF_FLOOR * (1.0 + flow);
    }
}

static void fill(struct conf_case *c, size_t index)
{
    const struct attendgrad_case *from = &cases[index];
    const struct csg_attendgrad_args *a = &c->args.attendgrad;
    size_t n = a->tokens;
    double *memory = conf_alloc(c, 4 * n, sizeof *memory);
    const struct row row = {memory, memory + n, memory + 2 * n, memory + 3 * n};
    conf_fill(c, QKV, from->dist);
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < 3 * a->heads * a->head_dim; i++)
            conf_row(c, QKV, r)[i] *= from->factor;
    conf_fill(c, DY, CONF_NORMAL);
    conf_fill(c, FLOW, CONF_NORMAL);
    for (size_t head = 0; head < a->heads; head++)
        for (size_t i = 0; i < n; i++)
            bound_query(c, i, head, &row);
    /* Each head's share is added to what is there already. */
    for (size_t j = 0; j < n; j++)
        conf_bound(c, OUT, 0)[j] += 2.0 * CONF_U * (double)(a->heads + 1) * fabs((double)conf_row(c, FLOW, 0)[j]);
}

const struct csg_test csg_test_attendgrad = {sizeof cases / sizeof *cases, shape, fill};
