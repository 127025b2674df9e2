/* Row 0 is one addition. Equal grids copy exactly; otherwise see axis.h, for each channel by itself. */
#include <math.h>

#include "check/axis.h"

enum { POS, CLS, OUT };

struct position_case {
    size_t in, w, h, width;
    enum conf_dist dist;
};
static const struct position_case cases[] = {
    {4, 5, 6, 33, CONF_NORMAL},
    {1, 1, 1, 1, CONF_NORMAL},
    {1, 3, 2, 16, CONF_NORMAL},
    {7, 7, 7, 64, CONF_NORMAL},
    {7, 14, 7, 65, CONF_NORMAL},
    {7, 7, 9, 31, CONF_NORMAL},
    {14, 14, 14, 768, CONF_NORMAL},
    {14, 32, 32, 128, CONF_NORMAL},
    {14, 24, 14, 63, CONF_LARGE},
    {16, 37, 21, 17, CONF_TINY},
    {14, 3, 5, 32, CONF_NORMAL},
    {7, 1, 1, 15, CONF_NEAR_TIE},
    {8, 12, 8, 64, CONF_CONSTANT},
    /* the largest that the project promises */
    {14, 64, 64, 65, CONF_NORMAL},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct position_case *p = &cases[index];
    struct csg_position_args *a = &c->args.position;
    a->in_grid = p->in;
    a->grid_w = p->w;
    a->grid_h = p->h;
    a->width = p->width;
    conf_add(c, "pos", CONF_IN, CONF_F32, &a->pos, 1 + p->in * p->in, p->width, 0, 3);
    conf_add(c, "cls", CONF_IN, CONF_F32, &a->cls, 1, p->width, 0, 1);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, 1 + p->w * p->h, p->width, 0, 5);
    conf_label(c, "grid %zu to %zu x %zu, width %zu, %s", p->in, p->w, p->h, p->width, conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct position_case *p = &cases[index];
    bool copied = p->w == p->in && p->h == p->in;
    conf_fill(c, POS, p->dist);
    conf_fill(c, CLS, p->dist);
    for (size_t i = 0; i < p->width; i++) {
        double low = INFINITY, high = -INFINITY, sum = (double)conf_row(c, POS, 0)[i] + (double)conf_row(c, CLS, 0)[i];
        for (size_t r = 1; r <= p->in * p->in; r++) {
            low = fmin(low, (double)conf_row(c, POS, r)[i]);
            high = fmax(high, (double)conf_row(c, POS, r)[i]);
        }
        conf_bound(c, OUT, 0)[i] = 2.0 * CONF_U * fabs(sum) + CONF_FLOOR;
        for (size_t r = 1; r <= p->w * p->h; r++)
            conf_bound(c, OUT, r)[i] = copied ? 0.0 : conf_bilinear_error(p->in, p->in, high - low, fmax(fabs(low), fabs(high)));
    }
}

const struct csg_test csg_test_position = {sizeof cases / sizeof *cases, shape, fill};
