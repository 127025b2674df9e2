/* A sum of K = side * side terms, multiplied with a rounded 1 / K (division within 2.5 ulp, 5 u) and rounded once more. */
#include <math.h>

#include "check/conf.h"

enum { IN, OUT };

struct avgpool_case {
    size_t w, h, channels, side;
    enum conf_dist dist;
};
static const struct avgpool_case cases[] = {
    {6, 4, 17, 2, CONF_NORMAL},
    {1, 1, 1, 1, CONF_NORMAL},
    {2, 2, 1, 2, CONF_NORMAL},
    {9, 6, 5, 3, CONF_NORMAL},
    {14, 14, 33, 2, CONF_TINY},
    {14, 28, 64, 2, CONF_LARGE},
    {8, 8, 65, 4, CONF_CONSTANT},
    {10, 6, 31, 2, CONF_NEAR_TIE},
    {12, 2, 16, 2, CONF_ONE_HOT},
    /* what a ResNet-50 does most */
    {56, 56, 128, 2, CONF_NORMAL},
    {112, 112, 64, 2, CONF_NORMAL},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct avgpool_case *p = &cases[index];
    struct csg_avgpool_args *a = &c->args.avgpool;
    a->w = p->w;
    a->h = p->h;
    a->channels = p->channels;
    a->side = p->side;
    conf_add(c, "in", CONF_IN, CONF_F32, &a->in, p->w * p->h, p->channels, 0, 3);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, (p->w / p->side) * (p->h / p->side), p->channels, 0, 5);
    conf_label(c, "%zu x %zu, %zu channels, squares of %zu, %s", p->w, p->h, p->channels, p->side, conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct avgpool_case *p = &cases[index];
    size_t terms = p->side * p->side, w_out = p->w / p->side;
    conf_fill(c, IN, p->dist);
    for (size_t row = 0; row < c->operands[OUT].rows; row++)
        for (size_t i = 0; i < p->channels; i++) {
            double size = 0.0;
            for (size_t n = 0; n < terms; n++)
                size += fabs((double)conf_row(
                            c, IN, (row / w_out * p->side + n / p->side) * p->w + row % w_out * p->side + n % p->side)[i]) /
                        (double)terms;
            conf_bound(c, OUT, row)[i] = (conf_sum_error(c, terms) + 8.0 * CONF_U) * size + (double)(terms + 1) * CONF_FLOOR;
        }
}

const struct csg_test csg_test_avgpool = {sizeof cases / sizeof *cases, shape, fill};
