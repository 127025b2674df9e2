/* Opening an engine, and where it computes. A keeper belongs to one thread. */
#ifndef CSG_VIEWER_WORKER_ENGINE_H
#define CSG_VIEWER_WORKER_ENGINE_H

#include "worker.h"

/* An engine and what it was opened for. */
struct keeper {
    const char *towers; /* as in csg_engine_params */
    csg_log_fn log;
    void *log_user;
    struct csg_engine *engine;
    struct engine_spec spec;
    const char *reason;         /* the engine's, of the trouble */
    char trouble[VIEW_PATH];    /* why another device than the wanted one works; empty: it is the wanted one */
    struct engine_spec refused; /* what could not be opened is not tried again for every picture */
    struct csg_error refusal;
};

/* Makes keeper->engine the one that spec asks for. *opened: it is a new engine. Where the wanted one cannot be opened, one that works stays. */
int keeper_ensure(struct keeper *keeper, const struct engine_spec *spec, bool *opened, struct csg_error *err);
/* Whether another device computes than when this was last asked, because one has failed. */
bool keeper_moved(struct keeper *keeper);
void keeper_close(struct keeper *keeper);
/* Picture, maps, raw values, points and report of one outcome into new files; the sentence says where. */
int engine_export(struct csg_engine *engine, const struct export_request *request, char *sentence, size_t capacity,
                  struct csg_error *err);

#endif
