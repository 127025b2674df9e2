/* One product. */
#include <math.h>

#include "check/conf.h"

enum { S, OUT };

struct gate_case {
    size_t rows, n;
    bool by, in_place, nan;
    enum conf_dist dist;
};
static const struct gate_case cases[] = {{50, 3, false, false, false, CONF_NORMAL},   {50, 3, true, true, false, CONF_NORMAL},
                                         {1, 1, false, true, false, CONF_NORMAL},     {197, 59, true, false, false, CONF_LARGE},
                                         {65, 20, false, true, false, CONF_NEAR_TIE}, {17, 33, true, false, false, CONF_ONE_HOT},
                                         {31, 7, true, false, true, CONF_NORMAL},     {33, 64, false, false, false, CONF_TINY}};

static void shape(struct conf_case *c, size_t index)
{
    const struct gate_case *p = &cases[index];
    struct csg_gate_args *a = &c->args.gate;
    a->rows = p->rows;
    a->n = p->n;
    c->not_finite = p->nan;
    struct conf_operand *s = conf_add(c, "s", p->in_place ? CONF_INOUT : CONF_IN, CONF_F32, &a->s, p->rows, p->n, 0, 3);
    if (p->in_place)
        s->views[1] = &a->out;
    else
        conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->rows, p->n, 0, 5);
    if (p->by)
        conf_add(c, "by", CONF_IN, CONF_F32, &a->by, 1, p->rows, 0, 1);
    conf_label(c, "%zu x %zu%s%s%s, %s", p->rows, p->n, p->by ? ", weighted" : "", p->in_place ? ", in place" : "",
               p->nan ? ", a NaN" : "", conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct gate_case *p = &cases[index];
    size_t by = p->in_place ? OUT : OUT + 1;
    conf_fill(c, S, p->dist);
    if (p->by)
        conf_fill(c, by, CONF_NORMAL);
    for (size_t r = 0; r < p->rows; r++)
        for (size_t t = 0; t < p->n; t++) {
            double weight = p->by ? fabs((double)conf_row(c, by, 0)[r]) : 1.0;
            conf_bound(c, p->in_place ? S : OUT, r)[t] = 2.0 * CONF_U * fabs((double)conf_row(c, S, r)[t]) * weight + CONF_FLOOR;
        }
    if (p->nan)
        conf_row(c, S, p->rows / 2)[p->n / 2] = nanf("");
}

const struct csg_test csg_test_gate = {sizeof cases / sizeof *cases, shape, fill};
