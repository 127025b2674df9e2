/* Attention along the branches of a tree: a work-item per query, or a work-group per query and head, as the class says. */
#include <stdio.h>

#include "ocl/ocl.h"

int csg_ocl_branch(struct csg_backend *backend, const struct csg_branch_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    char options[64];
    snprintf(options, sizeof options, "-DCSG_HEAD_DIM=%zu", a->head_dim);
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->qkv),   CSG_VIEW_ARG(a->from),       CSG_VIEW_ARG(a->path),
                                       CSG_VIEW_ARG(a->out),   CSG_SIZE_ARG(a->qkv_stride), CSG_SIZE_ARG(a->out_stride),
                                       CSG_SIZE_ARG(a->heads), CSG_FLOAT_ARG(a->scale)};
    bool rows = ocl->form->item_rows;
    struct csg_ocl_launch launch = {.source = CSG_OP_branch,
                                    .options = options,
                                    .kernel = "branch",
                                    .range = {{1, a->queries, rows ? 1 : a->heads}, {rows ? 1 : ocl->group, 1, 1}},
                                    .args = args,
                                    .n_args = CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &launch, err);
}
