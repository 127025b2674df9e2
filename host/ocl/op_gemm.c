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

/* Ways through packed panels: the rows of a register tile, as tall as the matrix allows or not, and work-items for each of a device's
 * threads, so that the last one to end does not keep the others waiting long. */
static const struct packed_form {
    const char *name;
    bool few;
    unsigned items_each;
} packed_forms[] = {{"tall-16", false, 16}, {"tall-8", false, 8}, {"tall-32", false, 32}, {"low-16", true, 16}};

static int packed(struct csg_ocl *ocl, const struct packed_form *form, const struct csg_gemm_args *a, struct csg_error *err)
{
    const struct csg_ocl_weight *weight = (const struct csg_ocl_weight *)a->weight;
    size_t rows = csg_ocl_gemm_rows(ocl, a->rows), threads = ocl->limits.compute_units;
    if (form->few)
        rows = ocl->tile->rows_few;
    size_t tiles = csg_ocl_ceil_div(a->rows, rows), panels = csg_ocl_ceil_div(weight->base.n, weight->nr);
    size_t each = tiles * panels / (threads * form->items_each);
    each = each < 1 ? 1 : each > CSG_OCL_TILES ? CSG_OCL_TILES : each;
    size_t items = csg_ocl_even(ocl, csg_ocl_ceil_div(tiles, each) * panels);
    char options[80];
    snprintf(options, sizeof options, "-DCSG_ROWS=%zu -DCSG_VECTORS=%u -DCSG_TILES=%d", rows, ocl->tile->vectors, CSG_OCL_TILES);
    return csg_ocl_gemm_launch(ocl, CSG_OP_gemm, "gemm_packed", options, (struct csg_ocl_range){{items, 1, 1}, {1, 1, 1}}, a,
                               err);
}

static const char *packed_name(const struct csg_ocl *ocl, size_t form)
{
    (void)ocl;
    return form < CSG_COUNT(packed_forms) ? packed_forms[form].name : NULL;
}

/* Products that are not in f32 have one way. */
static int packed_fits(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, bool *fits, struct csg_error *err)
{
    const struct csg_gemm_args *a = args;
    (void)err;
    *fits = way.form == 0 || (a->weight->precision == CSG_PRECISION_F32 && a->rows >= ocl->tile->rows);
    return CSG_OK;
}

static int packed_untuned(struct csg_ocl *ocl, const void *args, struct csg_ocl_way *way, struct csg_error *err)
{
    (void)ocl, (void)args, (void)err;
    *way = (struct csg_ocl_way){0, 1};
    return CSG_OK;
}

static int packed_run(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, struct csg_error *err)
{
    const struct csg_gemm_args *a = args;
    return a->weight->precision == CSG_PRECISION_F32 ? packed(ocl, &packed_forms[way.form], a, err)
                                                     : csg_ocl_gemm_half(ocl, a, err);
}

const struct csg_ocl_ways csg_ocl_gemm_packed_ways = {packed_name, NULL, packed_fits, packed_untuned, packed_run};

int csg_ocl_gemm(struct csg_backend *backend, const struct csg_gemm_args *a, struct csg_error *err)
{
    const struct csg_ocl_shape shape = {CSG_OP_gemm, a->weight->precision, a->rows, {a->weight->n, a->weight->k}};
    return csg_ocl_run_best(csg_ocl_of(backend), &shape, a, err);
}
