/* A copy: exact. */
#include "check/conf.h"

enum { IN, OUT };

struct unfold_case {
    size_t w, h, channels, stride, first_line, lines;
    enum conf_dist dist;
};
static const struct unfold_case cases[] = {
    {7, 5, 3, 1, 0, 5, CONF_NORMAL},
    {1, 1, 1, 1, 0, 1, CONF_NORMAL},
    {2, 2, 1, 2, 0, 1, CONF_NORMAL},
    {16, 8, 3, 2, 0, 4, CONF_NORMAL},
    {7, 7, 13, 2, 1, 3, CONF_TINY},
    {14, 14, 32, 1, 3, 5, CONF_NORMAL},
    {3, 17, 17, 1, 16, 1, CONF_LARGE},
    {1, 9, 33, 1, 0, 9, CONF_NORMAL},
    {9, 1, 64, 3, 0, 1, CONF_NORMAL},
    {28, 28, 65, 1, 0, 28, CONF_NORMAL},
    /* what a ResNet-50 does most */
    {56, 56, 64, 1, 28, 28, CONF_NORMAL},
    {224, 224, 3, 2, 0, 112, CONF_NORMAL},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct unfold_case *p = &cases[index];
    struct csg_unfold_args *a = &c->args.unfold;
    size_t w_out = (p->w - 1) / p->stride + 1;
    a->w = p->w;
    a->h = p->h;
    a->channels = p->channels;
    a->stride = p->stride;
    a->first_line = p->first_line;
    a->lines = p->lines;
    conf_add(c, "in", CONF_IN, CONF_F32, &a->in, p->w * p->h, p->channels, 0, 3);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->lines * w_out, 9 * p->channels, 0, 5);
    conf_label(c, "%zu x %zu, %zu channels, stride %zu, lines %zu to %zu, %s", p->w, p->h, p->channels, p->stride, p->first_line,
               p->first_line + p->lines, conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    conf_fill(c, IN, cases[index].dist);
}

const struct csg_test csg_test_unfold = {sizeof cases / sizeof *cases, shape, fill};
