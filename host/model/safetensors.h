/* The header of a safetensors file, checked. Private to host/model. */
#ifndef CSG_MODEL_SAFETENSORS_H
#define CSG_MODEL_SAFETENSORS_H

#include "model/model.h"

struct csg_stored {
    char *name;
    bool readable; /* of a type that csg_dtype has and of at most 4 dimensions: `tensor` is filled */
    char type[12];
    struct csg_tensor tensor;
    bool used;
    size_t begin, end; /* bytes behind the header */
};

struct csg_safetensors {
    struct csg_stored *items; /* sorted by name */
    size_t count;
};

/* Reads the header at the start of `file`. Tensors point into the file, which must stay mapped. `path` is for messages. */
int csg_safetensors_read(struct csg_safetensors *out, const struct csg_mapped *file, const char *path, struct csg_error *err);
void csg_safetensors_free(struct csg_safetensors *tensors);
/* NULL where there is none. */
struct csg_stored *csg_safetensors_find(const struct csg_safetensors *tensors, const char *name);

#endif
