/* Semantic feedback (Yang et al. 2025, ResCLIP): which patches belong together, from their labels. */
#ifndef CSG_NET_REGIONS_H
#define CSG_NET_REGIONS_H

#include "base/status.h"

/* The label of each patch from those of its pixels: the most frequent one, the smallest of equally frequent ones.
 * pixels: [grid_h * patch_px, grid_w * patch_px] below n_labels. labels: [grid_h * grid_w]. */
int csg_regions_labels(uint32_t *labels, const uint32_t *pixels, size_t grid_w, size_t grid_h, size_t patch_px, size_t n_labels,
                       struct csg_error *err);

/* bias: [cells, cells]: 1 for patches of one label that a straight way of that label connects, exp(-distance / longest) for others of one
 * label, 0 else; each row smoothed by a Gaussian of 5 over 31 patches (fewer where there are fewer) in row order, divided by its sum; all
 * divided by the greatest. More than one cell. */
int csg_regions_bias(float *bias, const uint32_t *labels, size_t grid_w, size_t grid_h, struct csg_error *err);

#endif
