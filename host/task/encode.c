#include "task/encode.h"

#include <math.h>
#include <stdlib.h>

#include "base/files.h"
#include "base/mem.h"
#include "base/names.h"
#include "image/resize.h"
#include "task/pyramid.h"
#include "task/windows.h"

static void stretch(struct csg_input_size *size, const struct csg_image *image, int size_px, int patch_px)
{
    (void)image;
    (void)patch_px;
    size->w_px = size->h_px = size_px;
}

/* The shorter side is size_px; the longer one the nearest multiple of the patch, at least as long as the shorter. */
static void aspect(struct csg_input_size *size, const struct csg_image *image, int size_px, int patch_px)
{
    int shorter = image->width_px < image->height_px ? image->width_px : image->height_px;
    int longer = image->width_px < image->height_px ? image->height_px : image->width_px;
    double patches = floor((double)size_px * longer / shorter / patch_px + 0.5);
    int limit = INT32_MAX / 2 / patch_px;
    int longer_px = (patches < limit ? (int)patches : limit) * patch_px;
    size->w_px = image->width_px < image->height_px ? size_px : longer_px;
    size->h_px = image->width_px < image->height_px ? longer_px : size_px;
}

static const struct {
    const char *name;
    void (*apply)(struct csg_input_size *, const struct csg_image *, int size_px, int patch_px);
} fits[] = {{"stretch", stretch}, {"aspect", aspect}};

static const char *fit_at(size_t index)
{
    return index < sizeof fits / sizeof *fits ? fits[index].name : NULL;
}

int csg_input_size(struct csg_input_size *out, const struct csg_model *model, const struct csg_image *image, const char *fit,
                   int size_px, struct csg_error *err)
{
    int patch_px = (int)model->patch_px;
    size_t row;
    if (size_px == 0)
        size_px = (int)model->image_px;
    if (size_px < 0 || size_px % patch_px)
        return csg_fail(err, CSG_ERROR_USAGE, "the size %d is not a positive multiple of the model's patch of %d pixels", size_px,
                        patch_px);
    int status = csg_name_find(&row, fit, "fit", fit_at, err);
    if (status)
        return status;
    out->fit = fits[row].name;
    fits[row].apply(out, image, size_px, patch_px);
    size_t cells = (size_t)(out->w_px / patch_px) * (size_t)(out->h_px / patch_px);
    if (cells > CSG_MAX_CELLS)
        return csg_fail(err, CSG_ERROR_USAGE, "%d x %d pixels are %zu patches, more than the %d that are computed at once",
                        out->w_px, out->h_px, cells, CSG_MAX_CELLS);
    return CSG_OK;
}

/* One pass of the resize along one axis, into a new buffer. */
static int resize_pass(struct csg_backend *backend, struct csg_buffer *in, int in_w_px, int in_h_px, int out_px, bool vertical,
                       struct csg_buffer **out, struct csg_error *err)
{
    struct csg_resize_axis *axis = NULL;
    struct csg_buffer *first = NULL, *count = NULL, *weights = NULL; /* the same for all pictures of that size */
    size_t n = (size_t)out_px;
    int status = csg_resize_axis_create(&axis, vertical ? in_h_px : in_w_px, out_px, err);
    if (status == CSG_OK)
        status = csg_buffer_constant(backend, axis->first, n * sizeof *axis->first, &first, err);
    if (status == CSG_OK)
        status = csg_buffer_constant(backend, axis->count, n * sizeof *axis->count, &count, err);
    if (status == CSG_OK)
        status = csg_buffer_constant(backend, axis->weights, n * (size_t)axis->taps * sizeof *axis->weights, &weights, err);
    if (status == CSG_OK)
        status = csg_buffer_create(backend, 3 * n * (size_t)(vertical ? in_w_px : in_h_px), out, err);
    if (status == CSG_OK) {
        const struct csg_resize_args args = {.in = csg_view(in, 0),
                                             .out = csg_view(*out, 0),
                                             .first = csg_view(first, 0),
                                             .count = csg_view(count, 0),
                                             .weights = csg_view(weights, 0),
                                             .in_w_px = (size_t)in_w_px,
                                             .in_h_px = (size_t)in_h_px,
                                             .out_px = n,
                                             .taps = (size_t)axis->taps,
                                             .vertical = vertical};
        status = csg_resize(backend, &args, err);
    }
    if (status)
        csg_buffer_destroy(out);
    csg_resize_axis_destroy(&axis);
    return status;
}

/* Uploads the picture and resizes it to w_px x h_px as Pillow does: the width first, and no pass where nothing changes. */
static int resized(struct csg_backend *backend, const struct csg_image *image, int w_px, int h_px, struct csg_buffer **out,
                   struct csg_error *err)
{
    struct csg_buffer *next = NULL;
    size_t bytes = (size_t)image->width_px * (size_t)image->height_px * 3;
    int status = csg_buffer_from(backend, image->rgb, bytes, out, err);
    if (status == CSG_OK && image->width_px != w_px) {
        status = resize_pass(backend, *out, image->width_px, image->height_px, w_px, false, &next, err);
        csg_buffer_destroy(out);
        *out = next;
        next = NULL;
    }
    if (status == CSG_OK && image->height_px != h_px) {
        status = resize_pass(backend, *out, w_px, image->height_px, h_px, true, &next, err);
        csg_buffer_destroy(out);
        *out = next;
    }
    return status;
}

int csg_input_windows(struct csg_input_size *size, const struct csg_model *model, const struct csg_method *method, int window_px,
                      int stride_px, struct csg_error *err)
{
    int patch_px = (int)model->patch_px;
    if (!window_px && stride_px)
        return csg_fail(err, CSG_ERROR_USAGE, "a stride of %d pixels is of no use without windows", stride_px);
    if (!window_px)
        return CSG_OK;
    if (!stride_px)
        stride_px = window_px / patch_px > 1 ? window_px / patch_px / 2 * patch_px : patch_px;
    if (window_px <= 0 || window_px % patch_px || stride_px <= 0 || stride_px % patch_px || stride_px > window_px)
        return csg_fail(
            err, CSG_ERROR_USAGE,
            "windows of %d pixels every %d are not positive multiples of the model's patch of %d, the second at most the first",
            window_px, stride_px, patch_px);
    if (method->relevance)
        return csg_fail(err, CSG_ERROR_USAGE, "%s looks at one encoding as a whole and cannot do windows; surgery and arch can",
                        method->name);
    size->window_px = window_px;
    size->stride_px = stride_px;
    return CSG_OK;
}

int csg_input_pyramid(struct csg_input_size *size, const struct csg_model *model, const struct csg_method *method, int size_px,
                      int levels, struct csg_error *err)
{
    int own_px = (int)model->image_px, last_px = size_px ? size_px : own_px;
    int sizes = last_px >= own_px ? (last_px - own_px) / (int)model->patch_px + 1 : 0;
    if (levels == 0 || levels == 1)
        return CSG_OK;
    if (levels < 0 || levels > sizes)
        return csg_fail(err, CSG_ERROR_USAGE,
                        "from the model's own %d pixels to %d there are %d sizes to encode, a pyramid of %d cannot be had",
                        own_px, last_px, sizes, levels);
    if (method->relevance)
        return csg_fail(err, CSG_ERROR_USAGE, "%s looks at one encoding as a whole and cannot do pyramids; surgery and arch can",
                        method->name);
    size->levels = levels;
    return CSG_OK;
}

int csg_encode_pictures(const struct csg_context *context, const struct csg_image *const *images, size_t count,
                        const struct csg_input_size *size, const struct csg_net_plan *plan, struct csg_view *tokens,
                        struct csg_error *err)
{
    struct csg_backend *backend = context->backend;
    if (!context->vision)
        return csg_fail(err, CSG_ERROR_USAGE, "this engine was opened without its image tower");
    if (size->levels)
        return csg_encode_pyramid(context, images[0], size, plan, tokens, err);
    struct csg_buffer **rgb = csg_calloc(count, sizeof *rgb);
    struct csg_view *views = csg_calloc(count, sizeof *views);
    int status = rgb && views ? CSG_OK : csg_fail_memory(err);
    backend->stage = CSG_STAGE_RESIZE;
    for (size_t i = 0; status == CSG_OK && i < count; i++) {
        status = resized(backend, images[i], size->w_px, size->h_px, &rgb[i], err);
        views[i] = csg_view(rgb[i], 0);
    }
    backend->stage = CSG_STAGE_ENCODE;
    if (status == CSG_OK && size->window_px)
        status = csg_encode_windows(context, rgb[0], size, plan, tokens, err);
    else if (status == CSG_OK)
        status = csg_vision_encode(context->vision, views, count, (size_t)size->w_px, (size_t)size->h_px, plan, tokens, err);
    backend->stage = CSG_STAGE_REST;
    if (status == CSG_OK && count == 1)
        csg_vision_keep(context->vision, &rgb[0]);
    for (size_t i = 0; rgb && i < count; i++)
        csg_buffer_destroy(&rgb[i]);
    free(rgb);
    free(views);
    return status;
}
