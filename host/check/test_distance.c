/* A sum of squares, all positive: each difference is correctly rounded, its square off by 3 u. */
#include "check/conf.h"

enum { X, OUT };

struct distance_case {
    size_t rows, width, pad;
    enum conf_dist dist;
};
static const struct distance_case cases[] = {{49, 128, 0, CONF_NORMAL}, {17, 33, 3, CONF_NORMAL},   {196, 768, 0, CONF_NORMAL},
                                             {65, 64, 1, CONF_TINY},    {31, 127, 0, CONF_LARGE},   {64, 65, 2, CONF_CONSTANT},
                                             {63, 16, 0, CONF_ONE_HOT}, {50, 96, 0, CONF_NEAR_TIE}, {1, 1, 0, CONF_NORMAL}};

static void shape(struct conf_case *c, size_t index)
{
    const struct distance_case *p = &cases[index];
    struct csg_distance_args *a = &c->args.distance;
    *a = (struct csg_distance_args){.x_stride = p->width + p->pad, .rows = p->rows, .width = p->width};
    conf_add(c, "x", CONF_IN, CONF_F32, &a->x, p->rows, p->width, a->x_stride, 3);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->rows, p->rows, 0, 5);
    conf_label(c, "%zu x %zu, stride + %zu, %s", p->rows, p->width, p->pad, conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct distance_case *p = &cases[index];
    conf_fill(c, X, p->dist);
    for (size_t i = 0; i < p->rows; i++) {
        for (size_t j = 0; j < p->rows; j++) {
            double sum = 0.0;
            for (size_t n = 0; n < p->width; n++) {
                double d = (double)conf_row(c, X, i)[n] - (double)conf_row(c, X, j)[n];
                sum += d * d;
            }
            conf_bound(c, OUT, i)[j] = (conf_sum_error(c, p->width) + 4.0 * CONF_U) * sum + (double)p->width * CONF_FLOOR;
        }
    }
}

const struct csg_test csg_test_distance = {sizeof cases / sizeof *cases, shape, fill};
