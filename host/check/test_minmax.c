/* The similarities and the range are copies: exact. The map: two differences, correctly rounded, and a division within 2.5 ulp
 * or a product with a reciprocal of that error: 10 u of a value in 0..1. Where all are equal, zeros exactly. */
#include <math.h>

#include "check/conf.h"

enum { S, SIMILARITY, MAP, RANGE };

struct minmax_case {
    size_t cells, texts;
    enum conf_dist dist;
    bool flat;    /* every second text has one value everywhere */
    float offset; /* all above or all below zero */
};
static const struct minmax_case cases[] = {
    {49, 5, CONF_NORMAL, false, 0},
    {1, 1, CONF_NORMAL, false, 0},
    {2, 1, CONF_NORMAL, false, 0},
    {196, 59, CONF_NORMAL, false, 0},
    {196, 1, CONF_NORMAL, false, 0},
    {1024, 3, CONF_NORMAL, false, 0},
    {1025, 80, CONF_NORMAL, false, 0},
    {63, 17, CONF_NORMAL, true, 0},
    {64, 2, CONF_LARGE, false, 0},
    {65, 3, CONF_TINY, false, 0},
    {31, 33, CONF_NEAR_TIE, false, 0},
    {257, 4, CONF_ONE_HOT, true, 0},
    {16, 64, CONF_CONSTANT, false, 0},
    {4096, 2, CONF_NORMAL, false, 0},
    {15, 31, CONF_NORMAL, true, 0},
    {61, 5, CONF_NORMAL, false, 9},
    {61, 5, CONF_NORMAL, false, -9},
    /* the largest that the project promises */
    {4096, 59, CONF_NORMAL, false, 0},
    {37, 1000, CONF_NORMAL, true, 0},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct minmax_case *p = &cases[index];
    struct csg_minmax_args *a = &c->args.minmax;
    a->cells = p->cells;
    a->n_texts = p->texts;
    conf_add(c, "s", CONF_IN, CONF_F32, &a->s, 1 + p->cells, p->texts, 0, 3);
    conf_add(c, "similarity", CONF_OUT, CONF_F32, &a->similarity, p->texts, p->cells, 0, 1);
    conf_add(c, "map", CONF_OUT, CONF_F32, &a->map, p->texts, p->cells, 0, 5);
    conf_add(c, "range", CONF_OUT, CONF_F32, &a->range, p->texts, 2, 0, 7);
    conf_label(c, "%zu cells, %zu texts, %s + %g%s", p->cells, p->texts, conf_dist_name(p->dist), (double)p->offset,
               p->flat ? ", some flat" : "");
}

static void fill(struct conf_case *c, size_t index)
{
    const struct minmax_case *p = &cases[index];
    conf_fill(c, S, p->dist);
    for (size_t t = 0; t < p->texts; t++) {
        double low = INFINITY, high = -INFINITY;
        /* CLS is outside the range of the patches, and must not be taken for one of them. */
        conf_row(c, S, 0)[t] = t % 2 ? 1e9f : -1e9f;
        for (size_t i = 0; i < p->cells; i++) {
            float *s = conf_row(c, S, 1 + i) + t;
            *s += p->offset;
            if (p->flat && t % 2)
                *s = 0.25f;
            low = fmin(low, (double)*s);
            high = fmax(high, (double)*s);
        }
        for (size_t i = 0; i < p->cells && high > low; i++)
            conf_bound(c, MAP, t)[i] = 10.0 * CONF_U * ((double)conf_row(c, S, 1 + i)[t] - low) / (high - low) + 2.0 * CONF_FLOOR;
    }
}

const struct csg_test csg_test_minmax = {sizeof cases / sizeof *cases, shape, fill};
