/* Which precision an engine computes in, and whether its weights fit the device. */
#ifndef CSG_API_PRECISION_H
#define CSG_API_PRECISION_H

#include "api/engine.h"

#define CSG_PRECISION_AUTO "auto"

/* What params.precision may be, the default first; NULL past the end. */
const char *csg_precision_choice(size_t index);
/* Sets the backend's precision to the fastest whose maps of a known picture correlate at least 0.999 with those in f32. The choice is
 * remembered by device and model in the cache folder. */
int csg_precision_measure(struct csg_engine *engine, struct csg_error *err);

/* Device memory of the weights. */
uint64_t csg_weights_bytes(const struct csg_model *model, enum csg_precision precision);
/* CSG_ERROR_MEMORY says how much is missing on the backend's device in its precision, and what would fit. */
int csg_weights_fit(const struct csg_model *model, const struct csg_backend *backend, struct csg_error *err);

#endif
