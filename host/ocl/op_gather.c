/* Chosen rows: rows below each other. */
#include "ocl/ocl.h"

int csg_ocl_gather(struct csg_backend *backend, const struct csg_gather_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->in),        CSG_VIEW_ARG(a->rows_at),    CSG_VIEW_ARG(a->out),
                                       CSG_SIZE_ARG(a->in_stride), CSG_SIZE_ARG(a->out_stride), CSG_SIZE_ARG(a->width)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_gather, "gather", a->width, a->rows, args, CSG_COUNT(args), err);
}
