/* GEMM on GPUs: the forms there are, which of them a product can take, and which it takes. */
#include <limits.h>
#include <stdio.h>

#include "base/mem.h"
#include "ocl/ocl.h"

#ifndef CSG_MMA_ASYNC
#define CSG_MMA_ASYNC 1
#endif

/* Multiplications and additions that a compute unit does in a nanosecond, as far as untuned devices are concerned: they only rank the
 * forms. */
static const struct csg_ocl_gemm_form forms[] = {
    {"block-32x32", CSG_GEMM_BLOCK, .bm = 32, .bn = 32, .bk = 16, .wm = 4, .wn = 4, .rate = 70},
    {"block-64x64", CSG_GEMM_BLOCK, .bm = 64, .bn = 64, .bk = 16, .wm = 4, .wn = 4, .rate = 70},
    {"block-64x64-8x4", CSG_GEMM_BLOCK, .bm = 64, .bn = 64, .bk = 16, .wm = 8, .wn = 4, .rate = 70},
    {"block-128x64", CSG_GEMM_BLOCK, .bm = 128, .bn = 64, .bk = 16, .wm = 8, .wn = 8, .rate = 90},
    {"block-128x128", CSG_GEMM_BLOCK, .bm = 128, .bn = 128, .bk = 16, .wm = 8, .wn = 8, .rate = 110},
    {"block-128x128-8", CSG_GEMM_BLOCK, .bm = 128, .bn = 128, .bk = 8, .wm = 8, .wn = 8, .rate = 110},
    {"mma-32x32", CSG_GEMM_MMA, .bm = 32, .bn = 32, .bk = 64, .wm = 16, .wn = 16, .stages = 3, .rate = 200},
    {"mma-32x64", CSG_GEMM_MMA, .bm = 32, .bn = 64, .bk = 64, .wm = 16, .wn = 32, .stages = 3, .rate = 330},
    {"mma-32x64-32", CSG_GEMM_MMA, .bm = 32, .bn = 64, .bk = 32, .wm = 16, .wn = 32, .stages = 4, .rate = 300},
    {"mma-64x64", CSG_GEMM_MMA, .bm = 64, .bn = 64, .bk = 64, .wm = 32, .wn = 32, .stages = 2, .rate = 400},
    {"mma-64x64-32", CSG_GEMM_MMA, .bm = 64, .bn = 64, .bk = 32, .wm = 32, .wn = 32, .stages = 3, .rate = 400},
    {"mma-64x128", CSG_GEMM_MMA, .bm = 64, .bn = 128, .bk = 32, .wm = 32, .wn = 32, .stages = 3, .rate = 500},
    {"mma-128x128", CSG_GEMM_MMA, .bm = 128, .bn = 128, .bk = 32, .wm = 64, .wn = 32, .stages = 2, .rate = 700},
    {"CLBlast", CSG_GEMM_BLAS, .bm = 64, .bn = 64, .rate = 60},
};

const struct csg_ocl_gemm_form *csg_ocl_gemm_form_at(size_t index)
{
    return index < CSG_COUNT(forms) ? &forms[index] : NULL;
}

size_t csg_ocl_gemm_items(const struct csg_ocl_gemm_form *form)
{
    size_t tiles = (size_t)(form->bm / form->wm) * (form->bn / form->wn);
    return form->kernel == CSG_GEMM_MMA ? tiles * 32 : tiles;
}

static size_t local_bytes(const struct csg_ocl_gemm_form *form)
{
    if (form->kernel == CSG_GEMM_MMA)
        return (size_t)form->stages * form->bk * (form->bm * 4 + form->bn * 2);
    return (size_t)2 * form->bk * 4 * (form->bm + form->bn + 8);
}

/* ------------------------------------------------------------------------------------------ what a product can take */

static bool whole(size_t elements, struct csg_view view, size_t stride)
{
    return !view.buffer || (view.at % elements == 0 && stride % elements == 0);
}

/* Whether every row of every operand begins at a multiple of four numbers, and the rows of W at one of `k_step`. */
static bool aligned(const struct csg_gemm_args *a, size_t k_step)
{
    return a->weight->k % k_step == 0 && a->weight->n % 4 == 0 && whole(4, a->x, a->x_stride) && whole(4, a->bias, 0) &&
           whole(4, a->residual, a->residual_stride) && whole(4, a->y, a->y_stride);
}

/* CLBlast's kernels count elements with int, offsets included. */
static bool int_reaches(size_t at, size_t rows, size_t stride)
{
    size_t elements;
    return csg_mul(rows, stride, &elements) && elements <= INT_MAX && at <= INT_MAX - elements;
}

/* Whether CLBlast can index all of it, and write y before the residual is read. */
static bool blas_can(const struct csg_gemm_args *a)
{
    if (!int_reaches(a->x.at, a->rows, a->x_stride) || !int_reaches(a->y.at, a->rows, a->y_stride) ||
        !int_reaches(0, a->weight->n, a->weight->k))
        return false;
    if (!a->residual.buffer || a->residual.buffer != a->y.buffer)
        return true;
    return a->act == CSG_ACT_NONE && a->residual.at == a->y.at && a->residual_stride == a->y_stride;
}

static int fits(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, bool *fits, struct csg_error *err)
{
    const struct csg_ocl_gemm_form *form = &forms[way.form];
    const struct csg_gemm_args *a = args;
    bool f32 = a->weight->precision == CSG_PRECISION_F32;
    *fits = false;
    if (form->kernel == CSG_GEMM_BLAS)
        return f32 && way.splits == 1 && blas_can(a) ? csg_ocl_blas_usable(ocl, fits, err) : CSG_OK;
    if (csg_ocl_gemm_items(form) > ocl->limits.max_group || local_bytes(form) > ocl->limits.local_bytes)
        return CSG_OK;
    if (form->kernel == CSG_GEMM_MMA)
        return !f32 && aligned(a, 8) ? csg_ocl_mma_usable(ocl, fits, err) : CSG_OK;
    *fits = true;
    return CSG_OK;
}

/* ------------------------------------------------------------------------------------------ what it takes untuned */

#define SPLIT_MOST 8
#define LAUNCH_NS 3000.0  /* of the kernel that sums the splits */
#define FILL_COLUMNS 64.0 /* of k, in whose time a group waits for its first slices */

static double cost_ns(const struct csg_ocl *ocl, const struct csg_ocl_gemm_form *form, const struct csg_gemm_args *a,
                      size_t splits)
{
    size_t blocks = csg_ocl_ceil_div(a->rows, form->bm) * csg_ocl_ceil_div(a->weight->n, form->bn) * splits;
    size_t turns = csg_ocl_ceil_div(blocks, ocl->limits.compute_units);
    double columns = (double)csg_ocl_ceil_div(a->weight->k, splits) + FILL_COLUMNS;
    double ns = (double)turns * form->bm * form->bn * columns / form->rate;
    return splits > 1 ? ns + LAUNCH_NS + (double)(splits * a->rows * a->weight->n) / (10.0 * ocl->limits.compute_units) : ns;
}

/* Each part has a few slices. */
static size_t most_splits(size_t index, const void *args)
{
    const struct csg_ocl_gemm_form *form = &forms[index];
    size_t k = ((const struct csg_gemm_args *)args)->weight->k;
    size_t most = form->kernel == CSG_GEMM_BLAS ? 1 : csg_ocl_ceil_div(k, (size_t)form->bk * 4);
    return most < SPLIT_MOST ? most : SPLIT_MOST;
}

static int untuned(struct csg_ocl *ocl, const void *args, struct csg_ocl_way *way, struct csg_error *err)
{
    const size_t last = CSG_COUNT(forms) - 1; /* CLBlast, which is faster where it was measured */
    double best = 0.0;
    bool can, found = false;
    for (size_t i = 0; i < last; i++) {
        int status = fits(ocl, (struct csg_ocl_way){i, 1}, args, &can, err);
        if (status)
            return status;
        for (size_t splits = 1; can && splits <= most_splits(i, args); splits++) {
            double ns = cost_ns(ocl, &forms[i], args, splits);
            if (found && ns >= best)
                continue;
            best = ns;
            found = true;
            *way = (struct csg_ocl_way){i, splits};
        }
    }
    if (!found)
        return csg_fail(err, CSG_ERROR_MEMORY, "%s has too little local memory for matrix products", ocl->base.device);
    return CSG_OK;
}

/* ------------------------------------------------------------------------------------------ running it */

void csg_ocl_gemm_options(char *out, size_t capacity, const struct csg_ocl_gemm_form *form, enum csg_precision precision,
                          bool aligned)
{
    if (form->kernel == CSG_GEMM_MMA)
        snprintf(out, capacity,
                 "-DCSG_BM=%u -DCSG_BN=%u -DCSG_BK=%u -DCSG_WM=%u -DCSG_WN=%u -DCSG_STAGES=%u -DCSG_HALF=%d -DCSG_ASYNC=%d",
                 form->bm, form->bn, form->bk, form->wm, form->wn, form->stages, (int)precision, CSG_MMA_ASYNC);
    else
        snprintf(out, capacity, "-DCSG_BM=%u -DCSG_BN=%u -DCSG_BK=%u -DCSG_TM=%u -DCSG_TN=%u -DCSG_HALF=%d -DCSG_ALIGNED=%d",
                 form->bm, form->bn, form->bk, form->wm, form->wn, (int)precision, aligned);
}

/* What is left to do behind a product: `kernel` with the arguments of gemm_finish or gemm_sum. */
static int finish(struct csg_ocl *ocl, const struct csg_gemm_args *a, size_t splits, size_t parts, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_MEM_ARG(ocl->scratch),   CSG_SIZE_ARG(splits),       CSG_VIEW_ARG(a->bias),
                                       CSG_VIEW_ARG(a->residual),   CSG_VIEW_ARG(a->y),         CSG_SIZE_ARG(a->residual_stride),
                                       CSG_SIZE_ARG(a->y_stride),   CSG_SIZE_ARG(a->weight->n), CSG_SIZE_ARG(parts),
                                       CSG_SIZE_ARG((size_t)a->act)};
    size_t group = ocl->group, skip = splits ? 0 : 2;
    struct csg_ocl_launch launch = {.source = CSG_OP_gemm,
                                    .kernel = splits ? "gemm_sum" : "gemm_finish",
                                    .range = {{csg_ocl_ceil_div(a->weight->n, group), a->rows, 1}, {group, 1, 1}},
                                    .args = args + skip,
                                    .n_args = CSG_COUNT(args) - skip};
    return csg_ocl_launch(ocl, &launch, err);
}

static int blas(struct csg_ocl *ocl, const struct csg_gemm_args *a, struct csg_error *err)
{
    /* Where y holds the residual, CLBlast adds to it: y = x W^T + 1 y. */
    bool adds = a->residual.buffer && a->residual.buffer == a->y.buffer;
    size_t parts = csg_ocl_gemm_parts(a);
    int status = csg_ocl_blas_gemm(ocl, a, adds ? 1.0f : 0.0f, err);
    if (adds)
        parts &= ~(size_t)CSG_GEMM_RESIDUAL;
    return status || (parts == 0 && a->act == CSG_ACT_NONE) ? status : finish(ocl, a, 0, parts, err);
}

static int run(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, struct csg_error *err)
{
    const struct csg_ocl_gemm_form *form = &forms[way.form];
    const struct csg_gemm_args *a = args;
    bool mma = form->kernel == CSG_GEMM_MMA;
    if (form->kernel == CSG_GEMM_BLAS)
        return blas(ocl, a, err);
    size_t splits = way.splits, bytes;
    struct csg_gemm_args part = *a;
    struct csg_ocl_buffer scratch;
    if (splits > 1) {
        if (!csg_mul(splits * sizeof(float), a->rows, &bytes) || !csg_mul(bytes, a->weight->n, &bytes))
            return csg_fail(err, CSG_ERROR_MEMORY, "a product of %zu x %zu is too large", a->rows, a->weight->n);
        int status = csg_ocl_scratch(ocl, bytes, err);
        if (status)
            return status;
        scratch = (struct csg_ocl_buffer){.base.backend = &ocl->base, .base.bytes = ocl->scratch_bytes, .mem = ocl->scratch};
        part.bias = part.residual = csg_view(NULL, 0);
        part.y = csg_view(&scratch.base, 0);
        part.y_stride = a->weight->n;
        part.act = CSG_ACT_NONE;
    }
    char options[160];
    csg_ocl_gemm_options(options, sizeof options, form, a->weight->precision, aligned(&part, 4));
    struct csg_ocl_range range = {{csg_ocl_ceil_div(a->weight->n, form->bn), csg_ocl_ceil_div(a->rows, form->bm), splits},
                                  {csg_ocl_gemm_items(form), 1, 1}};
    int status = csg_ocl_gemm_launch(ocl, mma ? CSG_OCL_gemm_mma : CSG_OCL_gemm_block, mma ? "gemm_mma" : "gemm_block", options,
                                     range, &part, err);
    return status || splits == 1 ? status : finish(ocl, a, splits, csg_ocl_gemm_parts(a), err);
}

static const char *name(const struct csg_ocl *ocl, size_t form)
{
    (void)ocl;
    return form < CSG_COUNT(forms) ? forms[form].name : NULL;
}

const struct csg_ocl_ways csg_ocl_gemm_ways = {name, most_splits, fits, untuned, run};
