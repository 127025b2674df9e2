/* Means of groups of rows: a row per group. */
#include "ocl/ocl.h"

int csg_ocl_mean(struct csg_backend *backend, const struct csg_mean_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->in),        CSG_VIEW_ARG(a->groups),     CSG_VIEW_ARG(a->out),
                                       CSG_SIZE_ARG(a->in_stride), CSG_SIZE_ARG(a->out_stride), CSG_SIZE_ARG(a->width)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_mean, "mean", a->width, a->n_groups, args, CSG_COUNT(args), err);
}
