#include "task/pyramid.h"

#include <stdlib.h>

#include "base/mem.h"

size_t csg_pyramid_patches(size_t first, size_t last, size_t level, size_t levels)
{
    return first + ((last - first) * level * 2 + levels - 1) / (2 * (levels - 1));
}

struct grid {
    size_t w, h;
};

/* Where the i-th of `out` cells lies among `in` of them: between `low` and the next, a part `weight` on the way. */
static void place(size_t i, size_t out, size_t in, size_t *low, size_t *next, double *weight)
{
    double at = ((double)i + 0.5) * (double)in / (double)out - 0.5;
    at = at < 0 ? 0 : at;
    *low = (size_t)at < in - 1 ? (size_t)at : in - 1;
    *next = *low + 1 < in ? *low + 1 : *low;
    *weight = at - (double)*low;
}

static void add_row(double *sum, const float *row, double weight, size_t embed)
{
    for (size_t c = 0; weight != 0 && c < embed; c++)
        sum[c] += weight * (double)row[c];
}

/* own: [1 + from.h * from.w, embed]; sum: [1 + to.h * to.w, embed] */
static void add_level(double *sum, struct grid to, const float *own, struct grid from, size_t embed)
{
    add_row(sum, own, 1, embed);
    for (size_t i = 0; i < to.w * to.h; i++) {
        size_t x, y, right, below;
        double fx, fy, *row = sum + (1 + i) * embed;
        place(i % to.w, to.w, from.w, &x, &right, &fx);
        place(i / to.w, to.h, from.h, &y, &below, &fy);
        add_row(row, own + (1 + y * from.w + x) * embed, (1 - fy) * (1 - fx), embed);
        add_row(row, own + (1 + y * from.w + right) * embed, (1 - fy) * fx, embed);
        add_row(row, own + (1 + below * from.w + x) * embed, fy * (1 - fx), embed);
        add_row(row, own + (1 + below * from.w + right) * embed, fy * fx, embed);
    }
}

static int encode_level(const struct csg_context *context, const struct csg_image *image, const struct csg_input_size *level,
                        const struct csg_net_plan *plan, struct grid to, double *sum, struct csg_error *err)
{
    size_t patch_px = context->model->patch_px, embed = context->model->embed_dim;
    struct grid from = {(size_t)level->w_px / patch_px, (size_t)level->h_px / patch_px};
    size_t elements = (1 + from.w * from.h) * embed;
    struct csg_view tokens;
    float *own = csg_calloc(elements, sizeof *own);
    int status = own ? csg_encode_pictures(context, &image, 1, level, plan, &tokens, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_buffer_read(tokens.buffer, tokens.at * sizeof *own, own, elements * sizeof *own, err);
    if (status == CSG_OK)
        add_level(sum, to, own, from, embed);
    free(own);
    return status;
}

/* Sums have the direction of means; lengths go. */
static int upload(const struct csg_context *context, const double *sum, size_t rows, struct csg_view *tokens,
                  struct csg_error *err)
{
    size_t embed = context->model->embed_dim;
    int status = csg_vision_take_tokens(context->vision, context->backend, sum, rows * embed, tokens, err);
    if (status)
        return status;
    const struct csg_normalize_args unit = {
        .x = *tokens, .y = *tokens, .x_stride = embed, .y_stride = embed, .rows = rows, .width = embed};
    return csg_normalize(context->backend, &unit, err);
}

int csg_encode_pyramid(const struct csg_context *context, const struct csg_image *image, const struct csg_input_size *size,
                       const struct csg_net_plan *plan, struct csg_view *tokens, struct csg_error *err)
{
    const struct csg_model *model = context->model;
    size_t patch_px = model->patch_px, levels = (size_t)size->levels;
    size_t shorter = (size_t)(size->w_px < size->h_px ? size->w_px : size->h_px) / patch_px;
    struct grid to = {(size_t)size->w_px / patch_px, (size_t)size->h_px / patch_px};
    double *sum = csg_calloc(1 + to.w * to.h, model->embed_dim * sizeof *sum);
    int status = sum ? CSG_OK : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < levels; i++) {
        size_t patches = csg_pyramid_patches(model->image_px / patch_px, shorter, i, levels);
        struct csg_input_size level = {.window_px = size->window_px, .stride_px = size->stride_px};
        status = csg_input_size(&level, model, image, size->fit, (int)(patches * patch_px), err);
        if (status == CSG_OK)
            status = encode_level(context, image, &level, plan, to, sum, err);
    }
    if (status == CSG_OK)
        status = upload(context, sum, 1 + to.w * to.h, tokens, err);
    free(sum);
    return status;
}
