#include "ref/ref.h"

static uint8_t clip8(int32_t sum)
{
    /* Negative first: the shift of a negative number is the compiler's choice. */
    if (sum < 0)
        return 0;
    sum >>= 22;
    return (uint8_t)(sum > 255 ? 255 : sum);
}

int csg_ref_resize(struct csg_backend *backend, const struct csg_resize_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const uint8_t *in = CSG_REF_AT(a->in, uint8_t);
    uint8_t *out = CSG_REF_AT(a->out, uint8_t);
    const int32_t *first = CSG_REF_AT(a->first, int32_t), *count = CSG_REF_AT(a->count, int32_t);
    const int32_t *weights = CSG_REF_AT(a->weights, int32_t);
    size_t out_w = a->vertical ? a->in_w_px : a->out_px, out_h = a->vertical ? a->out_px : a->in_h_px;
    size_t step = a->vertical ? a->in_w_px * 3 : 3; /* bytes to the next tap */

    for (size_t y = 0; y < out_h; y++) {
        for (size_t x = 0; x < out_w; x++) {
            size_t i = a->vertical ? y : x;
            size_t from = (size_t)first[i];
            const uint8_t *pixel = a->vertical ? in + (from * a->in_w_px + x) * 3 : in + (y * a->in_w_px + from) * 3;
            for (size_t c = 0; c < 3; c++) {
                int32_t sum = 1 << 21;
                for (size_t j = 0; j < (size_t)count[i]; j++)
                    sum += weights[i * a->taps + j] * pixel[j * step + c];
                out[(y * out_w + x) * 3 + c] = clip8(sum);
            }
        }
    }
    return CSG_OK;
}
