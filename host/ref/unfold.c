#include <string.h>

#include "ref/ref.h"

int csg_ref_unfold(struct csg_backend *backend, const struct csg_unfold_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const float *in = CSG_REF_AT(a->in, float);
    float *out = CSG_REF_AT(a->out, float);
    size_t w_out = (a->w - 1) / a->stride + 1, bytes = a->channels * sizeof *out;

    for (size_t i = 0; i < a->lines * w_out; i++) {
        /* of the pixel above and to the left, counted from one, so that nothing is negative */
        size_t y0 = (a->first_line + i / w_out) * a->stride, x0 = i % w_out * a->stride;
        for (size_t n = 0; n < 9; n++, out += a->channels) {
            size_t y = y0 + n / 3, x = x0 + n % 3;
            if (y < 1 || y > a->h || x < 1 || x > a->w)
                memset(out, 0, bytes);
            else
                memcpy(out, in + ((y - 1) * a->w + x - 1) * a->channels, bytes);
        }
    }
    return CSG_OK;
}
