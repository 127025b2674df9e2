/* The pullback of layer normalisation: a work-group per row. */
#include "ocl/ocl.h"

int csg_ocl_normback(struct csg_backend *backend, const struct csg_normback_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->x),
                                       CSG_VIEW_ARG(a->weight),
                                       CSG_VIEW_ARG(a->dy),
                                       CSG_VIEW_ARG(a->add),
                                       CSG_VIEW_ARG(a->dx),
                                       CSG_SIZE_ARG(a->x_stride),
                                       CSG_SIZE_ARG(a->dy_stride),
                                       CSG_SIZE_ARG(a->add_stride),
                                       CSG_SIZE_ARG(a->dx_stride),
                                       CSG_SIZE_ARG(a->width),
                                       CSG_SIZE_ARG(a->add.buffer != NULL),
                                       CSG_FLOAT_ARG(a->eps)};
    return csg_ocl_launch_groups(csg_ocl_of(backend), CSG_OP_normback, "normback", a->rows, args, CSG_COUNT(args), err);
}
