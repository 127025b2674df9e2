/* Where the tensors of a checkpoint belong: one table of name rules for each layout. Private to host/model. */
#ifndef CSG_MODEL_LAYOUT_H
#define CSG_MODEL_LAYOUT_H

#include "model/tensors.h"

/* Finds every tensor, checks its shape against the sizes of the model and fills what the configuration left open. */
int csg_layout_apply(struct csg_model *model, struct csg_tensors *tensors, struct csg_error *err);
/* One warning that names the tensors that nothing used. */
void csg_layout_tell_surplus(const struct csg_tensors *tensors, const struct csg_log *log);

#endif
