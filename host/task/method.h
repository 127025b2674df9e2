/* The method table: a row a method. CLI names, the help and csg_method_name follow from it. */
#ifndef CSG_TASK_METHOD_H
#define CSG_TASK_METHOD_H

#include "base/status.h"

struct csg_method {
    const char *name;
    const char *summary;
    bool dual_path;       /* architecture surgery: the second path from first_block on */
    bool feature_surgery; /* what the texts share is subtracted */
};

/* NULL past the end. Row 0 is the default. */
const struct csg_method *csg_method_at(size_t index);
/* name NULL: the default. CSG_ERROR_USAGE names the known ones. */
int csg_method_find(const struct csg_method **out, const char *name, struct csg_error *err);

/* The published code gives the second path to the last six blocks, counted from 1. */
size_t csg_first_block_default(size_t layers);

#endif
