/* Bilinear resize whose corners stay: a row of the output each. */
#include "ocl/ocl.h"

int csg_ocl_corners(struct csg_backend *backend, const struct csg_corners_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->in),   CSG_VIEW_ARG(a->out),   CSG_SIZE_ARG(a->in_w),
                                       CSG_SIZE_ARG(a->in_h), CSG_SIZE_ARG(a->out_w), CSG_SIZE_ARG(a->out_h)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_corners, "corners", a->out_w, a->n * a->out_h, args, CSG_COUNT(args),
                                err);
}
