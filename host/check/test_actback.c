/* QuickGELU: two sigmoids, each with the exponential's 3 ulp and its argument's rounding, 2 u |1.702 x|, and a quotient: relative
 * errors of 14 u + 4 u |1.702 x| in each product. GELU: erf within 16 ulp, so 16 u absolutely after halving; the density's
 * relative error is 10 u + 2 u x^2. */
#include <math.h>

#include "check/conf.h"

enum { X, DY, DX };

struct actback_case {
    size_t rows, width, x_pad, dy_pad, dx_pad;
    bool shared, in_place;
    enum csg_activation act;
    enum conf_dist dist;
    float factor; /* of x */
};
static const struct actback_case cases[] = {
    {3, 512, 0, 0, 0, true, false, CSG_ACT_QUICK_GELU, CONF_NORMAL, 1},
    {1, 3072, 0, 0, 0, true, true, CSG_ACT_QUICK_GELU, CONF_NORMAL, 3},
    {3, 512, 0, 0, 0, true, false, CSG_ACT_GELU, CONF_NORMAL, 1},
    {20, 768, 0, 3, 1, true, true, CSG_ACT_GELU, CONF_NORMAL, 3},
    {7, 33, 2, 0, 5, false, false, CSG_ACT_QUICK_GELU, CONF_NORMAL, 20},
    {7, 33, 2, 0, 5, false, false, CSG_ACT_GELU, CONF_NORMAL, 8},
    {5, 65, 0, 0, 0, false, false, CSG_ACT_NONE, CONF_NORMAL, 1},
    {7, 65, 1, 0, 3, false, true, CSG_ACT_RELU, CONF_NORMAL, 1},
    {4, 127, 0, 0, 0, true, false, CSG_ACT_QUICK_GELU, CONF_TINY, 1},
    {4, 127, 0, 0, 0, true, false, CSG_ACT_GELU, CONF_TINY, 1},
    {6, 64, 0, 0, 0, false, true, CSG_ACT_QUICK_GELU, CONF_ONE_HOT, 1},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct actback_case *p = &cases[index];
    struct csg_actback_args *a = &c->args.actback;
    a->rows = p->rows;
    a->width = p->width;
    a->act = p->act;
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
    conf_label(c, "%zu x %zu, strides + %zu + %zu + %zu%s%s, act %d, %s * %g", p->rows, p->width, p->x_pad, p->dy_pad, p->dx_pad,
               p->shared ? ", one x" : "", p->in_place ? ", in place" : "", (int)p->act, conf_dist_name(p->dist),
               (double)p->factor);
}

static double slope_error(double x, enum csg_activation act)
{
    if (act == CSG_ACT_QUICK_GELU) {
        double z = fabs(1.702 * x), s = 1.0 / (1.0 + exp(-1.702 * x)), rest = 1.0 / (1.0 + exp(1.702 * x));
        return CONF_U * (32.0 + 8.0 * z) * (s + z * s * rest);
    }
    if (act == CSG_ACT_GELU)
        return CONF_U * (24.0 + (20.0 + 4.0 * x * x) * fabs(x) * exp(-0.5 * x * x));
    return CONF_U;
}

static void fill(struct conf_case *c, size_t index)
{
    const struct actback_case *p = &cases[index];
    conf_fill(c, X, p->dist);
    conf_fill(c, DY, CONF_NORMAL);
    for (size_t r = 0; r < (p->shared ? 1 : p->rows); r++)
        for (size_t i = 0; i < p->width; i++)
            conf_row(c, X, r)[i] *= p->factor;
    for (size_t r = 0; r < p->rows; r++)
        for (size_t i = 0; i < p->width; i++) {
            double x = (double)conf_row(c, X, p->shared ? 0 : r)[i], dy = fabs((double)conf_row(c, DY, r)[i]);
            conf_bound(c, p->in_place ? DY : DX, r)[i] =
                dy * (slope_error(x, p->act) + 4.0 * CONF_U) + 4.0 * CONF_FLOOR * (1.0 + dy);
        }
}

const struct csg_test csg_test_actback = {sizeof cases / sizeof *cases, shape, fill};
