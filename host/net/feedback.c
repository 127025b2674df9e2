#include "net/feedback.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/regions.h"
#include "net/scratch.h"

/* Blocks that the last one's attention is mixed with, by their distance to the last one: 6 to 9 of the published twelve. */
#define FIRST 6
#define BLOCKS 4
/* 2 (0.4 own + 0.6 theirs), and with feedback scores of 2.1 (0.4 own + 0.6 feedback). */
#define OWN (2 * 0.4f)
#define THEIRS (2 * 0.6f / BLOCKS)
#define OWN_SCORES (2.1f * 0.4f)
#define FED_BACK (2.1f * 0.6f)
#define GAUSS_STD 5
/* Of the first segmentation: a patch whose best probability is lower counts as the first label. */
#define LOGIT_SCALE 40
#define LEAST 0.1f

struct run {
    struct csg_feedback *f;
    const struct csg_net_tower *tower;
    const struct csg_net_head *head;
    struct csg_backend *backend;
    const struct csg_net_seen *seen;
    struct csg_view texts;
    size_t rows, cells, width, n;
};

void csg_feedback_free(struct csg_feedback *f)
{
    struct csg_buffer **buffers[] = {&f->qkv,      &f->other,     &f->h,    &f->cross, &f->attended, &f->out,
                                     &f->features, &f->relevance, &f->maps, &f->up,    &f->bias,     &f->one};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        csg_buffer_destroy(buffers[i]);
    csg_net_refine_free(&f->refine);
}

static int prepare(const struct run *r, struct csg_error *err)
{
    struct csg_feedback *f = r->f;
    const float one = 1;
    const struct {
        struct csg_buffer **buffer;
        size_t rows, width;
    } wanted[] = {{&f->qkv, r->rows, 3 * r->width},        {&f->other, r->rows, 3 * r->width}, {&f->h, r->rows, r->width},
                  {&f->cross, r->rows, r->width},          {&f->attended, r->rows, r->width},  {&f->out, r->rows, r->width},
                  {&f->features, r->rows, r->head->embed}, {&f->relevance, r->rows, r->n},     {&f->maps, r->n, 2 * r->cells + 2},
                  {&f->up, r->seen->h_px, r->seen->w_px},  {&f->bias, r->cells, r->cells}};
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < sizeof wanted / sizeof *wanted; i++)
        status = csg_scratch_f32(r->backend, wanted[i].buffer, wanted[i].rows, wanted[i].width, err);
    if (status == CSG_OK && !f->one)
        status = csg_buffer_from(r->backend, &one, sizeof one, &f->one, err);
    return status;
}

static int qkv_of(const struct run *r, size_t block, struct csg_buffer *qkv, struct csg_error *err)
{
    const struct csg_net_tokens tokens = {.rows = r->rows,
                                          .x = csg_view(r->seen->inputs, block * r->rows * r->width),
                                          .h = csg_view(r->f->h, 0),
                                          .qkv = csg_view(qkv, 0)};
    return csg_net_qkv(r->tower, block, &tokens, err);
}

/* Attention of q and k with the values of the last block. */
static struct csg_attend_args attend_args(const struct run *r, struct csg_view q, struct csg_view k, struct csg_buffer *out)
{
    return (struct csg_attend_args){.q = q,
                                    .k = k,
                                    .v = csg_view(r->f->qkv, 2 * r->width),
                                    .out = csg_view(out, 0),
                                    .q_stride = 3 * r->width,
                                    .k_stride = 3 * r->width,
                                    .v_stride = 3 * r->width,
                                    .out_stride = r->width,
                                    .queries = r->rows,
                                    .tokens = r->rows,
                                    .heads = r->tower->heads,
                                    .head_dim = r->tower->head_dim,
                                    .scale = r->tower->scale};
}

/* The middle blocks' part of what the last one attends to, which is the same in both passes. */
static int cross(const struct run *r, struct csg_error *err)
{
    size_t last = r->tower->layers - 1;
    int status = qkv_of(r, last, r->f->qkv, err);
    for (size_t i = 0; status == CSG_OK && i < BLOCKS; i++) {
        struct csg_attend_args args = attend_args(r, csg_view(r->f->other, 0), csg_view(r->f->other, r->width), r->f->cross);
        args.weight = THEIRS;
        args.add = i > 0;
        status = qkv_of(r, last + i > FIRST ? last + i - FIRST : 0, r->f->other, err);
        if (status == CSG_OK)
            status = csg_attend(r->backend, &args, err);
    }
    return status;
}

/* relevance = the cosines of what the last block makes, no residual and no FFN; with a bias between patches or without. */
static int pass(const struct run *r, struct csg_view bias, struct csg_error *err)
{
    struct csg_feedback *f = r->f;
    struct csg_view keys = csg_view(f->qkv, r->width);
    struct csg_attend_args own = attend_args(r, keys, keys, f->attended);
    own.weight = OWN;
    own.gauss_std = GAUSS_STD;
    own.grid_w = r->seen->grid_w;
    own.near = bias;
    own.near_weight = FED_BACK;
    own.scale *= bias.buffer ? OWN_SCORES : 1;
    const struct csg_weigh_args mixed = {.weights = csg_view(f->one, 0),
                                         .x = csg_view(f->cross, 0),
                                         .out = own.out,
                                         .x_stride = r->rows * r->width,
                                         .out_stride = r->rows * r->width,
                                         .rows = 1,
                                         .terms = 1,
                                         .width = r->rows * r->width,
                                         .factor = 1,
                                         .add = true};
    const struct csg_similarity_args product = {.tokens = csg_view(f->features, 0),
                                                .texts = r->texts,
                                                .out = csg_view(f->relevance, 0),
                                                .tokens_stride = r->head->embed,
                                                .texts_stride = r->head->embed,
                                                .rows = r->rows,
                                                .n_texts = r->n,
                                                .width = r->head->embed};
    int status = csg_attend(r->backend, &own, err);
    if (status == CSG_OK)
        status = csg_weigh(r->backend, &mixed, err);
    if (status == CSG_OK)
        status =
            csg_net_out(r->tower, r->tower->layers - 1, own.out, CSG_F32, csg_view(NULL, 0), csg_view(f->out, 0), r->rows, err);
    if (status == CSG_OK)
        status = csg_net_project(r->tower, r->head, csg_view(f->out, 0), csg_view(f->h, 0), product.tokens, r->rows, err);
    return status ? status : csg_similarity(r->backend, &product, err);
}

/* One text's map at the size of the picture, refined, into host memory. */
static int refined(const struct run *r, size_t text, float *map, struct csg_error *err)
{
    const struct csg_bilinear_args up = {.in = csg_view(r->f->maps, text * r->cells),
                                         .out = csg_view(r->f->up, 0),
                                         .n = 1,
                                         .in_w = r->seen->grid_w,
                                         .in_h = r->seen->grid_h,
                                         .out_w = r->seen->w_px,
                                         .out_h = r->seen->h_px};
    int status = csg_bilinear(r->backend, &up, err);
    if (status == CSG_OK)
        status = csg_net_refine(&r->f->refine, r->backend, up.out, 1, err);
    return status ? status : csg_buffer_read(r->f->up, 0, map, up.out_w * up.out_h * sizeof *map, err);
}

/* The best text of each pixel so far, and the sum of exp(scale * (s - best)). */
static void add_text(const float *map, size_t pixels, size_t text, float *best, float *sum, uint32_t *index)
{
    for (size_t i = 0; i < pixels; i++) {
        bool better = text == 0 || map[i] > best[i];
        float down = text ? expf(-LOGIT_SCALE * fabsf(best[i] - map[i])) : 0;
        sum[i] = better ? sum[i] * down + 1 : sum[i] + down;
        best[i] = better ? map[i] : best[i];
        index[i] = better ? (uint32_t)text : index[i];
    }
}

/* The text of each pixel by the first pass. */
static int segment(const struct run *r, uint32_t *index, struct csg_error *err)
{
    size_t pixels = r->seen->w_px * r->seen->h_px;
    float *map = csg_calloc(3 * pixels, sizeof *map), *best = map ? map + pixels : NULL, *sum = map ? map + 2 * pixels : NULL;
    const struct csg_minmax_args rows = {.s = csg_view(r->f->relevance, 0),
                                         .similarity = csg_view(r->f->maps, 0),
                                         .map = csg_view(r->f->maps, r->n * r->cells),
                                         .range = csg_view(r->f->maps, 2 * r->n * r->cells),
                                         .cells = r->cells,
                                         .n_texts = r->n};
    int status = map ? csg_minmax(r->backend, &rows, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_net_refine_prepare(&r->f->refine, r->backend, r->seen->rgb, r->seen->w_px, r->seen->h_px, err);
    for (size_t t = 0; status == CSG_OK && t < r->n; t++) {
        status = refined(r, t, map, err);
        if (status == CSG_OK)
            add_text(map, pixels, t, best, sum, index);
    }
    for (size_t i = 0; status == CSG_OK && i < pixels; i++)
        if (1 / sum[i] < LEAST)
            index[i] = 0;
    free(map);
    return status;
}

static int feed_back(const struct run *r, struct csg_error *err)
{
    const struct csg_net_seen *seen = r->seen;
    uint32_t *index = csg_calloc(seen->w_px * seen->h_px, sizeof *index), *labels = csg_calloc(r->cells, sizeof *labels);
    float *bias = csg_calloc(r->cells, r->cells * sizeof *bias);
    int status = index && labels && bias ? segment(r, index, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_regions_labels(labels, index, seen->grid_w, seen->grid_h, seen->w_px / seen->grid_w, r->n, err);
    if (status == CSG_OK)
        status = csg_regions_bias(bias, labels, seen->grid_w, seen->grid_h, err);
    if (status == CSG_OK)
        status = csg_buffer_write(r->f->bias, 0, bias, r->cells * r->cells * sizeof *bias, err);
    free(index);
    free(labels);
    free(bias);
    return status;
}

int csg_feedback_relevance(struct csg_feedback *f, const struct csg_net_tower *tower, const struct csg_net_head *head,
                           const struct csg_net_seen *seen, struct csg_view texts, size_t n, struct csg_view *relevance,
                           struct csg_error *err)
{
    const struct run run = {f, tower, head, tower->backend, seen, texts, seen->rows, seen->rows - 1, tower->width, n}, *r = &run;
    if (r->cells < 2)
        return csg_fail(err, CSG_ERROR_USAGE, "resclip needs a picture of two patches at least");
    int status = prepare(r, err);
    if (status == CSG_OK)
        status = cross(r, err);
    if (status == CSG_OK)
        status = pass(r, csg_view(NULL, 0), err);
    if (status == CSG_OK)
        status = feed_back(r, err);
    *relevance = csg_view(f->relevance, 0);
    return status ? status : pass(r, csg_view(f->bias, 0), err);
}
