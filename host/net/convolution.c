#include "net/convolution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/scratch.h"

#define BATCH_NORM_EPS 1e-5
/* Of the scratch: small enough for the caches of a CPU, large enough to keep a GPU busy. */
#define BAND_FLOATS ((size_t)4 << 20)

/* y = gamma (conv(x) - mean) / sqrt(var + eps) + beta, the factor into the weights: [to][place][from] of [to][from][place]. */
static void fold(const struct csg_conv *conv, const float *in, const float *norm, float *out, float *bias)
{
    size_t to = conv->weight.dims[0], from = conv->weight.dims[1], places = conv->weight.dims[2] * conv->weight.dims[3];
    for (size_t o = 0; o < to; o++) {
        double factor = (double)norm[o] / sqrt((double)norm[3 * to + o] + BATCH_NORM_EPS);
        bias[o] = (float)((double)norm[to + o] - (double)norm[2 * to + o] * factor);
        for (size_t p = 0; p < places; p++)
            for (size_t i = 0; i < from; i++)
                out[(o * places + p) * from + i] = (float)((double)in[(o * from + i) * places + p] * factor);
    }
}

int csg_net_conv_create(struct csg_net_conv *conv, struct csg_backend *backend, const struct csg_conv *from,
                        struct csg_error *err)
{
    size_t n = from->weight.elements, to = from->weight.dims[0];
    float *values = csg_calloc(n, 2 * sizeof *values), *norm = csg_calloc(to, 5 * sizeof *norm);
    int status = values && norm ? CSG_OK : csg_fail_memory(err);
    conv->side = from->weight.dims[2];
    conv->from = from->weight.dims[1];
    if (status == CSG_OK) {
        csg_tensor_to_f32(&from->weight, values);
        csg_tensor_to_f32(&from->gamma, norm);
        csg_tensor_to_f32(&from->beta, norm + to);
        csg_tensor_to_f32(&from->mean, norm + 2 * to);
        csg_tensor_to_f32(&from->var, norm + 3 * to);
        fold(from, values, norm, values + n, norm + 4 * to);
        const struct csg_weight_part part = {.data = values + n, .dtype = CSG_F32, .n = to};
        status = csg_weight_create(backend, &part, 1, n / to, &conv->weight, err);
    }
    if (status == CSG_OK)
        status = csg_buffer_from(backend, norm + 4 * to, to * sizeof *norm, &conv->bias, err);
    free(values);
    free(norm);
    return status;
}

void csg_net_conv_free(struct csg_net_conv *conv)
{
    csg_weight_destroy(&conv->weight);
    csg_buffer_destroy(&conv->bias);
}

int csg_net_conv_run(const struct csg_net_conv *conv, struct csg_backend *backend, const struct csg_net_picture *in,
                     size_t stride, struct csg_view residual, enum csg_activation act, struct csg_view y,
                     struct csg_buffer **unfolded, struct csg_error *err)
{
    size_t k = conv->weight->k, n = conv->weight->n, w_out = (in->w - 1) / stride + 1, h_out = (in->h - 1) / stride + 1;
    size_t lines = conv->side == 1 ? h_out : BAND_FLOATS / (w_out * k) + 1;
    struct csg_gemm_args gemm = {.x = in->x,
                                 .weight = conv->weight,
                                 .bias = csg_view(conv->bias, 0),
                                 .residual = residual,
                                 .y = y,
                                 .x_stride = k,
                                 .residual_stride = n,
                                 .y_stride = n,
                                 .act = act};
    int status = CSG_OK;
    for (size_t line = 0; status == CSG_OK && line < h_out; line += lines) {
        size_t here = h_out - line < lines ? h_out - line : lines, at = line * w_out * n;
        gemm.rows = here * w_out;
        gemm.y.at = y.at + at;
        gemm.residual.at = residual.at + at;
        if (conv->side == 3) {
            status = csg_scratch_f32(backend, unfolded, gemm.rows, k, err);
            gemm.x = csg_view(*unfolded, 0);
            const struct csg_unfold_args unfold = {.in = in->x,
                                                   .out = gemm.x,
                                                   .w = in->w,
                                                   .h = in->h,
                                                   .channels = conv->from,
                                                   .stride = stride,
                                                   .first_line = line,
                                                   .lines = here};
            if (status == CSG_OK)
                status = csg_unfold(backend, &unfold, err);
        }
        if (status == CSG_OK)
            status = csg_gemm(backend, &gemm, err);
    }
    return status;
}
