#include <stdlib.h>

#include "base/files.h"
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

int csg_device_traits(const char *device, const char *cache_dir, struct csg_device_trait **traits, size_t *count,
                      struct csg_error *err)
{
    struct csg_backend *backend = NULL;
    char *cache = NULL;
    *traits = NULL;
    *count = 0;
    int status = csg_cache_folder(&cache, cache_dir, err);
    const struct csg_ocl_params params = {.device = device, .cache_dir = cache};
    if (status == CSG_OK)
        status = csg_ocl_backend_create(&backend, &params, err);
    if (status == CSG_OK)
        status = csg_ocl_traits(backend, traits, count, err);
    csg_backend_destroy(&backend);
    free(cache);
    return status;
}

void csg_device_traits_free(struct csg_device_trait **traits)
{
    if (traits) {
        free(*traits);
        *traits = NULL;
    }
}
