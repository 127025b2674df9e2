#include "net/scratch.h"

#include "base/mem.h"

int csg_scratch(struct csg_backend *backend, struct csg_buffer **buffer, size_t bytes, struct csg_error *err)
{
    if (*buffer && (*buffer)->bytes >= bytes)
        return CSG_OK;
    csg_buffer_destroy(buffer);
    return csg_buffer_create(backend, bytes, buffer, err);
}

int csg_scratch_f32(struct csg_backend *backend, struct csg_buffer **buffer, size_t rows, size_t width, struct csg_error *err)
{
    size_t elements, bytes;
    if (!csg_mul(rows, width, &elements) || !csg_mul(elements, sizeof(float), &bytes))
        return csg_fail(err, CSG_ERROR_MEMORY, "a matrix of %zu x %zu is too large for this machine", rows, width);
    return csg_scratch(backend, buffer, bytes, err);
}
