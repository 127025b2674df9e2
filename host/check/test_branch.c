/* The bounds are those of test_attend.c, without factor, bias and addition. */
#include <math.h>

#include "check/conf.h"

enum { QKV, FROM, PATH, OUT };

struct branch_case {
    size_t tokens, queries, heads, dim, longest, qkv_pad, out_pad;
    enum conf_dist dist;
    float factor;
};
static const struct branch_case cases[] = {
    {50, 50, 2, 64, 12, 0, 0, CONF_NORMAL, 1},
    {1, 1, 1, 64, 1, 0, 0, CONF_NORMAL, 1},
    {2, 3, 3, 32, 2, 1, 3, CONF_NORMAL, 1},
    {17, 5, 2, 64, 9, 64, 0, CONF_NORMAL, 1},
    {64, 61, 2, 80, 15, 0, 7, CONF_NORMAL, 1},
    {40, 31, 3, 7, 16, 5, 1, CONF_NORMAL, 1},
    {33, 9, 1, 300, 17, 0, 0, CONF_NORMAL, 1},
    {61, 40, 2, 64, 33, 0, 0, CONF_NORMAL, 8},
    {61, 40, 2, 64, 20, 3, 0, CONF_TINY, 1},
    {53, 40, 2, 64, 20, 0, 0, CONF_CONSTANT, 1},
    {53, 40, 2, 64, 20, 0, 5, CONF_ONE_HOT, 10},
    {53, 40, 2, 64, 20, 0, 0, CONF_NEAR_TIE, 1},
    /* a batch of prompts, and the longest path that a text tower has */
    {4097, 997, 8, 64, 77, 0, 0, CONF_NORMAL, 1},
    {777, 777, 8, 64, 14, 0, 0, CONF_NORMAL, 1},
};

static size_t length_of(const struct branch_case *p, size_t i)
{
    return i == 0 ? p->longest : 1 + (i * 7) % p->longest;
}

static void shape(struct conf_case *c, size_t index)
{
    const struct branch_case *p = &cases[index];
    struct csg_branch_args *a = &c->args.branch;
    size_t width = p->heads * p->dim, steps = 0;
    for (size_t i = 0; i < p->queries; i++)
        steps += length_of(p, i);
    *a = (struct csg_branch_args){.qkv_stride = 3 * width + p->qkv_pad,
                                  .out_stride = width + p->out_pad,
                                  .queries = p->queries,
                                  .tokens = p->tokens,
                                  .heads = p->heads,
                                  .head_dim = p->dim,
                                  .scale = (float)(1.0 / sqrt((double)p->dim))};
    conf_add(c, "qkv", CONF_IN, CONF_F32, &a->qkv, p->tokens, 3 * width, a->qkv_stride, 3);
    conf_add(c, "from", CONF_IN, CONF_I32, &a->from, 1, p->queries + 1, 0, 1);
    conf_add(c, "path", CONF_IN, CONF_I32, &a->path, 1, steps, 0, 2);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->queries, width, a->out_stride, 7);
    conf_label(c, "%zu queries that see up to %zu of %zu tokens, %zu heads of %zu, strides + %zu + %zu, %s * %g", p->queries,
               p->longest, p->tokens, p->heads, p->dim, p->qkv_pad, p->out_pad, conf_dist_name(p->dist), (double)p->factor);
}

/* p: the weights that query q gives the tokens of its path in the head at column `at`; d: their relative errors */
static void weights(const struct conf_case *c, const int32_t *path, size_t seen, size_t at, double *p, double *d)
{
    const struct csg_branch_args *a = &c->args.branch;
    const float *q = conf_row(c, QKV, (size_t)path[seen - 1]) + at;
    double scale = (double)a->scale, top = -INFINITY, sum = 0.0;
    for (size_t j = 0; j < seen; j++) {
        const float *k = conf_row(c, QKV, (size_t)path[j]) + a->heads * a->head_dim + at;
        double t = 0.0, s = 0.0;
        for (size_t n = 0; n < a->head_dim; n++) {
            t += scale * (double)q[n] * (double)k[n];
            s += scale * fabs((double)q[n] * (double)k[n]);
        }
        d[j] = conf_sum_error(c, a->head_dim + 1) * s + 4.0 * CONF_U * fabs(t);
        p[j] = t;
        top = fmax(top, t);
    }
    for (size_t j = 0; j < seen; j++) {
        d[j] = expm1(d[j] + CONF_U * (3.0 * fabs(p[j] - top) + 6.0));
        p[j] = exp(p[j] - top);
        sum += p[j];
    }
    for (size_t j = 0; j < seen; j++)
        p[j] /= sum;
}

static void bound_query(struct conf_case *c, size_t i, const int32_t *path, size_t seen, double *p, double *d)
{
    const struct csg_branch_args *a = &c->args.branch;
    size_t width = a->heads * a->head_dim;
    for (size_t column = 0; column < width; column++) {
        double o = 0.0, size = 0.0, off = 0.0;
        if (column % a->head_dim == 0)
            weights(c, path, seen, column, p, d);
        for (size_t j = 0; j < seen; j++) {
            double v = (double)conf_row(c, QKV, (size_t)path[j])[2 * width + column];
            o += p[j] * v;
            size += p[j] * fabs(v);
        }
        for (size_t j = 0; j < seen; j++)
            off += p[j] * d[j] * fabs((double)conf_row(c, QKV, (size_t)path[j])[2 * width + column] - o);
        conf_bound(c, OUT, i)[column] =
            off + conf_sum_error(c, seen) * (size + fabs(o)) + 8.0 * CONF_U * fabs(o) + 4.0 * (double)seen * CONF_FLOOR;
    }
}

static void fill(struct conf_case *c, size_t index)
{
    const struct branch_case *from = &cases[index];
    const struct csg_branch_args *a = &c->args.branch;
    double *p = conf_alloc(c, from->longest, sizeof *p), *d = conf_alloc(c, from->longest, sizeof *d);
    struct csg_rng rng = conf_rng(c, PATH);
    int32_t *starts = conf_ints(c, FROM), *path = conf_ints(c, PATH);
    conf_fill(c, QKV, from->dist);
    for (size_t r = 0; r < a->tokens; r++)
        for (size_t n = 0; n < 3 * a->heads * a->head_dim; n++)
            conf_row(c, QKV, r)[n] *= from->factor;
    starts[0] = 0;
    for (size_t i = 0; i < a->queries; i++) {
        size_t seen = length_of(from, i);
        starts[i + 1] = starts[i] + (int32_t)seen;
        /* Any tokens will do, but the last one there is must be among them. */
        for (size_t j = 0; j < seen; j++)
            path[(size_t)starts[i] + j] = (int32_t)(i + j ? conf_below(&rng, a->tokens) : a->tokens - 1);
        bound_query(c, i, path + starts[i], seen, p, d);
    }
}

const struct csg_test csg_test_branch = {sizeof cases / sizeof *cases, shape, fill};
