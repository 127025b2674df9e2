/* GEMM with packed weights in 16 bits, for CPU devices. */
#include <stdio.h>

#include "base/mem.h"
#include "ocl/ocl.h"

#define TILES_FEW 3 /* register tiles of a work-item where they are smaller */

void csg_ocl_half_options(char *out, size_t capacity, enum csg_precision precision, const struct csg_ocl_tile *tile, size_t rows)
{
    snprintf(out, capacity, "-DCSG_HALF=%d -DCSG_ROWS=%zu -DCSG_VECTORS=%u -DCSG_TILES=%d", (int)precision, rows, tile->vectors,
             rows == tile->rows ? CSG_OCL_TILES : TILES_FEW);
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
    size_t rows = csg_ocl_gemm_rows(ocl, a->rows), tiles = rows == ocl->tile->rows ? CSG_OCL_TILES : TILES_FEW;
    struct csg_ocl_range range = {{csg_ocl_ceil_div(a->rows, rows * tiles), csg_ocl_ceil_div(a->weight->n, weight->nr), 1},
                                  {1, 1, 1}};
    struct csg_gemm_args args = *a;
    char options[96];
    csg_ocl_half_options(options, sizeof options, weight->base.precision, ocl->tile, rows);
    int status = round_x(ocl, a, options, err);
    if (status)
        return status;
    struct csg_ocl_buffer scratch = {.base.backend = &ocl->base, .base.bytes = ocl->scratch_bytes, .mem = ocl->scratch};
    args.x = csg_view(&scratch.base, 0);
    args.x_stride = a->weight->k;
    return csg_ocl_gemm_launch(ocl, CSG_OCL_gemm_half, "gemm_half", options, range, &args, err);
}
