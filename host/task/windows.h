/* Sliding windows: a picture larger than what the model was trained on, encoded piece by piece. */
#ifndef CSG_TASK_WINDOWS_H
#define CSG_TASK_WINDOWS_H

#include "task/encode.h"

/* Where the windows of a side begin, in order: every stride, the last one moved back so that it ends with the side; one where the side is
 * not longer than the window. Returns how many; from may be NULL. */
size_t csg_windows_along(size_t side, size_t window, size_t stride, size_t *from);

/* rgb: uint8 [h_px, w_px, 3]. *tokens is [1 + cells, embed_dim]: the mean over the windows that see a patch, row 0 over all; the tower's
 * until the next call. */
int csg_encode_windows(const struct csg_context *context, struct csg_buffer *rgb, const struct csg_input_size *size,
                       const struct csg_net_plan *plan, struct csg_view *tokens, struct csg_error *err);

#endif
