/* GEMM with weights in 16 bits: packed panels on CPU devices, squares in local memory on GPUs. */
#include <stdio.h>

#include "base/mem.h"
#include "ocl/ocl.h"

#define PARTS_BIAS 1u
#define PARTS_RESIDUAL 2u
#define EACH 4      /* rows and columns of a work-item for GPUs */
#define TILES 11    /* register tiles of a work-item for CPU devices; 11 x 9 rows are half of 197 */
#define TILES_FEW 3 /* where the tiles are smaller */

void csg_ocl_half_options(char *out, size_t capacity, enum csg_precision precision, const struct csg_ocl_tile *tile, size_t rows,
                          size_t side)
{
    if (rows)
        snprintf(out, capacity, "-DCSG_HALF=%d -DCSG_ROWS=%zu -DCSG_VECTORS=%u -DCSG_TILES=%d", (int)precision, rows,
                 tile->vectors, rows == tile->rows ? TILES : TILES_FEW);
    else
        snprintf(out, capacity, "-DCSG_HALF=%d -DCSG_SIDE=%zu", (int)precision, side);
}

/* x rounded to the precision, in the backend's scratch. */
static int round_x(struct csg_ocl *ocl, const struct csg_gemm_args *a, const char *options, struct csg_error *err)
{
    size_t k = a->weight->k, bytes;
    if (!csg_mul(a->rows, k, &bytes) || !csg_mul(bytes, sizeof(float), &bytes))
        return csg_fail(err, CSG_ERROR_MEMORY, "a matrix of %zu x %zu is too large", a->rows, k);
    int status = csg_ocl_scratch(ocl, bytes, err);
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->x), CSG_MEM_ARG(ocl->scratch), CSG_SIZE_ARG(a->x_stride), CSG_SIZE_ARG(k)};
    const struct csg_ocl_launch launch = {CSG_OCL_gemm_half, options, "gemm_round", {{1, a->rows, 1}, {1, 1, 1}}, args,
                                          CSG_COUNT(args)};
    return status ? status : csg_ocl_launch(ocl, &launch, err);
}

int csg_ocl_gemm_half(struct csg_ocl *ocl, const struct csg_gemm_args *a, struct csg_error *err)
{
    const struct csg_ocl_weight *weight = (const struct csg_ocl_weight *)a->weight;
    const struct csg_ocl_tile *tile = ocl->tile;
    size_t n = weight->base.n, k = weight->base.k, side = ocl->limits.max_group >= 256 ? 16 : 8, rows = 0;
    bool rounded = ocl->form->packed && csg_precisions[weight->base.precision].rounds_x;
    struct csg_ocl_range range = {{csg_ocl_ceil_div(n, side * EACH), csg_ocl_ceil_div(a->rows, side * EACH), 1}, {side, side, 1}};
    char options[96];
    int status = CSG_OK;
    if (ocl->form->packed) {
        rows = a->rows >= tile->rows ? tile->rows : a->rows >= tile->rows_few ? tile->rows_few : 1;
        size_t tiles = rows == tile->rows ? TILES : TILES_FEW;
        range = (struct csg_ocl_range){{csg_ocl_ceil_div(a->rows, rows * tiles), csg_ocl_ceil_div(n, weight->nr), 1}, {1, 1, 1}};
    }
    csg_ocl_half_options(options, sizeof options, weight->base.precision, tile, rows, side);
    if (rounded)
        status = round_x(ocl, a, options, err);
    if (status)
        return status;
    struct csg_ocl_buffer scratch = {.base.backend = &ocl->base, .base.bytes = ocl->scratch_bytes, .mem = ocl->scratch};
    struct csg_view x = rounded ? csg_view(&scratch.base, 0) : a->x;
    const struct csg_ocl_arg args[] = {
        CSG_VIEW_ARG(x),
        CSG_MEM_ARG(weight->mem),
        CSG_VIEW_ARG(a->bias),
        CSG_VIEW_ARG(a->residual),
        CSG_VIEW_ARG(a->y),
        CSG_SIZE_ARG(rounded ? k : a->x_stride),
        CSG_SIZE_ARG(a->residual_stride),
        CSG_SIZE_ARG(a->y_stride),
        CSG_SIZE_ARG(a->rows),
        CSG_SIZE_ARG(n),
        CSG_SIZE_ARG(k),
        CSG_SIZE_ARG((a->bias.buffer ? PARTS_BIAS : 0u) | (a->residual.buffer ? PARTS_RESIDUAL : 0u)),
        CSG_SIZE_ARG((size_t)a->act)};
    const struct csg_ocl_launch launch = {CSG_OCL_gemm_half, options, "gemm_half", range, args, CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &launch, err);
}
