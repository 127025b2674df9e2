/* The sum of squares is off by u (2 + 2 sqrt K) relative, its root by half of that and 3 ulp (or 2 ulp as rsqrt), the
 * quotient by 2.5 ulp and one rounding: |y| u (1 + sqrt K + 14). Values are kept where their squares are normal numbers. */
#include <math.h>
#include <string.h>

#include "check/conf.h"

enum { X, Y };

struct normalize_case {
    size_t rows, width, x_pad, y_pad;
    enum conf_dist dist;
    bool in_place, zeros; /* zeros: every third row */
};
static const struct normalize_case cases[] = {
    {17, 65, 0, 0, CONF_NORMAL, false, false},
    {1, 1, 0, 0, CONF_NORMAL, false, false},
    {2, 3, 1, 1, CONF_NORMAL, false, true},
    {197, 512, 0, 0, CONF_NORMAL, true, false},
    {1025, 512, 0, 0, CONF_NORMAL, true, false},
    {31, 127, 5, 3, CONF_NORMAL, false, true},
    {64, 64, 0, 0, CONF_TINY, false, true},
    {63, 129, 0, 0, CONF_LARGE, false, false},
    {33, 61, 0, 0, CONF_ONE_HOT, false, true},
    {32, 128, 0, 0, CONF_CONSTANT, true, false},
    {15, 1024, 0, 2, CONF_NEAR_TIE, false, false},
    {16, 33, 3, 0, CONF_NORMAL, true, true},
    /* the largest that the project promises */
    {4097, 65, 3, 1, CONF_NORMAL, false, true},
    {1000, 512, 0, 0, CONF_NORMAL, false, false},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct normalize_case *p = &cases[index];
    struct csg_normalize_args *a = &c->args.normalize;
    a->rows = p->rows;
    a->width = p->width;
    a->x_stride = p->width + p->x_pad;
    a->y_stride = p->in_place ? a->x_stride : p->width + p->y_pad;
    struct conf_operand *x =
        conf_add(c, "x", p->in_place ? CONF_INOUT : CONF_IN, CONF_F32, &a->x, p->rows, p->width, a->x_stride, 3);
    if (p->in_place)
        x->views[1] = &a->y;
    else
        conf_add(c, "y", CONF_OUT, CONF_F32, &a->y, p->rows, p->width, a->y_stride, 5);
    conf_label(c, "%zu x %zu, strides + %zu + %zu, %s%s%s", p->rows, p->width, p->x_pad, p->y_pad, conf_dist_name(p->dist),
               p->in_place ? ", in place" : "", p->zeros ? ", rows of zeros" : "");
}

static void fill(struct conf_case *c, size_t index)
{
    const struct normalize_case *p = &cases[index];
    conf_fill(c, X, p->dist);
    for (size_t r = 0; r < p->rows; r++) {
        float *x = conf_row(c, X, r);
        double squares = 0.0, *bound = conf_bound(c, p->in_place ? X : Y, r);
        if (p->zeros && r % 3 == 1)
            memset(x, 0, p->width * sizeof *x);
        for (size_t i = 0; i < p->width; i++)
            squares += (double)x[i] * (double)x[i];
        for (size_t i = 0; i < p->width && squares > 0.0; i++)
            bound[i] = (0.5 * conf_sum_error(c, p->width) + 14.0 * CONF_U) * fabs((double)x[i]) / sqrt(squares) + CONF_FLOOR;
    }
}

const struct csg_test csg_test_normalize = {sizeof cases / sizeof *cases, shape, fill};
