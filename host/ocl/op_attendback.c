/* The pullback of attention at token 0: the weights of every head into scratch, then relevance and pull. */
#include "base/mem.h"
#include "ocl/ocl.h"

static int relevance(struct csg_ocl *ocl, const struct csg_attendback_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->qkv),       CSG_MEM_ARG(ocl->scratch),   CSG_VIEW_ARG(a->dy),
                                       CSG_VIEW_ARG(a->relevance), CSG_SIZE_ARG(a->qkv_stride), CSG_SIZE_ARG(a->dy_stride),
                                       CSG_SIZE_ARG(a->tokens),    CSG_SIZE_ARG(a->n),          CSG_SIZE_ARG(a->heads),
                                       CSG_SIZE_ARG(a->head_dim)};
    return csg_ocl_launch_items(ocl, CSG_OP_attendback, "attendback_relevance", a->n, a->tokens, args, CSG_COUNT(args), err);
}

static int pull(struct csg_ocl *ocl, const struct csg_attendback_args *a, struct csg_error *err)
{
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->qkv),         CSG_MEM_ARG(ocl->scratch),   CSG_VIEW_ARG(a->dy),
                                       CSG_VIEW_ARG(a->pull),        CSG_SIZE_ARG(a->qkv_stride), CSG_SIZE_ARG(a->dy_stride),
                                       CSG_SIZE_ARG(a->pull_stride), CSG_SIZE_ARG(a->tokens),     CSG_SIZE_ARG(a->heads),
                                       CSG_SIZE_ARG(a->head_dim),    CSG_FLOAT_ARG(a->scale)};
    return csg_ocl_launch_groups(ocl, CSG_OP_attendback, "attendback_pull", a->n * a->heads, args, CSG_COUNT(args), err);
}

int csg_ocl_attendback(struct csg_backend *backend, const struct csg_attendback_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    size_t weights, bytes;
    if (!csg_mul(a->heads, a->tokens, &weights) || !csg_mul(weights, sizeof(float), &bytes))
        return csg_fail(err, CSG_ERROR_MEMORY, "too many tokens");
    int status = csg_ocl_scratch(ocl, bytes, err);
    if (status)
        return status;
    const struct csg_ocl_arg args[] = {CSG_VIEW_ARG(a->qkv),    CSG_MEM_ARG(ocl->scratch), CSG_SIZE_ARG(a->qkv_stride),
                                       CSG_SIZE_ARG(a->tokens), CSG_SIZE_ARG(a->heads),    CSG_SIZE_ARG(a->head_dim),
                                       CSG_FLOAT_ARG(a->scale)};
    status = csg_ocl_launch_groups(ocl, CSG_OP_attendback, "attendback_weights", a->heads, args, CSG_COUNT(args), err);
    if (status == CSG_OK && a->relevance.buffer)
        status = relevance(ocl, a, err);
    if (status == CSG_OK && a->pull.buffer)
        status = pull(ocl, a, err);
    return status;
}
