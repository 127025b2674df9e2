/* Convolutions of 1 x 1 and 3 x 3 as GEMM, the batch norm behind them folded into their weights. Pictures are rows of pixels,
 * [h * w, channels]. */
#ifndef CSG_NET_CONVOLUTION_H
#define CSG_NET_CONVOLUTION_H

#include "model/model.h"
#include "ops/backend.h"

struct csg_net_conv {
    struct csg_weight *weight; /* [to, side * side * from], from inside */
    struct csg_buffer *bias;   /* [to] */
    size_t side, from;
};
int csg_net_conv_create(struct csg_net_conv *conv, struct csg_backend *backend, const struct csg_conv *from,
                        struct csg_error *err);
void csg_net_conv_free(struct csg_net_conv *conv);

/* y = act(conv(x) + bias) + residual with a border of one where the side is 3; stride 1 where it is 1. *unfolded is scratch of a few
 * megabytes: large pictures are computed in bands. */
struct csg_net_picture {
    struct csg_view x;
    size_t w, h;
};
int csg_net_conv_run(const struct csg_net_conv *conv, struct csg_backend *backend, const struct csg_net_picture *in,
                     size_t stride, struct csg_view residual, enum csg_activation act, struct csg_view y,
                     struct csg_buffer **unfolded, struct csg_error *err);

#endif
