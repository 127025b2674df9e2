/* The ViT with both attention paths. */
#include "net/vision.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/calibrate.h"
#include "net/feedback.h"
#include "net/foreground.h"
#include "net/forms.h"
#include "net/gradient.h"
#include "net/scorecam.h"
#include "net/scratch.h"
#include "net/through.h"
#include "net/tower.h"

struct vit {
    struct csg_vision base;
    struct csg_backend *backend;
    const struct csg_model *model;
    struct csg_net_tower *tower;
    struct csg_weight *patch, *proj;
    struct csg_weight *explain; /* of the patches, in place of proj; NULL until it is asked for */
    struct csg_buffer *cls, *position, *norms;
    struct csg_net_norm ln_pre, ln_post;

    /* The position embedding at the grid of the last call, and where each of so many pictures begins and the last one ends. */
    struct csg_buffer *grid_position, *seq;
    size_t grid_w, grid_h, sequences;

    struct csg_net_forms forms;
    struct csg_gradient *gradient; /* NULL until the first is asked for */
    struct csg_through *through;   /* the same */
    struct csg_calibrate calibrate;
    struct csg_feedback feedback;
    struct csg_scorecam scorecam;
    struct csg_foreground foreground;
    struct csg_net_seen seen;  /* of the last call */
    struct csg_buffer *inputs; /* [layers + 1, rows, W], of a plan that keeps them */
    struct csg_buffer *patches, *x, *h, *qkv, *attended, *mlp, *out;
    struct csg_buffer *masked; /* [n, embed_dim], CLS of masked pictures: out still holds the picture's own tokens */
};

static int upload_norms(struct vit *vision, struct csg_error *err)
{
    const struct csg_model *model = vision->model;
    size_t width = model->vision.width;
    float *values = csg_calloc(4 * width, sizeof *values);
    if (!values)
        return csg_fail_memory(err);
    csg_tensor_to_f32(&model->ln_pre.weight, values);
    csg_tensor_to_f32(&model->ln_pre.bias, values + width);
    csg_tensor_to_f32(&model->ln_post.weight, values + 2 * width);
    csg_tensor_to_f32(&model->ln_post.bias, values + 3 * width);
    int status = csg_buffer_from(vision->backend, values, 4 * width * sizeof *values, &vision->norms, err);
    free(values);
    vision->ln_pre = (struct csg_net_norm){csg_view(vision->norms, 0), csg_view(vision->norms, width)};
    vision->ln_post = (struct csg_net_norm){csg_view(vision->norms, 2 * width), csg_view(vision->norms, 3 * width)};
    return status;
}

static void destroy(struct csg_vision *base)
{
    struct vit *vision = (struct vit *)base;
    csg_gradient_destroy(&vision->gradient);
    csg_through_destroy(&vision->through);
    csg_calibrate_free(&vision->calibrate);
    csg_feedback_free(&vision->feedback);
    csg_scorecam_free(&vision->scorecam);
    csg_foreground_free(&vision->foreground);
    csg_net_tower_destroy(&vision->tower); /* which the two above look at */
    csg_weight_destroy(&vision->patch);
    csg_weight_destroy(&vision->proj);
    csg_weight_destroy(&vision->explain);
    struct csg_buffer **buffers[] = {&vision->cls, &vision->position, &vision->norms, &vision->grid_position,
                                     &vision->seq, &vision->patches,  &vision->x,     &vision->h,
                                     &vision->qkv, &vision->attended, &vision->mlp,   &vision->out};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        csg_buffer_destroy(buffers[i]);
    csg_net_forms_free(&vision->forms);
    csg_buffer_destroy(&vision->inputs);
    csg_buffer_destroy(&vision->masked);
    free(vision);
}

static bool together(const struct csg_net_plan *plan);
static int encode(struct csg_vision *base, const struct csg_view *rgb, size_t count, size_t w_px, size_t h_px,
                  const struct csg_net_plan *plan, struct csg_view *tokens_out, struct csg_error *err);
static int relevance_of(struct csg_vision *base, enum csg_net_relevance kind, struct csg_view texts, size_t n,
                        struct csg_view *relevance, struct csg_error *err);
static int foreground_of(struct csg_vision *base, const uint8_t *inside, double *shares, struct csg_error *err);
static const struct csg_vision_class vit_class = {destroy, together, encode, relevance_of, foreground_of};

int csg_vit_create(struct csg_vision **out, struct csg_backend *backend, const struct csg_model *model, struct csg_error *err)
{
    struct vit *vision = csg_calloc(1, sizeof *vision);
    *out = NULL;
    if (!vision)
        return csg_fail_memory(err);
    vision->base.class_ = &vit_class;
    vision->backend = backend;
    vision->model = model;
    int status = csg_net_tower_create(&vision->tower, backend, model, &model->vision, err);
    if (status == CSG_OK)
        status = csg_net_matrix(backend, &model->patch_weight, false, &vision->patch, err);
    if (status == CSG_OK)
        vision->base.operand = vision->patch->operand;
    if (status == CSG_OK)
        status = csg_net_matrix(backend, &model->vision_proj, model->proj_transposed, &vision->proj, err);
    if (status == CSG_OK)
        status = csg_net_vector(backend, &model->class_embedding, &vision->cls, err);
    if (status == CSG_OK)
        status = csg_net_vector(backend, &model->vision_position, &vision->position, err);
    if (status == CSG_OK)
        status = upload_norms(vision, err);
    if (status)
        destroy(&vision->base);
    else
        *out = &vision->base;
    return status;
}

/* Pictures lie behind each other. */
static int prepare_sequences(struct vit *vision, size_t count, size_t rows, struct csg_error *err)
{
    size_t bytes = (count + 1) * sizeof(int32_t);
    vision->sequences = 0;
    if (count > (size_t)INT32_MAX / rows)
        return csg_fail(err, CSG_ERROR_MEMORY, "%zu pictures of %zu tokens are too many for one pass", count, rows);
    int32_t *seq = csg_calloc(count + 1, sizeof *seq);
    int status = seq ? csg_scratch(vision->backend, &vision->seq, bytes, err) : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i <= count; i++)
        seq[i] = (int32_t)(i * rows);
    if (status == CSG_OK)
        status = csg_buffer_write(vision->seq, 0, seq, bytes, err);
    free(seq);
    vision->sequences = status ? 0 : count;
    return status;
}

/* The position embedding always comes from the pristine one: resizing a resized one would degrade it. */
static int prepare_grid(struct vit *vision, size_t count, size_t grid_w, size_t grid_h, struct csg_error *err)
{
    bool same = vision->grid_position && vision->grid_w == grid_w && vision->grid_h == grid_h;
    const struct csg_model *model = vision->model;
    size_t rows = 1 + grid_w * grid_h;
    int status = same && vision->sequences >= count ? CSG_OK : prepare_sequences(vision, count, rows, err);
    if (status || same)
        return status;
    vision->grid_w = vision->grid_h = 0;
    status = csg_scratch_f32(vision->backend, &vision->grid_position, rows, model->vision.width, err);
    if (status)
        return status;
    const struct csg_position_args args = {.pos = csg_view(vision->position, 0),
                                           .cls = csg_view(vision->cls, 0),
                                           .out = csg_view(vision->grid_position, 0),
                                           .in_grid = model->grid,
                                           .grid_w = grid_w,
                                           .grid_h = grid_h,
                                           .width = model->vision.width};
    status = csg_position(vision->backend, &args, err);
    if (status)
        return status;
    vision->grid_w = grid_w;
    vision->grid_h = grid_h;
    return CSG_OK;
}

/* What the blocks need for so many tokens; out stays as it is. */
static int prepare_blocks(struct vit *vision, size_t rows, struct csg_error *err)
{
    size_t width = vision->tower->width;
    /* x and attended hold both paths behind each other, so that one GEMM projects both. */
    const struct {
        struct csg_buffer **buffer;
        size_t rows, width;
    } wanted[] = {{&vision->x, 2 * rows, width},
                  {&vision->h, rows, width},
                  {&vision->qkv, rows, 3 * width},
                  {&vision->attended, 2 * rows, width},
                  {&vision->mlp, rows, vision->tower->mlp_width}};
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < sizeof wanted / sizeof *wanted; i++)
        status = csg_scratch_f32(vision->backend, wanted[i].buffer, wanted[i].rows, wanted[i].width, err);
    return status;
}

static int prepare_scratch(struct vit *vision, size_t picture_rows, size_t rows, struct csg_error *err)
{
    size_t pixels = 3 * vision->model->patch_px * vision->model->patch_px;
    int status = csg_scratch_f32(vision->backend, &vision->patches, picture_rows, pixels, err);
    if (status == CSG_OK)
        status = csg_scratch_f32(vision->backend, &vision->out, rows, vision->model->embed_dim, err);
    return status ? status : prepare_blocks(vision, rows, err);
}

/* Convolution as GEMM: conv1 is [W, 3 * P * P]; the residual adds class and position embedding; then ln_pre. Of a picture times a mask,
 * where there is one. */
static int embed_masked(struct vit *vision, struct csg_view rgb, struct csg_view mask, size_t w_px, size_t h_px, size_t rows,
                        struct csg_view x, struct csg_error *err)
{
    const struct csg_model *model = vision->model;
    size_t width = model->vision.width, pixels = 3 * model->patch_px * model->patch_px;
    struct csg_patches_args cut = {.in = rgb,
                                   .mask = mask,
                                   .out = csg_view(vision->patches, 0),
                                   .out_stride = pixels,
                                   .w_px = w_px,
                                   .h_px = h_px,
                                   .patch_px = model->patch_px};
    memcpy(cut.mean, model->mean, sizeof cut.mean);
    memcpy(cut.std, model->std, sizeof cut.std);
    int status = csg_patches(vision->backend, &cut, err);
    if (status)
        return status;
    const struct csg_gemm_args conv = {.x = cut.out,
                                       .weight = vision->patch,
                                       .residual = csg_view(vision->grid_position, 0),
                                       .y = x,
                                       .x_stride = pixels,
                                       .residual_stride = width,
                                       .y_stride = width,
                                       .rows = rows};
    status = csg_gemm(vision->backend, &conv, err);
    if (status)
        return status;
    return csg_net_layernorm(vision->backend, &vision->ln_pre, x, x, CSG_F32, rows, width, model->layer_norm_eps, err);
}

static int embed_patches(struct vit *vision, struct csg_view rgb, size_t w_px, size_t h_px, size_t rows, struct csg_view x,
                         struct csg_error *err)
{
    return embed_masked(vision, rgb, csg_view(NULL, 0), w_px, h_px, rows, x, err);
}

/* A block of CLIP as it is, into y, which may be tokens->x. own: nothing else looks at what its attention reads and makes, as gradients
 * do. */
static int plain_block(const struct vit *vision, size_t b, const struct csg_net_tokens *tokens, bool own, struct csg_view qk,
                       struct csg_view y, struct csg_error *err)
{
    struct csg_net_tokens before = *tokens, after = *tokens;
    before.own_attention = own;
    after.x = y;
    int status = csg_net_qkv(vision->tower, b, &before, err);
    if (status == CSG_OK)
        status = csg_net_attention(vision->tower, &before, qk, csg_view(NULL, 0), err);
    if (status == CSG_OK)
        status = csg_net_out(vision->tower, b, qk, csg_net_attended(vision->tower, &before), tokens->x, y, tokens->rows, err);
    return status ? status : csg_net_mlp(vision->tower, b, &after, tokens->rows, err);
}

/* Pictures one after the other: their patches are a hundredth of the work, and so they need the memory of one. */
static int embed_pictures(struct vit *vision, const struct csg_view *rgb, size_t count, size_t w_px, size_t h_px, size_t rows,
                          struct csg_view x, struct csg_error *err)
{
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < count; i++)
        status = embed_patches(vision, rgb[i], w_px, h_px, rows, csg_view(x.buffer, x.at + i * rows * vision->tower->width), err);
    return status;
}

/* Attention of CLIP's own path of every picture's CLS alone. */
static int cls_attention(const struct csg_net_tower *tower, const struct csg_net_tokens *tokens, struct csg_view qk,
                         struct csg_error *err)
{
    size_t rows = tokens->longest, width = tower->width;
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < tokens->sequences; i++)
        status = csg_net_attention_cls(tower->backend, csg_view(tokens->qkv.buffer, tokens->qkv.at + i * rows * 3 * width), width,
                                       tower->heads, rows, csg_view(qk.buffer, qk.at + i * rows * width), err);
    return status;
}

/* The tokens of the original path that block b has to finish. */
static struct csg_net_some original(const struct csg_net_tower *tower, size_t b, const struct csg_net_tokens *tokens)
{
    if (b + 1 == tower->layers)
        return (struct csg_net_some){tokens->sequences, tokens->longest};
    return (struct csg_net_some){tokens->rows, 1};
}

/* The new path starts from the same x as the original one at the first dual block; it skips the MLP and never re-enters attention.
 * In the last block nothing but CLS is taken from the original path, so only that row of each picture is finished. */
static int dual_block(const struct vit *vision, size_t b, bool first, const struct csg_net_tokens *all, struct csg_view qk,
                      struct csg_view vv, struct csg_view x_new, struct csg_error *err)
{
    const struct csg_net_tower *tower = vision->tower;
    bool last = b + 1 == tower->layers;
    struct csg_net_tokens own = *all;
    own.own_attention = !last; /* of which CLS comes by another way */
    const struct csg_net_tokens *tokens = &own;
    size_t rows = tokens->rows;
    enum csg_dtype attended = csg_net_attended(tower, tokens);
    int status = last ? csg_net_last_qkv(tower, tokens, original(tower, b, tokens), err) : csg_net_qkv(tower, b, tokens, err);
    if (status == CSG_OK)
        status = csg_net_attention(tower, tokens, last ? csg_view(NULL, 0) : qk, vv, err);
    if (status == CSG_OK && last)
        status = cls_attention(tower, tokens, qk, err);
    if (status == CSG_OK && !first && !last)
        status = csg_net_out(tower, b, qk, attended, tokens->x, tokens->x, 2 * rows, err);
    else if (status == CSG_OK)
        status = csg_net_out(tower, b, vv, attended, first ? tokens->x : x_new, x_new, rows, err);
    if (status == CSG_OK && (first || last))
        return csg_net_finish_some(tower, b, tokens, qk, original(tower, b, tokens), err);
    return status ? status : csg_net_mlp(tower, b, tokens, rows, err);
}

/* What the fused blocks above do, and what they cannot. */
static bool is_surgery(const struct csg_net_plan *plan)
{
    return plan->streams == CSG_STREAMS_DUAL && plan->attention == CSG_ATTEND_SELF && plan->sources == CSG_SOURCE_V &&
           !(plan->gauss_std > 0) && plan->residual && !plan->ffn;
}

/* A block whose own path changes. */
static int changed_block(struct vit *vision, const struct csg_net_plan *plan, size_t b, const struct csg_net_tokens *tokens,
                         struct csg_view attended, struct csg_error *err)
{
    int status = csg_net_qkv(vision->tower, b, tokens, err);
    if (status == CSG_OK)
        status =
            csg_net_changed(vision->tower, &vision->forms, plan, b, tokens, vision->grid_w, attended, tokens->x, tokens->x, err);
    return status || !plan->ffn ? status : csg_net_mlp(vision->tower, b, tokens, tokens->rows, err);
}

/* A block with a second path of any form, beside CLIP's own. */
static int changed_dual_block(struct vit *vision, const struct csg_net_plan *plan, size_t b, bool first,
                              const struct csg_net_tokens *tokens, struct csg_view attended, struct csg_view x_new,
                              struct csg_error *err)
{
    const struct csg_net_tower *tower = vision->tower;
    bool last = b + 1 == tower->layers;
    struct csg_net_tokens changed = *tokens;
    changed.x = x_new;
    int status = csg_net_qkv(tower, b, tokens, err);
    if (status == CSG_OK)
        status = csg_net_changed(tower, &vision->forms, plan, b, tokens, vision->grid_w, attended, first ? tokens->x : x_new,
                                 x_new, err);
    if (status == CSG_OK && plan->ffn)
        status = csg_net_mlp(tower, b, &changed, tokens->rows, err);
    if (status == CSG_OK)
        status = last ? cls_attention(tower, tokens, attended, err)
                      : csg_net_attention(tower, tokens, attended, csg_view(NULL, 0), err);
    return status ? status : csg_net_finish_some(tower, b, tokens, attended, original(tower, b, tokens), err);
}

static struct csg_net_head head_of(const struct vit *vision)
{
    return (struct csg_net_head){.ln_post = &vision->ln_post, .proj = vision->proj, .embed = vision->model->embed_dim};
}

static int project(struct vit *vision, struct csg_view x, size_t rows, struct csg_error *err)
{
    const struct csg_net_head head = head_of(vision);
    return csg_net_project(vision->tower, &head, x, csg_view(vision->h, 0), csg_view(vision->out, 0), rows, err);
}

/* The same for pictures of so many rows, the patches through the projection of their own. */
static int project_explained(struct vit *vision, struct csg_view x, size_t count, size_t rows, struct csg_error *err)
{
    const struct csg_model *model = vision->model;
    const struct csg_net_head head = head_of(vision);
    struct csg_net_head patches = head;
    int status = CSG_OK;
    if (!vision->explain)
        status = csg_net_matrix(vision->backend, &model->vision_explain, model->proj_transposed, &vision->explain, err);
    patches.proj = vision->explain;
    if (status == CSG_OK)
        status = csg_net_project(vision->tower, &patches, x, csg_view(vision->h, 0), csg_view(vision->out, 0), count * rows, err);
    for (size_t i = 0; status == CSG_OK && i < count; i++)
        status = csg_net_project(vision->tower, &head, csg_view(x.buffer, x.at + i * rows * vision->tower->width),
                                 csg_view(vision->h, 0), csg_view(vision->out, i * rows * head.embed), 1, err);
    return status;
}

/* Every block of CLIP as it is, each into the next place of `inputs`. */
static int kept_tower(struct vit *vision, const struct csg_view *rgb, size_t w_px, size_t h_px, struct csg_net_tokens *tokens,
                      struct csg_view qk, struct csg_error *err)
{
    size_t layers = vision->tower->layers, width = vision->tower->width, rows = tokens->rows;
    int status = csg_scratch_f32(vision->backend, &vision->inputs, (layers + 1) * rows, width, err);
    tokens->x = csg_view(vision->inputs, 0);
    if (status == CSG_OK)
        status = embed_pictures(vision, rgb, 1, w_px, h_px, rows, tokens->x, err);
    for (size_t b = 0; status == CSG_OK && b < layers; b++) {
        struct csg_view next = csg_view(vision->inputs, (b + 1) * rows * width);
        status = plain_block(vision, b, tokens, false, qk, next, err);
        tokens->x = next;
    }
    return status ? status : project(vision, tokens->x, rows, err);
}

static struct csg_net_tokens tokens_of(const struct vit *vision, size_t pictures, size_t rows)
{
    return (struct csg_net_tokens){.rows = pictures * rows,
                                   .x = csg_view(vision->x, 0),
                                   .h = csg_view(vision->h, 0),
                                   .qkv = csg_view(vision->qkv, 0),
                                   .mlp = csg_view(vision->mlp, 0),
                                   .seq = csg_view(vision->seq, 0),
                                   .sequences = pictures,
                                   .longest = rows};
}

/* Attention of other forms, and what looks at what an encoding left, is there for one sequence. */
static bool together(const struct csg_net_plan *plan)
{
    return is_surgery(plan) || (plan->streams == CSG_STREAMS_NONE && !plan->keep_inputs);
}

static int encode(struct csg_vision *base, const struct csg_view *rgb, size_t count, size_t w_px, size_t h_px,
                  const struct csg_net_plan *plan, struct csg_view *tokens_out, struct csg_error *err)
{
    struct vit *vision = (struct vit *)base;
    const struct csg_model *model = vision->model;
    size_t grid_w = w_px / model->patch_px, grid_h = h_px / model->patch_px, picture_rows = 1 + grid_w * grid_h;
    size_t rows = count * picture_rows;
    size_t width = model->vision.width, layers = model->vision.layers;
    size_t first = plan->streams == CSG_STREAMS_NONE ? layers : plan->first_block - 1;
    bool dual = plan->streams == CSG_STREAMS_DUAL, surgery = is_surgery(plan);
    int status = prepare_grid(vision, count, grid_w, grid_h, err);
    if (status == CSG_OK)
        status = prepare_scratch(vision, picture_rows, rows, err);
    if (status)
        return status;

    struct csg_net_tokens tokens = tokens_of(vision, count, picture_rows);
    tokens.h_is_read = csg_net_reads_h(plan);
    struct csg_view x_new = csg_view(vision->x, rows * width);
    struct csg_view qk = csg_view(vision->attended, 0), vv = csg_view(vision->attended, rows * width);
    *tokens_out = csg_view(vision->out, 0);
    vision->seen =
        (struct csg_net_seen){.rows = rows, .grid_w = grid_w, .grid_h = grid_h, .rgb = rgb[0], .w_px = w_px, .h_px = h_px};
    if (plan->streams == CSG_STREAMS_NONE && plan->keep_inputs) {
        status = kept_tower(vision, rgb, w_px, h_px, &tokens, qk, err);
        vision->seen.inputs = vision->inputs;
        return status;
    }
    status = embed_pictures(vision, rgb, count, w_px, h_px, picture_rows, tokens.x, err);
    for (size_t b = 0; status == CSG_OK && b < layers; b++) {
        if (b < first && b + 1 == layers)
            status = plain_block(vision, b, &tokens, false, qk, x_new, err);
        else if (b < first)
            status = plain_block(vision, b, &tokens, true, qk, tokens.x, err);
        else if (surgery)
            status = dual_block(vision, b, b == first, &tokens, qk, vv, x_new, err);
        else if (dual)
            status = changed_dual_block(vision, plan, b, b == first, &tokens, qk, x_new, err);
        else
            status = changed_block(vision, plan, b, &tokens, qk, err);
        if (status == CSG_OK)
            status = csg_net_pace(vision->tower, rows, err);
    }
    if (status == CSG_OK && dual) {
        const struct csg_gather_args cls = {.in = tokens.x,
                                            .rows_at = tokens.seq,
                                            .out = x_new,
                                            .in_stride = width,
                                            .out_stride = picture_rows * width,
                                            .rows = count,
                                            .width = width};
        status = csg_gather(vision->backend, &cls, err);
    }
    if (status == CSG_OK && plan->explain)
        return project_explained(vision, x_new, count, picture_rows, err);
    return status ? status : project(vision, plan->streams == CSG_STREAMS_SINGLE ? tokens.x : x_new, rows, err);
}

static int need_gradient(struct vit *vision, struct csg_error *err)
{
    return vision->gradient
               ? CSG_OK
               : csg_gradient_create(&vision->gradient, vision->tower, vision->model, vision->proj, &vision->ln_post, err);
}

/* What makes the values of a relevance, created when it is first asked for. */
static int by_gradient(struct vit *vision, enum csg_net_relevance kind, struct csg_view texts, size_t n,
                       struct csg_view *relevance, struct csg_error *err)
{
    int status = need_gradient(vision, err);
    return status ? status
                  : csg_gradient_relevance(vision->gradient, kind, csg_view(vision->x, 0), csg_view(vision->qkv, 0),
                                           vision->seen.rows, texts, n, relevance, err);
}

static int through_blocks(struct vit *vision, enum csg_net_relevance kind, struct csg_view texts, size_t n,
                          struct csg_view *relevance, struct csg_error *err)
{
    (void)kind;
    int status = CSG_OK;
    if (!vision->through)
        status = csg_through_create(&vision->through, vision->tower, vision->model, vision->proj, &vision->ln_post, err);
    return status ? status : csg_through_relevance(vision->through, vision->inputs, vision->seen.rows, texts, n, relevance, err);
}

static int calibrated(struct vit *vision, enum csg_net_relevance kind, struct csg_view texts, size_t n,
                      struct csg_view *relevance, struct csg_error *err)
{
    (void)kind;
    const struct csg_net_head head = head_of(vision);
    return csg_calibrate_relevance(&vision->calibrate, vision->tower, &head, &vision->seen, texts, n, relevance, err);
}

static int fed_back(struct vit *vision, enum csg_net_relevance kind, struct csg_view texts, size_t n, struct csg_view *relevance,
                    struct csg_error *err)
{
    (void)kind;
    const struct csg_net_head head = head_of(vision);
    return csg_feedback_relevance(&vision->feedback, vision->tower, &head, &vision->seen, texts, n, relevance, err);
}

/* The last block of CLIP's own path where nothing but every picture's CLS is taken from it. */
static int last_block_of_cls(const struct vit *vision, const struct csg_net_tokens *tokens, struct csg_view qk,
                             struct csg_error *err)
{
    const struct csg_net_tower *tower = vision->tower;
    const struct csg_net_some cls = original(tower, tower->layers - 1, tokens);
    int status = csg_net_last_qkv(tower, tokens, cls, err);
    if (status == CSG_OK)
        status = cls_attention(tower, tokens, qk, err);
    return status ? status : csg_net_finish_some(tower, tower->layers - 1, tokens, qk, cls, err);
}

/* Every picture's CLS behind each other, projected: *features is [tokens->sequences, embed_dim]. */
static int project_cls(struct vit *vision, const struct csg_net_tokens *tokens, float *features, struct csg_error *err)
{
    const struct csg_net_head head = head_of(vision);
    size_t count = tokens->sequences;
    const struct csg_gather_args cls = {.in = tokens->x,
                                        .rows_at = tokens->seq,
                                        .out = csg_view(vision->attended, 0),
                                        .in_stride = vision->tower->width,
                                        .out_stride = vision->tower->width,
                                        .rows = count,
                                        .width = vision->tower->width};
    int status = csg_scratch_f32(vision->backend, &vision->masked, count, head.embed, err);
    if (status == CSG_OK)
        status = csg_gather(vision->backend, &cls, err);
    if (status == CSG_OK)
        status = csg_net_project(vision->tower, &head, cls.out, tokens->h, csg_view(vision->masked, 0), count, err);
    return status ? status : csg_buffer_read(vision->masked, 0, features, count * head.embed * sizeof *features, err);
}

/* CLS of the last picture times each mask; what that picture left behind stays. */
static int encode_masked(void *tower, struct csg_view masks, size_t count, float *features, struct csg_error *err)
{
    struct vit *vision = tower;
    const struct csg_net_seen *seen = &vision->seen;
    size_t rows = seen->rows, pixels = seen->w_px * seen->h_px;
    int status = prepare_grid(vision, count, seen->grid_w, seen->grid_h, err);
    if (status == CSG_OK)
        status = prepare_blocks(vision, count * rows, err);
    const struct csg_net_tokens tokens = tokens_of(vision, count, rows);
    const struct csg_view qk = csg_view(vision->attended, 0);
    for (size_t i = 0; status == CSG_OK && i < count; i++)
        status = embed_masked(vision, seen->rgb, csg_view(masks.buffer, masks.at + i * pixels), seen->w_px, seen->h_px, rows,
                              csg_view(tokens.x.buffer, tokens.x.at + i * rows * vision->tower->width), err);
    for (size_t b = 0; status == CSG_OK && b + 1 < vision->tower->layers; b++) {
        status = plain_block(vision, b, &tokens, true, qk, tokens.x, err);
        if (status == CSG_OK)
            status = csg_net_pace(vision->tower, tokens.rows, err);
    }
    if (status == CSG_OK)
        status = last_block_of_cls(vision, &tokens, qk, err);
    return status ? status : project_cls(vision, &tokens, features, err);
}

static int by_score(struct vit *vision, enum csg_net_relevance kind, struct csg_view texts, size_t n, struct csg_view *relevance,
                    struct csg_error *err)
{
    (void)kind;
    const struct csg_net_head head = head_of(vision);
    const struct csg_scorecam_tower masked = {encode_masked, vision};
    int status = need_gradient(vision, err);
    return status ? status
                  : csg_scorecam_relevance(&vision->scorecam, vision->gradient, vision->tower, &head, &vision->seen, &masked,
                                           texts, n, relevance, err);
}

static int (*const relevances[])(struct vit *, enum csg_net_relevance, struct csg_view, size_t, struct csg_view *,
                                 struct csg_error *) = {
    [CSG_RELEVANCE_GRADCAM] = by_gradient,   [CSG_RELEVANCE_BIMODAL] = by_gradient, [CSG_RELEVANCE_BIMODAL_ALL] = through_blocks,
    [CSG_RELEVANCE_GRADECLIP] = by_gradient, [CSG_RELEVANCE_SCCLIP] = calibrated,   [CSG_RELEVANCE_RESCLIP] = fed_back,
    [CSG_RELEVANCE_GSCORECAM] = by_score};

static int relevance_of(struct csg_vision *base, enum csg_net_relevance kind, struct csg_view texts, size_t n,
                        struct csg_view *relevance, struct csg_error *err)
{
    return relevances[kind]((struct vit *)base, kind, texts, n, relevance, err);
}

static int foreground_of(struct csg_vision *base, const uint8_t *inside, double *shares, struct csg_error *err)
{
    struct vit *vision = (struct vit *)base;
    return csg_foreground_shares(&vision->foreground, vision->tower, &vision->seen, inside, shares, err);
}
