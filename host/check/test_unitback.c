/* With xhat of length one and along = sum xhat dy, which is off by (1.5 u (2 + 2 sqrt K) + 16 u) sum |xhat dy|: the length's error is half
 * its square's, and every quotient has 2.5 ulp. dx = (dy - along xhat) / ||x|| feels that times |xhat|, and its own roundings. */
#include <math.h>

#include "check/conf.h"

enum { X, DY, DX };

struct unitback_case {
    size_t rows, width, x_pad, dy_pad, dx_pad;
    bool shared, in_place; /* shared: one x for all rows */
    enum conf_dist dist;
};
static const struct unitback_case cases[] = {
    {3, 64, 0, 0, 0, true, false, CONF_NORMAL},   {1, 512, 0, 0, 0, true, true, CONF_NORMAL},
    {20, 192, 0, 5, 3, true, false, CONF_NORMAL}, {7, 33, 2, 0, 1, false, false, CONF_NORMAL},
    {59, 512, 0, 0, 0, true, true, CONF_NORMAL},  {4, 1025, 0, 0, 0, false, false, CONF_NORMAL},
    {5, 2, 0, 0, 0, true, false, CONF_NORMAL},    {6, 128, 0, 0, 0, true, false, CONF_TINY},
    {6, 128, 0, 1, 0, true, false, CONF_LARGE},   {9, 65, 0, 0, 0, false, true, CONF_NEAR_TIE},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct unitback_case *p = &cases[index];
    struct csg_unitback_args *a = &c->args.unitback;
    a->rows = p->rows;
    a->width = p->width;
    a->x_stride = p->shared ? 0 : p->width + p->x_pad;
    a->dy_stride = p->width + p->dy_pad;
    a->dx_stride = p->in_place ? a->dy_stride : p->width + p->dx_pad;
    conf_add(c, "x", CONF_IN, CONF_F32, &a->x, p->shared ? 1 : p->rows, p->width, a->x_stride, 3);
    struct conf_operand *dy =
        conf_add(c, "dy", p->in_place ? CONF_INOUT : CONF_IN, CONF_F32, &a->dy, p->rows, p->width, a->dy_stride, 5);
    if (p->in_place)
        dy->views[1] = &a->dx;
    else
        conf_add(c, "dx", CONF_OUT, CONF_F32, &a->dx, p->rows, p->width, a->dx_stride, 7);
    conf_label(c, "%zu x %zu, strides + %zu + %zu + %zu%s%s, %s", p->rows, p->width, p->x_pad, p->dy_pad, p->dx_pad,
               p->shared ? ", one x" : "", p->in_place ? ", in place" : "", conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct unitback_case *p = &cases[index];
    conf_fill(c, X, p->dist);
    conf_fill(c, DY, CONF_NORMAL);
    for (size_t r = 0; r < p->rows; r++) {
        const float *x = conf_row(c, X, p->shared ? 0 : r), *dy = conf_row(c, DY, r);
        double squares = 0.0, along = 0.0, size = 0.0, *bound = conf_bound(c, p->in_place ? DY : DX, r);
        for (size_t i = 0; i < p->width; i++)
            squares += (double)x[i] * (double)x[i];
        double length = sqrt(squares), sum = conf_sum_error(c, p->width);
        for (size_t i = 0; i < p->width; i++) {
            along += (double)x[i] / length * (double)dy[i];
            size += fabs((double)x[i] / length * (double)dy[i]);
        }
        for (size_t i = 0; i < p->width; i++) {
            double xhat = fabs((double)x[i] / length), value = fabs((double)dy[i]) + fabs(along) * xhat;
            bound[i] = ((1.5 * sum + 16.0 * CONF_U) * size * xhat + value * (0.5 * sum + 20.0 * CONF_U)) / length +
                       (double)p->width * CONF_FLOOR * fmax(1.0, 1.0 / length);
        }
    }
}

const struct csg_test csg_test_unitback = {sizeof cases / sizeof *cases, shape, fill};
