#include <stdlib.h>

#include "base/mem.h"
#include "ops/backend.h"

void csg_trace_add(struct csg_trace *trace, const struct csg_launch *launch)
{
    if (trace->count == trace->capacity) {
        size_t capacity = trace->capacity ? 2 * trace->capacity : 256;
        struct csg_launch *more = csg_realloc(trace->launches, capacity, sizeof *more);
        if (!more)
            return;
        trace->launches = more;
        trace->capacity = capacity;
    }
    trace->launches[trace->count++] = *launch;
}

void csg_trace_free(struct csg_trace *trace)
{
    free(trace->launches);
    *trace = (struct csg_trace){0};
}
