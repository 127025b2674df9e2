/* What takes the place of the cosine of tokens and text, where a method is more than a change of the tower's blocks. */
#ifndef CSG_NET_RELEVANCE_H
#define CSG_NET_RELEVANCE_H

#include "net/tower.h"

enum csg_net_relevance {
    CSG_RELEVANCE_NONE,
    CSG_RELEVANCE_GRADCAM,     /* max(0, sum over channels of mean gradient * ln_1's output) */
    CSG_RELEVANCE_BIMODAL,     /* mean over heads of max(0, gradient * attention), row CLS */
    CSG_RELEVANCE_BIMODAL_ALL, /* the same through every block: net/through.h */
    CSG_RELEVANCE_GRADECLIP,   /* max(0, sum over channels of gradient * value) * loosened q-k similarity */
    CSG_RELEVANCE_SCCLIP,      /* net/calibrate.h */
    CSG_RELEVANCE_RESCLIP,     /* net/feedback.h */
    CSG_RELEVANCE_GSCORECAM    /* net/scorecam.h */
};

/* What an encoding left behind for them. */
struct csg_net_seen {
    struct csg_buffer *inputs; /* [layers + 1, rows, W]: what went into each block, and what came out of the last */
    size_t rows, grid_w, grid_h;
    struct csg_view rgb; /* uint8 [h_px, w_px, 3] */
    size_t w_px, h_px;
};

#endif
