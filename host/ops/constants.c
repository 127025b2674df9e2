/* What is uploaded once: tables and features that call after call wants on the backend are compared with those that lie there. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ops/backend.h"

#define MOST 32
#define MOST_BYTES ((size_t)32 << 20)
#define LEAST 8 /* that stay whatever they take, for they may be in use */

struct constant {
    struct csg_buffer *buffer;
    void *data; /* what it holds */
    size_t bytes;
    uint64_t used; /* when it was last asked for */
};

struct csg_constants {
    struct constant all[MOST];
    size_t count, bytes;
    uint64_t clock;
};

static void drop(struct csg_constants *constants, size_t index)
{
    struct constant *c = &constants->all[index];
    csg_buffer_destroy(&c->buffer);
    free(c->data);
    constants->bytes -= c->bytes;
    *c = constants->all[--constants->count];
}

static void drop_oldest(struct csg_constants *constants)
{
    size_t oldest = 0;
    for (size_t i = 1; i < constants->count; i++)
        if (constants->all[i].used < constants->all[oldest].used)
            oldest = i;
    drop(constants, oldest);
}

int csg_buffer_constant(struct csg_backend *backend, const void *data, size_t bytes, struct csg_buffer **out,
                        struct csg_error *err)
{
    struct csg_constants *constants = backend->constants;
    *out = NULL;
    if (!constants && !(constants = backend->constants = csg_calloc(1, sizeof *constants)))
        return csg_fail_memory(err);
    for (struct constant *c = constants->all; c < constants->all + constants->count; c++)
        if (c->bytes == bytes && memcmp(c->data, data, bytes) == 0) {
            c->used = ++constants->clock;
            *out = c->buffer;
            return CSG_OK;
        }
    while (constants->count == MOST || (constants->count > LEAST && constants->bytes + bytes > MOST_BYTES))
        drop_oldest(constants);
    struct constant one = {.data = csg_calloc(bytes + 1, 1), .bytes = bytes, .used = ++constants->clock};
    int status = one.data ? csg_buffer_from(backend, data, bytes, &one.buffer, err) : csg_fail_memory(err);
    if (status) {
        free(one.data);
        return status;
    }
    memcpy(one.data, data, bytes);
    constants->all[constants->count++] = one;
    constants->bytes += bytes;
    *out = one.buffer;
    return CSG_OK;
}

void csg_constants_destroy(struct csg_backend *backend)
{
    while (backend->constants && backend->constants->count)
        drop(backend->constants, 0);
    free(backend->constants);
    backend->constants = NULL;
}
