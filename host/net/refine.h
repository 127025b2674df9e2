/* Pixel-adaptive mask refinement (Araslanov and Roth 2020) with the parameters that segmentation without training takes: ten steps, eight
 * neighbours each 8 and 16 pixels away. */
#ifndef CSG_NET_REFINE_H
#define CSG_NET_REFINE_H

#include "ops/backend.h"

struct csg_net_refine {
    struct csg_buffer *weights, *other;
    size_t w, h;
};
/* Weights from a picture: uint8 [h, w, 3]. */
int csg_net_refine_prepare(struct csg_net_refine *refine, struct csg_backend *backend, struct csg_view rgb, size_t w, size_t h,
                           struct csg_error *err);
/* n maps [n, h, w] in place. */
int csg_net_refine(struct csg_net_refine *refine, struct csg_backend *backend, struct csg_view maps, size_t n,
                   struct csg_error *err);
void csg_net_refine_free(struct csg_net_refine *refine);

#endif
