/* Maps of the patches: a work-group per text. */
#include "ocl/ocl.h"

int csg_ocl_minmax(struct csg_backend *backend, const struct csg_minmax_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->s),     CSG_VIEW_ARG(a->similarity), CSG_VIEW_ARG(a->map),
                                       CSG_VIEW_ARG(a->range), CSG_SIZE_ARG(a->cells),      CSG_SIZE_ARG(a->n_texts)};
    return csg_ocl_launch_groups(csg_ocl_of(backend), CSG_OP_minmax, "minmax_maps", a->n_texts, args, CSG_COUNT(args), err);
}
