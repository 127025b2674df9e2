/* An engine: device, model, towers. */
#ifndef CSG_API_ENGINE_H
#define CSG_API_ENGINE_H

#include "task/context.h"

struct csg_engine {
    struct csg_log log;
    atomic_int interrupted;
    struct csg_backend *backend;
    struct csg_model *model;
    struct csg_vision *vision;
    struct csg_ensemble *ensemble;
    char fallback_reason[1024]; /* empty: none */
    char sha256[65];            /* empty until it is asked for */
    char *cache_dir;            /* NULL: nothing is kept on disk */
    struct csg_op_stat stats[CSG_OP_COUNT];
};

/* The parts of the engine as the tasks want them. */
struct csg_context csg_engine_context(struct csg_engine *engine);
/* Turns the end of an interrupted call into a state in which the next call works. */
int csg_engine_end(struct csg_engine *engine, int status);

#endif
