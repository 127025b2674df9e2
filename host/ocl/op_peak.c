#include "ocl/ocl.h"

int csg_ocl_peak(struct csg_backend *backend, const struct csg_peak_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->in), CSG_VIEW_ARG(a->out), CSG_SIZE_ARG(a->w * a->h), CSG_SIZE_ARG(a->w)};
    size_t group = ocl->form->item_rows ? 1 : ocl->group;
    struct csg_ocl_launch launch = {
        .source = CSG_OP_peak, .kernel = "peak", .range = {{1, a->n, 1}, {group, 1, 1}}, .args = args, .n_args = CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &launch, err);
}
