/* What every task works with: an engine's parts. */
#ifndef CSG_TASK_CONTEXT_H
#define CSG_TASK_CONTEXT_H

#include "image/image.h"
#include "net/vision.h"
#include "task/ensemble.h"

struct csg_context {
    struct csg_backend *backend;
    const struct csg_model *model;
    struct csg_vision *vision;
    struct csg_ensemble *ensemble;
    const struct csg_log *log;
    atomic_int *interrupted; /* the backend's, whichever that is; NULL as there */
    /* See csg_engine_moves: backend and vision are others then. NULL: never. */
    bool (*moves)(struct csg_context *context, int *status, struct csg_error *err);
    void *owner;
};

static inline bool csg_context_moves(struct csg_context *context, int *status, struct csg_error *err)
{
    return context->moves && context->moves(context, status, err);
}

#endif
