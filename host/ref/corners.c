#include "ref/ref.h"

/* The sample before place `to` of the output, and how far behind it; PyTorch's coordinate is float32, so it is here. */
static size_t place(size_t to, size_t in, size_t out, double *part)
{
    float at = out > 1 ? (float)to * ((float)(in - 1) / (float)(out - 1)) : 0.0f;
    size_t low = (size_t)at < in ? (size_t)at : in - 1;
    *part = (double)(at - (float)low);
    return low;
}

int csg_ref_corners(struct csg_backend *backend, const struct csg_corners_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    float *out = CSG_REF_AT(a->out, float);
    for (size_t i = 0; i < a->n; i++) {
        const float *in = CSG_REF_AT(a->in, float) + i * a->in_w * a->in_h;
        for (size_t y = 0; y < a->out_h; y++) {
            double py, px;
            size_t row = place(y, a->in_h, a->out_h, &py), below = row + (row + 1 < a->in_h);
            for (size_t x = 0; x < a->out_w; x++) {
                size_t left = place(x, a->in_w, a->out_w, &px), right = left + (left + 1 < a->in_w);
                double top = (1 - px) * (double)in[row * a->in_w + left] + px * (double)in[row * a->in_w + right];
                double bottom = (1 - px) * (double)in[below * a->in_w + left] + px * (double)in[below * a->in_w + right];
                *out++ = (float)((1 - py) * top + py * bottom);
            }
        }
    }
    return CSG_OK;
}
