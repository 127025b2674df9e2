/* The index of a checkpoint in several files. Private to host/model. */
#ifndef CSG_MODEL_SHARDS_H
#define CSG_MODEL_SHARDS_H

#include "base/status.h"

struct csg_shards {
    char **names; /* files beside the index, sorted, each once */
    size_t count;
};

/* Reads model.safetensors.index.json. Names that lead to another folder are refused. */
int csg_shards_read(struct csg_shards *out, const char *path, struct csg_error *err);
void csg_shards_free(struct csg_shards *shards);

#endif
