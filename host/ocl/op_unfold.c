/* What a convolution of 3 x 3 multiplies with: a work-item per channel of a row, or per row, as the class says. */
#include "base/mem.h"
#include "ocl/ocl.h"

int csg_ocl_unfold(struct csg_backend *backend, const struct csg_unfold_args *a, struct csg_error *err)
{
    size_t w_out = (a->w - 1) / a->stride + 1, rows;
    if (!csg_mul(w_out, a->lines, &rows) || rows > UINT32_MAX)
        return csg_fail(err, CSG_ERROR_USAGE, "too many pixels for a convolution: %zu x %zu", a->w, a->h);
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->in),         CSG_VIEW_ARG(a->out),      CSG_SIZE_ARG(a->w),
                                       CSG_SIZE_ARG(a->h),          CSG_SIZE_ARG(a->channels), CSG_SIZE_ARG(a->stride),
                                       CSG_SIZE_ARG(a->first_line), CSG_SIZE_ARG(w_out)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_unfold, "unfold", a->channels, rows, args, CSG_COUNT(args), err);
}
