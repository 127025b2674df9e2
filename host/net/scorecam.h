/* gScoreCAM (Chen et al. 2022): the channels of the last block's output with the highest gradients at CLS are masks of the picture; the
 * cosine of the masked picture and the text weighs the channel. */
#ifndef CSG_NET_SCORECAM_H
#define CSG_NET_SCORECAM_H

#include "net/gradient.h"
#include "net/relevance.h"

struct csg_scorecam {
    struct csg_buffer *channels, *mask, *map, *masks, *weights, *product, *relevance;
};
void csg_scorecam_free(struct csg_scorecam *scorecam);

/* What the tower does for it: features [count, embed_dim] of CLS, normalised, of its last picture times each of the masks [count, h_px, w_px]. */
struct csg_scorecam_tower {
    int (*encode)(void *tower, struct csg_view masks, size_t count, float *features, struct csg_error *err);
    void *tower;
};

/* The indices of the k greatest of n values, the first ones of equals. index: [k]. CSG_ERROR. */
int csg_scorecam_best(size_t *index, size_t k, const float *values, size_t n, struct csg_error *err);

/* See csg_vision_relevance; the inputs of every block are needed. One picture to be encoded for each channel that is among the best of any text. */
int csg_scorecam_relevance(struct csg_scorecam *scorecam, struct csg_gradient *gradient, const struct csg_net_tower *tower,
                           const struct csg_net_head *head, const struct csg_net_seen *seen,
                           const struct csg_scorecam_tower *masked, struct csg_view texts, size_t n, struct csg_view *relevance,
                           struct csg_error *err);

#endif
