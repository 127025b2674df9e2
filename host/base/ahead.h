/* Things that are made in order by other threads before they are wanted: pictures that are decoded while the device computes. */
#ifndef CSG_BASE_AHEAD_H
#define CSG_BASE_AHEAD_H

#include "base/status.h"

struct csg_ahead_work {
    void (*make)(void *user, size_t index, void *item); /* by any thread; item is zeroed memory; a failure is the item's */
    void (*drop)(void *user, void *item);               /* frees what make allocated */
    void *user;
    const size_t *order; /* [count], to outlive the object */
    size_t count, item_bytes;
};

struct csg_ahead;
/* As many threads as there are processors, at most four, each no more than one item ahead. CSG_ERROR. */
int csg_ahead_create(struct csg_ahead **out, const struct csg_ahead_work *work, struct csg_error *err);
/* The items in order, each once, valid until the next call; NULL past the end. */
void *csg_ahead_next(struct csg_ahead *ahead);
/* Waits for what is being made. */
void csg_ahead_destroy(struct csg_ahead **ahead);

#endif
