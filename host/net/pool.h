/* The attention pool of CLIP's ResNets. CLS is the mean of the last stage's pixels. */
#ifndef CSG_NET_POOL_H
#define CSG_NET_POOL_H

#include "net/forms.h"

struct csg_net_pool;

int csg_net_pool_create(struct csg_net_pool **out, struct csg_backend *backend, const struct csg_model *model,
                        struct csg_error *err);
void csg_net_pool_destroy(struct csg_net_pool **pool);

/* x: [1 + grid_w * grid_h, W], row 0 free, the pixels behind it. *tokens as csg_vision_encode. */
int csg_net_pool_run(struct csg_net_pool *pool, struct csg_view x, size_t grid_w, size_t grid_h, const struct csg_net_plan *plan,
                     struct csg_view *tokens, struct csg_error *err);

#endif
