/* Text embedding: rows below each other. */
#include "ocl/ocl.h"

int csg_ocl_tokens(struct csg_backend *backend, const struct csg_tokens_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->ids), CSG_VIEW_ARG(a->places), CSG_VIEW_ARG(a->table),
                                       CSG_VIEW_ARG(a->pos), CSG_VIEW_ARG(a->out),    CSG_SIZE_ARG(a->width)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_tokens, "tokens", a->width, a->rows, args, CSG_COUNT(args), err);
}
