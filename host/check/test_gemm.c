/* z = sum x w + bias: k products, error u (2 + 2 sqrt k) s with s = sum|x w| + |bias|. Through an activation that error grows by
 * its steepest slope, at most 1.13 for both. The activations' own errors:
 *   QuickGELU z / (1 + exp(-1.702 z)): exp 3 ulp and its argument's rounding, u * 1.702 |z| relative; division 2.5 ulp;
 *             two more roundings: |y| u (16 + 4 |z|)
 *   GELU      z (1 + erf(z / sqrt 2)) / 2: erf within 16 ulp, an ulp below 1 being u, so absolutely 16 u |z| / 2, its argument's
 *             rounding less than u |z|, three more roundings of y: u (10 |z| + 4 |y|)
 *   ReLU      none: its slope is at most 1
 * and the sum with the residual rounds once more. Weights are converted exactly, whatever their type in the file. In
 * f16 and bf16 they are rounded, and in bf16 x too, to the nearest, ties to even, the same numbers in the reference: the products are of
 * what came out, and the bound is that of their sum. */
#include <math.h>

#include "check/conf.h"

enum residual { NO_RESIDUAL, RESIDUAL, IN_PLACE };

struct gemm_case {
    size_t rows, k, n[CONF_PARTS], x_pad, y_pad;
    enum csg_activation act;
    bool bias;
    enum residual residual;
    enum conf_dist x, w;
    enum { FINITE, HAS_NAN, HAS_INFINITY } special;
    enum csg_dtype dtype;
    bool transposed;
};
#define QUICK CSG_ACT_QUICK_GELU
#define GELU CSG_ACT_GELU
#define RELU CSG_ACT_RELU
static const struct gemm_case cases[] = {
    {17, 64, {65}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    /* sizes from one to just around every tile */
    {1, 1, {1}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {1, 64, {128}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {2, 3, {5}, 1, 1, CSG_ACT_NONE, true, RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {7, 13, {11}, 3, 1, QUICK, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {15, 31, {33}, 0, 0, CSG_ACT_NONE, false, RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {16, 32, {32}, 0, 0, GELU, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {31, 33, {31}, 5, 3, QUICK, false, RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {32, 16, {15}, 0, 0, CSG_ACT_NONE, true, IN_PLACE, 0, 0, FINITE, CSG_F32, false},
    {33, 17, {17}, 1, 0, CSG_ACT_NONE, true, IN_PLACE, 0, 0, FINITE, CSG_F32, false},
    {63, 65, {63}, 0, 7, GELU, true, RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {64, 63, {64}, 0, 0, QUICK, true, IN_PLACE, 0, 0, FINITE, CSG_F32, false},
    {65, 128, {127}, 2, 2, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {127, 129, {129}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {5, 7, {1}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {1, 512, {257}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    /* what the towers run */
    {197, 768, {768}, 0, 0, CSG_ACT_NONE, true, IN_PLACE, 0, 0, FINITE, CSG_F32, false},
    {197, 768, {512}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, true},
    {50, 3072, {768}, 0, 0, CSG_ACT_NONE, false, RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {77, 512, {2048}, 0, 0, QUICK, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {1025, 256, {384}, 0, 0, QUICK, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {1025, 64, {192}, 3, 5, GELU, true, RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    /* what ResNets run: the stem's 27 columns, more rows than any tower has */
    {1024, 27, {32}, 0, 0, RELU, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {784, 288, {32}, 0, 0, RELU, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {49, 512, {160}, 1, 3, RELU, true, RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {9, 31, {33}, 0, 0, RELU, false, IN_PLACE, 0, 0, FINITE, CSG_F32, false},
    /* distributions */
    {17, 64, {48}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, CONF_TINY, CONF_TINY, FINITE, CSG_F32, false},
    {17, 64, {48}, 0, 0, CSG_ACT_NONE, true, RESIDUAL, CONF_LARGE, CONF_LARGE, FINITE, CSG_F32, false},
    {17, 64, {48}, 0, 0, QUICK, true, NO_RESIDUAL, CONF_LARGE, CONF_NORMAL, FINITE, CSG_F32, false},
    {17, 64, {48}, 0, 0, GELU, true, NO_RESIDUAL, CONF_LARGE, CONF_NORMAL, FINITE, CSG_F32, false},
    {17, 64, {48}, 0, 0, RELU, true, NO_RESIDUAL, CONF_LARGE, CONF_NORMAL, FINITE, CSG_F32, false},
    {17, 64, {48}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, CONF_CONSTANT, CONF_NORMAL, FINITE, CSG_F32, false},
    {17, 64, {48}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, CONF_ONE_HOT, CONF_NORMAL, FINITE, CSG_F32, false},
    {17, 64, {48}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, CONF_NEAR_TIE, CONF_NORMAL, FINITE, CSG_F32, false},
    /* a value that is not a number stays in its row */
    {37, 64, {65}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, HAS_NAN, CSG_F32, false},
    {17, 48, {33}, 3, 1, QUICK, true, RESIDUAL, 0, 0, HAS_NAN, CSG_F32, false},
    {37, 48, {33}, 0, 0, RELU, true, NO_RESIDUAL, 0, 0, HAS_NAN, CSG_F32, false},
    {66, 64, {32}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, HAS_INFINITY, CSG_F32, false},
    /* weights as files hold them */
    {16, 64, {64}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F16, false},
    {16, 96, {72}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_BF16, true},
    {16, 40, {56}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, 0, 0, FINITE, CSG_F16, true},
    {31, 64, {64, 64, 64}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F16, false},
    {31, 67, {13, 37, 5}, 1, 1, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_BF16, false},
    {9, 32, {32, 1}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, true},
    /* the largest that the project promises */
    {4097, 48, {65}, 1, 3, QUICK, true, RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {1000, 96, {64}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, true},
    {8, 33, {47}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {9, 33, {48}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {10, 33, {49}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {5, 33, {97}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    {6, 33, {15}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false},
    /* so long that sums are kept between slices, the last of them shorter */
    {100, 1541, {330}, 3, 1, QUICK, true, RESIDUAL, 0, 0, FINITE, CSG_F32, false},
};

/* The other precisions: from one to around every tile of a work-item, all that is special, weights from every type. */
static const struct half_case {
    struct gemm_case base;
    enum csg_precision precision;
} half_cases[] = {
    {{17, 64, {65}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_F16},
    {{17, 64, {65}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_BF16},
    {{1, 1, {1}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_F16},
    {{1, 33, {17}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_BF16},
    {{1, 129, {49}, 0, 0, QUICK, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_BF16},
    {{2, 127, {50}, 1, 1, GELU, true, RESIDUAL, 0, 0, FINITE, CSG_F16, false}, CSG_PRECISION_F16},
    {{5, 128, {97}, 3, 1, CSG_ACT_NONE, true, IN_PLACE, 0, 0, FINITE, CSG_BF16, true}, CSG_PRECISION_BF16},
    {{5, 33, {31}, 1, 0, CSG_ACT_NONE, true, IN_PLACE, 0, 0, FINITE, CSG_F32, true}, CSG_PRECISION_F16},
    {{8, 31, {15}, 0, 0, CSG_ACT_NONE, false, RESIDUAL, 0, 0, FINITE, CSG_F16, false}, CSG_PRECISION_BF16},
    {{63, 65, {63}, 0, 7, GELU, true, RESIDUAL, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_BF16},
    {{64, 63, {64}, 0, 0, QUICK, true, IN_PLACE, 0, 0, FINITE, CSG_BF16, false}, CSG_PRECISION_F16},
    {{31, 67, {13, 37, 5}, 1, 1, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F16, false}, CSG_PRECISION_F16},
    {{31, 67, {13, 37, 5}, 1, 1, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_BF16, true}, CSG_PRECISION_BF16},
    /* beyond what f16 holds */
    {{17, 64, {48}, 0, 0, CSG_ACT_NONE, true, RESIDUAL, CONF_LARGE, CONF_NORMAL, HAS_INFINITY, CSG_F32, false},
     CSG_PRECISION_F16},
    {{17, 64, {48}, 0, 0, CSG_ACT_NONE, true, RESIDUAL, CONF_LARGE, CONF_LARGE, FINITE, CSG_F32, false}, CSG_PRECISION_BF16},
    {{17, 64, {48}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, CONF_TINY, CONF_TINY, FINITE, CSG_F32, false}, CSG_PRECISION_BF16},
    {{17, 64, {48}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, CONF_CONSTANT, CONF_NORMAL, FINITE, CSG_F32, false},
     CSG_PRECISION_F16},
    {{17, 64, {48}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, CONF_NEAR_TIE, CONF_NORMAL, FINITE, CSG_F32, false},
     CSG_PRECISION_BF16},
    {{37, 64, {65}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, HAS_NAN, CSG_F32, false}, CSG_PRECISION_F16},
    {{37, 64, {65}, 0, 0, QUICK, true, NO_RESIDUAL, 0, 0, HAS_NAN, CSG_F32, false}, CSG_PRECISION_BF16},
    {{66, 64, {32}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, HAS_INFINITY, CSG_F32, false}, CSG_PRECISION_BF16},
    {{49, 64, {40}, 1, 3, RELU, true, RESIDUAL, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_F16},
    {{37, 48, {33}, 0, 0, RELU, true, NO_RESIDUAL, 0, 0, HAS_NAN, CSG_F32, false}, CSG_PRECISION_BF16},
    {{98, 40, {33}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_F16},
    {{100, 40, {33}, 0, 0, CSG_ACT_NONE, true, RESIDUAL, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_BF16},
    {{197, 768, {768}, 0, 0, CSG_ACT_NONE, true, IN_PLACE, 0, 0, FINITE, CSG_F16, false}, CSG_PRECISION_F16},
    {{197, 768, {768}, 0, 0, CSG_ACT_NONE, true, IN_PLACE, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_BF16},
    /* around blocks of 32 rows and columns, of halves of them, and of k */
    {{8, 32, {16}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_BF16},
    {{16, 96, {33}, 1, 1, RELU, true, RESIDUAL, 0, 0, FINITE, CSG_F16, false}, CSG_PRECISION_BF16},
    {{32, 64, {128}, 0, 5, GELU, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, CSG_PRECISION_BF16},
    {{33, 160, {95, 2}, 3, 0, QUICK, true, IN_PLACE, 0, 0, FINITE, CSG_F32, true}, CSG_PRECISION_BF16},
    {{80, 64, {48}, 0, 0, CSG_ACT_NONE, false, NO_RESIDUAL, CONF_TINY, CONF_NORMAL, FINITE, CSG_F32, false}, CSG_PRECISION_BF16},
};
/* x and y as they go from one product in bf16 to the next. */
static const struct operand_case {
    struct gemm_case base;
    bool x, y;
} operand_cases[] = {
    {{17, 64, {66}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, true, false},
    {{37, 96, {130}, 0, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, false, true},
    {{1, 34, {50}, 2, 4, QUICK, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, true, true},
    {{5, 64, {128}, 0, 2, QUICK, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, true, true},
    {{33, 62, {190}, 4, 0, GELU, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, true, true},
    {{19, 32, {30}, 2, 0, RELU, true, RESIDUAL, 0, 0, FINITE, CSG_F32, false}, true, true},
    {{2, 32, {64}, 0, 0, CSG_ACT_NONE, false, RESIDUAL, 0, 0, FINITE, CSG_F32, false}, true, true},
    {{50, 1540, {194}, 2, 0, CSG_ACT_NONE, true, IN_PLACE, 0, 0, FINITE, CSG_F32, false}, true, false},
    {{77, 512, {1024}, 0, 0, QUICK, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F16, false}, true, true},
    {{100, 1600, {128}, 0, 0, QUICK, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, true, true},
    {{17, 64, {48}, 0, 0, QUICK, true, NO_RESIDUAL, CONF_LARGE, CONF_NORMAL, FINITE, CSG_F32, false}, true, true},
    {{37, 64, {66}, 0, 0, QUICK, true, NO_RESIDUAL, 0, 0, HAS_NAN, CSG_F32, false}, true, true},
    /* an odd number of columns, which no such operand has */
    {{9, 33, {64}, 1, 0, CSG_ACT_NONE, true, NO_RESIDUAL, 0, 0, FINITE, CSG_F32, false}, true, false},
};
#define PLAIN (sizeof cases / sizeof *cases)
#define HALVES (sizeof half_cases / sizeof *half_cases)
#define OPERANDS (sizeof operand_cases / sizeof *operand_cases)

static const struct operand_case *operand_case_at(size_t index)
{
    return index < PLAIN + HALVES ? NULL : &operand_cases[index - PLAIN - HALVES];
}

static const struct gemm_case *case_at(size_t index)
{
    const struct operand_case *operands = operand_case_at(index);
    return operands ? &operands->base : index < PLAIN ? &cases[index] : &half_cases[index - PLAIN].base;
}

static enum csg_precision precision_at(size_t index)
{
    return operand_case_at(index) ? CSG_PRECISION_BF16 : index < PLAIN ? CSG_PRECISION_F32 : half_cases[index - PLAIN].precision;
}

/* Operands after x, which is the first; their numbers depend on the case. */
struct places {
    size_t bias, residual, y;
};

static struct places places_of(const struct gemm_case *p)
{
    struct places at = {.bias = 1};
    at.residual = p->bias ? 2 : 1;
    at.y = p->residual == RESIDUAL ? at.residual + 1 : at.residual;
    return at;
}

static void shape(struct conf_case *c, size_t index)
{
    static const char *const acts[] = {"", ", QuickGELU", ", GELU", ", ReLU"}, *const residuals[] = {"", ", residual",
                                                                                                     ", residual in place"};
    static const char *const specials[] = {"", ", a NaN", ", an infinity"}, *const dtypes[] = {"f32", "f16", "bf16"};
    const struct gemm_case *p = case_at(index);
    struct csg_gemm_args *a = &c->args.gemm;
    /* parts of several types at once: the first is the table's, the others turn round */
    enum csg_dtype dtype[CONF_PARTS] = {p->dtype, CSG_F32, CSG_BF16};
    bool transposed[CONF_PARTS] = {p->transposed, !p->transposed, p->transposed};
    conf_add_weight(c, p->k, p->n, dtype, transposed);
    c->weight.precision = precision_at(index);
    size_t n = c->weight.n;
    a->rows = p->rows;
    a->act = p->act;
    a->x_stride = p->k + p->x_pad;
    a->y_stride = n + p->y_pad;
    c->not_finite = p->special != FINITE;
    /* Without padding rows begin at multiples of four numbers where k and n are: some forms take only such, or read them faster. */
    const struct operand_case *operands = operand_case_at(index);
    bool x_operand = operands && operands->x, y_operand = operands && operands->y;
    struct conf_operand *x =
        conf_add(c, "x", CONF_IN, CONF_F32, &a->x, p->rows, p->k, a->x_stride, p->x_pad && !x_operand ? 3 : 4);
    if (x_operand)
        x->dtype = &a->x_type;
    if (p->bias)
        conf_add(c, "bias", CONF_IN, CONF_F32, &a->bias, 1, n, 0, p->x_pad ? 5 : 8);
    if (p->residual == RESIDUAL) {
        a->residual_stride = n + p->x_pad;
        conf_add(c, "residual", CONF_IN, CONF_F32, &a->residual, p->rows, n, a->residual_stride, p->x_pad ? 1 : 4);
    }
    struct conf_operand *y = conf_add(c, "y", p->residual == IN_PLACE ? CONF_INOUT : CONF_OUT, CONF_F32, &a->y, p->rows, n,
                                      a->y_stride, p->y_pad && !y_operand ? 7 : 16);
    if (y_operand)
        y->dtype = &a->y_type;
    if (p->residual == IN_PLACE) {
        y->views[1] = &a->residual;
        a->residual_stride = a->y_stride;
    }
    conf_label(c, "%s: %zu x %zu x %zu in %zu part(s) of %s%s, strides + %zu + %zu%s%s%s, x %s%s, w %s%s%s",
               csg_precision_name(c->weight.precision), p->rows, n, p->k, c->weight.n_parts, dtypes[p->dtype],
               p->transposed ? " transposed" : "", p->x_pad, p->y_pad, p->bias ? ", bias" : "", acts[p->act],
               residuals[p->residual], conf_dist_name(p->x), x_operand ? " as an operand" : "", conf_dist_name(p->w),
               specials[p->special], y_operand ? ", y as an operand" : "");
}

static double activation(double *error, double z, double z_error, enum csg_activation act)
{
    double y = z;
    *error = z_error * (act == CSG_ACT_NONE ? 1.0 : 1.13);
    if (act == CSG_ACT_QUICK_GELU) {
        y = z / (1.0 + exp(-1.702 * z));
        *error += CONF_U * fabs(y) * (16.0 + 4.0 * fabs(z));
    } else if (act == CSG_ACT_GELU) {
        y = 0.5 * z * (1.0 + erf(z * sqrt(0.5)));
        *error += CONF_U * (10.0 * fabs(z) + 4.0 * fabs(y));
    } else if (act == CSG_ACT_RELU) {
        y = fmax(z, 0.0);
    }
    return y;
}

/* The sum of products and that of their magnitudes, in lanes that need not wait for each other. */
static void dot(double *sum, double *size, const float *x, const float *w, size_t k)
{
    enum { LANES = 8 };
    double sums[LANES] = {0}, sizes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= k; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            double product = (double)x[i + l] * (double)w[i + l];
            sums[l] += product;
            sizes[l] += fabs(product);
        }
    }
    for (size_t l = 0; i < k; i++, l++) {
        double product = (double)x[i] * (double)w[i];
        sums[l] += product;
        sizes[l] += fabs(product);
    }
    for (size_t l = 0; l < LANES; l++) {
        *sum += sums[l];
        *size += sizes[l];
    }
}

/* x: memory for a row */
static void bound_row(struct conf_case *c, const struct places *at, size_t row, float *x)
{
    const struct conf_weight *w = &c->weight;
    const struct csg_gemm_args *a = &c->args.gemm;
    const float *residual = a->residual_stride ? conf_row(c, at->residual, row) : NULL;
    double *bound = conf_bound(c, at->y, row);
    const struct csg_precision_row *precision = &csg_precisions[w->precision];
    enum csg_dtype x_dtype = precision->rounds_x ? precision->dtype : CSG_F32;
    for (size_t i = 0; i < w->k; i++)
        x[i] = csg_rounded(conf_row(c, 0, row)[i], x_dtype);
    for (size_t j = 0; j < w->n; j++) {
        double z = at->residual > 1 ? (double)conf_row(c, at->bias, 0)[j] : 0.0, size = fabs(z);
        dot(&z, &size, x, w->full + j * w->k, w->k);
        double error, floor = (double)(2 * w->k + 4) * CONF_FLOOR,
                      y = activation(&error, z, conf_sum_error(c, w->k) * size, a->act);
        double all = residual ? y + (double)residual[j] : y;
        bound[j] = error + CONF_U * 2.0 * (fabs(y) + (residual ? fabs((double)residual[j]) : 0.0)) + floor +
                   conf_operand_error(c, at->y, all);
    }
}

static void fill(struct conf_case *c, size_t index)
{
    const struct gemm_case *p = case_at(index);
    struct places at = places_of(p);
    conf_fill(c, 0, p->x);
    conf_fill_weight(c, p->w);
    if (p->bias)
        conf_fill(c, at.bias, p->x == CONF_LARGE ? CONF_LARGE : CONF_NORMAL);
    if (p->residual)
        conf_fill(c, at.residual, CONF_NORMAL);
    if (p->special)
        conf_row(c, 0, p->rows / 2)[p->k / 3] = p->special == HAS_NAN ? nanf("") : INFINITY;
    if (operand_case_at(index))
        conf_round(c, 0, c->weight.precision);
    float *x = conf_alloc(c, c->weight.k, sizeof *x);
    for (size_t r = 0; r < p->rows; r++)
        bound_row(c, &at, r, x);
}

const struct csg_test csg_test_gemm = {PLAIN + HALVES + OPERANDS, shape, fill};
