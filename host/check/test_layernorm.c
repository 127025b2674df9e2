/* mean: a sum of K terms, error m = u (2 + 2 sqrt K) mean|x|. x - mean: m and one rounding. The variance is a sum over
 * squares of these: relative u (2 + 2 sqrt K), and a mean that is off by m adds m^2, because the deviations themselves add up
 * to zero. Half of that goes to 1 / sqrt(var + eps), and 3 ulp of the root and 2.5 of the division (11 u). A kernel that takes
 * E[x^2] - mean^2 loses more where the mean is large against sigma, and is meant to fail. */
#include <math.h>

#include "check/conf.h"

enum { X, WEIGHT, BIAS, Y };

struct layernorm_case {
    size_t rows, width, x_pad, y_pad;
    enum conf_dist dist;
    float scale, offset;                 /* x = offset + scale * (what dist gives) */
    enum { APART, IN_PLACE, OPERAND } y; /* OPERAND: as products in bf16 take it */
    enum { FINITE, HAS_NAN, HAS_INFINITY } special;
};
static const struct layernorm_case cases[] = {
    {17, 64, 0, 0, CONF_NORMAL, 1, 0, APART, FINITE},
    {1, 1, 0, 0, CONF_NORMAL, 1, 0, APART, FINITE},
    {3, 2, 1, 0, CONF_NORMAL, 1, 0, APART, FINITE},
    {33, 128, 5, 3, CONF_NORMAL, 1, 0, APART, FINITE},
    {197, 768, 0, 0, CONF_NORMAL, 1, 0, APART, FINITE},
    {1025, 768, 0, 0, CONF_NORMAL, 3, 0.5f, IN_PLACE, FINITE},
    {64, 1024, 1, 7, CONF_NORMAL, 1, 0, APART, FINITE},
    {31, 257, 0, 0, CONF_NORMAL, 1, 100, APART, FINITE},
    {65, 255, 3, 0, CONF_NORMAL, 0.01f, 10, APART, FINITE},
    {13, 63, 2, 2, CONF_TINY, 1, 0, APART, FINITE},
    {15, 65, 0, 1, CONF_LARGE, 1, 0, APART, FINITE},
    {16, 127, 0, 0, CONF_CONSTANT, 1, 0, APART, FINITE},
    {63, 129, 0, 0, CONF_ONE_HOT, 1, 0, APART, FINITE},
    {32, 61, 0, 0, CONF_NEAR_TIE, 1, 0, APART, FINITE},
    {5, 4099, 0, 0, CONF_NORMAL, 1, 0, IN_PLACE, FINITE},
    {17, 128, 3, 0, CONF_NORMAL, 1, 0, IN_PLACE, FINITE},
    {19, 96, 1, 1, CONF_NORMAL, 1, 0, APART, HAS_NAN},
    {67, 512, 0, 0, CONF_NORMAL, 1, 0, APART, HAS_INFINITY},
    /* the largest that the project promises */
    {4097, 65, 1, 3, CONF_NORMAL, 1, 0, APART, FINITE},
    /* for products that follow */
    {17, 64, 0, 0, CONF_NORMAL, 1, 0, OPERAND, FINITE},
    {33, 130, 3, 2, CONF_NORMAL, 1, 0, OPERAND, FINITE},
    {3, 2, 1, 0, CONF_NORMAL, 1, 0, OPERAND, FINITE},
    {197, 768, 0, 0, CONF_NORMAL, 3, 0.5f, OPERAND, FINITE},
    {5, 46, 1, 4, CONF_LARGE, 1, 0, OPERAND, FINITE},
    {19, 96, 1, 0, CONF_NORMAL, 1, 0, OPERAND, HAS_NAN},
    {7, 33, 0, 1, CONF_NORMAL, 1, 0, OPERAND, FINITE},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct layernorm_case *p = &cases[index];
    struct csg_layernorm_args *a = &c->args.layernorm;
    a->rows = p->rows;
    a->width = p->width;
    a->eps = 1e-5f;
    a->x_stride = p->width + p->x_pad;
    a->y_stride = p->y == IN_PLACE ? a->x_stride : p->width + p->y_pad;
    c->not_finite = p->special != FINITE;
    struct conf_operand *x =
        conf_add(c, "x", p->y == IN_PLACE ? CONF_INOUT : CONF_IN, CONF_F32, &a->x, p->rows, p->width, a->x_stride, 3);
    conf_add(c, "weight", CONF_IN, CONF_F32, &a->weight, 1, p->width, 0, 5);
    conf_add(c, "bias", CONF_IN, CONF_F32, &a->bias, 1, p->width, 0, 1);
    if (p->y == IN_PLACE)
        x->views[1] = &a->y;
    else
        conf_add(c, "y", CONF_OUT, CONF_F32, &a->y, p->rows, p->width, a->y_stride, p->y == OPERAND ? 8 : 9);
    if (p->y == OPERAND) {
        conf_add_reader(c, p->width, CSG_PRECISION_BF16);
        c->operands[Y].dtype = &a->y_type;
    }
    conf_label(c, "%zu x %zu, strides + %zu + %zu, %s * %g + %g%s%s%s", p->rows, p->width, p->x_pad, p->y_pad,
               conf_dist_name(p->dist), (double)p->scale, (double)p->offset, p->y == IN_PLACE ? ", in place" : "",
               p->y == OPERAND ? ", y as an operand" : "",
               p->special == HAS_NAN        ? ", a NaN"
               : p->special == HAS_INFINITY ? ", an infinity"
                                            : "");
}

static void bound_row(const struct conf_case *c, double *bound, const float *x)
{
    const float *weight = conf_row(c, WEIGHT, 0), *bias = conf_row(c, BIAS, 0);
    size_t width = c->args.layernorm.width;
    double eps = (double)c->args.layernorm.eps;
    double k = (double)width, mean = 0.0, size = 0.0, var = 0.0, sum = conf_sum_error(c, width);
    for (size_t i = 0; i < width; i++) {
        mean += (double)x[i] / k;
        size += fabs((double)x[i]) / k;
    }
    for (size_t i = 0; i < width; i++)
        var += ((double)x[i] - mean) * ((double)x[i] - mean) / k;
    double off = sum * size, scale = 1.0 / sqrt(var + eps);
    double of_scale = 0.5 * (sum * var + off * off) * scale * scale + 11.0 * CONF_U;
    for (size_t i = 0; i < width; i++) {
        double d = fabs((double)x[i] - mean), w = fabs((double)weight[i]) * scale, b = fabs((double)bias[i]);
        bound[i] = w * (off + CONF_U * d) + w * d * (of_scale + 3.0 * CONF_U) + CONF_U * (w * d + b) * 2.0 + 8.0 * CONF_FLOOR;
        double y = ((double)x[i] - mean) * (double)weight[i] * scale + (double)bias[i];
        bound[i] += conf_operand_error(c, Y, y);
    }
}

static void fill(struct conf_case *c, size_t index)
{
    const struct layernorm_case *p = &cases[index];
    size_t out = p->y == IN_PLACE ? X : Y;
    conf_fill(c, X, p->dist);
    conf_fill(c, WEIGHT, CONF_NORMAL);
    conf_fill(c, BIAS, CONF_NORMAL);
    if (p->y == OPERAND)
        conf_fill_weight(c, CONF_NORMAL);
    for (size_t r = 0; r < p->rows; r++)
        for (size_t i = 0; i < p->width; i++)
            conf_row(c, X, r)[i] = p->offset + p->scale * conf_row(c, X, r)[i];
    if (p->special)
        conf_row(c, X, p->rows / 2)[p->width / 3] = p->special == HAS_NAN ? nanf("") : INFINITY;
    for (size_t r = 0; r < p->rows; r++)
        bound_row(c, conf_bound(c, out, r), conf_row(c, X, r));
}

const struct csg_test csg_test_layernorm = {sizeof cases / sizeof *cases, shape, fill};
