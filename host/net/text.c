#include "net/text.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/scratch.h"
#include "net/tower.h"

/* Prompts that run together: enough rows to keep every core and a GPU busy, few enough that the scratch stays small. */
#define BATCH_TOKENS 4096

struct csg_text {
    struct csg_backend *backend;
    const struct csg_model *model;
    struct csg_net_tower *tower;
    struct csg_weight *proj;
    struct csg_buffer *table, *position, *norm_weight, *norm_bias;
    struct csg_buffer *ids, *places, *seq, *ends, *groups;
    struct csg_buffer *x, *h, *qkv, *attended, *mlp, *eot, *prompts, *features;
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
    struct csg_buffer **buffers[] = {&text->table,   &text->position, &text->norm_weight, &text->norm_bias, &text->ids,
                                     &text->places,  &text->seq,      &text->ends,        &text->groups,    &text->x,
                                     &text->h,       &text->qkv,      &text->attended,    &text->mlp,       &text->eot,
                                     &text->prompts, &text->features};
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

/* The index buffers of one batch: prompts [first, last) of the list. */
static int upload_batch(struct csg_text *text, const struct csg_prompts *prompts, size_t first, size_t last, size_t *longest,
                        struct csg_error *err)
{
    const int32_t *offsets = prompts->offsets;
    size_t rows = (size_t)(offsets[last] - offsets[first]), count = last - first;
    int32_t *places = csg_calloc(rows, sizeof *places), *seq = csg_calloc(count + 1, sizeof *seq);
    int32_t *ends = csg_calloc(count, sizeof *ends);
    int status = places && seq && ends ? CSG_OK : csg_fail_memory(err);
    *longest = 0;
    for (size_t i = 0; status == CSG_OK && i < count; i++) {
        int32_t at = offsets[first + i] - offsets[first], length = offsets[first + i + 1] - offsets[first + i];
        for (int32_t place = 0; place < length; place++)
            places[at + place] = place;
        seq[i + 1] = at + length;
        ends[i] = at + length - 1;
        if ((size_t)length > *longest)
            *longest = (size_t)length;
    }
    if (status == CSG_OK)
        status = upload_ints(text, &text->ids, prompts->ids + offsets[first], rows, err);
    if (status == CSG_OK)
        status = upload_ints(text, &text->places, places, rows, err);
    if (status == CSG_OK)
        status = upload_ints(text, &text->seq, seq, count + 1, err);
    if (status == CSG_OK)
        status = upload_ints(text, &text->ends, ends, count, err);
    free(places);
    free(seq);
    free(ends);
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

/* The tower over one batch, and its prompts' features into rows [at, at + count) of text->prompts. */
static int encode_batch(struct csg_text *text, const struct csg_prompts *prompts, size_t first, size_t last, size_t at,
                        struct csg_error *err)
{
    const struct csg_net_tower *tower = text->tower;
    size_t rows = (size_t)(prompts->offsets[last] - prompts->offsets[first]), count = last - first, longest;
    size_t width = tower->width, embed = text->model->embed_dim;
    int status = upload_batch(text, prompts, first, last, &longest, err);
    if (status == CSG_OK)
        status = prepare_scratch(text, rows, count, err);
    if (status)
        return status;

    const struct csg_net_tokens tokens = {.rows = rows,
                                          .x = csg_view(text->x, 0),
                                          .h = csg_view(text->h, 0),
                                          .qkv = csg_view(text->qkv, 0),
                                          .mlp = csg_view(text->mlp, 0),
                                          .seq = csg_view(text->seq, 0),
                                          .sequences = count,
                                          .longest = longest,
                                          .causal = true};
    struct csg_view attended = csg_view(text->attended, 0), eot = csg_view(text->eot, 0);
    const struct csg_tokens_args embedding = {.ids = csg_view(text->ids, 0),
                                              .places = csg_view(text->places, 0),
                                              .table = csg_view(text->table, 0),
                                              .pos = csg_view(text->position, 0),
                                              .out = tokens.x,
                                              .rows = rows,
                                              .width = width};
    status = csg_tokens(text->backend, &embedding, err);
    for (size_t b = 0; status == CSG_OK && b < tower->layers; b++) {
        status = csg_net_qkv(tower, b, &tokens, err);
        if (status == CSG_OK)
            status = csg_net_attention(tower, &tokens, attended, csg_view(NULL, 0), err);
        if (status == CSG_OK)
            status = csg_net_out(tower, b, attended, tokens.x, tokens.x, rows, err);
        if (status == CSG_OK)
            status = csg_net_mlp(tower, b, &tokens, rows, err);
        if (status == CSG_OK)
            status = csg_net_pace(tower, rows, err);
    }
    if (status)
        return status;
    const struct csg_gather_args ends = {.in = tokens.x,
                                         .rows_at = csg_view(text->ends, 0),
                                         .out = eot,
                                         .in_stride = width,
                                         .out_stride = width,
                                         .rows = count,
                                         .width = width};
    const struct csg_net_norm norm = {csg_view(text->norm_weight, 0), csg_view(text->norm_bias, 0)};
    struct csg_view out = csg_view(text->prompts, at * embed);
    const struct csg_gemm_args proj = {
        .x = eot, .weight = text->proj, .y = out, .x_stride = width, .y_stride = embed, .rows = count};
    const struct csg_normalize_args unit = {
        .x = out, .y = out, .x_stride = embed, .y_stride = embed, .rows = count, .width = embed};
    status = csg_gather(text->backend, &ends, err);
    if (status == CSG_OK)
        status = csg_net_layernorm(text->backend, &norm, eot, eot, count, width, tower->eps, err);
    if (status == CSG_OK)
        status = csg_gemm(text->backend, &proj, err);
    return status ? status : csg_normalize(text->backend, &unit, err);
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
    size_t embed = text->model->embed_dim;
    int status = csg_scratch_f32(text->backend, &text->prompts, prompts->count, embed, err);
    if (status == CSG_OK)
        status = csg_scratch_f32(text->backend, &text->features, texts, embed, err);
    for (size_t first = 0, last; status == CSG_OK && first < prompts->count; first = last) {
        last = first + 1;
        while (last < prompts->count && prompts->offsets[last + 1] - prompts->offsets[first] <= BATCH_TOKENS)
            last++;
        status = encode_batch(text, prompts, first, last, first, err);
    }
    if (status == CSG_OK)
        status = ensemble(text, texts, templates, err);
    return status ? status : csg_buffer_read(text->features, 0, features, texts * embed * sizeof *features, err);
}
