/* Where an output sample of a bilinear resize lies between two input samples, by the rule of PyTorch's
 * upsample_bilinear2d with align_corners=False. The coordinate is float32 there, so it is here. */
#ifndef CSG_REF_AXIS_H
#define CSG_REF_AXIS_H

#include <stddef.h>

struct csg_ref_axis {
    size_t a, b;   /* the two input samples */
    double wa, wb; /* their weights */
};

static inline struct csg_ref_axis csg_ref_axis(size_t in, size_t out, size_t i)
{
    float scale = (float)in / (float)out;
    float at = scale * ((float)i + 0.5f) - 0.5f;
    if (at < 0.0f)
        at = 0.0f;
    size_t a = (size_t)at;
    if (a > in - 1)
        a = in - 1;
    float lambda = at - (float)a;
    if (lambda > 1.0f)
        lambda = 1.0f;
    struct csg_ref_axis axis = {a, a + (a < in - 1), (double)(1.0f - lambda), (double)lambda};
    return axis;
}

#endif
