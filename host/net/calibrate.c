#include "net/calibrate.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/mend.h"
#include "net/scratch.h"

/* Blocks by their distance to the last one, of which the published tower has twelve. */
#define MIDDLE 3 /* block 9 of 12 */
#define EARLY 8  /* block 4 of 12 */

static const float constants[] = {1, 0.4f, 0.3f};
enum { ONE, LEVEL, OF_CLS };
#define SHARPNESS 3

struct run {
    struct csg_calibrate *c;
    const struct csg_net_tower *tower;
    struct csg_backend *backend;
    const struct csg_net_seen *seen;
    size_t cells, width;
};

void csg_calibrate_free(struct csg_calibrate *c)
{
    struct csg_buffer **buffers[] = {&c->distance, &c->from,     &c->rows,     &c->gathered,  &c->alike,  &c->shared,
                                     &c->early,    &c->middle,   &c->level,    &c->constants, &c->mended, &c->y,
                                     &c->sum,      &c->h,        &c->qkv,      &c->o,         &c->bias,   &c->mixed,
                                     &c->out,      &c->features, &c->relevance};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        csg_buffer_destroy(buffers[i]);
}

static int prepare(const struct run *r, const struct csg_net_head *head, size_t n, struct csg_error *err)
{
    struct csg_calibrate *c = r->c;
    size_t cells = r->cells, width = r->width;
    const struct {
        struct csg_buffer **buffer;
        size_t rows, width;
    } wanted[] = {{&c->distance, cells, cells},
                  {&c->alike, cells, cells},
                  {&c->shared, cells, cells},
                  {&c->early, cells, cells},
                  {&c->middle, cells, width},
                  {&c->level, 1, 1 + width},
                  {&c->mended, cells, width},
                  {&c->y, cells, width},
                  {&c->sum, r->seen->rows, width},
                  {&c->h, cells, width},
                  {&c->qkv, cells, 3 * width},
                  {&c->o, cells, width},
                  {&c->bias, 1, width},
                  {&c->mixed, cells, width},
                  {&c->out, cells, width},
                  {&c->features, cells, head->embed},
                  {&c->relevance, r->seen->rows, n}};
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < sizeof wanted / sizeof *wanted; i++)
        status = csg_scratch_f32(r->backend, wanted[i].buffer, wanted[i].rows, wanted[i].width, err);
    if (status == CSG_OK && !c->constants)
        status = csg_buffer_from(r->backend, constants, sizeof constants, &c->constants, err);
    return status;
}

static struct csg_view constant(const struct run *r, size_t which)
{
    return csg_view(r->c->constants, which);
}

/* What block `before` the last one put out, CLS first; that of the first block where there is none so early. */
static struct csg_view output(const struct run *r, size_t before)
{
    size_t layers = r->tower->layers, block = layers > before ? layers - before : 1;
    return csg_view(r->seen->inputs, block * r->seen->rows * r->width);
}

static struct csg_view patches(const struct run *r, struct csg_view tokens)
{
    return csg_view(tokens.buffer, tokens.at + r->width);
}

/* Outliers of the last block's input, as lists of rows on the backend. */
static int find_rows(const struct run *r, struct csg_error *err)
{
    struct csg_calibrate *c = r->c;
    struct csg_mend mend = {0};
    size_t cells = r->cells;
    float *distance = csg_calloc(cells, cells * sizeof *distance);
    const struct csg_distance_args args = {
        .x = patches(r, output(r, 1)), .out = csg_view(c->distance, 0), .x_stride = r->width, .rows = cells, .width = r->width};
    int status = distance ? csg_distance(r->backend, &args, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_buffer_read(c->distance, 0, distance, cells * cells * sizeof *distance, err);
    if (status == CSG_OK)
        status = csg_mend_create(&mend, distance, cells, r->seen->grid_w, err);
    csg_buffer_destroy(&c->from);
    csg_buffer_destroy(&c->rows);
    if (status == CSG_OK)
        status = csg_buffer_from(r->backend, mend.from, (cells + 1) * sizeof *mend.from, &c->from, err);
    if (status == CSG_OK)
        status = csg_buffer_from(r->backend, mend.rows, (size_t)mend.from[cells] * sizeof *mend.rows, &c->rows, err);
    if (status == CSG_OK)
        status = csg_scratch_f32(r->backend, &c->gathered, (size_t)mend.from[cells], r->width, err);
    c->listed = status == CSG_OK ? (size_t)mend.from[cells] : 0;
    csg_mend_free(&mend);
    free(distance);
    return status;
}

static int mend_rows(const struct run *r, struct csg_view x, struct csg_view y, struct csg_error *err)
{
    struct csg_calibrate *c = r->c;
    const struct csg_gather_args gather = {.in = x,
                                           .rows_at = csg_view(c->rows, 0),
                                           .out = csg_view(c->gathered, 0),
                                           .in_stride = r->width,
                                           .out_stride = r->width,
                                           .rows = c->listed,
                                           .width = r->width};
    const struct csg_mean_args mean = {.in = gather.out,
                                       .groups = csg_view(c->from, 0),
                                       .out = y,
                                       .in_stride = r->width,
                                       .out_stride = r->width,
                                       .n_groups = r->cells,
                                       .width = r->width};
    int status = csg_gather(r->backend, &gather, err);
    return status ? status : csg_mean(r->backend, &mean, err);
}

/* Cosines of all patches of x, which are left at length one in `middle`. */
static int cosines(const struct run *r, struct csg_view x, struct csg_buffer *out, struct csg_error *err)
{
    struct csg_view unit = csg_view(r->c->middle, 0);
    const struct csg_normalize_args normalize = {
        .x = x, .y = unit, .x_stride = r->width, .y_stride = r->width, .rows = r->cells, .width = r->width};
    const struct csg_similarity_args product = {.tokens = unit,
                                                .texts = unit,
                                                .out = csg_view(out, 0),
                                                .tokens_stride = r->width,
                                                .texts_stride = r->width,
                                                .rows = r->cells,
                                                .n_texts = r->cells,
                                                .width = r->width};
    int status = csg_normalize(r->backend, &normalize, err);
    return status ? status : csg_similarity(r->backend, &product, err);
}

static int weights(const struct run *r, enum csg_affinity kind, struct csg_buffer *s, struct csg_view level,
                   struct csg_buffer *out, struct csg_error *err)
{
    const struct csg_affinity_args args = {.s = csg_view(s, 0),
                                           .out = csg_view(out, 0),
                                           .level = level,
                                           .rows = r->cells,
                                           .width = r->cells,
                                           .factor = SHARPNESS,
                                           .kind = kind};
    return csg_affinity(r->backend, &args, err);
}

/* The mean of all cosines of the rows of length one in `middle`: the squared length of their mean. */
static int mean_cosine(const struct run *r, struct csg_error *err)
{
    struct csg_calibrate *c = r->c;
    const int32_t group[2] = {0, (int32_t)r->cells};
    struct csg_buffer *groups = NULL;
    struct csg_view mean = csg_view(c->level, 1);
    int status = csg_buffer_from(r->backend, group, sizeof group, &groups, err);
    const struct csg_mean_args args = {.in = csg_view(c->middle, 0),
                                       .groups = csg_view(groups, 0),
                                       .out = mean,
                                       .in_stride = r->width,
                                       .out_stride = r->width,
                                       .n_groups = 1,
                                       .width = r->width};
    const struct csg_similarity_args square = {.tokens = mean,
                                               .texts = mean,
                                               .out = csg_view(c->level, 0),
                                               .tokens_stride = r->width,
                                               .texts_stride = r->width,
                                               .rows = 1,
                                               .n_texts = 1,
                                               .width = r->width};
    if (status == CSG_OK)
        status = csg_mean(r->backend, &args, err);
    if (status == CSG_OK)
        status = csg_similarity(r->backend, &square, err);
    csg_buffer_destroy(&groups);
    return status;
}

/* out = [out +] factor * weights x. */
static int weigh(const struct run *r, struct csg_view weights, size_t rows, size_t terms, struct csg_view x, size_t x_stride,
                 size_t width, struct csg_view out, float factor, bool add, struct csg_error *err)
{
    const struct csg_weigh_args args = {.weights = weights,
                                        .x = x,
                                        .out = out,
                                        .x_stride = x_stride,
                                        .out_stride = width,
                                        .rows = rows,
                                        .terms = terms,
                                        .width = width,
                                        .factor = factor,
                                        .add = add};
    return csg_weigh(r->backend, &args, err);
}

/* out += early (out_proj((shared + softmax(s k k^T)) / 2 v) + 0.3 cls), of patches y. */
static int attend(const struct run *r, struct csg_view y, struct csg_view cls, bool add, struct csg_error *err)
{
    struct csg_calibrate *c = r->c;
    const struct csg_net_tower *tower = r->tower;
    const struct csg_net_block *block = &tower->blocks[tower->layers - 1];
    size_t cells = r->cells, width = r->width;
    struct csg_view k = csg_view(c->qkv, width), v = csg_view(c->qkv, 2 * width), o = csg_view(c->o, 0),
                    bias = csg_view(c->bias, 0);
    const struct csg_net_tokens tokens = {.rows = cells, .x = y, .h = csg_view(c->h, 0), .qkv = csg_view(c->qkv, 0)};
    const struct csg_attend_args by_keys = {.q = k,
                                            .k = k,
                                            .v = v,
                                            .out = o,
                                            .q_stride = 3 * width,
                                            .k_stride = 3 * width,
                                            .v_stride = 3 * width,
                                            .out_stride = width,
                                            .queries = cells,
                                            .tokens = cells,
                                            .heads = tower->heads,
                                            .head_dim = tower->head_dim,
                                            .scale = tower->scale,
                                            .weight = 0.5f};
    const struct csg_gemm_args out = {.x = o,
                                      .weight = block->out,
                                      .bias = bias,
                                      .y = csg_view(c->mixed, 0),
                                      .x_stride = width,
                                      .y_stride = width,
                                      .rows = cells};
    int status = csg_net_qkv(tower, tower->layers - 1, &tokens, err);
    if (status == CSG_OK)
        status = csg_attend(r->backend, &by_keys, err);
    if (status == CSG_OK)
        status = weigh(r, csg_view(c->shared, 0), cells, cells, v, 3 * width, width, o, 0.5f, true, err);
    if (status == CSG_OK)
        status = weigh(r, constant(r, ONE), 1, 1, block->out_bias, width, width, bias, 1, false, err);
    if (status == CSG_OK)
        status = weigh(r, constant(r, OF_CLS), 1, 1, cls, width, width, bias, 1, true, err);
    if (status == CSG_OK)
        status = csg_gemm(r->backend, &out, err);
    return status ? status : weigh(r, csg_view(c->early, 0), cells, cells, out.y, width, width, csg_view(c->out, 0), 1, add, err);
}

/* The sum of the outputs of the early blocks up to that before the last, CLS too: as one long row each. Of two blocks there is none so
 * early: the first one's. */
static int sum_blocks(const struct run *r, struct csg_error *err)
{
    size_t length = r->seen->rows * r->width, count = (output(r, 1).at - output(r, EARLY).at) / length;
    struct csg_view first = output(r, EARLY), sum = csg_view(r->c->sum, 0);
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && (i == 0 || i < count); i++)
        status =
            weigh(r, constant(r, ONE), 1, 1, csg_view(first.buffer, first.at + i * length), length, length, sum, 1, i > 0, err);
    return status;
}

/* The matrices that mix patches: shared and alike by a middle block's outputs, early by an early one's. */
static int matrices(const struct run *r, struct csg_error *err)
{
    struct csg_calibrate *c = r->c;
    int status = mend_rows(r, patches(r, output(r, MIDDLE)), csg_view(c->mended, 0), err);
    if (status == CSG_OK)
        status = cosines(r, csg_view(c->mended, 0), c->alike, err);
    if (status == CSG_OK)
        status = mean_cosine(r, err);
    if (status == CSG_OK)
        status = weights(r, CSG_AFFINITY_SOFTMAX, c->alike, csg_view(c->level, 0), c->shared, err);
    if (status == CSG_OK)
        status = weights(r, CSG_AFFINITY_SHARE, c->alike, constant(r, LEVEL), c->alike, err);
    if (status == CSG_OK)
        status = cosines(r, patches(r, output(r, EARLY)), c->early, err);
    return status ? status : weights(r, CSG_AFFINITY_SHARE, c->early, constant(r, LEVEL), c->early, err);
}

int csg_calibrate_relevance(struct csg_calibrate *c, const struct csg_net_tower *tower, const struct csg_net_head *head,
                            const struct csg_net_seen *seen, struct csg_view texts, size_t n, struct csg_view *relevance,
                            struct csg_error *err)
{
    const struct run run = {c, tower, tower->backend, seen, seen->rows - 1, tower->width}, *r = &run;
    if (run.cells < 2 || tower->layers < 2)
        return csg_fail(err, CSG_ERROR_USAGE, "self-calibration needs two patches and two blocks at least");
    int status = prepare(r, head, n, err);
    if (status == CSG_OK)
        status = find_rows(r, err);
    if (status == CSG_OK)
        status = matrices(r, err);
    if (status == CSG_OK)
        status = mend_rows(r, patches(r, output(r, 1)), csg_view(c->mended, 0), err);
    if (status == CSG_OK)
        status = weigh(r, csg_view(c->alike, 0), r->cells, r->cells, csg_view(c->mended, 0), r->width, r->width,
                       csg_view(c->y, 0), 1, false, err);
    if (status == CSG_OK)
        status = attend(r, csg_view(c->y, 0), output(r, 1), false, err);
    if (status == CSG_OK)
        status = sum_blocks(r, err);
    if (status == CSG_OK)
        status = attend(r, csg_view(c->sum, r->width), csg_view(c->sum, 0), true, err);
    if (status == CSG_OK)
        status = csg_net_project(tower, head, csg_view(c->out, 0), csg_view(c->h, 0), csg_view(c->features, 0), r->cells, err);
    const struct csg_similarity_args product = {.tokens = csg_view(c->features, 0),
                                                .texts = texts,
                                                .out = csg_view(c->relevance, n),
                                                .tokens_stride = head->embed,
                                                .texts_stride = head->embed,
                                                .rows = r->cells,
                                                .n_texts = n,
                                                .width = head->embed};
    *relevance = csg_view(c->relevance, 0);
    return status ? status : csg_similarity(r->backend, &product, err);
}
