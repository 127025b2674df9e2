/* Of the attention that foreground patches pay, the share that falls on foreground patches: block by block and by both kinds of attention, on
 * CLIP's own tokens, of which architecture surgery takes v too. */
#ifndef CSG_NET_FOREGROUND_H
#define CSG_NET_FOREGROUND_H

#include "net/relevance.h"

struct csg_foreground {
    struct csg_buffer *values, *qkv, *h, *out;
};
void csg_foreground_free(struct csg_foreground *foreground);

/* inside: [cells], at least one of them set. shares: [layers, 2], by softmax(s q k^T) and by softmax(s v v^T), means over the patches inside
 * and the heads. */
int csg_foreground_shares(struct csg_foreground *foreground, const struct csg_net_tower *tower, const struct csg_net_seen *seen,
                          const uint8_t *inside, double *shares, struct csg_error *err);

#endif
