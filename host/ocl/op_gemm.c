/* GEMM: packed panels on CPU devices; on GPUs CLBlast and one kernel for the rest, or the own kernel with local memory. */
#include <limits.h>
#include <stdio.h>

#include "base/mem.h"
#include "ocl/ocl.h"

#define PARTS_BIAS 1u
#define PARTS_RESIDUAL 2u
#define EACH 4 /* rows and columns of a work-item, CSG_EACH of gemm.clh */

static size_t parts_of(const struct csg_gemm_args *a)
{
    return (a->bias.buffer ? PARTS_BIAS : 0u) | (a->residual.buffer ? PARTS_RESIDUAL : 0u);
}

int csg_ocl_gemm_launch(struct csg_ocl *ocl, int source, const char *kernel, const char *options, struct csg_ocl_range range,
                        const struct csg_gemm_args *a, struct csg_error *err)
{
    const struct csg_ocl_weight *weight = (const struct csg_ocl_weight *)a->weight;
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->x),
                                       CSG_MEM_ARG(weight->mem),
                                       CSG_VIEW_ARG(a->bias),
                                       CSG_VIEW_ARG(a->residual),
                                       CSG_VIEW_ARG(a->y),
                                       CSG_SIZE_ARG(a->x_stride),
                                       CSG_SIZE_ARG(a->residual_stride),
                                       CSG_SIZE_ARG(a->y_stride),
                                       CSG_SIZE_ARG(a->rows),
                                       CSG_SIZE_ARG(weight->base.n),
                                       CSG_SIZE_ARG(weight->base.k),
                                       CSG_SIZE_ARG(parts_of(a)),
                                       CSG_SIZE_ARG((size_t)a->act)};
    struct csg_ocl_launch launch = {source, options, kernel, range, args, CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &launch, err);
}

size_t csg_ocl_gemm_rows(const struct csg_ocl *ocl, size_t rows)
{
    const struct csg_ocl_tile *tile = ocl->tile;
    return rows >= tile->rows ? tile->rows : rows >= tile->rows_few ? tile->rows_few : 1;
}

size_t csg_ocl_gemm_side(const struct csg_ocl *ocl)
{
    return ocl->limits.max_group >= 256 ? 16 : 8;
}

struct csg_ocl_range csg_ocl_gemm_squares(const struct csg_ocl *ocl, const struct csg_gemm_args *a)
{
    size_t side = csg_ocl_gemm_side(ocl);
    return (struct csg_ocl_range){{csg_ocl_ceil_div(a->weight->n, side * EACH), csg_ocl_ceil_div(a->rows, side * EACH), 1},
                                  {side, side, 1}};
}

/* Work-items for each of a device's threads, so that the last one to end does not keep the others waiting long. */
#define ITEMS_EACH 16

static int packed(struct csg_ocl *ocl, const struct csg_gemm_args *a, struct csg_error *err)
{
    const struct csg_ocl_weight *weight = (const struct csg_ocl_weight *)a->weight;
    size_t rows = csg_ocl_gemm_rows(ocl, a->rows), threads = ocl->limits.compute_units;
    size_t tiles = csg_ocl_ceil_div(a->rows, rows), panels = csg_ocl_ceil_div(weight->base.n, weight->nr);
    size_t each = tiles * panels / (threads * ITEMS_EACH);
    each = each < 1 ? 1 : each > CSG_OCL_TILES ? CSG_OCL_TILES : each;
    size_t items = csg_ocl_even(ocl, csg_ocl_ceil_div(tiles, each) * panels);
    char options[80];
    snprintf(options, sizeof options, "-DCSG_ROWS=%zu -DCSG_VECTORS=%u -DCSG_TILES=%d", rows, ocl->tile->vectors, CSG_OCL_TILES);
    return csg_ocl_gemm_launch(ocl, CSG_OP_gemm, "gemm_packed", options, (struct csg_ocl_range){{items, 1, 1}, {1, 1, 1}}, a,
                               err);
}

bool csg_ocl_gemm_variant(size_t index, char *needs, char *limit, size_t capacity)
{
    static const char *const rows[][2] = {{"-DCSG_SIDE=16", ""}, {"-DCSG_SIDE=8", "group=64"}};
    if (index >= CSG_COUNT(rows))
        return false;
    snprintf(needs, capacity, "%s", rows[index][0]);
    snprintf(limit, capacity, "%s", rows[index][1]);
    return true;
}

static int blas(struct csg_ocl *ocl, const struct csg_gemm_args *a, const char *options, struct csg_error *err)
{
    /* Where y holds the residual, CLBlast adds to it: y = x W^T + 1 y. */
    bool adds = a->residual.buffer && a->residual.buffer == a->y.buffer;
    size_t parts = parts_of(a);
    int status = csg_ocl_blas_gemm(ocl, a, adds ? 1.0f : 0.0f, err);
    if (adds)
        parts &= ~(size_t)PARTS_RESIDUAL;
    if (status || (parts == 0 && a->act == CSG_ACT_NONE))
        return status;
    const struct csg_ocl_arg args[] = {
        CSG_VIEW_ARG(a->bias),     CSG_VIEW_ARG(a->residual),  CSG_VIEW_ARG(a->y),  CSG_SIZE_ARG(a->residual_stride),
        CSG_SIZE_ARG(a->y_stride), CSG_SIZE_ARG(a->weight->n), CSG_SIZE_ARG(parts), CSG_SIZE_ARG((size_t)a->act)};
    size_t group = ocl->group;
    struct csg_ocl_launch launch = {CSG_OP_gemm,   options,
                                    "gemm_finish", {{csg_ocl_ceil_div(a->weight->n, group), a->rows, 1}, {group, 1, 1}},
                                    args,          CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &launch, err);
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

int csg_ocl_gemm(struct csg_backend *backend, const struct csg_gemm_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    char options[32];
    bool usable = false;
    if (a->weight->precision != CSG_PRECISION_F32)
        return csg_ocl_gemm_half(ocl, a, err);
    if (ocl->form->packed)
        return packed(ocl, a, err);
    snprintf(options, sizeof options, "-DCSG_SIDE=%zu", csg_ocl_gemm_side(ocl));
    int status = blas_can(a) ? csg_ocl_blas_usable(ocl, &usable, err) : CSG_OK;
    if (status)
        return status;
    return usable ? blas(ocl, a, options, err)
                  : csg_ocl_gemm_launch(ocl, CSG_OP_gemm, "gemm_tiled", options, csg_ocl_gemm_squares(ocl, a), a, err);
}
