/* Each length is off by u (1 + sqrt K + 6): half the error of its sum of squares and the root's 3 ulp; their sum and the
 * division add theirs. All terms are positive, so relative errors stay relative. */
#include <math.h>

#include "check/conf.h"

enum { X, OUT };

struct meannorm_case {
    size_t rows, width, pad;
    enum conf_dist dist;
};
static const struct meannorm_case cases[] = {{1, 1, 0, CONF_NORMAL},     {1, 64, 0, CONF_NORMAL},    {17, 33, 3, CONF_NORMAL},
                                             {197, 768, 0, CONF_NORMAL}, {577, 128, 1, CONF_NORMAL}, {50, 64, 0, CONF_TINY},
                                             {31, 127, 0, CONF_LARGE},   {64, 65, 2, CONF_CONSTANT}, {63, 128, 0, CONF_ONE_HOT},
                                             {49, 16, 0, CONF_NEAR_TIE}};

static void shape(struct conf_case *c, size_t index)
{
    const struct meannorm_case *p = &cases[index];
    struct csg_meannorm_args *a = &c->args.meannorm;
    a->rows = p->rows;
    a->width = p->width;
    a->x_stride = p->width + p->pad;
    conf_add(c, "x", CONF_IN, CONF_F32, &a->x, p->rows, p->width, a->x_stride, 3);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, 1, 1, 0, 5);
    conf_label(c, "%zu x %zu, stride + %zu, %s", p->rows, p->width, p->pad, conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct meannorm_case *p = &cases[index];
    double sum = 0.0;
    conf_fill(c, X, p->dist);
    for (size_t r = 0; r < p->rows; r++) {
        double squares = 0.0;
        for (size_t i = 0; i < p->width; i++)
            squares += (double)conf_row(c, X, r)[i] * (double)conf_row(c, X, r)[i];
        sum += sqrt(squares);
    }
    conf_bound(c, OUT, 0)[0] =
        (0.5 * conf_sum_error(c, p->width) + conf_sum_error(c, p->rows) + 14.0 * CONF_U) * sum / (double)p->rows + CONF_FLOOR;
}

const struct csg_test csg_test_meannorm = {sizeof cases / sizeof *cases, shape, fill};
