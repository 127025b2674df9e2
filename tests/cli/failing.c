/* A device that breaks while it works: linked into a copy of the tool, where the linker sends the first operator of both towers through
 * here. CSG_TEST_FAIL_PICTURES and CSG_TEST_FAIL_TEXTS say after how many calls it is lost, for good. */
#include <stdatomic.h>
#include <stdlib.h>

#include "ocl/backend.h"

static int lose(const char *variable, atomic_int *calls, struct csg_error *err)
{
    const char *limit = getenv(variable);
    if (!limit || atomic_fetch_add(calls, 1) < atoi(limit))
        return CSG_OK;
    return csg_fail(err, CSG_ERROR_DEVICE_LOST, "the driver reported CL_OUT_OF_RESOURCES");
}

#define FAILING(name, variable)                                                                                                  \
    int __real_csg_ocl_##name(struct csg_backend *, const struct csg_##name##_args *, struct csg_error *);                       \
    int __wrap_csg_ocl_##name(struct csg_backend *, const struct csg_##name##_args *, struct csg_error *);                       \
    int __wrap_csg_ocl_##name(struct csg_backend *backend, const struct csg_##name##_args *args, struct csg_error *err)          \
    {                                                                                                                            \
        static atomic_int calls;                                                                                                 \
        int status = lose(variable, &calls, err);                                                                                \
        return status ? status : __real_csg_ocl_##name(backend, args, err);                                                      \
    }
FAILING(patches, "CSG_TEST_FAIL_PICTURES")
FAILING(tokens, "CSG_TEST_FAIL_TEXTS")
