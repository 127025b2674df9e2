#include <math.h>

#include "ref/ref.h"

/* The accumulators of one block, 4 x 256 doubles, stay in the first-level cache, and each row of W that is read serves
 * four rows of x. k runs outside and n inside, so that compilers vectorise without being allowed to reorder a sum. */
enum { ROWS = 4, COLUMNS = 256 };

static double activate(double v, enum csg_activation act)
{
    switch (act) {
    case CSG_ACT_QUICK_GELU:
        return v / (1.0 + exp(-1.702 * v));
    case CSG_ACT_GELU:
        return v * 0.5 * (1.0 + erf(v * 0.70710678118654752440));
    case CSG_ACT_RELU:
        return v < 0.0 ? 0.0 : v;
    case CSG_ACT_NONE:
        break;
    }
    return v;
}

/* acc[r][j] = sum_i x[r, i] w[i, j], x rounded to x_dtype */
static void products(double acc[ROWS][COLUMNS], const float *x, size_t x_stride, size_t rows, const float *w, size_t n, size_t k,
                     size_t columns, enum csg_dtype x_dtype)
{
    for (size_t r = 0; r < ROWS; r++)
        for (size_t j = 0; j < COLUMNS; j++)
            acc[r][j] = 0.0;
    for (size_t i = 0; i < k; i++, w += n) {
        double wide[COLUMNS];
        for (size_t j = 0; j < columns; j++)
            wide[j] = (double)w[j];
        for (size_t r = 0; r < rows; r++) {
            double scale = (double)csg_rounded(x[r * x_stride + i], x_dtype);
            for (size_t j = 0; j < columns; j++)
                acc[r][j] += scale * wide[j];
        }
    }
}

static void block(const struct csg_gemm_args *a, size_t row, size_t column)
{
    size_t n = a->weight->n, k = a->weight->k;
    size_t rows = a->rows - row < ROWS ? a->rows - row : ROWS, columns = n - column < COLUMNS ? n - column : COLUMNS;
    const float *w = ((const struct csg_ref_weight *)a->weight)->w + column;
    const float *bias = a->bias.buffer ? CSG_REF_AT(a->bias, float) + column : NULL;
    const struct csg_precision_row *precision = &csg_precisions[a->weight->precision];
    double acc[ROWS][COLUMNS];

    products(acc, CSG_REF_AT(a->x, float) + row * a->x_stride, a->x_stride, rows, w, n, k, columns,
             precision->rounds_x ? precision->dtype : CSG_F32);
    for (size_t r = 0; r < rows; r++) {
        float *y = CSG_REF_AT(a->y, float) + (row + r) * a->y_stride + column;
        const float *residual =
            a->residual.buffer ? CSG_REF_AT(a->residual, float) + (row + r) * a->residual_stride + column : NULL;
        for (size_t j = 0; j < columns; j++) {
            double v = activate(acc[r][j] + (bias ? (double)bias[j] : 0.0), a->act);
            y[j] = (float)(v + (residual ? (double)residual[j] : 0.0));
        }
    }
}

int csg_ref_gemm(struct csg_backend *backend, const struct csg_gemm_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    size_t down = (a->rows + ROWS - 1) / ROWS, across = (a->weight->n + COLUMNS - 1) / COLUMNS;
    /* A column of blocks after the other: the slice of W stays in the second-level cache. */
#ifdef _OPENMP
#pragma omp parallel for schedule(static)
#endif
    for (size_t i = 0; i < down * across; i++)
        block(a, i % down * ROWS, i / down * COLUMNS);
    return CSG_OK;
}
