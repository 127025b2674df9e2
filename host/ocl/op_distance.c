/* Squared distances of rows: a row of the output per row of the input. */
#include "ocl/ocl.h"

int csg_ocl_distance(struct csg_backend *backend, const struct csg_distance_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->x), CSG_VIEW_ARG(a->out), CSG_SIZE_ARG(a->x_stride), CSG_SIZE_ARG(a->rows),
                                       CSG_SIZE_ARG(a->width)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_distance, "distance_rows", a->rows, a->rows, args, CSG_COUNT(args),
                                err);
}
