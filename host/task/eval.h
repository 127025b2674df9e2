/* Methods measured over a data set. */
#ifndef CSG_TASK_EVAL_H
#define CSG_TASK_EVAL_H

#include "task/context.h"

/* A result and what belongs to it. */
struct csg_full_eval {
    struct csg_eval_result result; /* first: the public part is what callers hold */
    struct csg_eval_method *methods;
    struct csg_strings classes;
    char *split;
    double *mfsr; /* [n_blocks, 2] */
};
/* engines [n_engines], at least one; all of the same model. Each may come back on another device. */
int csg_task_eval(struct csg_context *engines, size_t n_engines, const char *folder, const struct csg_eval_params *params,
                  struct csg_full_eval **out, struct csg_error *err);
void csg_full_eval_destroy(struct csg_full_eval **eval);

#endif
