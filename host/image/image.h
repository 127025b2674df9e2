/* 8-bit RGB pictures: loading, drawing. Untrusted input. */
#ifndef CSG_IMAGE_IMAGE_H
#define CSG_IMAGE_IMAGE_H

#include "base/status.h"

#define CSG_MAX_PIXELS ((size_t)1 << 28)

struct csg_image {
    int width_px, height_px;
    uint8_t *rgb; /* packed [height_px, width_px, 3] */
};

/* Uninitialised pixels. CSG_ERROR_INPUT where a side is below 1 or the area above CSG_MAX_PIXELS. */
int csg_image_create(struct csg_image **out, int width_px, int height_px, struct csg_error *err);
/* Decodes a file in memory; `name` is for the sentence. */
int csg_image_decode(struct csg_image **out, const uint8_t *data, size_t bytes, const char *name, struct csg_error *err);

#endif
