/* How fast an engine is: stages of a map, timed one by one. */
#ifndef CSG_TASK_BENCH_H
#define CSG_TASK_BENCH_H

#include "task/context.h"

/* A result and what belongs to it. */
struct csg_full_bench {
    struct csg_bench bench; /* first: the public part is what callers hold */
    struct csg_bench_stage stages[CSG_OP_COUNT];
    struct csg_bench_event *events;
};

/* See csg_bench_run; peak and device are left to the caller. reference computes the error; NULL: it is NaN. */
int csg_task_bench(const struct csg_context *context, const struct csg_bench_params *params, struct csg_backend *reference,
                   struct csg_full_bench **out, struct csg_error *err);
void csg_full_bench_destroy(struct csg_full_bench **bench);

/* What the method cannot do without; of the original path in the last block that is CLS alone. flop: multiplications and additions,
 * counted as two, of matrices, scores and weighted sums. bytes: read and written once, of operators that move more than they compute. */
struct csg_work {
    double flop, bytes;
};
/* Adds that of an encoding of a picture to zeros, and returns all of its FLOP. `operand`: of the tower. */
double csg_encode_work(const struct csg_model *model, const struct csg_net_plan *plan, enum csg_dtype operand, size_t w_px,
                       size_t h_px, struct csg_work work[CSG_OP_COUNT]);

#endif
