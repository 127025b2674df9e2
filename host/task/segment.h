/* From similarities to classes of pixels. */
#ifndef CSG_TASK_SEGMENT_H
#define CSG_TASK_SEGMENT_H

#include "ops/backend.h"

/* similarity [n, grid_h, grid_w] in host memory, upsampled to [h, w]: index = 1 + the class with the highest value, or 0 where its
 * probability, softmax(scale * similarity) over the classes, is below `background`. At most 65534 classes. */
int csg_task_segment(struct csg_backend *backend, const float *similarity, size_t n, size_t grid_w, size_t grid_h, size_t w,
                     size_t h, double scale, double background, uint16_t *index, struct csg_error *err);

#endif
