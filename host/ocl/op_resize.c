/* One pass of the resize: rows of pixels. */
#include "ocl/ocl.h"

int csg_ocl_resize(struct csg_backend *backend, const struct csg_resize_args *a, struct csg_error *err)
{
    size_t out_w = a->vertical ? a->in_w_px : a->out_px, out_h = a->vertical ? a->out_px : a->in_h_px;
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->in),    CSG_VIEW_ARG(a->out),     CSG_VIEW_ARG(a->first),
                                       CSG_VIEW_ARG(a->count), CSG_VIEW_ARG(a->weights), CSG_SIZE_ARG(a->in_w_px),
                                       CSG_SIZE_ARG(out_w),    CSG_SIZE_ARG(a->taps),    CSG_SIZE_ARG(a->vertical)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_resize, "resize", out_w, out_h, args, CSG_COUNT(args), err);
}
