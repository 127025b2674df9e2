/* Index masks: PNG with a palette, or grey of 8 or 16 bits, whose values are classes. Untrusted input. */
#ifndef CSG_IMAGE_MASK_H
#define CSG_IMAGE_MASK_H

#include "base/status.h"

#define CSG_MASK_VOID 255 /* an index that counts nowhere */

struct csg_mask {
    int width_px, height_px;
    uint16_t *index; /* packed [height_px, width_px]: palette indices or grey values */
};

/* Zeros. */
int csg_mask_create(struct csg_mask **out, int width_px, int height_px, struct csg_error *err);
/* CSG_ERROR_INPUT: missing, damaged, too large, or with colours instead of indices. */
int csg_mask_load(struct csg_mask **out, const char *path, struct csg_error *err);
void csg_mask_destroy(struct csg_mask **mask);

/* Writes indices below 256 as PNG with PASCAL VOC's palette. */
int csg_mask_write(const uint16_t *index, int width_px, int height_px, const char *path, bool overwrite, struct csg_error *err);
/* The palette's colour of a class: the bits of the index dealt out to red, green and blue from the highest down. */
void csg_mask_colour(unsigned index, uint8_t rgb[3]);

#endif
