/* Weighted sums of rows: a work-item per piece of a row, or per element, as the class says. */
#include "ocl/ocl.h"

#define COLUMNS 128 /* CSG_COLUMNS of weigh.cl */

int csg_ocl_weigh(struct csg_backend *backend, const struct csg_weigh_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->weights),  CSG_VIEW_ARG(a->x),          CSG_VIEW_ARG(a->out),
                                       CSG_SIZE_ARG(a->x_stride), CSG_SIZE_ARG(a->out_stride), CSG_SIZE_ARG(a->terms),
                                       CSG_SIZE_ARG(a->width),    CSG_FLOAT_ARG(a->factor),    CSG_SIZE_ARG(a->add)};
    if (!ocl->form->item_rows)
        return csg_ocl_launch_items(ocl, CSG_OP_weigh, "weigh", a->width, a->rows, args, CSG_COUNT(args), err);
    struct csg_ocl_launch launch = {.source = CSG_OP_weigh,
                                    .kernel = "weigh",
                                    .range = {{csg_ocl_ceil_div(a->width, COLUMNS), a->rows, 1}, {1, 1, 1}},
                                    .args = args,
                                    .n_args = CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &launch, err);
}
