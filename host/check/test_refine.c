/* A sum of 16 products. Their magnitudes are at most the sum of the weights' times the greatest value. */
#include <math.h>

#include "check/conf.h"

enum { IN, WEIGHTS, OUT };

struct refine_case {
    size_t n, w, h, dilations_px[2];
    enum conf_dist dist;
};
static const struct refine_case cases[] = {{2, 16, 12, {8, 16}, CONF_NORMAL},   {1, 1, 1, {8, 16}, CONF_NORMAL},
                                           {3, 40, 37, {8, 16}, CONF_NORMAL},   {1, 33, 9, {1, 2}, CONF_TINY},
                                           {5, 112, 112, {8, 16}, CONF_NORMAL}, {2, 65, 3, {3, 64}, CONF_LARGE},
                                           {2, 20, 31, {4, 7}, CONF_CONSTANT}};

static void shape(struct conf_case *c, size_t index)
{
    const struct refine_case *p = &cases[index];
    struct csg_refine_args *a = &c->args.refine;
    *a = (struct csg_refine_args){.n = p->n, .w = p->w, .h = p->h, .dilations_px = {p->dilations_px[0], p->dilations_px[1]}};
    conf_add(c, "in", CONF_IN, CONF_F32, &a->in, p->n, p->w * p->h, 0, 3);
    conf_add(c, "weights", CONF_IN, CONF_F32, &a->weights, CSG_REFINE_NEIGHBOURS, p->w * p->h, 0, 1);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->n, p->w * p->h, 0, 5);
    conf_label(c, "%zu maps of %zu x %zu, %zu and %zu away, %s", p->n, p->w, p->h, p->dilations_px[0], p->dilations_px[1],
               conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct refine_case *p = &cases[index];
    conf_fill(c, IN, p->dist);
    conf_fill(c, WEIGHTS, CONF_NORMAL);
    for (size_t i = 0; i < p->n; i++) {
        double most = 0.0;
        for (size_t at = 0; at < p->w * p->h; at++)
            most = fmax(most, fabs((double)conf_row(c, IN, i)[at]));
        for (size_t at = 0; at < p->w * p->h; at++) {
            double weights = 0.0;
            for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++)
                weights += fabs((double)conf_row(c, WEIGHTS, n)[at]);
            conf_bound(c, OUT, i)[at] = conf_sum_error(c, CSG_REFINE_NEIGHBOURS) * weights * most + 16.0 * CONF_FLOOR;
        }
    }
}

const struct csg_test csg_test_refine = {sizeof cases / sizeof *cases, shape, fill};
