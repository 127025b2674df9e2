/* Bilinear resize: a work-item per piece of a row of the input, or per element of the output, as the class says. */
#include "ocl/ocl.h"

#define COLUMNS 128 /* CSG_COLUMNS of bilinear.cl */

int csg_ocl_bilinear(struct csg_backend *backend, const struct csg_bilinear_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->in),   CSG_VIEW_ARG(a->out),   CSG_SIZE_ARG(a->in_w),
                                       CSG_SIZE_ARG(a->in_h), CSG_SIZE_ARG(a->out_w), CSG_SIZE_ARG(a->out_h)};
    if (!ocl->form->item_rows)
        return csg_ocl_launch_items(ocl, CSG_OP_bilinear, "bilinear", a->out_w, a->n * a->out_h, args, CSG_COUNT(args), err);
    struct csg_ocl_launch launch = {.source = CSG_OP_bilinear,
                                    .kernel = "bilinear",
                                    .range = {{csg_ocl_ceil_div(a->out_w, COLUMNS), a->n * a->in_h, 1}, {1, 1, 1}},
                                    .args = args,
                                    .n_args = CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &launch, err);
}
