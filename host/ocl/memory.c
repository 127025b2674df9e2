/* Buffers. */
#include <stdlib.h>

#include "base/mem.h"
#include "ocl/ocl.h"

cl_mem csg_ocl_mem(const struct csg_buffer *buffer)
{
    return ((const struct csg_ocl_buffer *)buffer)->mem;
}

int csg_ocl_mem_create(struct csg_ocl *ocl, size_t bytes, cl_mem *mem, struct csg_error *err)
{
    cl_int code;
    int status = csg_ocl_alive(ocl, err);
    *mem = NULL;
    if (status)
        return status;
    if (bytes > ocl->limits.max_alloc_bytes)
        return csg_fail(err, CSG_ERROR_MEMORY, "%s gives at most %zu MiB in one piece, %zu MiB are needed", ocl->base.device,
                        ocl->limits.max_alloc_bytes >> 20, (bytes >> 20) + 1);
    do
        *mem = clCreateBuffer(ocl->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    while (!*mem && csg_ocl_spare_drop(ocl));
    if (*mem)
        return CSG_OK;
    /* Here, before anything ran, it is only the memory that is short. */
    if (code == CL_OUT_OF_RESOURCES || code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY)
        return csg_fail(err, CSG_ERROR_MEMORY, "%s has no %zu MiB of memory left (it has %zu MiB in all)", ocl->base.device,
                        (bytes >> 20) + 1, ocl->limits.global_bytes >> 20);
    return csg_ocl_failed(ocl, err, code, "creating a buffer");
}

int csg_ocl_buffer_create(struct csg_backend *backend, size_t bytes, struct csg_buffer **out, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    struct csg_ocl_buffer *buffer = csg_calloc(1, sizeof *buffer);
    *out = NULL;
    if (!buffer)
        return csg_fail_memory(err);
    buffer->mem = csg_ocl_spare_take(ocl, bytes);
    int status = buffer->mem ? CSG_OK : csg_ocl_mem_create(ocl, bytes, &buffer->mem, err);
    if (status) {
        free(buffer);
        return status;
    }
    buffer->base.backend = backend;
    buffer->base.bytes = bytes;
    *out = &buffer->base;
    return CSG_OK;
}

void csg_ocl_mem_release(struct csg_ocl *ocl, cl_mem mem)
{
    if (mem && !ocl->hung)
        clReleaseMemObject(mem);
}

void csg_ocl_buffer_destroy(struct csg_buffer *buffer)
{
    csg_ocl_spare_give(csg_ocl_of(buffer->backend), csg_ocl_mem(buffer), buffer->bytes);
    free(buffer);
}

static int check(const struct csg_buffer *buffer, size_t at, size_t bytes, struct csg_error *err)
{
    if (at > buffer->bytes || bytes > buffer->bytes - at)
        return csg_fail(err, CSG_ERROR_USAGE, "%zu bytes at %zu do not fit a buffer of %zu bytes", bytes, at, buffer->bytes);
    return csg_ocl_alive(csg_ocl_of(buffer->backend), err);
}

int csg_ocl_buffer_write(struct csg_buffer *buffer, size_t at_bytes, const void *data, size_t bytes, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(buffer->backend);
    int status = check(buffer, at_bytes, bytes, err);
    if (status || bytes == 0)
        return status;
    cl_int code = csg_ocl_wait_write(ocl, csg_ocl_mem(buffer), at_bytes, data, bytes);
    return code == CL_SUCCESS ? CSG_OK : csg_ocl_failed(ocl, err, code, "writing a buffer");
}

int csg_ocl_buffer_read(struct csg_buffer *buffer, size_t at_bytes, void *data, size_t bytes, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(buffer->backend);
    int status = check(buffer, at_bytes, bytes, err);
    if (status)
        return status;
    if (bytes) {
        cl_int code = csg_ocl_wait_read(ocl, csg_ocl_mem(buffer), at_bytes, data, bytes);
        if (code != CL_SUCCESS)
            return csg_ocl_failed(ocl, err, code, "reading a buffer");
    }
    /* The queue is in order: all that was launched before is done, its times are there. */
    return csg_ocl_finish(buffer->backend, err);
}

int csg_ocl_scratch(struct csg_ocl *ocl, size_t bytes, struct csg_error *err)
{
    if (bytes <= ocl->scratch_bytes)
        return CSG_OK;
    cl_mem mem;
    int status = csg_ocl_mem_create(ocl, bytes, &mem, err);
    if (status)
        return status;
    /* Launches that still use the old memory hold a reference of their own. */
    csg_ocl_mem_release(ocl, ocl->scratch);
    ocl->scratch = mem;
    ocl->scratch_bytes = bytes;
    return CSG_OK;
}
