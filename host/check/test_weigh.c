/* A sum of products, its factor and what it is added to. */
#include <math.h>

#include "check/conf.h"

enum { WEIGHTS, X, OUT };

struct weigh_case {
    size_t rows, terms, width, x_pad, out_pad;
    float factor;
    bool add;
    enum conf_dist dist;
};
static const struct weigh_case cases[] = {
    {49, 49, 128, 0, 0, 1, false, CONF_NORMAL},   {1, 1, 1, 0, 0, 1, false, CONF_NORMAL},
    {17, 33, 129, 3, 5, 0.5f, true, CONF_NORMAL}, {196, 196, 768, 0, 0, 1, false, CONF_NORMAL},
    {7, 257, 127, 1, 0, 0.3f, false, CONF_TINY},  {20, 65, 96, 0, 2, -2, true, CONF_LARGE},
    {31, 64, 200, 0, 0, 1, false, CONF_CONSTANT}, {64, 63, 40, 0, 1, 1, true, CONF_ONE_HOT},
    {15, 50, 16, 2, 0, 1, false, CONF_NEAR_TIE},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct weigh_case *p = &cases[index];
    struct csg_weigh_args *a = &c->args.weigh;
    *a = (struct csg_weigh_args){.x_stride = p->width + p->x_pad,
                                 .out_stride = p->width + p->out_pad,
                                 .rows = p->rows,
                                 .terms = p->terms,
                                 .width = p->width,
                                 .factor = p->factor,
                                 .add = p->add};
    conf_add(c, "weights", CONF_IN, CONF_F32, &a->weights, p->rows, p->terms, 0, 3);
    conf_add(c, "x", CONF_IN, CONF_F32, &a->x, p->terms, p->width, a->x_stride, 1);
    conf_add(c, "out", p->add ? CONF_INOUT : CONF_OUT, CONF_F32, &a->out, p->rows, p->width, a->out_stride, 5);
    conf_label(c, "%zu x %zu x %zu, strides + %zu + %zu, times %g%s, %s", p->rows, p->terms, p->width, p->x_pad, p->out_pad,
               (double)p->factor, p->add ? ", added" : "", conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct weigh_case *p = &cases[index];
    conf_fill(c, WEIGHTS, p->dist);
    conf_fill(c, X, p->dist);
    if (p->add)
        conf_fill(c, OUT, CONF_NORMAL);
    for (size_t i = 0; i < p->rows; i++) {
        for (size_t n = 0; n < p->width; n++) {
            double size = 0.0, before = p->add ? fabs((double)conf_row(c, OUT, i)[n]) : 0.0;
            for (size_t j = 0; j < p->terms; j++)
                size += fabs((double)conf_row(c, WEIGHTS, i)[j] * (double)conf_row(c, X, j)[n]);
            size *= fabs((double)p->factor);
            conf_bound(c, OUT, i)[n] =
                (conf_sum_error(c, p->terms) + 2.0 * CONF_U) * size + 2.0 * CONF_U * before + (double)p->terms * CONF_FLOOR;
        }
    }
}

const struct csg_test csg_test_weigh = {sizeof cases / sizeof *cases, shape, fill};
