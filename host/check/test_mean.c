/* A sum of G rows, u (2 + 2 sqrt G) of the mean magnitude, and a division (2.5 ulp, or a product with a rounded 1 / G). */
#include <math.h>

#include "check/conf.h"

enum { IN, GROUPS, OUT };

struct mean_case {
    size_t groups, longest, width, in_pad, out_pad;
    bool equal; /* all groups are of `longest` rows */
    enum conf_dist dist;
};
static const struct mean_case cases[] = {
    {5, 7, 65, 0, 0, false, CONF_NORMAL},
    {1, 1, 1, 0, 0, true, CONF_NORMAL},
    {3, 85, 512, 0, 0, true, CONF_NORMAL},
    {59, 85, 64, 0, 0, true, CONF_NORMAL},
    {17, 31, 33, 3, 5, false, CONF_NORMAL},
    {2, 1025, 63, 0, 0, false, CONF_NORMAL},
    {13, 3, 128, 1, 0, false, CONF_LARGE},
    {4, 16, 127, 0, 0, false, CONF_TINY},
    {7, 9, 32, 0, 1, false, CONF_CONSTANT},
    {6, 11, 16, 0, 0, false, CONF_NEAR_TIE},
    /* the largest that the project promises */
    {1000, 5, 64, 0, 3, false, CONF_NORMAL},
};

static size_t group_rows(const struct conf_case *c, const struct mean_case *p, size_t group)
{
    struct csg_rng rng = conf_rng(c, 100 + group);
    return p->equal ? p->longest : 1 + conf_below(&rng, p->longest);
}

static void shape(struct conf_case *c, size_t index)
{
    const struct mean_case *p = &cases[index];
    struct csg_mean_args *a = &c->args.mean;
    size_t rows = 0;
    for (size_t g = 0; g < p->groups; g++)
        rows += group_rows(c, p, g);
    a->n_groups = p->groups;
    a->width = p->width;
    a->in_stride = p->width + p->in_pad;
    a->out_stride = p->width + p->out_pad;
    conf_add(c, "in", CONF_IN, CONF_F32, &a->in, rows, p->width, a->in_stride, 3);
    conf_add(c, "groups", CONF_IN, CONF_I32, &a->groups, 1, p->groups + 1, 0, 1);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->groups, p->width, a->out_stride, 5);
    conf_label(c, "%zu groups of %s %zu rows of %zu, strides + %zu + %zu, %s", p->groups, p->equal ? "each" : "up to", p->longest,
               p->width, p->in_pad, p->out_pad, conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct mean_case *p = &cases[index];
    int32_t *groups = conf_ints(c, GROUPS);
    conf_fill(c, IN, p->dist);
    groups[0] = 0;
    for (size_t g = 0; g < p->groups; g++) {
        size_t rows = group_rows(c, p, g);
        groups[g + 1] = groups[g] + (int32_t)rows;
        for (size_t i = 0; i < p->width; i++) {
            double size = 0.0;
            for (size_t r = 0; r < rows; r++)
                size += fabs((double)conf_row(c, IN, (size_t)groups[g] + r)[i]) / (double)rows;
            conf_bound(c, OUT, g)[i] = (conf_sum_error(c, rows) + 8.0 * CONF_U) * size + (double)(rows + 1) * CONF_FLOOR;
        }
    }
}

const struct csg_test csg_test_mean = {sizeof cases / sizeof *cases, shape, fill};
