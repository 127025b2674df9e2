/* Weights for refinement: a row of the picture each. */
#include "ocl/ocl.h"

int csg_ocl_contrast(struct csg_backend *backend, const struct csg_contrast_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->in),
                                       CSG_VIEW_ARG(a->out),
                                       CSG_SIZE_ARG(a->w),
                                       CSG_SIZE_ARG(a->h),
                                       CSG_SIZE_ARG(a->dilations_px[0]),
                                       CSG_SIZE_ARG(a->dilations_px[1])};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_contrast, "contrast", a->w, a->h, args, CSG_COUNT(args), err);
}
