/* open_clip_config.json. Private to host/model. */
#ifndef CSG_MODEL_CONFIG_H
#define CSG_MODEL_CONFIG_H

#include "model/model.h"

/* Fills the sizes, the activation and the normalisation of `model`. Sizes that the file may leave to the tensors are 0 then: embed_dim,
 * image_px, context, vocab_size. CSG_ERROR_MODEL where the file is damaged or asks for what is not supported. */
int csg_config_read(struct csg_model *model, const char *path, struct csg_error *err);

#endif
