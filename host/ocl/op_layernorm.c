/* LayerNorm: a work-item or a work-group per row, as the class says. */
#include "ocl/ocl.h"

int csg_ocl_layernorm(struct csg_backend *backend, const struct csg_layernorm_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->x),     CSG_VIEW_ARG(a->weight),   CSG_VIEW_ARG(a->bias),
                                       CSG_VIEW_ARG(a->y),     CSG_SIZE_ARG(a->x_stride), CSG_SIZE_ARG(a->y_stride),
                                       CSG_SIZE_ARG(a->width), CSG_FLOAT_ARG(a->eps)};
    if (a->y_type == CSG_F32)
        return csg_ocl_launch_rows(ocl, CSG_OP_layernorm, "layernorm", a->rows, args, CSG_COUNT(args), err);
    const struct csg_ocl_launch halves = {
        CSG_OP_layernorm, csg_ocl_y_option(a->y_type), "layernorm", {{a->rows, 1, 1}, {1, 1, 1}}, args, CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &halves, err);
}
