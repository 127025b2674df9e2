/* A share is off by its division and by the sum, all of whose terms are positive. A weight of the softmax is off by a factor: its argument
 * has a difference and a product, exp 3 ulp; the sum and the division add theirs. */
#include <math.h>

#include "check/conf.h"

enum { S, LEVEL, OUT };

struct affinity_case {
    size_t rows, width;
    enum csg_affinity kind;
    float level, factor;
    enum conf_dist dist;
    bool in_place;
};
static const struct affinity_case cases[] = {
    {49, 49, CSG_AFFINITY_SHARE, 0.4f, 1, CONF_NORMAL, false},    {49, 49, CSG_AFFINITY_SOFTMAX, 0.1f, 3, CONF_NORMAL, false},
    {1, 1, CSG_AFFINITY_SHARE, 0, 1, CONF_NORMAL, false},         {196, 196, CSG_AFFINITY_SOFTMAX, 0, 3, CONF_NORMAL, true},
    {17, 257, CSG_AFFINITY_SHARE, 0.1f, 1, CONF_NORMAL, true},    {64, 64, CSG_AFFINITY_SHARE, 9, 1, CONF_NORMAL, false},
    {33, 65, CSG_AFFINITY_SOFTMAX, 9, 3, CONF_NORMAL, false},     {50, 63, CSG_AFFINITY_SOFTMAX, 0.5f, 3, CONF_CONSTANT, false},
    {31, 127, CSG_AFFINITY_SHARE, 0.5f, 1, CONF_ONE_HOT, false},  {15, 1024, CSG_AFFINITY_SOFTMAX, 1, 3, CONF_NEAR_TIE, false},
    {40, 31, CSG_AFFINITY_SOFTMAX, -1e-15f, 3, CONF_TINY, false},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct affinity_case *p = &cases[index];
    struct csg_affinity_args *a = &c->args.affinity;
    *a = (struct csg_affinity_args){.rows = p->rows, .width = p->width, .factor = p->factor, .kind = p->kind};
    struct conf_operand *s = conf_add(c, "s", p->in_place ? CONF_INOUT : CONF_IN, CONF_F32, &a->s, p->rows, p->width, 0, 3);
    conf_add(c, "level", CONF_IN, CONF_F32, &a->level, 1, 1, 0, 1);
    if (p->in_place)
        s->views[1] = &a->out;
    else
        conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->rows, p->width, 0, 5);
    conf_label(c, "%zu x %zu, %s from %g, %s%s", p->rows, p->width, p->kind == CSG_AFFINITY_SHARE ? "share" : "softmax",
               (double)p->level, conf_dist_name(p->dist), p->in_place ? ", in place" : "");
}

static void fill(struct conf_case *c, size_t index)
{
    const struct affinity_case *p = &cases[index];
    bool softmax = p->kind == CSG_AFFINITY_SOFTMAX;
    conf_fill(c, S, p->dist);
    conf_row(c, LEVEL, 0)[0] = p->level;
    for (size_t i = 0; i < p->rows; i++) {
        const float *s = conf_row(c, S, i);
        double most = -INFINITY, sum = softmax ? 0.0 : 1e-6;
        for (size_t j = 0; j < p->width; j++)
            most = fmax(most, (double)s[j]);
        for (size_t j = 0; j < p->width; j++)
            if (s[j] >= p->level)
                sum += softmax ? exp((double)p->factor * ((double)s[j] - most)) : (double)s[j];
        /* The error of the sum's worst term counts for all. */
        double widest = softmax ? (double)p->factor * (most - fmin(most, (double)p->level)) : 0.0;
        for (size_t j = 0; j < p->width; j++) {
            double value = softmax ? exp((double)p->factor * ((double)s[j] - most)) : (double)s[j];
            double off = conf_sum_error(c, p->width + 1) + 8.0 * CONF_U;
            if (softmax)
                off = expm1(4.0 * CONF_U * widest + 14.0 * CONF_U + conf_sum_error(c, p->width));
            conf_bound(c, p->in_place ? S : OUT, i)[j] = (s[j] >= p->level ? off * value / sum : 0.0) + CONF_FLOOR;
        }
    }
}

const struct csg_test csg_test_affinity = {sizeof cases / sizeof *cases, shape, fill};
