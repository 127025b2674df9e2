/* See axis.h. */
#include <math.h>

#include "check/axis.h"

enum { IN, OUT };

struct bilinear_case {
    size_t n, in_w, in_h, out_w, out_h;
    enum conf_dist dist;
};
static const struct bilinear_case cases[] = {
    {2, 7, 5, 33, 17, CONF_NORMAL},
    {1, 1, 1, 1, 1, CONF_NORMAL},
    {1, 1, 1, 17, 13, CONF_NORMAL},
    {3, 7, 7, 7, 7, CONF_NORMAL},
    {1, 14, 14, 224, 224, CONF_NORMAL},
    {2, 14, 14, 640, 480, CONF_NORMAL},
    {1, 32, 18, 1279, 719, CONF_NORMAL},
    {5, 14, 14, 7, 7, CONF_NORMAL},
    {1, 37, 23, 11, 13, CONF_NORMAL},
    {4, 3, 64, 65, 63, CONF_LARGE},
    {3, 16, 1, 31, 15, CONF_TINY},
    {1, 64, 64, 33, 129, CONF_NEAR_TIE},
    {7, 2, 2, 16, 32, CONF_ONE_HOT},
    {59, 14, 14, 15, 31, CONF_NORMAL},
    /* the largest that the project promises */
    {1000, 7, 7, 13, 9, CONF_NORMAL},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct bilinear_case *p = &cases[index];
    struct csg_bilinear_args *a = &c->args.bilinear;
    a->n = p->n;
    a->in_w = p->in_w;
    a->in_h = p->in_h;
    a->out_w = p->out_w;
    a->out_h = p->out_h;
    conf_add(c, "in", CONF_IN, CONF_F32, &a->in, p->n, p->in_w * p->in_h, 0, 3);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->n, p->out_w * p->out_h, 0, 5);
    conf_label(c, "%zu maps, %zu x %zu to %zu x %zu, %s", p->n, p->in_w, p->in_h, p->out_w, p->out_h, conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct bilinear_case *p = &cases[index];
    conf_fill(c, IN, p->dist);
    for (size_t i = 0; i < p->n; i++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t j = 0; j < p->in_w * p->in_h; j++) {
            low = fmin(low, (double)conf_row(c, IN, i)[j]);
            high = fmax(high, (double)conf_row(c, IN, i)[j]);
        }
        double bound = conf_bilinear_error(p->in_h, p->in_w, high - low, fmax(fabs(low), fabs(high)));
        for (size_t j = 0; j < p->out_w * p->out_h; j++)
            conf_bound(c, OUT, i)[j] = bound;
    }
}

const struct csg_test csg_test_bilinear = {sizeof cases / sizeof *cases, shape, fill};
