/* GEMM: packed panels on CPU devices; on GPUs one of the forms. */
#include <stdio.h>

#include "ocl/ocl.h"

size_t csg_ocl_gemm_parts(const struct csg_gemm_args *a)
{
    return (a->bias.buffer ? CSG_GEMM_BIAS : 0u) | (a->residual.buffer ? CSG_GEMM_RESIDUAL : 0u);
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
                                       CSG_SIZE_ARG(csg_ocl_gemm_parts(a)),
                                       CSG_SIZE_ARG((size_t)a->act)};
    struct csg_ocl_launch launch = {source, options, kernel, range, args, CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &launch, err);
}

size_t csg_ocl_gemm_rows(const struct csg_ocl *ocl, size_t rows)
{
    const struct csg_ocl_tile *tile = ocl->tile;
    return rows >= tile->rows ? tile->rows : rows >= tile->rows_few ? tile->rows_few : 1;
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

int csg_ocl_gemm(struct csg_backend *backend, const struct csg_gemm_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    struct csg_ocl_gemm_choice choice;
    if (ocl->form->packed)
        return a->weight->precision == CSG_PRECISION_F32 ? packed(ocl, a, err) : csg_ocl_gemm_half(ocl, a, err);
    int status = csg_ocl_gemm_choose(ocl, a, &choice, err);
    return status ? status : csg_ocl_gemm_run(ocl, &choice, a, err);
}
