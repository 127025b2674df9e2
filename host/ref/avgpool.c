#include "ref/ref.h"

int csg_ref_avgpool(struct csg_backend *backend, const struct csg_avgpool_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const float *in = CSG_REF_AT(a->in, float);
    float *out = CSG_REF_AT(a->out, float);
    size_t side = a->side, w_out = a->w / side, h_out = a->h / side;

    for (size_t i = 0; i < h_out * w_out; i++) {
        const float *first = in + (i / w_out * side * a->w + i % w_out * side) * a->channels;
        for (size_t c = 0; c < a->channels; c++) {
            double sum = 0.0;
            for (size_t n = 0; n < side * side; n++)
                sum += (double)first[(n / side * a->w + n % side) * a->channels + c];
            *out++ = (float)(sum / (double)(side * side));
        }
    }
    return CSG_OK;
}
