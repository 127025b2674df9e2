/* A copy: exact. */
#include "check/conf.h"

enum { IN, ROWS_AT, OUT };

struct gather_case {
    size_t in_rows, rows, width, in_pad, out_pad;
    enum conf_dist dist;
};
static const struct gather_case cases[] = {
    {19, 17, 65, 0, 0, CONF_NORMAL},
    {1, 1, 1, 0, 0, CONF_NORMAL},
    {1, 3, 2, 1, 0, CONF_NORMAL},
    {1025, 64, 512, 0, 0, CONF_NORMAL},
    {100, 85, 128, 3, 5, CONF_TINY},
    {31, 197, 33, 0, 7, CONF_LARGE},
    {7, 1, 768, 0, 0, CONF_NORMAL},
    /* the largest that the project promises */
    {4097, 4097, 33, 1, 3, CONF_NORMAL},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct gather_case *p = &cases[index];
    struct csg_gather_args *a = &c->args.gather;
    a->rows = p->rows;
    a->width = p->width;
    a->in_stride = p->width + p->in_pad;
    a->out_stride = p->width + p->out_pad;
    conf_add(c, "in", CONF_IN, CONF_F32, &a->in, p->in_rows, p->width, a->in_stride, 3);
    conf_add(c, "rows_at", CONF_IN, CONF_I32, &a->rows_at, 1, p->rows, 0, 1);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->rows, p->width, a->out_stride, 5);
    conf_label(c, "%zu of %zu rows of %zu, strides + %zu + %zu, %s", p->rows, p->in_rows, p->width, p->in_pad, p->out_pad,
               conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    struct csg_rng rng = conf_rng(c, ROWS_AT);
    conf_fill(c, IN, cases[index].dist);
    for (size_t i = 0; i < cases[index].rows; i++)
        conf_ints(c, ROWS_AT)[i] = (int32_t)(i ? conf_below(&rng, cases[index].in_rows) : cases[index].in_rows - 1);
}

const struct csg_test csg_test_gather = {sizeof cases / sizeof *cases, shape, fill};
