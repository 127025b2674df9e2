/* The method table: a row a method. CLI names, the help and csg_method_name follow from it. */
#ifndef CSG_TASK_METHOD_H
#define CSG_TASK_METHOD_H

#include "model/model.h"
#include "net/plan.h"
#include "net/relevance.h"

/* Which blocks of the image tower change. */
enum csg_blocks {
    CSG_BLOCKS_NONE,
    CSG_BLOCKS_FROM, /* from the first block that is asked for, or the default, to the last */
    CSG_BLOCKS_LAST
};

/* Image towers that can do it: a ResNet has no attention but its pool, and no gradients here. */
enum csg_towers { CSG_TOWERS_VIT, CSG_TOWERS_BOTH, CSG_TOWERS_RESNET };

struct csg_method {
    const char *name;
    const char *summary;
    enum csg_blocks blocks;
    struct csg_net_plan plan;         /* of the changed blocks; first_block is not of the row */
    bool feature_surgery;             /* what the texts share is subtracted */
    bool reversed;                    /* values negated */
    enum csg_net_relevance relevance; /* in place of the cosine; the tower is unchanged */
    enum csg_towers towers;
};

/* NULL past the end. Row 0 is the default. */
const struct csg_method *csg_method_at(size_t index);
/* name NULL: the default. CSG_ERROR_USAGE names the known ones. */
int csg_method_find(const struct csg_method **out, const char *name, struct csg_error *err);

bool csg_method_fits_model(const struct csg_method *method, const struct csg_model *model);

/* The plan for the model's image tower; first_block, from 1, 0 the default, matters to CSG_BLOCKS_FROM alone. CSG_ERROR_USAGE: it has no
 * such block, or cannot do the method. */
int csg_method_plan(struct csg_net_plan *plan, const struct csg_method *method, const struct csg_model *model,
                    unsigned first_block, struct csg_error *err);

/* The published code gives the second path to the last six blocks, counted from 1. */
size_t csg_first_block_default(size_t layers);

#endif
