#include "image/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/decode.h"

int csg_image_check_size(long long width_px, long long height_px, const char *name, struct csg_error *err)
{
    if (width_px < 1 || height_px < 1)
        return csg_fail(err, CSG_ERROR_INPUT, "%s has no pixels (%lld x %lld)", name, width_px, height_px);
    if (width_px > (long long)CSG_MAX_PIXELS || height_px > (long long)CSG_MAX_PIXELS / width_px)
        return csg_fail(err, CSG_ERROR_INPUT, "%s is too large: %lld x %lld is more than %zu pixels", name, width_px, height_px,
                        CSG_MAX_PIXELS);
    return CSG_OK;
}

int csg_image_create(struct csg_image **out, int width_px, int height_px, struct csg_error *err)
{
    *out = NULL;
    int status = csg_image_check_size(width_px, height_px, "the picture", err);
    if (status)
        return status;
    struct csg_image *image = csg_calloc(1, sizeof *image);
    if (!image)
        return csg_fail_memory(err);
    image->width_px = width_px;
    image->height_px = height_px;
    image->rgb = csg_calloc((size_t)width_px * (size_t)height_px, 3);
    if (!image->rgb) {
        csg_image_destroy(&image);
        return csg_fail_memory(err);
    }
    *out = image;
    return CSG_OK;
}

int csg_image_from_rgb(struct csg_image **out, const uint8_t *rgb, int width_px, int height_px, size_t stride_bytes,
                       struct csg_error *err)
{
    *out = NULL;
    if (!rgb)
        return csg_fail(err, CSG_ERROR_USAGE, "a picture needs pixels, not NULL");
    size_t row_bytes = 3 * (width_px > 0 ? (size_t)width_px : 0);
    if (!stride_bytes)
        stride_bytes = row_bytes;
    if (stride_bytes < row_bytes)
        return csg_fail(err, CSG_ERROR_USAGE, "a row of %d pixels does not fit in a stride of %zu bytes", width_px, stride_bytes);
    struct csg_image *image;
    int status = csg_image_create(&image, width_px, height_px, err);
    if (status)
        return status;
    for (int y = 0; y < height_px; y++)
        memcpy(image->rgb + (size_t)y * row_bytes, rgb + (size_t)y * stride_bytes, row_bytes);
    *out = image;
    return CSG_OK;
}

void csg_image_destroy(struct csg_image **image)
{
    if (!image || !*image)
        return;
    free((*image)->rgb);
    free(*image);
    *image = NULL;
}

int csg_image_width_px(const struct csg_image *image)
{
    return image->width_px;
}

int csg_image_height_px(const struct csg_image *image)
{
    return image->height_px;
}

const uint8_t *csg_image_rgb(const struct csg_image *image)
{
    return image->rgb;
}
