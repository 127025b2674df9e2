/* Cosines: a work-item per block of 4 x 4, or a work-group per square of 8 x 8 (the sizes stand in cl/similarity.cl). */
#include "ocl/ocl.h"

#define BLOCK 4
#define SIDE 8

int csg_ocl_similarity(struct csg_backend *backend, const struct csg_similarity_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->tokens),        CSG_VIEW_ARG(a->texts),        CSG_VIEW_ARG(a->out),
                                       CSG_SIZE_ARG(a->tokens_stride), CSG_SIZE_ARG(a->texts_stride), CSG_SIZE_ARG(a->rows),
                                       CSG_SIZE_ARG(a->n_texts),       CSG_SIZE_ARG(a->width)};
    struct csg_ocl_launch launch = {CSG_OP_similarity, NULL, "similarity", .args = args, .n_args = CSG_COUNT(args)};
    size_t side = ocl->form->item_rows ? BLOCK : SIDE, items = ocl->form->item_rows ? 1 : SIDE;
    launch.range =
        (struct csg_ocl_range){{csg_ocl_ceil_div(a->n_texts, side), csg_ocl_ceil_div(a->rows, side), 1}, {items, items, 1}};
    return csg_ocl_launch(ocl, &launch, err);
}
