/* Where finished maps are highest. */
#ifndef CSG_TASK_PEAKS_H
#define CSG_TASK_PEAKS_H

#include "ops/backend.h"

/* maps: n maps [in_h, in_w] on the backend. peaks [n, 2] there: for each {column, row} of its highest pixel, the first in row order, once
 * it is out_w x out_h pixels large. */
int csg_task_peaks(struct csg_backend *backend, struct csg_view maps, size_t n, size_t in_w, size_t in_h, size_t out_w,
                   size_t out_h, struct csg_view peaks, struct csg_error *err);

#endif
