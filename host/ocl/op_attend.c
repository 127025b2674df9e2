/* Attention of any queries, keys and values: a work-item or a work-group per query and head, as the class says. */
#include <stdio.h>

#include "ocl/ocl.h"

int csg_ocl_attend(struct csg_backend *backend, const struct csg_attend_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    char options[64];
    snprintf(options, sizeof options, "-DCSG_HEAD_DIM=%zu", a->head_dim);
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->q),
                                       CSG_VIEW_ARG(a->k),
                                       CSG_VIEW_ARG(a->v),
                                       CSG_VIEW_ARG(a->by),
                                       CSG_VIEW_ARG(a->near),
                                       CSG_VIEW_ARG(a->out),
                                       CSG_SIZE_ARG(a->q_stride),
                                       CSG_SIZE_ARG(a->k_stride),
                                       CSG_SIZE_ARG(a->v_stride),
                                       CSG_SIZE_ARG(a->out_stride),
                                       CSG_SIZE_ARG(a->tokens),
                                       CSG_FLOAT_ARG(a->scale),
                                       CSG_SIZE_ARG(a->by.buffer != NULL),
                                       CSG_SIZE_ARG(a->near.buffer != NULL),
                                       CSG_FLOAT_ARG(a->near_weight),
                                       CSG_FLOAT_ARG(a->weight),
                                       CSG_SIZE_ARG(a->add),
                                       CSG_FLOAT_ARG(a->gauss_std),
                                       CSG_SIZE_ARG(a->grid_w)};
    size_t group = ocl->form->item_rows ? 1 : ocl->group;
    struct csg_ocl_launch launch = {CSG_OP_attend, options,        "attend", {{1, a->queries, a->heads}, {group, 1, 1}},
                                    args,          CSG_COUNT(args)};
    return csg_ocl_launch(ocl, &launch, err);
}
