/* Overlay: the pixels in runs, as if they were rows. */
#include <math.h>

#include "ocl/ocl.h"

#define RUN 4096

int csg_ocl_blend(struct csg_backend *backend, const struct csg_blend_args *a, struct csg_error *err)
{
    double parts = floor((double)a->opacity * 1e6 + 0.5);
    parts = parts >= 0.0 ? fmin(parts, 1e6) : 0.0; /* NaN: none */
    size_t columns = a->cells < RUN ? a->cells : RUN;
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->image), CSG_VIEW_ARG(a->map),   CSG_VIEW_ARG(a->table),
                                       CSG_VIEW_ARG(a->out),   CSG_SIZE_ARG(a->cells), CSG_SIZE_ARG((size_t)parts),
                                       CSG_SIZE_ARG(columns)};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_blend, "blend", columns, csg_ocl_ceil_div(a->cells, RUN), args,
                                CSG_COUNT(args), err);
}
