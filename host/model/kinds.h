/* The kinds of checkpoints: how a folder or file is recognised, where its configuration and its weights stand. Private to host/model. */
#ifndef CSG_MODEL_KINDS_H
#define CSG_MODEL_KINDS_H

#include "model/tensors.h"

/* Recognises what stands at model->path, reads its configuration into `model`, maps its files there (also on failure: to be
 * closed with the model) and lists their tensors, sorted. */
int csg_kind_read(struct csg_model *model, struct csg_tensors *tensors, struct csg_error *err);

#endif
