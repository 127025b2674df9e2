/* The OpenCL backend as the rest of the library sees it: no OpenCL type here. */
#ifndef CSG_OCL_BACKEND_H
#define CSG_OCL_BACKEND_H

#include "ops/backend.h"

struct csg_ocl_params {
    const char *device;       /* an index, a part of a device's name, or NULL: the best */
    const char *cache_dir;    /* for program binaries; NULL: none */
    const char *device_class; /* "cpu", "gpu" or NULL: the device's own */
    const char *quirks;       /* names of quirk rows to force on, separated by commas; NULL: those that match the device */
    const struct csg_log *log;
};
int csg_ocl_backend_create(struct csg_backend **out, const struct csg_ocl_params *params, struct csg_error *err);
/* Behind csg_devices_list. */
int csg_ocl_devices(struct csg_device_info **devices, size_t *count, struct csg_error *err);

#define CSG_OP(name) int csg_ocl_##name(struct csg_backend *, const struct csg_##name##_args *, struct csg_error *);
#include "ops/op_list.h"
#undef CSG_OP

#endif
