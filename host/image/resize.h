/* Pillow's bicubic resampling (Resample.c of Pillow): a = -0.5, support scaled when shrinking, 22-bit fixed-point weights,
 * horizontal pass first, 8-bit rounding and clipping after each pass. The passes themselves are the operator `resize`.
 * Pillow 13 goes vertically first where the height shrinks much more than the width, which moves single pixels by up to eight
 * levels; every version before, and so the published results, does not. */
#ifndef CSG_IMAGE_RESIZE_H
#define CSG_IMAGE_RESIZE_H

#include "base/status.h"

/* One axis: output i = clip8((2^21 + sum_{j<count[i]} weights[i * taps + j] * input[first[i] + j]) >> 22). */
struct csg_resize_axis {
    int32_t in_px, out_px, taps;
    int32_t *first, *count; /* [out_px] */
    int32_t *weights;       /* [out_px, taps] */
};
int csg_resize_axis_create(struct csg_resize_axis **out, int in_px, int out_px, struct csg_error *err);
void csg_resize_axis_destroy(struct csg_resize_axis **axis);

#endif
