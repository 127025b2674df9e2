/* The tensors that the files of a checkpoint hold, by name. Private to host/model. */
#ifndef CSG_MODEL_TENSORS_H
#define CSG_MODEL_TENSORS_H

#include "model/model.h"

struct csg_stored {
    char *name;
    bool readable; /* of a type that csg_dtype has and of at most 4 dimensions: `tensor` is filled */
    char type[12];
    struct csg_tensor tensor;
    bool used;
    size_t begin, end; /* bytes in the data of its file */
};

struct csg_tensors {
    struct csg_stored *items;
    size_t count;
};

/* Appends an item of that name; NULL where memory is short. Valid until the next call. */
struct csg_stored *csg_tensors_add(struct csg_tensors *tensors, const char *name);
/* Sorts by name, which csg_tensors_find needs. The same name twice is CSG_ERROR_MODEL; `what` names the checkpoint. */
int csg_tensors_sort(struct csg_tensors *tensors, const char *what, struct csg_error *err);
/* NULL where there is none. */
struct csg_stored *csg_tensors_find(const struct csg_tensors *tensors, const char *name);
void csg_tensors_free(struct csg_tensors *tensors);

#endif
