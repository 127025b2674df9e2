#include "net/through.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/back.h"
#include "net/scratch.h"

/* Texts whose gradients are carried at once: each is as large as the tokens. */
#define CHUNK_TEXTS 16

struct csg_through {
    struct csg_backend *backend;
    const struct csg_net_tower *tower;
    const struct csg_weight *proj;
    const struct csg_net_norm *ln_post;
    size_t embed;
    struct csg_net_back *backs; /* [layers] */
    struct csg_weight *proj_back;

    struct csg_buffer *seq, *h, *qkv, *attended, *y, *pre;               /* of one block, forward */
    struct csg_buffer *feature, *d_feature, *d_wide, *d_mlp, *dy, *dqkv; /* of one text, backward */
    struct csg_buffer *dx, *flow, *flow_out; /* of every text of a chunk: [CHUNK, rows, W], [CHUNK, rows] */
    struct csg_buffer *relevance;
};

int csg_through_create(struct csg_through **out, const struct csg_net_tower *tower, const struct csg_model *model,
                       const struct csg_weight *proj, const struct csg_net_norm *ln_post, struct csg_error *err)
{
    struct csg_through *through = csg_calloc(1, sizeof *through);
    *out = NULL;
    if (!through)
        return csg_fail_memory(err);
    through->backend = tower->backend;
    through->tower = tower;
    through->proj = proj;
    through->ln_post = ln_post;
    through->embed = model->embed_dim;
    through->backs = csg_calloc(tower->layers, sizeof *through->backs);
    int status = through->backs ? CSG_OK : csg_fail_memory(err);
    for (size_t b = 0; status == CSG_OK && b < tower->layers; b++)
        status = csg_net_back_create(&through->backs[b], tower->backend, &model->vision.blocks[b], tower->width, err);
    if (status == CSG_OK)
        status = csg_net_matrix(tower->backend, &model->vision_proj, !model->proj_transposed, &through->proj_back, err);
    if (status) {
        csg_through_destroy(&through);
        return status;
    }
    *out = through;
    return CSG_OK;
}

void csg_through_destroy(struct csg_through **out)
{
    struct csg_through *t = out ? *out : NULL;
    if (!t)
        return;
    for (size_t b = 0; t->backs && b < t->tower->layers; b++)
        csg_net_back_free(&t->backs[b]);
    free(t->backs);
    csg_weight_destroy(&t->proj_back);
    struct csg_buffer **buffers[] = {&t->seq,    &t->h,     &t->qkv, &t->attended, &t->y,  &t->pre,  &t->feature,  &t->d_feature,
                                     &t->d_wide, &t->d_mlp, &t->dy,  &t->dqkv,     &t->dx, &t->flow, &t->flow_out, &t->relevance};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        csg_buffer_destroy(buffers[i]);
    free(t);
    *out = NULL;
}

static int prepare(struct csg_through *t, size_t rows, size_t n, size_t chunk, struct csg_error *err)
{
    size_t width = t->tower->width, mlp = t->tower->mlp_width;
    const int32_t seq[2] = {0, (int32_t)rows};
    const struct {
        struct csg_buffer **buffer;
        size_t rows, width;
    } wanted[] = {{&t->h, rows, width},         {&t->qkv, rows, 3 * width},  {&t->attended, rows, width},
                  {&t->y, rows, width},         {&t->pre, rows, mlp},        {&t->feature, 1, t->embed},
                  {&t->d_feature, 1, t->embed}, {&t->d_wide, rows, width},   {&t->d_mlp, rows, mlp},
                  {&t->dy, rows, width},        {&t->dqkv, rows, 3 * width}, {&t->dx, chunk * rows, width},
                  {&t->flow, chunk, rows},      {&t->flow_out, chunk, rows}, {&t->relevance, rows, n}};
    int status = csg_scratch(t->backend, &t->seq, sizeof seq, err);
    if (status == CSG_OK)
        status = csg_buffer_write(t->seq, 0, seq, sizeof seq, err);
    for (size_t i = 0; status == CSG_OK && i < sizeof wanted / sizeof *wanted; i++)
        status = csg_scratch_f32(t->backend, wanted[i].buffer, wanted[i].rows, wanted[i].width, err);
    return status;
}

#define NONE csg_view(NULL, 0)

static int norm_back(struct csg_through *t, struct csg_view x, struct csg_view weight, struct csg_view add, struct csg_view dx,
                     size_t rows, struct csg_error *err)
{
    size_t width = t->tower->width;
    const struct csg_normback_args args = {.x = x,
                                           .weight = weight,
                                           .dy = csg_view(t->d_wide, 0),
                                           .add = add,
                                           .dx = dx,
                                           .x_stride = width,
                                           .dy_stride = width,
                                           .add_stride = width,
                                           .dx_stride = width,
                                           .rows = rows,
                                           .width = width,
                                           .eps = t->tower->eps};
    return csg_normback(t->backend, &args, err);
}

/* The gradient of the last block's output: zeros but for the row of CLS. All texts of the chunk share what was forward. */
static int begin(struct csg_through *t, struct csg_view last, size_t rows, struct csg_view texts, size_t chunk,
                 struct csg_error *err)
{
    size_t width = t->tower->width;
    float *zeros = csg_calloc(rows, width * sizeof *zeros);
    const float one = 1;
    int status = zeros ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_net_layernorm(t->backend, t->ln_post, last, csg_view(t->h, 0), CSG_F32, 1, width, t->tower->eps, err);
    if (status == CSG_OK)
        status =
            csg_net_multiply(t->backend, csg_view(t->h, 0), t->proj, NONE, NONE, csg_view(t->feature, 0), 1, CSG_ACT_NONE, err);
    for (size_t i = 0; status == CSG_OK && i < chunk; i++) {
        const struct csg_unitback_args cosine = {.x = csg_view(t->feature, 0),
                                                 .dy = csg_view(texts.buffer, texts.at + i * t->embed),
                                                 .dx = csg_view(t->d_feature, 0),
                                                 .dy_stride = t->embed,
                                                 .dx_stride = t->embed,
                                                 .rows = 1,
                                                 .width = t->embed};
        status = csg_buffer_write(t->dx, i * rows * width * sizeof(float), zeros, rows * width * sizeof(float), err);
        if (status == CSG_OK)
            status = csg_buffer_write(t->flow, i * rows * sizeof(float), zeros, rows * sizeof(float), err);
        if (status == CSG_OK)
            status = csg_buffer_write(t->flow, i * rows * sizeof(float), &one, sizeof one, err);
        if (status == CSG_OK)
            status = csg_unitback(t->backend, &cosine, err);
        if (status == CSG_OK)
            status =
                csg_net_multiply(t->backend, cosine.dx, t->proj_back, NONE, NONE, csg_view(t->d_wide, 0), 1, CSG_ACT_NONE, err);
        if (status == CSG_OK)
            status = norm_back(t, last, t->ln_post->weight, NONE, csg_view(t->dx, i * rows * width), 1, err);
    }
    free(zeros);
    return status;
}

/* What the way back through block b needs of the way there. */
static int again(struct csg_through *t, size_t b, struct csg_view x, size_t rows, struct csg_error *err)
{
    const struct csg_net_tower *tower = t->tower;
    const struct csg_net_block *block = &tower->blocks[b];
    const struct csg_net_tokens tokens = {.rows = rows,
                                          .x = x,
                                          .h = csg_view(t->h, 0),
                                          .qkv = csg_view(t->qkv, 0),
                                          .seq = csg_view(t->seq, 0),
                                          .sequences = 1,
                                          .longest = rows};
    struct csg_view attended = csg_view(t->attended, 0), y = csg_view(t->y, 0), h = csg_view(t->h, 0);
    int status = csg_net_qkv(tower, b, &tokens, err);
    if (status == CSG_OK)
        status = csg_net_attention(tower, &tokens, attended, NONE, err);
    if (status == CSG_OK)
        status = csg_net_out(tower, b, attended, CSG_F32, x, y, rows, err);
    if (status == CSG_OK)
        status = csg_net_layernorm(t->backend, &block->ln_2, y, h, CSG_F32, rows, tower->width, tower->eps, err);
    return status
               ? status
               : csg_net_multiply(t->backend, h, block->fc, block->fc_bias, NONE, csg_view(t->pre, 0), rows, CSG_ACT_NONE, err);
}

/* One text through one block: dx in place, flow into flow_out. */
static int block_back(struct csg_through *t, size_t b, struct csg_view x, size_t rows, size_t text, struct csg_error *err)
{
    const struct csg_net_tower *tower = t->tower;
    const struct csg_net_block *block = &tower->blocks[b];
    const struct csg_net_back *back = &t->backs[b];
    size_t width = tower->width, mlp = tower->mlp_width;
    struct csg_view dx = csg_view(t->dx, text * rows * width), d_mlp = csg_view(t->d_mlp, 0), d_wide = csg_view(t->d_wide, 0);
    struct csg_view dy = csg_view(t->dy, 0), dqkv = csg_view(t->dqkv, 0);
    const struct csg_actback_args act = {.x = csg_view(t->pre, 0),
                                         .dy = d_mlp,
                                         .dx = d_mlp,
                                         .x_stride = mlp,
                                         .dy_stride = mlp,
                                         .dx_stride = mlp,
                                         .rows = rows,
                                         .width = mlp,
                                         .act = tower->act};
    const struct csg_attendgrad_args attention = {.qkv = csg_view(t->qkv, 0),
                                                  .dy = d_wide,
                                                  .dqkv = dqkv,
                                                  .flow = csg_view(t->flow, text * rows),
                                                  .out = csg_view(t->flow_out, text * rows),
                                                  .qkv_stride = 3 * width,
                                                  .dy_stride = width,
                                                  .dqkv_stride = 3 * width,
                                                  .tokens = rows,
                                                  .heads = tower->heads,
                                                  .head_dim = tower->head_dim,
                                                  .scale = tower->scale};
    int status = csg_net_multiply(t->backend, dx, back->proj, NONE, NONE, d_mlp, rows, CSG_ACT_NONE, err);
    if (status == CSG_OK)
        status = csg_actback(t->backend, &act, err);
    if (status == CSG_OK)
        status = csg_net_multiply(t->backend, d_mlp, back->fc, NONE, NONE, d_wide, rows, CSG_ACT_NONE, err);
    if (status == CSG_OK)
        status = norm_back(t, csg_view(t->y, 0), block->ln_2.weight, dx, dy, rows, err);
    if (status == CSG_OK)
        status = csg_net_multiply(t->backend, dy, back->out, NONE, NONE, d_wide, rows, CSG_ACT_NONE, err);
    if (status == CSG_OK)
        status = csg_attendgrad(t->backend, &attention, err);
    if (status == CSG_OK && b > 0)
        status = csg_net_multiply(t->backend, dqkv, back->qkv, NONE, NONE, d_wide, rows, CSG_ACT_NONE, err);
    if (status == CSG_OK && b > 0)
        status = norm_back(t, x, block->ln_1.weight, dy, dx, rows, err);
    return status;
}

/* The chunk's flows, text after text, into columns of the relevance. */
static int read_flows(struct csg_through *t, size_t rows, size_t chunk, float *columns, size_t first, size_t n,
                      struct csg_error *err)
{
    float *flows = csg_calloc(chunk, rows * sizeof *flows);
    int status = flows ? csg_buffer_read(t->flow, 0, flows, chunk * rows * sizeof *flows, err) : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < chunk; i++)
        for (size_t j = 0; j < rows; j++)
            columns[j * n + first + i] = flows[i * rows + j];
    free(flows);
    return status;
}

int csg_through_relevance(struct csg_through *t, struct csg_buffer *inputs, size_t rows, struct csg_view texts, size_t n,
                          struct csg_view *relevance, struct csg_error *err)
{
    size_t width = t->tower->width, layers = t->tower->layers;
    float *columns = csg_calloc(rows, n * sizeof *columns);
    int status = columns ? prepare(t, rows, n, n < CHUNK_TEXTS ? n : CHUNK_TEXTS, err) : csg_fail_memory(err);
    for (size_t first = 0; status == CSG_OK && first < n; first += CHUNK_TEXTS) {
        size_t chunk = n - first < CHUNK_TEXTS ? n - first : CHUNK_TEXTS;
        status = begin(t, csg_view(inputs, layers * rows * width), rows, csg_view(texts.buffer, texts.at + first * t->embed),
                       chunk, err);
        for (size_t b = layers; status == CSG_OK && b-- > 0;) {
            struct csg_view x = csg_view(inputs, b * rows * width);
            status = again(t, b, x, rows, err);
            for (size_t i = 0; status == CSG_OK && i < chunk; i++)
                status = block_back(t, b, x, rows, i, err);
            struct csg_buffer *swapped = t->flow;
            t->flow = t->flow_out;
            t->flow_out = swapped;
        }
        if (status == CSG_OK)
            status = read_flows(t, rows, chunk, columns, first, n, err);
    }
    if (status == CSG_OK)
        status = csg_buffer_write(t->relevance, 0, columns, rows * n * sizeof *columns, err);
    *relevance = csg_view(t->relevance, 0);
    free(columns);
    return status;
}
