/* The mean length of rows: one work-group. */
#include "ocl/ocl.h"

int csg_ocl_meannorm(struct csg_backend *backend, const struct csg_meannorm_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->x), CSG_VIEW_ARG(a->out), CSG_SIZE_ARG(a->x_stride), CSG_SIZE_ARG(a->rows),
                                       CSG_SIZE_ARG(a->width)};
    return csg_ocl_launch_groups(csg_ocl_of(backend), CSG_OP_meannorm, "meannorm", 1, args, CSG_COUNT(args), err);
}
