#include "task/similarity.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/names.h"
#include "net/refine.h"

/* texts - redundant. */
static int subtract(struct csg_backend *backend, struct csg_buffer *texts, const float *redundant, size_t n_set, size_t embed,
                    struct csg_buffer **out, struct csg_error *err)
{
    struct csg_buffer *shared = NULL;
    int status = csg_buffer_constant(backend, redundant, embed * sizeof *redundant, &shared, err);
    if (status == CSG_OK)
        status = csg_buffer_create(backend, n_set * embed * sizeof *redundant, out, err);
    if (status == CSG_OK) {
        const struct csg_subtract_args args = {.texts = csg_view(texts, 0),
                                               .redundant = csg_view(shared, 0),
                                               .out = csg_view(*out, 0),
                                               .n_texts = n_set,
                                               .width = embed};
        status = csg_subtract(backend, &args, err);
    }
    return status;
}

static int allocate(struct csg_similarities *out, struct csg_backend *backend, size_t cells, size_t n, size_t more,
                    struct csg_error *err)
{
    size_t elements;
    *out = (struct csg_similarities){0};
    if (!csg_mul(n, 2 * cells + 4, &elements) || more > SIZE_MAX - elements || (elements += more) > SIZE_MAX / sizeof(float))
        return csg_fail(err, CSG_ERROR_MEMORY, "%zu texts over %zu patches are too many for this machine", n, cells);
    int status = csg_buffer_create(backend, elements * sizeof(float), &out->buffer, err);
    out->similarity = csg_view(out->buffer, 0);
    out->map = csg_view(out->buffer, n * cells);
    out->range = csg_view(out->buffer, 2 * n * cells);
    out->peaks = csg_view(out->buffer, 2 * n * (cells + 1));
    return status;
}

/* The cosine with a negated text is the negated cosine, to the bit. */
static int upload_texts(struct csg_backend *backend, const float *features, size_t elements, bool reversed,
                        struct csg_buffer **texts, struct csg_error *err)
{
    if (!reversed)
        return csg_buffer_constant(backend, features, elements * sizeof *features, texts, err);
    float *negated = csg_calloc(elements, sizeof *negated);
    if (!negated)
        return csg_fail_memory(err);
    for (size_t i = 0; i < elements; i++)
        negated[i] = -features[i];
    int status = csg_buffer_constant(backend, negated, elements * sizeof *negated, texts, err);
    free(negated);
    return status;
}

int csg_similarities_compute(struct csg_similarities *out, const struct csg_context *context, struct csg_view tokens,
                             size_t cells, const float *features, const float *redundant, size_t n_set, enum csg_mode mode,
                             const struct csg_method *method, struct csg_error *err)
{
    struct csg_backend *backend = context->backend;
    struct csg_buffer *texts = NULL, *own = NULL, *s = NULL; /* texts belong to the backend */
    struct csg_view values;
    size_t embed = context->model->embed_dim;
    *out = (struct csg_similarities){0};
    int status = upload_texts(backend, features, n_set * embed, method->reversed, &texts, err);
    if (status == CSG_OK)
        status = allocate(out, backend, cells, n_set, 0, err);
    if (status == CSG_OK)
        status = csg_buffer_create(backend, n_set * (cells + 1) * sizeof(float), &s, err);
    if (status == CSG_OK && mode == CSG_MODE_EMPTY)
        status = subtract(backend, texts, redundant, n_set, embed, &own, err);
    texts = own ? own : texts;
    values = csg_view(s, 0);
    if (status == CSG_OK && method->relevance) {
        status = csg_vision_relevance(context->vision, method->relevance, csg_view(texts, 0), n_set, &values, err);
    } else if (status == CSG_OK) {
        const struct csg_similarity_args args = {.tokens = tokens,
                                                 .texts = csg_view(texts, 0),
                                                 .out = csg_view(s, 0),
                                                 .tokens_stride = embed,
                                                 .texts_stride = embed,
                                                 .rows = cells + 1,
                                                 .n_texts = n_set,
                                                 .width = embed};
        status = csg_similarity(backend, &args, err);
    }
    if (status == CSG_OK && mode == CSG_MODE_SET) {
        const struct csg_surgery_args args = {.s = csg_view(s, 0), .out = csg_view(s, 0), .rows = cells + 1, .n_texts = n_set};
        status = csg_surgery(backend, &args, err);
    }
    if (status == CSG_OK) {
        const struct csg_minmax_args args = {
            .s = values, .similarity = out->similarity, .map = out->map, .range = out->range, .cells = cells, .n_texts = n_set};
        status = csg_minmax(backend, &args, err);
    }
    if (status)
        csg_similarities_free(out);
    csg_buffer_destroy(&own);
    csg_buffer_destroy(&s);
    return status;
}

void csg_similarities_free(struct csg_similarities *similarities)
{
    csg_buffer_destroy(&similarities->buffer);
}

static int gather(struct csg_backend *backend, struct csg_view in, struct csg_view rows_at, struct csg_view out, size_t rows,
                  size_t width, struct csg_error *err)
{
    const struct csg_gather_args args = {
        .in = in, .rows_at = rows_at, .out = out, .in_stride = width, .out_stride = width, .rows = rows, .width = width};
    return csg_gather(backend, &args, err);
}

/* Row rows_at[i] of similarities and of maps, which lie behind them, and the rows of all tokens in their order. */
static int list_rows(struct csg_backend *backend, const int32_t *rows_at, size_t n_rows, size_t n_set, size_t n_tokens,
                     struct csg_buffer **out, struct csg_error *err)
{
    int32_t *rows = csg_calloc(2 * n_rows + n_tokens, sizeof *rows);
    for (size_t i = 0; rows && i < n_rows; i++) {
        rows[i] = rows_at[i];
        rows[n_rows + i] = (int32_t)n_set + rows_at[i];
    }
    for (size_t i = 0; rows && i < n_tokens; i++)
        rows[2 * n_rows + i] = (int32_t)i;
    int status =
        rows ? csg_buffer_constant(backend, rows, (2 * n_rows + n_tokens) * sizeof *rows, out, err) : csg_fail_memory(err);
    free(rows);
    return status;
}

int csg_similarities_pick(struct csg_similarities *out, const struct csg_similarities *from, const struct csg_context *context,
                          size_t n_set, const int32_t *rows_at, size_t n_rows, size_t cells, struct csg_view tokens,
                          struct csg_error *err)
{
    struct csg_backend *backend = context->backend;
    struct csg_buffer *rows = NULL;
    size_t embed = context->model->embed_dim, n_tokens = cells + 1;
    int status = allocate(out, backend, cells, n_rows, n_tokens * embed, err);
    out->tokens = csg_view(out->buffer, n_rows * (2 * cells + 4));
    if (status == CSG_OK)
        status = list_rows(backend, rows_at, n_rows, n_set, n_tokens, &rows, err);
    if (status == CSG_OK)
        status = gather(backend, from->similarity, csg_view(rows, 0), out->similarity, 2 * n_rows, cells, err);
    if (status == CSG_OK)
        status = gather(backend, from->range, csg_view(rows, 0), out->range, n_rows, 2, err);
    if (status == CSG_OK)
        status = gather(backend, tokens, csg_view(rows, 2 * n_rows), out->tokens, n_tokens, embed, err);
    if (status)
        csg_similarities_free(out);
    return status;
}

/* Min-max of a row that stands behind one ignored element, which plays CLS: one text is one column. */
static int minmax_padded(struct csg_backend *backend, struct csg_buffer *padded, size_t cells, struct csg_view similarity,
                         struct csg_view map, struct csg_view range, struct csg_error *err)
{
    const struct csg_minmax_args args = {
        .s = csg_view(padded, 0), .similarity = similarity, .map = map, .range = range, .cells = cells, .n_texts = 1};
    return csg_minmax(backend, &args, err);
}

static struct csg_view row_of(struct csg_view matrix, size_t row, size_t width)
{
    return csg_view(matrix.buffer, matrix.at + row * width);
}

int csg_similarities_combine(const struct csg_similarities *out, size_t row, const struct csg_similarities *from,
                             const struct csg_context *context, const int32_t *rows_at, size_t n_rows, size_t cells,
                             struct csg_error *err)
{
    struct csg_backend *backend = context->backend;
    struct csg_buffer *rows = NULL, *picked = NULL, *groups = NULL, *padded = NULL;
    const int32_t group[2] = {0, (int32_t)n_rows};
    const float pad = 0;
    int status = csg_buffer_from(backend, rows_at, n_rows * sizeof *rows_at, &rows, err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, group, sizeof group, &groups, err);
    if (status == CSG_OK)
        status = csg_buffer_create(backend, n_rows * cells * sizeof(float), &picked, err);
    if (status == CSG_OK)
        status = csg_buffer_create(backend, (cells + 1) * sizeof(float), &padded, err);
    if (status == CSG_OK)
        status = csg_buffer_write(padded, 0, &pad, sizeof pad, err);
    if (status == CSG_OK)
        status = gather(backend, from->map, csg_view(rows, 0), csg_view(picked, 0), n_rows, cells, err);
    if (status == CSG_OK) {
        const struct csg_mean_args args = {.in = csg_view(picked, 0),
                                           .groups = csg_view(groups, 0),
                                           .out = csg_view(padded, 1),
                                           .in_stride = cells,
                                           .out_stride = cells,
                                           .n_groups = 1,
                                           .width = cells};
        status = csg_mean(backend, &args, err);
    }
    if (status == CSG_OK)
        status = minmax_padded(backend, padded, cells, row_of(out->similarity, row, cells), row_of(out->map, row, cells),
                               row_of(out->range, row, 2), err);
    csg_buffer_destroy(&rows);
    csg_buffer_destroy(&picked);
    csg_buffer_destroy(&groups);
    csg_buffer_destroy(&padded);
    return status;
}

static const char *refinement_at(size_t index)
{
    static const char *const names[] = {[CSG_REFINEMENT_NONE] = "none", [CSG_REFINEMENT_PAMR] = "pamr"};
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

int csg_refinement_find(enum csg_refinement *out, const char *name, struct csg_error *err)
{
    size_t index = 0;
    int status = csg_name_find(&index, name, "refinement", refinement_at, err);
    *out = (enum csg_refinement)index;
    return status;
}

int csg_similarities_refine(struct csg_similarities *out, const struct csg_similarities *from, const struct csg_context *context,
                            size_t n, size_t grid_w, size_t grid_h, size_t w_px, size_t h_px, struct csg_error *err)
{
    struct csg_backend *backend = context->backend;
    struct csg_net_refine refine = {0};
    struct csg_buffer *padded = NULL;
    size_t pixels = w_px * h_px;
    const float pad = 0;
    int status = allocate(out, backend, pixels, n, 0, err);
    if (status == CSG_OK)
        status = csg_buffer_create(backend, (pixels + 1) * sizeof(float), &padded, err);
    if (status == CSG_OK)
        status = csg_buffer_write(padded, 0, &pad, sizeof pad, err);
    if (status == CSG_OK)
        status = csg_net_refine_prepare(&refine, backend, csg_vision_picture(context->vision), w_px, h_px, err);
    for (size_t i = 0; status == CSG_OK && i < n; i++) {
        const struct csg_bilinear_args up = {.in = row_of(from->similarity, i, grid_w * grid_h),
                                             .out = csg_view(padded, 1),
                                             .n = 1,
                                             .in_w = grid_w,
                                             .in_h = grid_h,
                                             .out_w = w_px,
                                             .out_h = h_px};
        status = csg_bilinear(backend, &up, err);
        if (status == CSG_OK)
            status = csg_net_refine(&refine, backend, up.out, 1, err);
        if (status == CSG_OK)
            status = minmax_padded(backend, padded, pixels, row_of(out->similarity, i, pixels), row_of(out->map, i, pixels),
                                   row_of(out->range, i, 2), err);
    }
    if (status)
        csg_similarities_free(out);
    csg_buffer_destroy(&padded);
    csg_net_refine_free(&refine);
    return status;
}

int csg_minmax_row(struct csg_backend *backend, const float *row, size_t cells, float *map, float range[2], struct csg_error *err)
{
    struct csg_buffer *padded = NULL, *out = NULL;
    const float pad = 0;
    int status = csg_buffer_create(backend, (cells + 1) * sizeof(float), &padded, err);
    if (status == CSG_OK)
        status = csg_buffer_create(backend, (2 * cells + 2) * sizeof(float), &out, err);
    if (status == CSG_OK)
        status = csg_buffer_write(padded, 0, &pad, sizeof pad, err);
    if (status == CSG_OK)
        status = csg_buffer_write(padded, sizeof pad, row, cells * sizeof *row, err);
    if (status == CSG_OK)
        status = minmax_padded(backend, padded, cells, csg_view(out, 0), csg_view(out, cells), csg_view(out, 2 * cells), err);
    if (status == CSG_OK)
        status = csg_buffer_read(out, cells * sizeof(float), map, cells * sizeof *map, err);
    if (status == CSG_OK)
        status = csg_buffer_read(out, 2 * cells * sizeof(float), range, 2 * sizeof *range, err);
    csg_buffer_destroy(&padded);
    csg_buffer_destroy(&out);
    return status;
}
