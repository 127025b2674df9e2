#include "net/back.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/tower.h"

/* q, k and v below each other as one matrix, for its columns are what is summed over. */
static int turn_qkv(struct csg_net_back *back, struct csg_backend *backend, const struct csg_block *block, size_t width,
                    struct csg_error *err)
{
    size_t each = width * width;
    float *joined = csg_calloc(3, each * sizeof *joined);
    if (!joined)
        return csg_fail_memory(err);
    csg_tensor_to_f32(&block->q_weight, joined);
    csg_tensor_to_f32(&block->k_weight, joined + each);
    csg_tensor_to_f32(&block->v_weight, joined + 2 * each);
    const struct csg_weight_part part = {joined, CSG_F32, width, true};
    int status = csg_weight_create(backend, &part, 1, 3 * width, &back->qkv, err);
    free(joined);
    return status;
}

int csg_net_back_create(struct csg_net_back *back, struct csg_backend *backend, const struct csg_block *block, size_t width,
                        struct csg_error *err)
{
    *back = (struct csg_net_back){0};
    int status = turn_qkv(back, backend, block, width, err);
    if (status == CSG_OK)
        status = csg_net_matrix(backend, &block->out_weight, true, &back->out, err);
    if (status == CSG_OK)
        status = csg_net_matrix(backend, &block->fc_weight, true, &back->fc, err);
    if (status == CSG_OK)
        status = csg_net_matrix(backend, &block->proj_weight, true, &back->proj, err);
    if (status)
        csg_net_back_free(back);
    return status;
}

void csg_net_back_free(struct csg_net_back *back)
{
    csg_weight_destroy(&back->qkv);
    csg_weight_destroy(&back->out);
    csg_weight_destroy(&back->fc);
    csg_weight_destroy(&back->proj);
}

int csg_net_multiply(struct csg_backend *backend, struct csg_view x, const struct csg_weight *weight, struct csg_view bias,
                     struct csg_view residual, struct csg_view y, size_t rows, enum csg_activation act, struct csg_error *err)
{
    const struct csg_gemm_args args = {.x = x,
                                       .weight = weight,
                                       .bias = bias,
                                       .residual = residual,
                                       .y = y,
                                       .x_stride = weight->k,
                                       .residual_stride = weight->n,
                                       .y_stride = weight->n,
                                       .rows = rows,
                                       .act = act};
    return csg_gemm(backend, &args, err);
}
