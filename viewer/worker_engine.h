/* Opening an engine, and moving to another device where one fails. Used by the worker's thread alone. */
#ifndef CSG_VIEWER_WORKER_ENGINE_H
#define CSG_VIEWER_WORKER_ENGINE_H

#include "worker.h"

/* Opens what spec asks for, or, where the device is the trouble, the next usable device, and at last the reference.
 * `avoid` is the name of a device that has failed, or NULL. *trouble says what happened, empty where nothing did. */
int engine_open(struct csg_engine **out, const struct engine_spec *spec, const char *avoid, csg_log_fn log, void *log_user,
                char *trouble, size_t capacity, struct csg_error *err);
/* Whether an error is one of the device, which another may not have. */
bool engine_device_failed(int status);
/* Picture, maps, raw values, points and report of one outcome into new files; the sentence says where. */
int engine_export(struct csg_engine *engine, const struct export_request *request, char *sentence, size_t capacity,
                  struct csg_error *err);

#endif
