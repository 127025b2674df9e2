/* What is below zero becomes zero, the rest is weighted by row. */
#include "ocl/ocl.h"

int csg_ocl_gate(struct csg_backend *backend, const struct csg_gate_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->s), CSG_VIEW_ARG(a->out), CSG_VIEW_ARG(a->by), CSG_SIZE_ARG(a->n),
                                       CSG_SIZE_ARG(a->by.buffer != NULL)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_gate, "gate", a->n, a->rows, args, CSG_COUNT(args), err);
}
