/* A device that computes wrong: linked into a copy of the tool and into a test, where the linker sends calls of some operators through
 * here. CSG_TEST_FAULT names the operator whose first output element is off by one. */
#include <stdlib.h>
#include <string.h>

#include "ocl/backend.h"

static int spoil(const char *op, const struct csg_view *view, int status, struct csg_error *err)
{
    const char *fault = getenv("CSG_TEST_FAULT");
    float value;
    if (status || !fault || strcmp(fault, op) != 0 || !view->buffer)
        return status;
    status = csg_buffer_read(view->buffer, view->at * sizeof value, &value, sizeof value, err);
    value += 1.0f;
    return status ? status : csg_buffer_write(view->buffer, view->at * sizeof value, &value, sizeof value, err);
}

#define FAULTY(name, output)                                                                                                     \
    int __real_csg_ocl_##name(struct csg_backend *, const struct csg_##name##_args *, struct csg_error *);                       \
    int __wrap_csg_ocl_##name(struct csg_backend *, const struct csg_##name##_args *, struct csg_error *);                       \
    int __wrap_csg_ocl_##name(struct csg_backend *backend, const struct csg_##name##_args *args, struct csg_error *err)          \
    {                                                                                                                            \
        return spoil(#name, &args->output, __real_csg_ocl_##name(backend, args, err), err);                                      \
    }
FAULTY(gemm, y)
FAULTY(layernorm, y)
FAULTY(attention, qk)
FAULTY(minmax, map)
