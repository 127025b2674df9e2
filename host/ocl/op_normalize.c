/* Rows of length one: a work-item or a work-group per row, as the class says. */
#include "ocl/ocl.h"

int csg_ocl_normalize(struct csg_backend *backend, const struct csg_normalize_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->x), CSG_VIEW_ARG(a->y), CSG_SIZE_ARG(a->x_stride),
                                       CSG_SIZE_ARG(a->y_stride), CSG_SIZE_ARG(a->width)};
    return csg_ocl_launch_rows(csg_ocl_of(backend), CSG_OP_normalize, "normalize_rows", a->rows, args, CSG_COUNT(args), err);
}
