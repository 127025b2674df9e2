#include <stdlib.h>

#include "ocl/backend.h"

int csg_devices_list(struct csg_device_info **devices, size_t *count, struct csg_error *err)
{
    *devices = NULL;
    *count = 0;
    return csg_ocl_devices(devices, count, err);
}

void csg_devices_free(struct csg_device_info **devices)
{
    if (devices) {
        free(*devices);
        *devices = NULL;
    }
}
