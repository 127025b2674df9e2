/* One picture encoded at several sizes: what is seen at each of them stands out, the noise of each does not. */
#ifndef CSG_TASK_PYRAMID_H
#define CSG_TASK_PYRAMID_H

#include "task/encode.h"

/* Patches along the shorter side at `level` of `levels` (at least 2): evenly from `first` to `last`, halves up. */
size_t csg_pyramid_patches(size_t first, size_t last, size_t level, size_t levels);

/* *tokens is [1 + cells, embed_dim] on the grid of `size`, rows of length one; the tower's until the next call. A row is the mean over the
 * levels, the others' patches bilinearly between their centres. What the tower keeps is the last level, of `size` itself. */
int csg_encode_pyramid(const struct csg_context *context, const struct csg_image *image, const struct csg_input_size *size,
                       const struct csg_net_plan *plan, struct csg_view *tokens, struct csg_error *err);

#endif
