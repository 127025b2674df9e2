/* The matrices of a block turned for the way back: dx = dy W. */
#ifndef CSG_NET_BACK_H
#define CSG_NET_BACK_H

#include "model/model.h"
#include "ops/backend.h"

struct csg_net_back {
    struct csg_weight *qkv, *out, *fc, *proj; /* [W, 3W], [W, W], [W, M], [M, W] */
};
int csg_net_back_create(struct csg_net_back *back, struct csg_backend *backend, const struct csg_block *block, size_t width,
                        struct csg_error *err);
void csg_net_back_free(struct csg_net_back *back);

/* y = act(x W^T + bias) + residual with packed rows; bias and residual may be absent. */
int csg_net_multiply(struct csg_backend *backend, struct csg_view x, const struct csg_weight *weight, struct csg_view bias,
                     struct csg_view residual, struct csg_view y, size_t rows, enum csg_activation act, struct csg_error *err);

#endif
