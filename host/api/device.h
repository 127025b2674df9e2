/* The device that an engine computes on: opened, and exchanged for another one where it fails and the caller allows that. */
#ifndef CSG_API_DEVICE_H
#define CSG_API_DEVICE_H

#include "api/engine.h"

/* What params.fallback may be, the default first; NULL past the end. */
const char *csg_fallback_name(size_t index);

/* Opens the device that engine->wish names, or another one as far as the fallback allows: backend, vision and origin are there then, and the
 * ensemble is on it. */
int csg_engine_open(struct csg_engine *engine, struct csg_error *err);

/* Whether what failed with *status is to be done again, because the device was at fault and another one is open now: *status is CSG_OK then,
 * and every view and buffer of before is gone. false: *status is what the call ends with. */
bool csg_engine_moves(struct csg_engine *engine, int *status, struct csg_error *err);

#endif
