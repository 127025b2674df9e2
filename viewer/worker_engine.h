/* Opening an engine, and moving to another device where one fails. A keeper belongs to one thread. */
#ifndef CSG_VIEWER_WORKER_ENGINE_H
#define CSG_VIEWER_WORKER_ENGINE_H

#include "worker.h"

/* An engine, what it was opened for, and the devices that are left alone. */
struct keeper {
    const char *towers; /* as in csg_engine_params */
    csg_log_fn log;
    void *log_user;
    struct csg_engine *engine;
    struct engine_spec spec;
    char trouble[VIEW_PATH];    /* why another device than the wanted one works; empty: it is the wanted one */
    struct engine_spec refused; /* what could not be opened is not tried again for every picture */
    struct csg_error refusal;
    char failed[8][VIEW_TEXT];
    size_t n_failed;
};

/* Makes keeper->engine the one that spec asks for, or, where the device is the trouble, one on the next usable device, and at last on
 * the reference, as far as spec's fallback allows. `failed`: the device that is in use has just failed; it is left alone until another
 * is asked for. *opened: it is a new engine. Where the wanted one cannot be opened, one that works stays. */
int keeper_ensure(struct keeper *keeper, const struct engine_spec *spec, bool failed, bool *opened, struct csg_error *err);
void keeper_close(struct keeper *keeper);
/* Whether an error is one of the device, and another may do the work. */
bool keeper_can_move(const struct keeper *keeper, int status);
/* Picture, maps, raw values, points and report of one outcome into new files; the sentence says where. */
int engine_export(struct csg_engine *engine, const struct export_request *request, char *sentence, size_t capacity,
                  struct csg_error *err);

#endif
