/* The pullback of an activation: a work-item per element, or per row, as the class says. */
#include "ocl/ocl.h"

int csg_ocl_actback(struct csg_backend *backend, const struct csg_actback_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->x),        CSG_VIEW_ARG(a->dy),         CSG_VIEW_ARG(a->dx),
                                       CSG_SIZE_ARG(a->x_stride), CSG_SIZE_ARG(a->dy_stride),  CSG_SIZE_ARG(a->dx_stride),
                                       CSG_SIZE_ARG(a->width),    CSG_SIZE_ARG((size_t)a->act)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_actback, "actback", a->width, a->rows, args, CSG_COUNT(args), err);
}
