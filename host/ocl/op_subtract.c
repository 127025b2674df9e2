/* Text features without the redundant ones: a row per text. */
#include "ocl/ocl.h"

int csg_ocl_subtract(struct csg_backend *backend, const struct csg_subtract_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->texts), CSG_VIEW_ARG(a->redundant), CSG_VIEW_ARG(a->out),
                                       CSG_SIZE_ARG(a->width)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_subtract, "subtract", a->width, a->n_texts, args, CSG_COUNT(args),
                                err);
}
