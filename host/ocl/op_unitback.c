/* The pullback of rows of length one: a work-group per row. */
#include "ocl/ocl.h"

int csg_ocl_unitback(struct csg_backend *backend, const struct csg_unitback_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->x),        CSG_VIEW_ARG(a->dy),        CSG_VIEW_ARG(a->dx),
                                       CSG_SIZE_ARG(a->x_stride), CSG_SIZE_ARG(a->dy_stride), CSG_SIZE_ARG(a->dx_stride),
                                       CSG_SIZE_ARG(a->width)};
    return csg_ocl_launch_groups(csg_ocl_of(backend), CSG_OP_unitback, "unitback", a->rows, args, CSG_COUNT(args), err);
}
