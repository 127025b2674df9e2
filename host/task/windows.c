#include "task/windows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

size_t csg_windows_along(size_t side, size_t window, size_t stride, size_t *from)
{
    size_t count = side > window ? (side - window + stride - 1) / stride + 1 : 1;
    for (size_t i = 0; from && i < count; i++)
        from[i] = side <= window ? 0 : i * stride + window < side ? i * stride : side - window;
    return count;
}

/* All in patches but the picture's width. */
struct run {
    const struct csg_context *context;
    const struct csg_net_plan *plan;
    size_t patch_px, grid_w, grid_h, w, h; /* the picture's grid, and a window's */
    size_t embed, row_bytes;
    uint8_t *rgb, *cut; /* the picture, a window */
    float *own;         /* [1 + w * h, embed] */
    double *sum;        /* [1 + grid_h * grid_w, embed] */
    size_t *count;      /* [1 + grid_h * grid_w] */
};

static void add_token(struct run *r, size_t to, size_t from)
{
    for (size_t c = 0; c < r->embed; c++)
        r->sum[to * r->embed + c] += (double)r->own[from * r->embed + c];
    r->count[to]++;
}

static int add_window(struct run *r, size_t left, size_t top, struct csg_error *err)
{
    size_t cut_bytes = r->w * r->patch_px * 3, lines = r->h * r->patch_px;
    struct csg_buffer *cut = NULL;
    struct csg_view tokens, view;
    for (size_t y = 0; y < lines; y++)
        memcpy(r->cut + y * cut_bytes, r->rgb + (top * r->patch_px + y) * r->row_bytes + left * r->patch_px * 3, cut_bytes);
    int status = csg_buffer_from(r->context->backend, r->cut, lines * cut_bytes, &cut, err);
    view = csg_view(cut, 0);
    if (status == CSG_OK)
        status = csg_vision_encode(r->context->vision, &view, 1, r->w * r->patch_px, lines, r->plan, &tokens, err);
    if (status == CSG_OK)
        status =
            csg_buffer_read(tokens.buffer, tokens.at * sizeof(float), r->own, (1 + r->w * r->h) * r->embed * sizeof *r->own, err);
    csg_buffer_destroy(&cut);
    if (status)
        return status;
    add_token(r, 0, 0);
    for (size_t i = 0; i < r->w * r->h; i++)
        add_token(r, 1 + (top + i / r->w) * r->grid_w + left + i % r->w, 1 + i);
    return CSG_OK;
}

static int upload_means(struct run *r, struct csg_view *tokens, struct csg_error *err)
{
    size_t elements = (1 + r->grid_w * r->grid_h) * r->embed;
    for (size_t i = 0; i < elements; i++)
        r->sum[i] /= (double)r->count[i / r->embed];
    return csg_vision_take_tokens(r->context->vision, r->context->backend, r->sum, elements, tokens, err);
}

static int run_windows(struct run *r, const struct csg_input_size *size, struct csg_error *err)
{
    size_t window = (size_t)size->window_px / r->patch_px, stride = (size_t)size->stride_px / r->patch_px;
    size_t across = csg_windows_along(r->grid_w, window, stride, NULL), down = csg_windows_along(r->grid_h, window, stride, NULL);
    size_t *left = csg_calloc(across + down, sizeof *left), *top = left ? left + across : NULL;
    int status = left ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK) {
        csg_windows_along(r->grid_w, window, stride, left);
        csg_windows_along(r->grid_h, window, stride, top);
    }
    for (size_t i = 0; status == CSG_OK && i < across * down; i++)
        status = add_window(r, left[i % across], top[i / across], err);
    free(left);
    return status;
}

int csg_encode_windows(const struct csg_context *context, struct csg_buffer *rgb, const struct csg_input_size *size,
                       const struct csg_net_plan *plan, struct csg_view *tokens, struct csg_error *err)
{
    const struct csg_model *model = context->model;
    struct run run = {.context = context, .plan = plan, .patch_px = model->patch_px, .embed = model->embed_dim}, *r = &run;
    size_t window = (size_t)size->window_px / r->patch_px, bytes = (size_t)size->w_px * (size_t)size->h_px * 3;
    r->grid_w = (size_t)size->w_px / r->patch_px;
    r->grid_h = (size_t)size->h_px / r->patch_px;
    r->w = r->grid_w < window ? r->grid_w : window;
    r->h = r->grid_h < window ? r->grid_h : window;
    r->row_bytes = (size_t)size->w_px * 3;
    r->rgb = csg_calloc(bytes, 1);
    r->cut = csg_calloc(r->w * r->h, r->patch_px * r->patch_px * 3);
    r->own = csg_calloc(1 + r->w * r->h, r->embed * sizeof *r->own);
    r->sum = csg_calloc(1 + r->grid_w * r->grid_h, r->embed * sizeof *r->sum);
    r->count = csg_calloc(1 + r->grid_w * r->grid_h, sizeof *r->count);
    int status = r->rgb && r->cut && r->own && r->sum && r->count ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_buffer_read(rgb, 0, r->rgb, bytes, err);
    if (status == CSG_OK)
        status = run_windows(r, size, err);
    if (status == CSG_OK)
        status = upload_means(r, tokens, err);
    free(r->rgb);
    free(r->cut);
    free(r->own);
    free(r->sum);
    free(r->count);
    return status;
}
