#include "net/tower.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* Numbers that are converted at once: a table of tokens is large. */
#define PIECE ((size_t)1 << 18)

int csg_net_vector(struct csg_backend *backend, const struct csg_tensor *tensor, struct csg_buffer **out, struct csg_error *err)
{
    size_t most = tensor->elements < PIECE ? tensor->elements : PIECE, bytes = csg_dtype_bytes(tensor->dtype);
    float *values = csg_calloc(most, sizeof *values);
    *out = NULL;
    int status = values ? csg_buffer_create(backend, tensor->elements * sizeof *values, out, err) : csg_fail_memory(err);
    for (size_t at = 0; status == CSG_OK && at < tensor->elements; at += most) {
        size_t count = tensor->elements - at < most ? tensor->elements - at : most;
        csg_to_f32(values, (const uint8_t *)tensor->data + at * bytes, tensor->dtype, count);
        status = csg_buffer_write(*out, at * sizeof *values, values, count * sizeof *values, err);
    }
    free(values);
    if (status)
        csg_buffer_destroy(out);
    return status;
}

int csg_net_matrix(struct csg_backend *backend, const struct csg_tensor *tensor, bool transposed, struct csg_weight **out,
                   struct csg_error *err)
{
    size_t rows = tensor->dims[0], columns = tensor->elements / rows;
    struct csg_weight_part part = {tensor->data, tensor->dtype, transposed ? columns : rows, transposed};
    return csg_weight_create(backend, &part, 1, transposed ? rows : columns, out, err);
}

/* Collects vectors for the one upload: add() is called twice for the same list, first to count, then to fill. */
struct collector {
    struct csg_buffer *buffer;
    float *values; /* NULL while counting */
    size_t used;
};

static void add(struct collector *to, const struct csg_tensor *tensor, struct csg_view *view)
{
    *view = csg_view(to->buffer, to->used);
    if (to->values)
        csg_tensor_to_f32(tensor, to->values + to->used);
    to->used += tensor->elements;
}

static void add_vectors(struct collector *to, const struct csg_tower *tower, struct csg_net_block *blocks)
{
    for (size_t b = 0; b < tower->layers; b++) {
        const struct csg_block *from = tower->blocks + b;
        struct csg_net_block *block = blocks + b;
        struct csg_view joined; /* q, k and v stand behind each other: the first view serves all three */
        add(to, &from->ln_1.weight, &block->ln_1.weight);
        add(to, &from->ln_1.bias, &block->ln_1.bias);
        add(to, &from->ln_2.weight, &block->ln_2.weight);
        add(to, &from->ln_2.bias, &block->ln_2.bias);
        add(to, &from->q_bias, &block->qkv_bias);
        add(to, &from->k_bias, &joined);
        add(to, &from->v_bias, &joined);
        add(to, &from->out_bias, &block->out_bias);
        add(to, &from->fc_bias, &block->fc_bias);
        add(to, &from->proj_bias, &block->proj_bias);
    }
}

static int upload_vectors(struct csg_net_tower *tower, const struct csg_tower *from, struct csg_error *err)
{
    struct collector count = {0};
    add_vectors(&count, from, tower->blocks);
    struct collector fill = {.values = csg_calloc(count.used, sizeof(float))};
    if (!fill.values)
        return csg_fail_memory(err);
    int status = csg_buffer_create(tower->backend, count.used * sizeof(float), &tower->vectors, err);
    if (status == CSG_OK) {
        fill.buffer = tower->vectors;
        add_vectors(&fill, from, tower->blocks);
        status = csg_buffer_write(tower->vectors, 0, fill.values, count.used * sizeof(float), err);
    }
    free(fill.values);
    return status;
}

static int upload_matrices(struct csg_net_tower *tower, size_t b, const struct csg_block *from, struct csg_error *err)
{
    struct csg_net_block *block = tower->blocks + b;
    const struct csg_weight_part qkv[3] = {{from->q_weight.data, from->q_weight.dtype, tower->width, false},
                                           {from->k_weight.data, from->k_weight.dtype, tower->width, false},
                                           {from->v_weight.data, from->v_weight.dtype, tower->width, false}};
    bool last = b + 1 == tower->layers; /* of few of its tokens the queries are needed */
    int status = last ? csg_weight_create(tower->backend, qkv, 1, tower->width, &block->q, err)
                      : csg_weight_create(tower->backend, qkv, 3, tower->width, &block->qkv, err);
    if (status == CSG_OK && last)
        status = csg_weight_create(tower->backend, qkv + 1, 2, tower->width, &block->kv, err);
    if (status == CSG_OK)
        status = csg_net_matrix(tower->backend, &from->out_weight, false, &block->out, err);
    if (status == CSG_OK)
        status = csg_net_matrix(tower->backend, &from->fc_weight, false, &block->fc, err);
    if (status == CSG_OK)
        status = csg_net_matrix(tower->backend, &from->proj_weight, false, &block->proj, err);
    return status;
}

int csg_net_tower_create(struct csg_net_tower **out, struct csg_backend *backend, const struct csg_model *model,
                         const struct csg_tower *from, struct csg_error *err)
{
    struct csg_net_tower *tower = csg_calloc(1, sizeof *tower);
    int status = CSG_OK;
    *out = NULL;
    if (!tower)
        return csg_fail_memory(err);
    tower->backend = backend;
    tower->width = from->width;
    tower->layers = from->layers;
    tower->heads = from->heads;
    tower->head_dim = from->width / from->heads;
    tower->mlp_width = from->mlp_width;
    tower->eps = model->layer_norm_eps;
    tower->scale = (float)(1.0 / sqrt((double)tower->head_dim));
    tower->act = model->quick_gelu ? CSG_ACT_QUICK_GELU : CSG_ACT_GELU;
    tower->blocks = csg_calloc(from->layers, sizeof *tower->blocks);
    if (!tower->blocks)
        status = csg_fail_memory(err);
    if (status == CSG_OK)
        status = upload_vectors(tower, from, err);
    for (size_t b = 0; status == CSG_OK && b < from->layers; b++) {
        status = upload_matrices(tower, b, from->blocks + b, err);
        csg_model_release(model); /* else the file and the device's copy of it would be in memory together */
    }
    if (status) {
        csg_net_tower_destroy(&tower);
        return status;
    }
    *out = tower;
    return CSG_OK;
}

void csg_net_tower_destroy(struct csg_net_tower **out)
{
    struct csg_net_tower *tower = out ? *out : NULL;
    if (!tower)
        return;
    for (size_t b = 0; tower->blocks && b < tower->layers; b++) {
        csg_weight_destroy(&tower->blocks[b].qkv);
        csg_weight_destroy(&tower->blocks[b].q);
        csg_weight_destroy(&tower->blocks[b].kv);
        csg_weight_destroy(&tower->blocks[b].out);
        csg_weight_destroy(&tower->blocks[b].fc);
        csg_weight_destroy(&tower->blocks[b].proj);
    }
    csg_buffer_destroy(&tower->vectors);
    free(tower->blocks);
    free(tower);
    *out = NULL;
}

int csg_net_layernorm(struct csg_backend *backend, const struct csg_net_norm *norm, struct csg_view x, struct csg_view y,
                      enum csg_dtype y_type, size_t rows, size_t width, float eps, struct csg_error *err)
{
    const struct csg_layernorm_args args = {.x = x,
                                            .weight = norm->weight,
                                            .bias = norm->bias,
                                            .y = y,
                                            .x_stride = width,
                                            .y_stride = width,
                                            .rows = rows,
                                            .width = width,
                                            .y_type = y_type,
                                            .eps = eps};
    return csg_layernorm(backend, &args, err);
}

/* The type of normalised tokens for products with the weight. */
static enum csg_dtype type_of_h(const struct csg_net_tokens *tokens, const struct csg_weight *weight)
{
    return tokens->h_is_read ? CSG_F32 : weight->operand;
}

enum csg_dtype csg_net_attended(const struct csg_net_tower *tower, const struct csg_net_tokens *tokens)
{
    return tokens->own_attention ? tower->blocks[0].out->operand : CSG_F32;
}

/* What a weight makes of some normalised tokens, into columns of tokens->qkv from `column` on. */
static int project_tokens(const struct csg_net_tower *tower, const struct csg_net_tokens *tokens, struct csg_weight *weight,
                          struct csg_view bias, size_t column, struct csg_net_some some, struct csg_error *err)
{
    const struct csg_gemm_args args = {.x = tokens->h,
                                       .weight = weight,
                                       .bias = csg_view(bias.buffer, bias.at + column),
                                       .y = csg_view(tokens->qkv.buffer, tokens->qkv.at + column),
                                       .x_stride = some.step * tower->width,
                                       .y_stride = some.step * 3 * tower->width,
                                       .rows = some.count,
                                       .x_type = type_of_h(tokens, weight),
                                       .y_type = csg_net_attended(tower, tokens)};
    return csg_gemm(tower->backend, &args, err);
}

/* For products with `reader` and weights of the same columns. */
static int normalise_tokens(const struct csg_net_tower *tower, size_t b, const struct csg_net_tokens *tokens,
                            const struct csg_weight *reader, struct csg_error *err)
{
    return csg_net_layernorm(tower->backend, &tower->blocks[b].ln_1, tokens->x, tokens->h, type_of_h(tokens, reader),
                             tokens->rows, tower->width, tower->eps, err);
}

int csg_net_qkv(const struct csg_net_tower *tower, size_t b, const struct csg_net_tokens *tokens, struct csg_error *err)
{
    const struct csg_net_block *block = tower->blocks + b;
    const struct csg_net_some all = {tokens->rows, 1};
    if (b + 1 == tower->layers)
        return csg_net_last_qkv(tower, tokens, all, err);
    int status = normalise_tokens(tower, b, tokens, block->qkv, err);
    return status ? status : project_tokens(tower, tokens, block->qkv, block->qkv_bias, 0, all, err);
}

int csg_net_last_qkv(const struct csg_net_tower *tower, const struct csg_net_tokens *tokens, struct csg_net_some queries,
                     struct csg_error *err)
{
    const struct csg_net_block *block = tower->blocks + tower->layers - 1;
    int status = normalise_tokens(tower, tower->layers - 1, tokens, block->kv, err);
    if (status == CSG_OK)
        status = project_tokens(tower, tokens, block->q, block->qkv_bias, 0, queries, err);
    if (status == CSG_OK)
        status =
            project_tokens(tower, tokens, block->kv, block->qkv_bias, tower->width, (struct csg_net_some){tokens->rows, 1}, err);
    return status;
}

int csg_net_attention(const struct csg_net_tower *tower, const struct csg_net_tokens *tokens, struct csg_view qk,
                      struct csg_view vv, struct csg_error *err)
{
    const struct csg_attention_args args = {.qkv = tokens->qkv,
                                            .seq = tokens->seq,
                                            .qk = qk,
                                            .vv = vv,
                                            .qkv_stride = 3 * tower->width,
                                            .qk_stride = tower->width,
                                            .vv_stride = tower->width,
                                            .tokens = tokens->rows,
                                            .sequences = tokens->sequences,
                                            .longest = tokens->longest,
                                            .heads = tower->heads,
                                            .head_dim = tower->head_dim,
                                            .scale = tower->scale,
                                            .causal = tokens->causal,
                                            .precision = tower->backend->precision,
                                            .type = csg_net_attended(tower, tokens)};
    return csg_attention(tower->backend, &args, err);
}

int csg_net_attention_cls(struct csg_backend *backend, struct csg_view qkv, size_t width, size_t heads, size_t tokens,
                          struct csg_view out, struct csg_error *err)
{
    const struct csg_attend_args args = {.q = qkv,
                                         .k = csg_view(qkv.buffer, qkv.at + width),
                                         .v = csg_view(qkv.buffer, qkv.at + 2 * width),
                                         .out = out,
                                         .q_stride = 3 * width,
                                         .k_stride = 3 * width,
                                         .v_stride = 3 * width,
                                         .out_stride = width,
                                         .queries = 1,
                                         .tokens = tokens,
                                         .heads = heads,
                                         .head_dim = width / heads,
                                         .scale = (float)(1.0 / sqrt((double)(width / heads))),
                                         .weight = 1};
    return csg_attend(backend, &args, err);
}

static int out_some(const struct csg_net_tower *tower, size_t b, struct csg_view attended, enum csg_dtype attended_type,
                    struct csg_view residual, struct csg_view y, struct csg_net_some some, struct csg_error *err)
{
    const struct csg_net_block *block = tower->blocks + b;
    size_t stride = some.step * tower->width;
    const struct csg_gemm_args args = {.x = attended,
                                       .weight = block->out,
                                       .bias = block->out_bias,
                                       .residual = residual,
                                       .y = y,
                                       .x_stride = stride,
                                       .residual_stride = stride,
                                       .y_stride = stride,
                                       .rows = some.count,
                                       .x_type = attended_type};
    return csg_gemm(tower->backend, &args, err);
}

static int mlp_some(const struct csg_net_tower *tower, size_t b, const struct csg_net_tokens *tokens, struct csg_net_some some,
                    struct csg_error *err)
{
    const struct csg_net_block *block = tower->blocks + b;
    size_t stride = some.step * tower->width;
    const struct csg_layernorm_args norm = {.x = tokens->x,
                                            .weight = block->ln_2.weight,
                                            .bias = block->ln_2.bias,
                                            .y = tokens->h,
                                            .x_stride = stride,
                                            .y_stride = tower->width,
                                            .rows = some.count,
                                            .width = tower->width,
                                            .y_type = block->fc->operand,
                                            .eps = tower->eps};
    int status = csg_layernorm(tower->backend, &norm, err);
    if (status)
        return status;
    const struct csg_gemm_args fc = {.x = tokens->h,
                                     .weight = block->fc,
                                     .bias = block->fc_bias,
                                     .y = tokens->mlp,
                                     .x_stride = tower->width,
                                     .y_stride = tower->mlp_width,
                                     .rows = some.count,
                                     .x_type = norm.y_type,
                                     .y_type = block->proj->operand,
                                     .act = tower->act};
    status = csg_gemm(tower->backend, &fc, err);
    if (status)
        return status;
    const struct csg_gemm_args proj = {.x = tokens->mlp,
                                       .weight = block->proj,
                                       .bias = block->proj_bias,
                                       .residual = tokens->x,
                                       .y = tokens->x,
                                       .x_stride = tower->mlp_width,
                                       .residual_stride = stride,
                                       .y_stride = stride,
                                       .rows = some.count,
                                       .x_type = fc.y_type};
    return csg_gemm(tower->backend, &proj, err);
}

int csg_net_out(const struct csg_net_tower *tower, size_t b, struct csg_view attended, enum csg_dtype attended_type,
                struct csg_view residual, struct csg_view y, size_t rows, struct csg_error *err)
{
    return out_some(tower, b, attended, attended_type, residual, y, (struct csg_net_some){rows, 1}, err);
}

int csg_net_mlp(const struct csg_net_tower *tower, size_t b, const struct csg_net_tokens *tokens, size_t rows,
                struct csg_error *err)
{
    return mlp_some(tower, b, tokens, (struct csg_net_some){rows, 1}, err);
}

int csg_net_finish_some(const struct csg_net_tower *tower, size_t b, const struct csg_net_tokens *tokens,
                        struct csg_view attended, struct csg_net_some some, struct csg_error *err)
{
    int status = out_some(tower, b, attended, csg_net_attended(tower, tokens), tokens->x, tokens->x, some, err);
    return status ? status : mlp_some(tower, b, tokens, some, err);
}

int csg_net_pace(const struct csg_net_tower *tower, size_t rows, struct csg_error *err)
{
    const size_t few = 1024;
    return rows > few ? csg_backend_finish(tower->backend, err) : CSG_OK;
}

int csg_net_project(const struct csg_net_tower *tower, const struct csg_net_head *head, struct csg_view x, struct csg_view h,
                    struct csg_view out, size_t rows, struct csg_error *err)
{
    int status = csg_net_layernorm(tower->backend, head->ln_post, x, h, head->proj->operand, rows, tower->width, tower->eps, err);
    if (status)
        return status;
    const struct csg_gemm_args gemm = {.x = h,
                                       .weight = head->proj,
                                       .y = out,
                                       .x_stride = tower->width,
                                       .y_stride = head->embed,
                                       .rows = rows,
                                       .x_type = head->proj->operand};
    status = csg_gemm(tower->backend, &gemm, err);
    if (status)
        return status;
    const struct csg_normalize_args unit = {
        .x = out, .y = out, .x_stride = head->embed, .y_stride = head->embed, .rows = rows, .width = head->embed};
    return csg_normalize(tower->backend, &unit, err);
}
