/* The gradient of attention, head after head: two matrices of tokens x tokens in scratch, then rows, then columns. */
#include "base/mem.h"
#include "ocl/ocl.h"

int csg_ocl_attendgrad(struct csg_backend *backend, const struct csg_attendgrad_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    size_t square, bytes;
    if (!csg_mul(a->tokens, a->tokens, &square) || !csg_mul(square, 2 * sizeof(float), &bytes))
        return csg_fail(err, CSG_ERROR_MEMORY, "too many tokens");
    int status = csg_ocl_scratch(ocl, bytes, err);
    for (size_t head = 0; status == CSG_OK && head < a->heads; head++) {
        const struct csg_ocl_arg rows[] = {CSG_VIEW_ARG(a->qkv),         CSG_VIEW_ARG(a->dy),         CSG_VIEW_ARG(a->dqkv),
                                           CSG_MEM_ARG(ocl->scratch),    CSG_SIZE_ARG(a->qkv_stride), CSG_SIZE_ARG(a->dy_stride),
                                           CSG_SIZE_ARG(a->dqkv_stride), CSG_SIZE_ARG(a->tokens),     CSG_SIZE_ARG(a->heads),
                                           CSG_SIZE_ARG(a->head_dim),    CSG_SIZE_ARG(head),          CSG_FLOAT_ARG(a->scale)};
        const struct csg_ocl_arg columns[] = {
            CSG_VIEW_ARG(a->qkv),         CSG_VIEW_ARG(a->dy),       CSG_VIEW_ARG(a->dqkv),       CSG_VIEW_ARG(a->flow),
            CSG_VIEW_ARG(a->out),         CSG_MEM_ARG(ocl->scratch), CSG_SIZE_ARG(a->qkv_stride), CSG_SIZE_ARG(a->dy_stride),
            CSG_SIZE_ARG(a->dqkv_stride), CSG_SIZE_ARG(a->tokens),   CSG_SIZE_ARG(a->heads),      CSG_SIZE_ARG(a->head_dim),
            CSG_SIZE_ARG(head),           CSG_FLOAT_ARG(a->scale)};
        status = csg_ocl_launch_groups(ocl, CSG_OP_attendgrad, "attendgrad_rows", a->tokens, rows, CSG_COUNT(rows), err);
        if (status == CSG_OK)
            status =
                csg_ocl_launch_groups(ocl, CSG_OP_attendgrad, "attendgrad_columns", a->tokens, columns, CSG_COUNT(columns), err);
    }
    return status;
}
