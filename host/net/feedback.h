/* ResCLIP (Yang et al. 2025): the last block's attention by keys to near patches is mixed with the mean q-k attention of middle blocks, and a
 * first segmentation of the picture into the texts is fed back into a second pass. docs/methods.md has the formula. */
#ifndef CSG_NET_FEEDBACK_H
#define CSG_NET_FEEDBACK_H

#include "net/refine.h"
#include "net/relevance.h"

struct csg_feedback {
    struct csg_net_refine refine;
    struct csg_buffer *qkv, *other, *h, *cross, *attended, *out, *features, *relevance, *maps, *up, *bias, *one;
};
void csg_feedback_free(struct csg_feedback *feedback);

/* See csg_vision_relevance; the inputs of every block and the picture are needed. What it makes of a text depends on the other texts. */
int csg_feedback_relevance(struct csg_feedback *feedback, const struct csg_net_tower *tower, const struct csg_net_head *head,
                           const struct csg_net_seen *seen, struct csg_view texts, size_t n, struct csg_view *relevance,
                           struct csg_error *err);

#endif
