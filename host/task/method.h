/* The method table: a row a method. CLI names, the help and csg_method_name follow from it. */
#ifndef CSG_TASK_METHOD_H
#define CSG_TASK_METHOD_H

#include "base/status.h"
#include "net/gradient.h"
#include "net/plan.h"

/* Which blocks of the image tower change. */
enum csg_blocks {
    CSG_BLOCKS_NONE,
    CSG_BLOCKS_FROM, /* from the first block that is asked for, or the default, to the last */
    CSG_BLOCKS_LAST
};

struct csg_method {
    const char *name;
    const char *summary;
    enum csg_blocks blocks;
    struct csg_net_plan plan;       /* of the changed blocks; first_block is not of the row */
    bool feature_surgery;           /* what the texts share is subtracted */
    bool reversed;                  /* values negated */
    enum csg_net_gradient gradient; /* in place of the cosine; the tower is unchanged */
};

/* NULL past the end. Row 0 is the default. */
const struct csg_method *csg_method_at(size_t index);
/* name NULL: the default. CSG_ERROR_USAGE names the known ones. */
int csg_method_find(const struct csg_method **out, const char *name, struct csg_error *err);

/* The plan for a tower of that many layers; first_block, from 1, 0 the default, matters to CSG_BLOCKS_FROM alone. */
struct csg_net_plan csg_method_plan(const struct csg_method *method, size_t layers, size_t first_block);

/* The published code gives the second path to the last six blocks, counted from 1. */
size_t csg_first_block_default(size_t layers);

#endif
