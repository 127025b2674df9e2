/* Outliers among the patches, found by their local outlier factor and replaced by their neighbours' mean (Bai et al. 2025, Self-Calibrated
 * CLIP). The published code takes a patch's own distance to its k-th neighbour as the reach, where the factor's inventors take the
 * neighbours'. */
#ifndef CSG_NET_MEND_H
#define CSG_NET_MEND_H

#include "base/status.h"

/* Which rows of a picture's patches make each: patch i is the mean of rows[from[i]] up to rows[from[i + 1] - 1]. */
struct csg_mend {
    int32_t *from, *rows; /* [cells + 1], [from[cells]]; of one allocation each */
};
/* distance: [cells, cells], squared, of a grid of grid_w columns. At least 2 cells. */
int csg_mend_create(struct csg_mend *out, const float *distance, size_t cells, size_t grid_w, struct csg_error *err);
void csg_mend_free(struct csg_mend *mend);

#endif
