/* Patches as rows: a row per patch. */
#include "ocl/ocl.h"

int csg_ocl_patches(struct csg_backend *backend, const struct csg_patches_args *a, struct csg_error *err)
{
    size_t columns = 3 * a->patch_px * a->patch_px, rows = 1 + (a->w_px / a->patch_px) * (a->h_px / a->patch_px);
    const struct csg_ocl_arg args[] = {
        CSG_VIEW_ARG(a->in),         CSG_VIEW_ARG(a->mask),     CSG_VIEW_ARG(a->out),      CSG_SIZE_ARG(a->mask.buffer != NULL),
        CSG_SIZE_ARG(a->out_stride), CSG_SIZE_ARG(a->w_px),     CSG_SIZE_ARG(a->patch_px), CSG_FLOAT_ARG(a->mean[0]),
        CSG_FLOAT_ARG(a->mean[1]),   CSG_FLOAT_ARG(a->mean[2]), CSG_FLOAT_ARG(a->std[0]),  CSG_FLOAT_ARG(a->std[1]),
        CSG_FLOAT_ARG(a->std[2])};
    return csg_ocl_launch_items(csg_ocl_of(backend), CSG_OP_patches, "patches", columns, rows, args, CSG_COUNT(args), err);
}
