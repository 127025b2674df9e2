/* Shapes of COCO's annotations, drawn into masks. */
#ifndef CSG_TASK_COCO_H
#define CSG_TASK_COCO_H

#include <jansson.h>

#include "image/mask.h"

/* segmentation: polygons [[x, y, ...], ...], {"size": [h, w], "counts": [...]} or the same with a compressed string. Pixels whose centre lies
 * inside become `index`. `what` names it. CSG_ERROR_INPUT: no such thing, or of another size than the mask. */
int csg_coco_draw(struct csg_mask *mask, const json_t *segmentation, uint16_t index, const char *what, struct csg_error *err);

#endif
