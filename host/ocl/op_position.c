/* Position embedding: a row per token. */
#include "ocl/ocl.h"

int csg_ocl_position(struct csg_backend *backend, const struct csg_position_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->pos),     CSG_VIEW_ARG(a->cls),    CSG_VIEW_ARG(a->out),
                                       CSG_SIZE_ARG(a->in_grid), CSG_SIZE_ARG(a->grid_w), CSG_SIZE_ARG(a->grid_h),
                                       CSG_SIZE_ARG(a->width)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_position, "position", a->width, 1 + a->grid_w * a->grid_h, args,
                                CSG_COUNT(args), err);
}
