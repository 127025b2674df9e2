#include "net/gradient.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/back.h"
#include "net/scratch.h"

struct csg_gradient {
    struct csg_backend *backend;
    const struct csg_net_tower *tower;
    const struct csg_weight *proj;
    const struct csg_net_norm *ln_post;
    size_t embed;
    float eps;
    struct csg_net_back back; /* of the last block */
    struct csg_weight *proj_back;

    /* The row of CLS, forward: [W] but pre and act [M] and feature [C]. */
    struct csg_buffer *o, *y, *h2, *pre, *act, *z, *f, *feature;
    /* One row a text, backward. */
    struct csg_buffer *d_feature, *d_wide, *d_mlp, *dz, *dy, *pull;
    struct csg_buffer *h, *q_out, *k_out, *cosine, *gate, *ignored, *relevance;
};

int csg_gradient_create(struct csg_gradient **out, const struct csg_net_tower *tower, const struct csg_model *model,
                        const struct csg_weight *proj, const struct csg_net_norm *ln_post, struct csg_error *err)
{
    const struct csg_block *block = &model->vision.blocks[model->vision.layers - 1];
    struct csg_gradient *gradient = csg_calloc(1, sizeof *gradient);
    *out = NULL;
    if (!gradient)
        return csg_fail_memory(err);
    *gradient = (struct csg_gradient){.backend = tower->backend,
                                      .tower = tower,
                                      .proj = proj,
                                      .ln_post = ln_post,
                                      .embed = model->embed_dim,
                                      .eps = tower->eps};
    int status = csg_net_back_create(&gradient->back, tower->backend, block, tower->width, err);
    if (status == CSG_OK)
        status = csg_net_matrix(tower->backend, &model->vision_proj, !model->proj_transposed, &gradient->proj_back, err);
    if (status) {
        csg_gradient_destroy(&gradient);
        return status;
    }
    *out = gradient;
    return CSG_OK;
}

void csg_gradient_destroy(struct csg_gradient **out)
{
    struct csg_gradient *g = out ? *out : NULL;
    if (!g)
        return;
    struct csg_buffer **buffers[] = {&g->o,       &g->y,         &g->h2,     &g->pre,    &g->act,  &g->z,       &g->f,
                                     &g->feature, &g->d_feature, &g->d_wide, &g->d_mlp,  &g->dz,   &g->dy,      &g->pull,
                                     &g->h,       &g->q_out,     &g->k_out,  &g->cosine, &g->gate, &g->ignored, &g->relevance};
    csg_net_back_free(&g->back);
    csg_weight_destroy(&g->proj_back);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        csg_buffer_destroy(buffers[i]);
    free(g);
    *out = NULL;
}

static int prepare(struct csg_gradient *g, size_t rows, size_t n, struct csg_error *err)
{
    size_t width = g->tower->width, mlp = g->tower->mlp_width;
    const struct {
        struct csg_buffer **buffer;
        size_t rows, width;
    } wanted[] = {{&g->o, 1, width},      {&g->y, 1, width},          {&g->h2, 1, width},
                  {&g->pre, 1, mlp},      {&g->act, 1, mlp},          {&g->z, 1, width},
                  {&g->f, 1, width},      {&g->feature, 1, g->embed}, {&g->d_feature, n, g->embed},
                  {&g->d_wide, n, width}, {&g->d_mlp, n, mlp},        {&g->dz, n, width},
                  {&g->dy, n, width},     {&g->pull, n, 3 * width},   {&g->h, rows, width},
                  {&g->q_out, 1, width},  {&g->k_out, rows, width},   {&g->cosine, rows, 1},
                  {&g->gate, rows, 1},    {&g->ignored, rows + 2, 1}, {&g->relevance, rows, n}};
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < sizeof wanted / sizeof *wanted; i++)
        status = csg_scratch_f32(g->backend, wanted[i].buffer, wanted[i].rows, wanted[i].width, err);
    return status;
}

#define NONE csg_view(NULL, 0)

/* CLS as the last block puts it out, z, through ln_post and the projection. */
static int head_forward(struct csg_gradient *g, struct csg_view z, struct csg_error *err)
{
    struct csg_view f = csg_view(g->f, 0);
    int status = csg_net_layernorm(g->backend, g->ln_post, z, f, CSG_F32, 1, g->tower->width, g->eps, err);
    return status ? status : csg_net_multiply(g->backend, f, g->proj, NONE, NONE, csg_view(g->feature, 0), 1, CSG_ACT_NONE, err);
}

/* CLS through the last block, ln_post and the projection, with that many heads; what the way back needs is kept. */
static int forward(struct csg_gradient *g, size_t heads, struct csg_view x, struct csg_view qkv, size_t rows,
                   struct csg_error *err)
{
    const struct csg_net_tower *tower = g->tower;
    const struct csg_net_block *block = &tower->blocks[tower->layers - 1];
    size_t width = tower->width;
    struct csg_view o = csg_view(g->o, 0), y = csg_view(g->y, 0), h2 = csg_view(g->h2, 0), pre = csg_view(g->pre, 0);
    struct csg_view act = csg_view(g->act, 0), z = csg_view(g->z, 0);
    int status = csg_net_attention_cls(g->backend, qkv, width, heads, rows, o, err);
    if (status == CSG_OK)
        status = csg_net_multiply(g->backend, o, block->out, block->out_bias, x, y, 1, CSG_ACT_NONE, err);
    if (status == CSG_OK)
        status = csg_net_layernorm(g->backend, &block->ln_2, y, h2, CSG_F32, 1, width, g->eps, err);
    if (status == CSG_OK)
        status = csg_net_multiply(g->backend, h2, block->fc, block->fc_bias, NONE, pre, 1, CSG_ACT_NONE, err);
    if (status == CSG_OK)
        status = csg_net_multiply(g->backend, h2, block->fc, block->fc_bias, NONE, act, 1, tower->act, err);
    if (status == CSG_OK)
        status = csg_net_multiply(g->backend, act, block->proj, block->proj_bias, y, z, 1, CSG_ACT_NONE, err);
    return status ? status : head_forward(g, z, err);
}

static int norm_back(struct csg_gradient *g, struct csg_view x, struct csg_view weight, struct csg_view add, struct csg_view dx,
                     size_t n, struct csg_error *err)
{
    size_t width = g->tower->width;
    const struct csg_normback_args args = {.x = x,
                                           .weight = weight,
                                           .dy = csg_view(g->d_wide, 0),
                                           .add = add,
                                           .dx = dx,
                                           .dy_stride = width,
                                           .add_stride = width,
                                           .dx_stride = width,
                                           .rows = n,
                                           .width = width,
                                           .eps = g->eps};
    return csg_normback(g->backend, &args, err);
}

/* From the cosines of n texts back to z: dz. */
static int head_backward(struct csg_gradient *g, struct csg_view texts, size_t n, struct csg_view z, struct csg_error *err)
{
    const struct csg_unitback_args cosine = {.x = csg_view(g->feature, 0),
                                             .dy = texts,
                                             .dx = csg_view(g->d_feature, 0),
                                             .dy_stride = g->embed,
                                             .dx_stride = g->embed,
                                             .rows = n,
                                             .width = g->embed};
    int status = csg_unitback(g->backend, &cosine, err);
    if (status == CSG_OK)
        status = csg_net_multiply(g->backend, cosine.dx, g->proj_back, NONE, NONE, csg_view(g->d_wide, 0), n, CSG_ACT_NONE, err);
    return status ? status : norm_back(g, z, g->ln_post->weight, NONE, csg_view(g->dz, 0), n, err);
}

/* From the cosines of n texts back to what CLS attends to, before out_proj: d_wide. */
static int backward(struct csg_gradient *g, struct csg_view texts, size_t n, struct csg_error *err)
{
    const struct csg_net_tower *tower = g->tower;
    const struct csg_net_block *block = &tower->blocks[tower->layers - 1];
    size_t mlp = tower->mlp_width;
    struct csg_view d_wide = csg_view(g->d_wide, 0), d_mlp = csg_view(g->d_mlp, 0), dz = csg_view(g->dz, 0);
    struct csg_view dy = csg_view(g->dy, 0);
    const struct csg_actback_args act = {.x = csg_view(g->pre, 0),
                                         .dy = d_mlp,
                                         .dx = d_mlp,
                                         .dy_stride = mlp,
                                         .dx_stride = mlp,
                                         .rows = n,
                                         .width = mlp,
                                         .act = tower->act};
    int status = head_backward(g, texts, n, csg_view(g->z, 0), err);
    if (status == CSG_OK)
        status = csg_net_multiply(g->backend, dz, g->back.proj, NONE, NONE, d_mlp, n, CSG_ACT_NONE, err);
    if (status == CSG_OK)
        status = csg_actback(g->backend, &act, err);
    if (status == CSG_OK)
        status = csg_net_multiply(g->backend, d_mlp, g->back.fc, NONE, NONE, d_wide, n, CSG_ACT_NONE, err);
    if (status == CSG_OK)
        status = norm_back(g, csg_view(g->y, 0), block->ln_2.weight, dz, dy, n, err);
    return status ? status : csg_net_multiply(g->backend, dy, g->back.out, NONE, NONE, d_wide, n, CSG_ACT_NONE, err);
}

/* What the kinds below work on. */
struct request {
    struct csg_gradient *g;
    struct csg_view x, qkv;
    size_t rows, n;
};

static int attend_back(const struct request *r, struct csg_view relevance, struct csg_view pull, struct csg_error *err)
{
    const struct csg_net_tower *tower = r->g->tower;
    const struct csg_attendback_args args = {.qkv = r->qkv,
                                             .dy = csg_view(r->g->d_wide, 0),
                                             .relevance = relevance,
                                             .pull = pull,
                                             .qkv_stride = 3 * tower->width,
                                             .dy_stride = tower->width,
                                             .pull_stride = 3 * tower->width,
                                             .tokens = r->rows,
                                             .n = r->n,
                                             .heads = tower->heads,
                                             .head_dim = tower->head_dim,
                                             .scale = tower->scale};
    return csg_attendback(r->g->backend, &args, err);
}

/* relevance = max(0, tokens d_wide^T) * by, tokens with that stride. */
static int weigh(const struct request *r, struct csg_view tokens, size_t stride, struct csg_view by, struct csg_error *err)
{
    size_t width = r->g->tower->width;
    struct csg_view out = csg_view(r->g->relevance, 0);
    const struct csg_similarity_args product = {.tokens = tokens,
                                                .texts = csg_view(r->g->d_wide, 0),
                                                .out = out,
                                                .tokens_stride = stride,
                                                .texts_stride = width,
                                                .rows = r->rows,
                                                .n_texts = r->n,
                                                .width = width};
    const struct csg_gate_args gate = {.s = out, .out = out, .by = by, .rows = r->rows, .n = r->n};
    int status = csg_similarity(r->g->backend, &product, err);
    return status ? status : csg_gate(r->g->backend, &gate, err);
}

static int gradcam(const struct request *r, struct csg_error *err)
{
    struct csg_gradient *g = r->g;
    const struct csg_net_block *block = &g->tower->blocks[g->tower->layers - 1];
    struct csg_view pull = csg_view(g->pull, 0), h = csg_view(g->h, 0);
    int status = attend_back(r, NONE, pull, err);
    if (status == CSG_OK)
        status = csg_net_multiply(g->backend, pull, g->back.qkv, NONE, NONE, csg_view(g->d_wide, 0), r->n, CSG_ACT_NONE, err);
    if (status == CSG_OK)
        status = csg_net_layernorm(g->backend, &block->ln_1, r->x, h, CSG_F32, r->rows, g->tower->width, g->eps, err);
    return status ? status : weigh(r, h, g->tower->width, NONE, err);
}

static int bimodal(const struct request *r, struct csg_error *err)
{
    return attend_back(r, csg_view(r->g->relevance, 0), NONE, err);
}

static int unit_rows(struct csg_gradient *g, struct csg_view x, size_t rows, struct csg_error *err)
{
    size_t width = g->tower->width;
    const struct csg_normalize_args args = {.x = x, .y = x, .x_stride = width, .y_stride = width, .rows = rows, .width = width};
    return csg_normalize(g->backend, &args, err);
}

/* q or k through out_proj, as published, to length one. */
static int project_unit(const struct request *r, size_t third, struct csg_view y, size_t rows, struct csg_error *err)
{
    struct csg_gradient *g = r->g;
    const struct csg_net_block *block = &g->tower->blocks[g->tower->layers - 1];
    size_t width = g->tower->width;
    const struct csg_gemm_args args = {.x = csg_view(r->qkv.buffer, r->qkv.at + third * width),
                                       .weight = block->out,
                                       .bias = block->out_bias,
                                       .y = y,
                                       .x_stride = 3 * width,
                                       .y_stride = width,
                                       .rows = rows};
    int status = csg_gemm(g->backend, &args, err);
    return status ? status : unit_rows(g, y, rows, err);
}

/* The cosine of CLS's query and each patch's key, min-max over the patches, in front of each value. */
static int gradeclip(const struct request *r, struct csg_error *err)
{
    struct csg_gradient *g = r->g;
    const float nothing = 0;
    struct csg_view q = csg_view(g->q_out, 0), k = csg_view(g->k_out, 0), gate = csg_view(g->gate, 0);
    size_t width = g->tower->width, cells = r->rows - 1;
    const struct csg_similarity_args cosines = {.tokens = k,
                                                .texts = q,
                                                .out = csg_view(g->cosine, 0),
                                                .tokens_stride = width,
                                                .texts_stride = width,
                                                .rows = r->rows,
                                                .n_texts = 1,
                                                .width = width};
    const struct csg_minmax_args minmax = {.s = cosines.out,
                                           .similarity = csg_view(g->ignored, 0),
                                           .map = csg_view(g->gate, 1),
                                           .range = csg_view(g->ignored, cells),
                                           .cells = cells,
                                           .n_texts = 1};
    int status = project_unit(r, 0, q, 1, err);
    if (status == CSG_OK)
        status = project_unit(r, 1, k, r->rows, err);
    if (status == CSG_OK)
        status = csg_similarity(g->backend, &cosines, err);
    if (status == CSG_OK)
        status = csg_buffer_write(g->gate, 0, &nothing, sizeof nothing, err);
    if (status == CSG_OK)
        status = csg_minmax(g->backend, &minmax, err);
    return status ? status : weigh(r, csg_view(r->qkv.buffer, r->qkv.at + 2 * width), 3 * width, gate, err);
}

static const struct {
    int (*run)(const struct request *, struct csg_error *);
    bool one_head; /* the last block's attention has one head of full width, as published */
} kinds[] = {[CSG_RELEVANCE_GRADCAM] = {gradcam, false},
             [CSG_RELEVANCE_BIMODAL] = {bimodal, false},
             [CSG_RELEVANCE_GRADECLIP] = {gradeclip, true}};

int csg_gradient_relevance(struct csg_gradient *gradient, enum csg_net_relevance kind, struct csg_view x, struct csg_view qkv,
                           size_t rows, struct csg_view texts, size_t n, struct csg_view *relevance, struct csg_error *err)
{
    const struct request request = {gradient, x, qkv, rows, n};
    int status = prepare(gradient, rows, n, err);
    if (status == CSG_OK)
        status = forward(gradient, kinds[kind].one_head ? 1 : gradient->tower->heads, x, qkv, rows, err);
    if (status == CSG_OK)
        status = backward(gradient, texts, n, err);
    if (status == CSG_OK)
        status = kinds[kind].run(&request, err);
    *relevance = csg_view(gradient->relevance, 0);
    return status;
}

int csg_gradient_output(struct csg_gradient *gradient, struct csg_view z, struct csg_view texts, size_t n, struct csg_view *dz,
                        struct csg_error *err)
{
    int status = prepare(gradient, 2, n, err);
    if (status == CSG_OK)
        status = head_forward(gradient, z, err);
    *dz = csg_view(gradient->dz, 0);
    return status ? status : head_backward(gradient, texts, n, z, err);
}
