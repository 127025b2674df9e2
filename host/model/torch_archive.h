/* TorchScript archives: OpenAI's .pt. Private to host/model. */
#ifndef CSG_MODEL_TORCH_ARCHIVE_H
#define CSG_MODEL_TORCH_ARCHIVE_H

#include "model/tensors.h"

/* Appends the tensors of the archive's module, named by attribute as a state dict is; they point into the file. Contiguous ones only.
 * Nothing in the archive is run. `path` is for messages. */
int csg_torch_archive_read(struct csg_tensors *out, const struct csg_mapped *file, const char *path, struct csg_error *err);

#endif
