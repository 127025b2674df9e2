/* A place is off by a rounding of the scale and one of the product, 3 u of it, times the step between two samples, along both axes; the
 * sums of two products add theirs. */
#include <math.h>

#include "check/conf.h"

enum { IN, OUT };

struct corners_case {
    size_t n, in_w, in_h, out_w, out_h;
    enum conf_dist dist;
};
static const struct corners_case cases[] = {{2, 7, 5, 40, 33, CONF_NORMAL},     {1, 1, 1, 1, 1, CONF_NORMAL},
                                            {3, 14, 14, 224, 224, CONF_NORMAL}, {1, 1, 6, 9, 64, CONF_TINY},
                                            {2, 33, 2, 65, 17, CONF_LARGE},     {1, 9, 9, 1, 1, CONF_NORMAL},
                                            {2, 8, 8, 128, 128, CONF_CONSTANT}, {4, 12, 3, 12, 3, CONF_NEAR_TIE}};

static void shape(struct conf_case *c, size_t index)
{
    const struct corners_case *p = &cases[index];
    struct csg_corners_args *a = &c->args.corners;
    *a = (struct csg_corners_args){.n = p->n, .in_w = p->in_w, .in_h = p->in_h, .out_w = p->out_w, .out_h = p->out_h};
    conf_add(c, "in", CONF_IN, CONF_F32, &a->in, p->n, p->in_w * p->in_h, 0, 3);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->n, p->out_w * p->out_h, 0, 5);
    conf_label(c, "%zu maps of %zu x %zu to %zu x %zu, %s", p->n, p->in_w, p->in_h, p->out_w, p->out_h, conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct corners_case *p = &cases[index];
    double places = (double)(p->in_w + p->in_h);
    conf_fill(c, IN, p->dist);
    for (size_t i = 0; i < p->n; i++) {
        double most = 0.0, low = INFINITY, high = -INFINITY;
        for (size_t j = 0; j < p->in_w * p->in_h; j++) {
            double value = (double)conf_row(c, IN, i)[j];
            most = fmax(most, fabs(value));
            low = fmin(low, value);
            high = fmax(high, value);
        }
        for (size_t j = 0; j < p->out_w * p->out_h; j++)
            conf_bound(c, OUT, i)[j] = 4.0 * CONF_U * places * (high - low) + 8.0 * CONF_U * most + 4.0 * CONF_FLOOR;
    }
}

const struct csg_test csg_test_corners = {sizeof cases / sizeof *cases, shape, fill};
