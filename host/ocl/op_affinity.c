/* Weights from similarities: a work-group per row. */
#include "ocl/ocl.h"

int csg_ocl_affinity(struct csg_backend *backend, const struct csg_affinity_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->s),       CSG_VIEW_ARG(a->out),
                                       CSG_VIEW_ARG(a->level),   CSG_SIZE_ARG(a->width),
                                       CSG_FLOAT_ARG(a->factor), CSG_SIZE_ARG(a->kind == CSG_AFFINITY_SOFTMAX)};
    return csg_ocl_launch_groups(csg_ocl_of(backend), CSG_OP_affinity, "affinity", a->rows, args, CSG_COUNT(args), err);
}
