/* The header of a safetensors file, checked. Private to host/model. */
#ifndef CSG_MODEL_SAFETENSORS_H
#define CSG_MODEL_SAFETENSORS_H

#include "model/tensors.h"

/* Reads the header at the start of `file` and appends its tensors, which point into the file: it must stay mapped. `path` is for
 * messages. What was appended before a failure is the caller's to free. */
int csg_safetensors_read(struct csg_tensors *out, const struct csg_mapped *file, const char *path, struct csg_error *err);

#endif
