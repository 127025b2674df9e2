/* Buffers that grow and are reused from call to call. */
#ifndef CSG_NET_SCRATCH_H
#define CSG_NET_SCRATCH_H

#include "ops/backend.h"

/* Makes *buffer at least `bytes` large; its contents are lost when it grows. bytes overflowed by the caller is SIZE_MAX. */
int csg_scratch(struct csg_backend *backend, struct csg_buffer **buffer, size_t bytes, struct csg_error *err);
/* The same for rows * width floats. */
int csg_scratch_f32(struct csg_backend *backend, struct csg_buffer **buffer, size_t rows, size_t width, struct csg_error *err);

#endif
