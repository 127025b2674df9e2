/* GEMM with weights in 16 bits: packed panels on CPU devices, squares in local memory on GPUs. */
#include <stdio.h>

#include "base/mem.h"
#include "ocl/ocl.h"

#define TILES_FEW 3 /* register tiles of a work-item where they are smaller */

void csg_ocl_half_options(char *out, size_t capacity, enum csg_precision precision, const struct csg_ocl_tile *tile, size_t rows,
                          size_t side)
{
    if (rows)
        snprintf(out, capacity, "-DCSG_HALF=%d -DCSG_ROWS=%zu -DCSG_VECTORS=%u -DCSG_TILES=%d", (int)precision, rows,
                 tile->vectors, rows == tile->rows ? CSG_OCL_TILES : TILES_FEW);
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
    size_t rows = ocl->form->packed ? csg_ocl_gemm_rows(ocl, a->rows) : 0;
    struct csg_ocl_range range = csg_ocl_gemm_squares(ocl, a);
    struct csg_gemm_args args = *a;
    struct csg_ocl_buffer scratch;
    char options[96];
    csg_ocl_half_options(options, sizeof options, weight->base.precision, ocl->tile, rows, csg_ocl_gemm_side(ocl));
    if (ocl->form->packed) {
        size_t tiles = rows == ocl->tile->rows ? CSG_OCL_TILES : TILES_FEW;
        range = (struct csg_ocl_range){{csg_ocl_ceil_div(a->rows, rows * tiles), csg_ocl_ceil_div(a->weight->n, weight->nr), 1},
                                       {1, 1, 1}};
    }
    if (ocl->form->packed && csg_precisions[weight->base.precision].rounds_x) {
        int status = round_x(ocl, a, options, err);
        if (status)
            return status;
        scratch = (struct csg_ocl_buffer){.base.backend = &ocl->base, .base.bytes = ocl->scratch_bytes, .mem = ocl->scratch};
        args.x = csg_view(&scratch.base, 0);
        args.x_stride = a->weight->k;
    }
    return csg_ocl_gemm_launch(ocl, CSG_OCL_gemm_half, "gemm_half", options, range, &args, err);
}
