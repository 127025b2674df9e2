/* Opens a device and holds everything that belongs to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "ocl/ocl.h"

#define STAND_IN_BYTES 64
/* A block of the largest models takes minutes on the smallest processors. */
#define WAIT_MS 600000.0

static void backend_destroy(struct csg_backend *backend)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    if (ocl->waiter)
        csg_ocl_finish(backend, NULL);
    csg_ocl_waiter_destroy(&ocl->waiter);
    csg_ocl_programs_destroy(ocl);
    csg_ocl_spare_drop(ocl);
    csg_ocl_mem_release(ocl, ocl->scratch);
    csg_ocl_mem_release(ocl, ocl->stand_in);
    if (ocl->queue && !ocl->hung)
        clReleaseCommandQueue(ocl->queue);
    if (ocl->context && !ocl->hung) {
        csg_ocl_blas_forget(ocl);
        clReleaseContext(ocl->context);
    }
    free(ocl->program_dir);
    free(ocl->tuned_dir);
    free(ocl->tuned);
    free(ocl);
}

static const struct csg_backend_class backend_class = {
    .name = "opencl",
    .counts_itself = true,
    .ops =
        {
#define CSG_OP(name) .name = csg_ocl_##name,
#include "ops/op_list.h"
#undef CSG_OP
        },
    .destroy = backend_destroy,
    .buffer_create = csg_ocl_buffer_create,
    .buffer_destroy = csg_ocl_buffer_destroy,
    .buffer_write = csg_ocl_buffer_write,
    .buffer_read = csg_ocl_buffer_read,
    .weight_create = csg_ocl_weight_create,
    .weight_destroy = csg_ocl_weight_destroy,
    .finish = csg_ocl_finish,
};

static void read_limits(struct csg_ocl *ocl)
{
    cl_ulong max_alloc = 0, global = 0, local = 0;
    size_t max_group = 1;
    cl_uint width = 0, units = 1;
    cl_device_fp_config config = 0;
    clGetDeviceInfo(ocl->device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof max_alloc, &max_alloc, NULL);
    clGetDeviceInfo(ocl->device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof global, &global, NULL);
    clGetDeviceInfo(ocl->device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local, NULL);
    clGetDeviceInfo(ocl->device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof max_group, &max_group, NULL);
    clGetDeviceInfo(ocl->device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof width, &width, NULL);
    clGetDeviceInfo(ocl->device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    clGetDeviceInfo(ocl->device, CL_DEVICE_SINGLE_FP_CONFIG, sizeof config, &config, NULL);
    ocl->limits.max_alloc_bytes = max_alloc < SIZE_MAX ? (size_t)max_alloc : SIZE_MAX;
    ocl->limits.global_bytes = global < SIZE_MAX ? (size_t)global : SIZE_MAX;
    ocl->limits.local_bytes = (size_t)local;
    ocl->limits.max_group = max_group;
    ocl->limits.native_width = width;
    ocl->limits.compute_units = units ? units : 1;
    ocl->limits.pairs = true;
    ocl->limits.amx = 1;
    ocl->limits.wait_ms = WAIT_MS;
    ocl->limits.fma = (config & CL_FP_FMA) != 0;
    ocl->limits.exact_divide = (config & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0;
}

/* Which device, and all that is known of it without a context. */
static int choose(struct csg_ocl *ocl, const struct csg_ocl_params *params, struct csg_error *err)
{
    struct csg_ocl_device *devices = NULL;
    size_t count, index = 0;
    int status = csg_ocl_enumerate(&devices, &count, err);
    if (status == CSG_OK)
        status = csg_ocl_select(&index, devices, count, params->device, err);
    if (status) {
        free(devices);
        return status;
    }
    const struct csg_ocl_device *device = &devices[index];
    ocl->platform = device->platform;
    ocl->device = device->device;
    snprintf(ocl->base.device, sizeof ocl->base.device, "%s", device->info.name);
    snprintf(ocl->base.platform, sizeof ocl->base.platform, "%s", device->info.platform);
    snprintf(ocl->base.driver, sizeof ocl->base.driver, "%s", device->info.driver);
    snprintf(ocl->vendor, sizeof ocl->vendor, "%s", device->info.vendor);
    csg_ocl_platform_string(ocl->platform, CL_PLATFORM_VERSION, ocl->platform_version, sizeof ocl->platform_version);
    cl_device_type type = device->type;
    free(devices);
    status =
        csg_ocl_quirks(&ocl->quirks, ocl->base.platform, ocl->vendor, ocl->base.device, ocl->base.driver, params->quirks, err);
    if (status)
        return status;
    ocl->form = ocl->quirks & CSG_QUIRK_GPU_FORMS ? csg_ocl_class_named("gpu") : csg_ocl_class_of(type);
    if (params->device_class && !(ocl->form = csg_ocl_class_named(params->device_class)))
        return csg_fail(err, CSG_ERROR_USAGE, "no device class is called \"%.64s\"; there are cpu and gpu", params->device_class);
    snprintf(ocl->base.device_class, sizeof ocl->base.device_class, "%s", ocl->form->name);
    read_limits(ocl);
    ocl->base.memory_bytes = ocl->limits.global_bytes;
    if (params->limit && (status = csg_ocl_limit(&ocl->limits, params->limit, err)))
        return status;
    for (ocl->group = ocl->form->group; ocl->group > ocl->limits.max_group && ocl->group > 1; ocl->group /= 2)
        ;
    ocl->tile = csg_ocl_tile_of(ocl->limits.native_width);
    return CSG_OK;
}

static int open_device(struct csg_ocl *ocl, struct csg_error *err)
{
    cl_int code;
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)ocl->platform, 0};
    ocl->context = clCreateContext(properties, 1, &ocl->device, NULL, NULL, &code);
    if (!ocl->context)
        return csg_ocl_fail(err, code, "opening %s", ocl->base.device);
    ocl->queue = clCreateCommandQueue(ocl->context, ocl->device, CL_QUEUE_PROFILING_ENABLE, &code);
    if (!ocl->queue)
        return csg_ocl_fail(err, code, "creating a queue on %s", ocl->base.device);
    int status = csg_ocl_waiter_create(&ocl->waiter, err);
    return status ? status : csg_ocl_mem_create(ocl, STAND_IN_BYTES, &ocl->stand_in, err);
}

static int use_cache(struct csg_ocl *ocl, const char *folder, struct csg_error *err)
{
    if (!folder || !*folder)
        return CSG_OK;
    ocl->program_dir = csg_path_join(folder, "programs");
    ocl->tuned_dir = csg_path_join(folder, "tuned");
    return ocl->program_dir && ocl->tuned_dir ? csg_ocl_tuned_load(ocl, err) : csg_fail_memory(err);
}

int csg_ocl_backend_create(struct csg_backend **out, const struct csg_ocl_params *params, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_calloc(1, sizeof *ocl);
    int status;
    *out = NULL;
    if (!ocl)
        return csg_fail_memory(err);
    ocl->base.class_ = &backend_class;
    if (params->log)
        ocl->log = *params->log;
    status = choose(ocl, params, err);
    if (status)
        goto fail;
    status = use_cache(ocl, params->cache_dir, err);
    if (status)
        goto fail;
    status = open_device(ocl, err);
    if (status)
        goto fail;
    *out = &ocl->base;
    return CSG_OK;
fail:
    backend_destroy(&ocl->base);
    return status;
}
