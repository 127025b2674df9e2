/* Self-Calibrated CLIP (Bai et al. 2025): outliers of the last block's input are mended, its patches and a sum of earlier blocks' outputs
 * attend by keys and by how alike a middle block's outputs are, and both are gathered by how alike an early block's are.
 * docs/methods.md has the formula. */
#ifndef CSG_NET_CALIBRATE_H
#define CSG_NET_CALIBRATE_H

#include "net/relevance.h"

struct csg_calibrate {
    struct csg_buffer *distance, *from, *rows, *gathered, *alike, *shared, *early, *middle, *level, *constants;
    size_t listed; /* rows in the lists of what makes each patch */
    struct csg_buffer *mended, *y, *sum, *h, *qkv, *o, *bias, *mixed, *out, *features, *relevance;
};
void csg_calibrate_free(struct csg_calibrate *calibrate);

/* See csg_vision_relevance; the inputs of every block are needed. */
int csg_calibrate_relevance(struct csg_calibrate *calibrate, const struct csg_net_tower *tower, const struct csg_net_head *head,
                            const struct csg_net_seen *seen, struct csg_view texts, size_t n, struct csg_view *relevance,
                            struct csg_error *err);

#endif
