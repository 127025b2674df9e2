/* Errors are carried through: of the mean, u (2 + 2 sqrt K) mean|x|, so of x - mean; of the root, half of its square's relative
 * error; so of xhat; of mean(g) and mean(g xhat), their sums' and their terms'. The result feels each in its place, and ten
 * roundings of its own (quotients have 2.5 ulp, the root 3). */
#include <math.h>

#include "check/conf.h"

enum { X, WEIGHT, DY };

struct normback_case {
    size_t rows, width, x_pad, dy_pad, dx_pad;
    bool shared, add, in_place; /* in_place: dx is dy */
    enum conf_dist dist;
    float offset; /* of x */
};
static const struct normback_case cases[] = {
    {3, 128, 0, 0, 0, true, false, false, CONF_NORMAL, 0},   {1, 768, 0, 0, 0, true, true, false, CONF_NORMAL, 0},
    {20, 192, 0, 3, 1, true, true, false, CONF_NORMAL, 0},   {59, 768, 0, 0, 0, true, false, true, CONF_NORMAL, 1},
    {7, 33, 5, 0, 2, false, true, false, CONF_NORMAL, 0},    {4, 1025, 0, 0, 0, false, false, false, CONF_NORMAL, 0},
    {5, 2, 0, 0, 0, true, false, false, CONF_NORMAL, 0},     {6, 64, 0, 0, 0, false, false, true, CONF_LARGE, 0},
    {6, 64, 0, 0, 0, true, false, false, CONF_ONE_HOT, 0},   {6, 127, 0, 0, 0, false, true, false, CONF_TINY, 0},
    {9, 65, 0, 0, 0, false, false, false, CONF_NEAR_TIE, 0},
};

static size_t out_operand(const struct normback_case *p)
{
    return p->in_place ? (size_t)DY : DY + 1 + (size_t)p->add;
}

static void shape(struct conf_case *c, size_t index)
{
    const struct normback_case *p = &cases[index];
    struct csg_normback_args *a = &c->args.normback;
    a->rows = p->rows;
    a->width = p->width;
    a->eps = 1e-5f;
    a->x_stride = p->shared ? 0 : p->width + p->x_pad;
    a->dy_stride = p->width + p->dy_pad;
    a->add_stride = p->width + 1;
    a->dx_stride = p->in_place ? a->dy_stride : p->width + p->dx_pad;
    conf_add(c, "x", CONF_IN, CONF_F32, &a->x, p->shared ? 1 : p->rows, p->width, a->x_stride, 3);
    conf_add(c, "weight", CONF_IN, CONF_F32, &a->weight, 1, p->width, 0, 16);
    struct conf_operand *dy =
        conf_add(c, "dy", p->in_place ? CONF_INOUT : CONF_IN, CONF_F32, &a->dy, p->rows, p->width, a->dy_stride, 5);
    if (p->add)
        conf_add(c, "add", CONF_IN, CONF_F32, &a->add, p->rows, p->width, a->add_stride, 1);
    if (p->in_place)
        dy->views[1] = &a->dx;
    else
        conf_add(c, "dx", CONF_OUT, CONF_F32, &a->dx, p->rows, p->width, a->dx_stride, 7);
    conf_label(c, "%zu x %zu, strides + %zu + %zu + %zu%s%s%s, %s + %g", p->rows, p->width, p->x_pad, p->dy_pad, p->dx_pad,
               p->shared ? ", one x" : "", p->add ? ", added" : "", p->in_place ? ", in place" : "", conf_dist_name(p->dist),
               (double)p->offset);
}

static void bound_row(struct conf_case *c, const struct normback_case *p, size_t r, double *xhat, double *off)
{
    const float *x = conf_row(c, X, p->shared ? 0 : r), *dy = conf_row(c, DY, r), *weight = conf_row(c, WEIGHT, 0);
    double n = (double)p->width, sum = conf_sum_error(c, p->width) + 4.0 * CONF_U, mean = 0.0, size = 0.0, variance = 0.0;
    double slack = 0.0, g_mean = 0.0, g_size = 0.0, along = 0.0, along_size = 0.0, along_off = 0.0;
    for (size_t i = 0; i < p->width; i++) {
        mean += (double)x[i] / n;
        size += fabs((double)x[i]) / n;
    }
    for (size_t i = 0; i < p->width; i++) {
        double d = (double)x[i] - mean;
        variance += d * d / n;
        slack += 2.0 * fabs(d) * (sum * size + 2.0 * CONF_U * fabs(d)) / n;
    }
    double square = variance + (double)c->args.normback.eps, root = sqrt(square);
    double root_off = 0.5 * (sum + (slack + sum * size * sum * size) / square) + 8.0 * CONF_U;
    for (size_t i = 0; i < p->width; i++) {
        double g = (double)dy[i] * (double)weight[i];
        xhat[i] = ((double)x[i] - mean) / root;
        off[i] = sum * size / root + fabs(xhat[i]) * (root_off + 6.0 * CONF_U);
        g_mean += g / n;
        g_size += fabs(g) / n;
        along += g * xhat[i] / n;
        along_size += fabs(g * xhat[i]) / n;
        along_off += fabs(g) * off[i] / n;
    }
    for (size_t i = 0; i < p->width; i++) {
        double g = (double)dy[i] * (double)weight[i], value = (g - g_mean - xhat[i] * along) / root;
        double terms = fabs(g) + fabs(g_mean) + fabs(xhat[i] * along);
        double error =
            (10.0 * CONF_U * terms + sum * g_size + off[i] * fabs(along) + fabs(xhat[i]) * (sum * along_size + along_off)) /
                root +
            fabs(value) * (root_off + 6.0 * CONF_U);
        if (p->add)
            error += 2.0 * CONF_U * (fabs((double)conf_row(c, DY + 1, r)[i]) + fabs(value));
        conf_bound(c, out_operand(p), r)[i] = error + n * CONF_FLOOR / root;
    }
}

static void fill(struct conf_case *c, size_t index)
{
    const struct normback_case *p = &cases[index];
    double *xhat = conf_alloc(c, p->width, sizeof *xhat), *off = conf_alloc(c, p->width, sizeof *off);
    conf_fill(c, X, p->dist);
    for (size_t r = 0; r < (p->shared ? 1 : p->rows); r++)
        for (size_t i = 0; i < p->width; i++)
            conf_row(c, X, r)[i] += p->offset;
    conf_fill(c, WEIGHT, CONF_NORMAL);
    conf_fill(c, DY, CONF_NORMAL);
    if (p->add)
        conf_fill(c, DY + 1, CONF_NORMAL);
    for (size_t r = 0; r < p->rows; r++)
        bound_row(c, p, r, xhat, off);
}

const struct csg_test csg_test_normback = {sizeof cases / sizeof *cases, shape, fill};
