#include "net/text.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/branches.h"
#include "net/scratch.h"
#include "net/tower.h"

/* Tokens that run together: enough rows to keep every core and a GPU busy, few enough that the scratch stays small. */
#define BATCH_TOKENS 1024

struct csg_text {
    struct csg_backend *backend;
    const struct csg_model *model;
    struct csg_net_tower *tower;
    struct csg_weight *proj;
    struct csg_buffer *table, *position, *norm_weight, *norm_bias;
    struct csg_buffer *ids, *places, *from, *path, *pair_ids, *pair_places, *pair_path, *end_from, *end_path, *end_rows, *row_of,
        *groups;
    struct csg_buffer *x, *h, *qkv, *attended, *mlp, *eot, *unique, *prompts, *features;
};

int csg_text_create(struct csg_text **out, struct csg_backend *backend, const struct csg_model *model, struct csg_error *err)
{
    struct csg_text *text = csg_calloc(1, sizeof *text);
    *out = NULL;
    if (!text)
        return csg_fail_memory(err);
    text->backend = backend;
    text->model = model;
    int status = csg_net_tower_create(&text->tower, backend, model, &model->text, err);
    if (status == CSG_OK)
        status = csg_net_matrix(backend, &model->text_proj, model->proj_transposed, &text->proj, err);
    if (status == CSG_OK)
        status = csg_net_vector(backend, &model->token_embedding, &text->table, err);
    if (status == CSG_OK)
        status = csg_net_vector(backend, &model->text_position, &text->position, err);
    if (status == CSG_OK)
        status = csg_net_vector(backend, &model->ln_final.weight, &text->norm_weight, err);
    if (status == CSG_OK)
        status = csg_net_vector(backend, &model->ln_final.bias, &text->norm_bias, err);
    if (status) {
        csg_text_destroy(&text);
        return status;
    }
    *out = text;
    return CSG_OK;
}

void csg_text_destroy(struct csg_text **out)
{
    struct csg_text *text = out ? *out : NULL;
    if (!text)
        return;
    csg_net_tower_destroy(&text->tower);
    csg_weight_destroy(&text->proj);
    struct csg_buffer **buffers[] = {&text->table,    &text->position, &text->norm_weight, &text->norm_bias,   &text->ids,
                                     &text->places,   &text->from,     &text->path,        &text->end_from,    &text->end_path,
                                     &text->end_rows, &text->row_of,   &text->groups,      &text->x,           &text->h,
                                     &text->qkv,      &text->attended, &text->mlp,         &text->eot,         &text->unique,
                                     &text->prompts,  &text->features, &text->pair_ids,    &text->pair_places, &text->pair_path};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        csg_buffer_destroy(buffers[i]);
    free(text);
    *out = NULL;
}

static int upload_ints(struct csg_text *text, struct csg_buffer **buffer, const int32_t *values, size_t count,
                       struct csg_error *err)
{
    int status = csg_scratch(text->backend, buffer, count * sizeof *values, err);
    return status ? status : csg_buffer_write(*buffer, 0, values, count * sizeof *values, err);
}

static int upload_branches(struct csg_text *text, const struct csg_branches *branches, struct csg_error *err)
{
    size_t rows = branches->rows, ends = branches->ends;
    const struct {
        struct csg_buffer **buffer;
        const int32_t *values;
        size_t count;
    } lists[] = {{&text->ids, branches->ids, rows},
                 {&text->places, branches->places, rows},
                 {&text->from, branches->from, rows + 1},
                 {&text->path, branches->path, (size_t)branches->from[rows]},
                 {&text->pair_ids, branches->pair_ids, branches->pairs},
                 {&text->pair_places, branches->pair_places, branches->pairs},
                 {&text->pair_path, branches->pair_path, (size_t)branches->from[rows]},
                 {&text->end_from, branches->end_from, ends + 1},
                 {&text->end_path, branches->end_path, (size_t)branches->end_from[ends]},
                 {&text->end_rows, branches->end_rows, ends}};
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < sizeof lists / sizeof *lists; i++)
        status = upload_ints(text, lists[i].buffer, lists[i].values, lists[i].count, err);
    return status;
}

static int prepare_scratch(struct csg_text *text, size_t rows, size_t prompts, struct csg_error *err)
{
    size_t width = text->tower->width;
    const struct {
        struct csg_buffer **buffer;
        size_t rows, width;
    } wanted[] = {{&text->x, rows, width},        {&text->h, rows, width},      {&text->qkv, rows, 3 * width},
                  {&text->attended, rows, width}, {&text->eot, prompts, width}, {&text->mlp, rows, text->tower->mlp_width}};
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < sizeof wanted / sizeof *wanted; i++)
        status = csg_scratch_f32(text->backend, wanted[i].buffer, wanted[i].rows, wanted[i].width, err);
    return status;
}

/* Attention of tokens along their branches. */
static int attend(struct csg_text *text, struct csg_buffer *from, struct csg_buffer *path, size_t queries, size_t tokens,
                  struct csg_error *err)
{
    const struct csg_net_tower *tower = text->tower;
    const struct csg_branch_args args = {.qkv = csg_view(text->qkv, 0),
                                         .from = csg_view(from, 0),
                                         .path = csg_view(path, 0),
                                         .out = csg_view(text->attended, 0),
                                         .qkv_stride = 3 * tower->width,
                                         .out_stride = tower->width,
                                         .queries = queries,
                                         .tokens = tokens,
                                         .heads = tower->heads,
                                         .head_dim = tower->head_dim,
                                         .scale = tower->scale};
    return csg_branch(text->backend, &args, err);
}

static int embed_tokens(struct csg_text *text, struct csg_buffer *ids, struct csg_buffer *places, struct csg_view out,
                        size_t rows, struct csg_error *err)
{
    const struct csg_tokens_args args = {.ids = csg_view(ids, 0),
                                         .places = csg_view(places, 0),
                                         .table = csg_view(text->table, 0),
                                         .pos = csg_view(text->position, 0),
                                         .out = out,
                                         .rows = rows,
                                         .width = text->tower->width};
    return csg_tokens(text->backend, &args, err);
}

/* q, k and v of block b and their attention. In the first block tokens of the same id and place have the same, whatever stands before
 * them, so these are computed once; `attended` lends them room. */
static int attended(struct csg_text *text, const struct csg_branches *branches, size_t b, const struct csg_net_tokens *tokens,
                    struct csg_error *err)
{
    struct csg_net_tokens pairs = *tokens;
    int status = CSG_OK;
    if (b) {
        status = csg_net_qkv(text->tower, b, tokens, err);
        return status ? status : attend(text, text->from, text->path, branches->rows, branches->rows, err);
    }
    pairs.rows = branches->pairs;
    pairs.x = csg_view(text->attended, 0);
    status = embed_tokens(text, text->pair_ids, text->pair_places, pairs.x, pairs.rows, err);
    if (status == CSG_OK)
        status = csg_net_qkv(text->tower, b, &pairs, err);
    return status ? status : attend(text, text->from, text->pair_path, branches->rows, pairs.rows, err);
}

/* Nothing but the ends leaves the last block: keys and values are needed of all tokens, the rest of it is not. */
static int last_block(struct csg_text *text, const struct csg_branches *branches, const struct csg_net_tokens *tokens,
                      struct csg_error *err)
{
    const struct csg_net_tower *tower = text->tower;
    size_t last = tower->layers - 1, width = tower->width;
    struct csg_net_tokens ends = *tokens;
    ends.x = csg_view(text->eot, 0);
    ends.rows = branches->ends;
    const struct csg_gather_args gather = {.in = tokens->x,
                                           .rows_at = csg_view(text->end_rows, 0),
                                           .out = ends.x,
                                           .in_stride = width,
                                           .out_stride = width,
                                           .rows = ends.rows,
                                           .width = width};
    int status = csg_net_qkv(tower, last, tokens, err);
    if (status == CSG_OK)
        status = attend(text, text->end_from, text->end_path, ends.rows, tokens->rows, err);
    if (status == CSG_OK)
        status = csg_gather(text->backend, &gather, err);
    if (status == CSG_OK)
        status = csg_net_out(tower, last, csg_view(text->attended, 0), CSG_F32, ends.x, ends.x, ends.rows, err);
    return status ? status : csg_net_mlp(tower, last, &ends, ends.rows, err);
}

/* The tower over one batch, and the features of its prompts into the rows of text->unique from `at` on. */
static int encode_batch(struct csg_text *text, const struct csg_branches *branches, size_t at, struct csg_error *err)
{
    const struct csg_net_tower *tower = text->tower;
    size_t rows = branches->rows, ends = branches->ends, embed = text->model->embed_dim;
    int status = upload_branches(text, branches, err);
    if (status == CSG_OK)
        status = prepare_scratch(text, rows, ends, err);
    if (status)
        return status;

    const struct csg_net_tokens tokens = {.rows = rows,
                                          .x = csg_view(text->x, 0),
                                          .h = csg_view(text->h, 0),
                                          .qkv = csg_view(text->qkv, 0),
                                          .mlp = csg_view(text->mlp, 0)};
    status = embed_tokens(text, text->ids, text->places, tokens.x, rows, err);
    for (size_t b = 0; status == CSG_OK && b + 1 < tower->layers; b++) {
        status = attended(text, branches, b, &tokens, err);
        if (status == CSG_OK)
            status = csg_net_out(tower, b, csg_view(text->attended, 0), CSG_F32, tokens.x, tokens.x, rows, err);
        if (status == CSG_OK)
            status = csg_net_mlp(tower, b, &tokens, rows, err);
        if (status == CSG_OK)
            status = csg_net_pace(tower, rows, err);
    }
    if (status == CSG_OK)
        status = last_block(text, branches, &tokens, err);
    if (status)
        return status;
    const struct csg_net_norm norm = {csg_view(text->norm_weight, 0), csg_view(text->norm_bias, 0)};
    const struct csg_net_head head = {&norm, text->proj, embed};
    return csg_net_project(tower, &head, csg_view(text->eot, 0), tokens.h, csg_view(text->unique, at * embed), ends, err);
}

/* The features of the prompts as they were given, equal ones each: mean over a text's prompts wants them behind each other. */
static int spread(struct csg_text *text, const int32_t *row_of, size_t count, struct csg_error *err)
{
    size_t embed = text->model->embed_dim;
    int status = upload_ints(text, &text->row_of, row_of, count, err);
    if (status)
        return status;
    const struct csg_gather_args args = {.in = csg_view(text->unique, 0),
                                         .rows_at = csg_view(text->row_of, 0),
                                         .out = csg_view(text->prompts, 0),
                                         .in_stride = embed,
                                         .out_stride = embed,
                                         .rows = count,
                                         .width = embed};
    return csg_gather(text->backend, &args, err);
}

/* Mean over each text's prompts, L2-normalised. */
static int ensemble(struct csg_text *text, size_t texts, size_t templates, struct csg_error *err)
{
    size_t embed = text->model->embed_dim;
    int32_t *groups = csg_calloc(texts + 1, sizeof *groups);
    if (!groups)
        return csg_fail_memory(err);
    for (size_t i = 0; i <= texts; i++)
        groups[i] = (int32_t)(i * templates);
    int status = upload_ints(text, &text->groups, groups, texts + 1, err);
    free(groups);
    if (status)
        return status;
    struct csg_view out = csg_view(text->features, 0);
    const struct csg_mean_args mean = {.in = csg_view(text->prompts, 0),
                                       .groups = csg_view(text->groups, 0),
                                       .out = out,
                                       .in_stride = embed,
                                       .out_stride = embed,
                                       .n_groups = texts,
                                       .width = embed};
    const struct csg_normalize_args unit = {
        .x = out, .y = out, .x_stride = embed, .y_stride = embed, .rows = texts, .width = embed};
    status = csg_mean(text->backend, &mean, err);
    return status ? status : csg_normalize(text->backend, &unit, err);
}

int csg_text_encode(struct csg_text *text, const struct csg_prompts *prompts, size_t texts, size_t templates, float *features,
                    struct csg_error *err)
{
    size_t embed = text->model->embed_dim, next = 0, unique = 0;
    struct csg_sorted_prompt *sorted = NULL;
    int32_t *row_of = csg_calloc(prompts->count, sizeof *row_of);
    int status = row_of ? csg_branches_sort(&sorted, prompts, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_scratch_f32(text->backend, &text->unique, prompts->count, embed, err);
    if (status == CSG_OK)
        status = csg_scratch_f32(text->backend, &text->prompts, prompts->count, embed, err);
    if (status == CSG_OK)
        status = csg_scratch_f32(text->backend, &text->features, texts, embed, err);
    while (status == CSG_OK && next < prompts->count) {
        struct csg_branches branches;
        size_t at = unique;
        status = csg_branches_create(&branches, sorted, prompts->count, BATCH_TOKENS, &next, &unique, row_of, err);
        if (status == CSG_OK)
            status = encode_batch(text, &branches, at, err);
        csg_branches_free(&branches);
    }
    if (status == CSG_OK)
        status = spread(text, row_of, prompts->count, err);
    free(sorted);
    free(row_of);
    if (status == CSG_OK)
        status = ensemble(text, texts, templates, err);
    return status ? status : csg_buffer_read(text->features, 0, features, texts * embed * sizeof *features, err);
}
