/* Comparisons alone: exact, also where several elements are the greatest. */
#include "check/conf.h"

enum { IN, OUT };

struct peak_case {
    size_t n, w, h;
    enum conf_dist dist;
};
static const struct peak_case cases[] = {
    {3, 11, 7, CONF_NORMAL},    {1, 1, 1, CONF_NORMAL},     {2, 2, 1, CONF_NORMAL},    {5, 3, 5, CONF_LARGE},
    {7, 1, 64, CONF_TINY},      {4, 10, 10, CONF_CONSTANT}, {9, 16, 8, CONF_ONE_HOT},  {3, 9, 37, CONF_NEAR_TIE},
    {2, 640, 480, CONF_NORMAL}, {59, 241, 17, CONF_NORMAL}, {1000, 7, 7, CONF_NORMAL},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct peak_case *p = &cases[index];
    struct csg_peak_args *a = &c->args.peak;
    a->n = p->n;
    a->w = p->w;
    a->h = p->h;
    conf_add(c, "in", CONF_IN, CONF_F32, &a->in, p->n, p->w * p->h, 0, 3);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->n, 2, 0, 5);
    conf_label(c, "%zu maps of %zu x %zu, %s", p->n, p->w, p->h, conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct peak_case *p = &cases[index];
    struct csg_rng rng = conf_rng(c, OUT);
    conf_fill(c, IN, p->dist);
    /* The greatest twice in every other map, and once at the very end. */
    for (size_t r = 0; r < p->n; r++) {
        float *row = conf_row(c, IN, r), most = row[0];
        for (size_t i = 1; i < p->w * p->h; i++)
            most = row[i] > most ? row[i] : most;
        if (r % 2 == 0)
            row[conf_below(&rng, p->w * p->h)] = most;
        if (r % 3 == 0)
            row[p->w * p->h - 1] = most;
    }
}

const struct csg_test csg_test_peak = {sizeof cases / sizeof *cases, shape, fill};
