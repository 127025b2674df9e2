/* Many pictures through engines: other threads read them ahead, and each engine takes what it can do. */
#ifndef CSG_TASK_WALK_H
#define CSG_TASK_WALK_H

#include "base/status.h"

/* compute, finish, done and watch are as in struct csg_walk_params. */
struct csg_walk_work {
    size_t n_engines, count, batch; /* at least one engine and one picture */
    void *user;
    /* Asked once for each picture, in order, one at a time, by any thread; false: it is another's and passed over. NULL: all are ours. */
    bool (*mine)(void *user, size_t index);
    /* By any thread. CSG_ERROR_INPUT: it cannot be read, which `done` is told. */
    int (*load)(void *user, size_t index, void **loaded, size_t *bytes, struct csg_error *err);
    void (*drop)(void *user, void *loaded); /* after compute, or where that was not called */
    int (*compute)(void *user, size_t engine, const size_t *indices, void *const *loaded, size_t n, struct csg_error *err);
    int (*finish)(void *user, size_t index, struct csg_error *err);
    int (*done)(void *user, const struct csg_walk_picture *picture, struct csg_error *err);
    bool (*watch)(void *user, const struct csg_walk_state *state);
    void (*interrupt)(void *user, size_t engine); /* after a failure: what it computes shall end */
};
/* The first failure of a callback but `load`'s CSG_ERROR_INPUT ends it; CSG_ERROR. */
int csg_task_walk(const struct csg_walk_work *work, struct csg_error *err);

#endif
