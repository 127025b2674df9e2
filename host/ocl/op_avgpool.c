/* Means of squares of pixels: a work-item per element, or per row, as the class says. */
#include "base/mem.h"
#include "ocl/ocl.h"

int csg_ocl_avgpool(struct csg_backend *backend, const struct csg_avgpool_args *a, struct csg_error *err)
{
    size_t w_out = a->w / a->side, rows;
    if (!csg_mul(w_out, a->h / a->side, &rows) || rows > UINT32_MAX)
        return csg_fail(err, CSG_ERROR_USAGE, "too many pixels for a pool: %zu x %zu", a->w, a->h);
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->in),       CSG_VIEW_ARG(a->out),  CSG_SIZE_ARG(a->w),
                                       CSG_SIZE_ARG(a->channels), CSG_SIZE_ARG(a->side), CSG_SIZE_ARG(w_out)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_avgpool, "avgpool", a->channels, rows, args, CSG_COUNT(args), err);
}
