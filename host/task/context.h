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
};

#endif
