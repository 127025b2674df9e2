#include "net/pool.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/scratch.h"

struct csg_net_pool {
    struct csg_net_tower tower; /* sizes and the backend alone: the pool is no residual block */
    const struct csg_model *model;
    struct csg_weight *qkv, *out; /* [3W, W], [C, W] */
    struct csg_buffer *qkv_bias, *out_bias, *position, *zeros;
    struct csg_net_forms forms;

    /* What the position embedding adds to q, k and v at the grid of the last call, biases included; the sequence of all tokens; the
     * rows of pixels as a group. */
    struct csg_buffer *places, *seq, *pixels, *grid_position;
    size_t grid_w, grid_h;
    struct csg_buffer *qkv_rows, *attended, *cls, *tokens;
};

static int upload_bias(struct csg_net_pool *pool, const struct csg_block *from, struct csg_error *err)
{
    size_t width = pool->tower.width;
    float *values = csg_calloc(width, 4 * sizeof *values);
    if (!values)
        return csg_fail_memory(err);
    int status = csg_buffer_from(pool->tower.backend, values, width * sizeof *values, &pool->zeros, err);
    csg_tensor_to_f32(&from->q_bias, values);
    csg_tensor_to_f32(&from->k_bias, values + width);
    csg_tensor_to_f32(&from->v_bias, values + 2 * width);
    if (status == CSG_OK)
        status = csg_buffer_from(pool->tower.backend, values, 3 * width * sizeof *values, &pool->qkv_bias, err);
    free(values);
    return status ? status : csg_net_vector(pool->tower.backend, &from->out_bias, &pool->out_bias, err);
}

int csg_net_pool_create(struct csg_net_pool **out, struct csg_backend *backend, const struct csg_model *model,
                        struct csg_error *err)
{
    const struct csg_block *from = &model->resnet.pool;
    struct csg_net_pool *pool = csg_calloc(1, sizeof *pool);
    size_t width = model->vision.width;
    *out = NULL;
    if (!pool)
        return csg_fail_memory(err);
    pool->model = model;
    pool->tower = (struct csg_net_tower){
        .backend = backend, .width = width, .layers = 1, .heads = model->vision.heads, .head_dim = width / model->vision.heads};
    pool->tower.scale = (float)(1.0 / sqrt((double)pool->tower.head_dim));
    const struct csg_weight_part qkv[3] = {{from->q_weight.data, from->q_weight.dtype, width, false},
                                           {from->k_weight.data, from->k_weight.dtype, width, false},
                                           {from->v_weight.data, from->v_weight.dtype, width, false}};
    int status = csg_weight_create(backend, qkv, 3, width, &pool->qkv, err);
    if (status == CSG_OK)
        status = csg_net_matrix(backend, &from->out_weight, false, &pool->out, err);
    if (status == CSG_OK)
        status = upload_bias(pool, from, err);
    if (status == CSG_OK)
        status = csg_net_vector(backend, &model->vision_position, &pool->position, err);
    if (status)
        csg_net_pool_destroy(&pool);
    *out = pool;
    return status;
}

void csg_net_pool_destroy(struct csg_net_pool **out)
{
    struct csg_net_pool *pool = out ? *out : NULL;
    if (!pool)
        return;
    struct csg_buffer **buffers[] = {&pool->qkv_bias, &pool->out_bias, &pool->position, &pool->zeros,
                                     &pool->places,   &pool->seq,      &pool->pixels,   &pool->grid_position,
                                     &pool->qkv_rows, &pool->attended, &pool->cls,      &pool->tokens};
    csg_weight_destroy(&pool->qkv);
    csg_weight_destroy(&pool->out);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        csg_buffer_destroy(buffers[i]);
    csg_net_forms_free(&pool->forms);
    free(pool);
    *out = NULL;
}

/* Rows of W, `stride` apart, times a matrix. */
static int multiply(const struct csg_net_pool *pool, struct csg_view x, size_t stride, const struct csg_weight *weight,
                    struct csg_buffer *bias, struct csg_buffer *residual, struct csg_view y, size_t rows, struct csg_error *err)
{
    const struct csg_gemm_args args = {.x = x,
                                       .weight = weight,
                                       .bias = csg_view(bias, 0),
                                       .residual = csg_view(residual, 0),
                                       .y = y,
                                       .x_stride = stride,
                                       .residual_stride = weight->n,
                                       .y_stride = weight->n,
                                       .rows = rows};
    return csg_gemm(pool->tower.backend, &args, err);
}

/* (x + p) W^T + b = x W^T + (p W^T + b), of which the second is computed once a grid. Always from the pristine embedding. */
static int prepare_grid(struct csg_net_pool *pool, size_t grid_w, size_t grid_h, struct csg_error *err)
{
    struct csg_backend *backend = pool->tower.backend;
    size_t rows = 1 + grid_w * grid_h, width = pool->tower.width;
    const int32_t seq[2] = {0, (int32_t)rows}, pixels[2] = {0, (int32_t)(rows - 1)};
    if (pool->places && pool->grid_w == grid_w && pool->grid_h == grid_h)
        return CSG_OK;
    pool->grid_w = pool->grid_h = 0;
    int status = csg_scratch_f32(backend, &pool->grid_position, rows, width, err);
    if (status == CSG_OK)
        status = csg_scratch_f32(backend, &pool->places, rows, 3 * width, err);
    if (status == CSG_OK)
        status = csg_scratch(backend, &pool->seq, sizeof seq, err);
    if (status == CSG_OK)
        status = csg_scratch(backend, &pool->pixels, sizeof pixels, err);
    if (status == CSG_OK)
        status = csg_buffer_write(pool->seq, 0, seq, sizeof seq, err);
    if (status == CSG_OK)
        status = csg_buffer_write(pool->pixels, 0, pixels, sizeof pixels, err);
    if (status)
        return status;
    const struct csg_position_args position = {.pos = csg_view(pool->position, 0),
                                               .cls = csg_view(pool->zeros, 0),
                                               .out = csg_view(pool->grid_position, 0),
                                               .in_grid = pool->model->grid,
                                               .grid_w = grid_w,
                                               .grid_h = grid_h,
                                               .width = width};
    status = csg_position(backend, &position, err);
    if (status == CSG_OK)
        status = multiply(pool, position.out, width, pool->qkv, pool->qkv_bias, NULL, csg_view(pool->places, 0), rows, err);
    if (status)
        return status;
    pool->grid_w = grid_w;
    pool->grid_h = grid_h;
    return CSG_OK;
}

static int prepare_scratch(struct csg_net_pool *pool, size_t rows, struct csg_error *err)
{
    const struct {
        struct csg_buffer **buffer;
        size_t rows, width;
    } wanted[] = {{&pool->qkv_rows, rows, 3 * pool->tower.width},
                  {&pool->attended, rows, pool->tower.width},
                  {&pool->cls, 1, pool->tower.width},
                  {&pool->tokens, rows, pool->model->embed_dim}};
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < sizeof wanted / sizeof *wanted; i++)
        status = csg_scratch_f32(pool->tower.backend, wanted[i].buffer, wanted[i].rows, wanted[i].width, err);
    return status;
}

/* CLIP's own CLS, into row 0 of what is projected already. */
static int own_cls(struct csg_net_pool *pool, size_t rows, struct csg_error *err)
{
    size_t width = pool->tower.width;
    struct csg_view cls = csg_view(pool->cls, 0);
    int status =
        csg_net_attention_cls(pool->tower.backend, csg_view(pool->qkv_rows, 0), width, pool->tower.heads, rows, cls, err);
    return status ? status : multiply(pool, cls, width, pool->out, pool->out_bias, NULL, csg_view(pool->tokens, 0), 1, err);
}

static int attend(struct csg_net_pool *pool, const struct csg_net_plan *plan, const struct csg_net_tokens *tokens,
                  struct csg_error *err)
{
    struct csg_view attended = csg_view(pool->attended, 0);
    size_t stride = pool->tower.width;
    bool changed = plan->streams != CSG_STREAMS_NONE;
    int status = changed ? csg_net_attend(&pool->tower, &pool->forms, plan, tokens, pool->grid_w, &attended, &stride, err)
                         : csg_net_attention(&pool->tower, tokens, attended, csg_view(NULL, 0), err);
    if (status == CSG_OK)
        status = multiply(pool, attended, stride, pool->out, pool->out_bias, NULL, csg_view(pool->tokens, 0), tokens->rows, err);
    if (status == CSG_OK && plan->streams == CSG_STREAMS_DUAL && !plan->cls_too)
        status = own_cls(pool, tokens->rows, err);
    return status;
}

int csg_net_pool_run(struct csg_net_pool *pool, struct csg_view x, size_t grid_w, size_t grid_h, const struct csg_net_plan *plan,
                     struct csg_view *tokens_out, struct csg_error *err)
{
    struct csg_backend *backend = pool->tower.backend;
    size_t width = pool->tower.width, rows = 1 + grid_w * grid_h, embed = pool->model->embed_dim;
    int status = prepare_grid(pool, grid_w, grid_h, err);
    if (status == CSG_OK)
        status = prepare_scratch(pool, rows, err);
    if (status)
        return status;
    const struct csg_mean_args mean = {.in = csg_view(x.buffer, x.at + width),
                                       .groups = csg_view(pool->pixels, 0),
                                       .out = x,
                                       .in_stride = width,
                                       .out_stride = width,
                                       .n_groups = 1,
                                       .width = width};
    const struct csg_net_tokens tokens = {.rows = rows,
                                          .x = x,
                                          .h = x,
                                          .qkv = csg_view(pool->qkv_rows, 0),
                                          .seq = csg_view(pool->seq, 0),
                                          .sequences = 1,
                                          .longest = rows};
    const struct csg_normalize_args unit = {.x = csg_view(pool->tokens, 0),
                                            .y = csg_view(pool->tokens, 0),
                                            .x_stride = embed,
                                            .y_stride = embed,
                                            .rows = rows,
                                            .width = embed};
    *tokens_out = unit.y;
    status = csg_mean(backend, &mean, err);
    if (status == CSG_OK)
        status = multiply(pool, x, width, pool->qkv, NULL, pool->places, tokens.qkv, rows, err);
    if (status == CSG_OK)
        status = attend(pool, plan, &tokens, err);
    return status ? status : csg_normalize(backend, &unit, err);
}
