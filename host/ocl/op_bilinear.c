/* Bilinear resize of maps: the rows of all maps below each other. */
#include "base/mem.h"
#include "ocl/ocl.h"

int csg_ocl_bilinear(struct csg_backend *backend, const struct csg_bilinear_args *a, struct csg_error *err)
{
    size_t rows;
    if (!csg_mul(a->n, a->out_h, &rows))
        return csg_fail(err, CSG_ERROR_USAGE, "too many maps");
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->in),   CSG_VIEW_ARG(a->out),   CSG_SIZE_ARG(a->in_w),
                                       CSG_SIZE_ARG(a->in_h), CSG_SIZE_ARG(a->out_w), CSG_SIZE_ARG(a->out_h)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_bilinear, "bilinear", a->out_w, rows, args, CSG_COUNT(args), err);
}
