/* What OpenCL's error codes mean to a user: one table. */
#include <stdarg.h>
#include <stdio.h>

#include "ocl/ocl.h"

struct error_row {
    cl_int code;
    const char *name;
    enum csg_status status;
    const char *meaning;
};

static const struct error_row rows[] = {
    {CL_DEVICE_NOT_FOUND, "CL_DEVICE_NOT_FOUND", CSG_ERROR_NO_DEVICE, "the platform has no device"},
    {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE", CSG_ERROR_DEVICE_LOST, "the device is not available any more"},
    {CL_COMPILER_NOT_AVAILABLE, "CL_COMPILER_NOT_AVAILABLE", CSG_ERROR_BUILD, "the driver has no compiler"},
    {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE", CSG_ERROR_MEMORY,
     "the device has too little free memory"},
    {CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES", CSG_ERROR_DEVICE_LOST,
     "the device gave up (out of resources); nothing it computed since can be trusted"},
    {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY", CSG_ERROR_MEMORY, "the driver found too little host memory"},
    {CL_BUILD_PROGRAM_FAILURE, "CL_BUILD_PROGRAM_FAILURE", CSG_ERROR_BUILD, "the driver refused to compile a kernel"},
    {CL_MAP_FAILURE, "CL_MAP_FAILURE", CSG_ERROR_MEMORY, "the driver could not map memory of the device"},
    {CL_INVALID_VALUE, "CL_INVALID_VALUE", CSG_ERROR_DEVICE_LOST, "the driver refused a value"},
    {CL_INVALID_CONTEXT, "CL_INVALID_CONTEXT", CSG_ERROR_DEVICE_LOST, "the context is broken"},
    {CL_INVALID_COMMAND_QUEUE, "CL_INVALID_COMMAND_QUEUE", CSG_ERROR_DEVICE_LOST,
     "the queue is broken, which happens after a fault of the device"},
    {CL_INVALID_MEM_OBJECT, "CL_INVALID_MEM_OBJECT", CSG_ERROR_DEVICE_LOST, "a buffer is broken"},
    {CL_INVALID_BINARY, "CL_INVALID_BINARY", CSG_ERROR_BUILD, "the driver refused a stored program"},
    {CL_INVALID_BUILD_OPTIONS, "CL_INVALID_BUILD_OPTIONS", CSG_ERROR_BUILD, "the compiler refused its options"},
    {CL_INVALID_PROGRAM_EXECUTABLE, "CL_INVALID_PROGRAM_EXECUTABLE", CSG_ERROR_BUILD, "a program is not built"},
    {CL_INVALID_PROGRAM, "CL_INVALID_PROGRAM", CSG_ERROR_BUILD, "a program is broken"},
    {CL_INVALID_KERNEL, "CL_INVALID_KERNEL", CSG_ERROR_BUILD, "a kernel is broken"},
    {CL_INVALID_KERNEL_NAME, "CL_INVALID_KERNEL_NAME", CSG_ERROR_BUILD, "a kernel is missing in its program"},
    {CL_INVALID_KERNEL_ARGS, "CL_INVALID_KERNEL_ARGS", CSG_ERROR_BUILD, "a kernel wants other arguments"},
    {CL_INVALID_ARG_SIZE, "CL_INVALID_ARG_SIZE", CSG_ERROR_BUILD, "a kernel wants an argument of another size"},
    {CL_INVALID_ARG_INDEX, "CL_INVALID_ARG_INDEX", CSG_ERROR_BUILD, "a kernel has fewer arguments"},
    {CL_INVALID_WORK_GROUP_SIZE, "CL_INVALID_WORK_GROUP_SIZE", CSG_ERROR_BUILD, "the work-group is too large for the device"},
    {CL_INVALID_WORK_ITEM_SIZE, "CL_INVALID_WORK_ITEM_SIZE", CSG_ERROR_BUILD,
     "a side of the work-group is too large for the device"},
    {CL_INVALID_EVENT, "CL_INVALID_EVENT", CSG_ERROR_DEVICE_LOST, "an event is broken"},
    {CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST", CSG_ERROR_DEVICE_LOST,
     "a kernel was aborted"},
    {CL_INVALID_BUFFER_SIZE, "CL_INVALID_BUFFER_SIZE", CSG_ERROR_MEMORY, "the buffer is larger than the device allows"},
    {CL_PROFILING_INFO_NOT_AVAILABLE, "CL_PROFILING_INFO_NOT_AVAILABLE", CSG_ERROR_DEVICE_LOST, "the driver lost a time"},
    {CSG_OCL_NO_ANSWER, "no answer", CSG_ERROR_DEVICE_LOST, "the device did not answer in time"},
    {-9999, "illegal memory access", CSG_ERROR_DEVICE_LOST, "the driver reported an illegal memory access"},
};

static const struct error_row *row_of(cl_int code)
{
    for (size_t i = 0; i < CSG_COUNT(rows); i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

const char *csg_ocl_error_name(cl_int code)
{
    const struct error_row *row = row_of(code);
    return row ? row->name : "an OpenCL error";
}

int csg_ocl_fail(struct csg_error *err, cl_int code, const char *what, ...)
{
    char doing[512];
    va_list args;
    va_start(args, what);
    vsnprintf(doing, sizeof doing, what, args);
    va_end(args);
    const struct error_row *row = row_of(code);
    if (!row)
        return csg_fail(err, CSG_ERROR_DEVICE_LOST, "%s failed: OpenCL error %d", doing, (int)code);
    return csg_fail(err, row->status, "%s failed: %s (%s, %d)", doing, row->meaning, row->name, (int)code);
}

int csg_ocl_failed(struct csg_ocl *ocl, struct csg_error *err, cl_int code, const char *what, ...)
{
    char doing[512];
    va_list args;
    va_start(args, what);
    vsnprintf(doing, sizeof doing, what, args);
    va_end(args);
    int status = csg_ocl_fail(err, code, "%s on %s", doing, ocl->base.device);
    if (status == CSG_ERROR_DEVICE_LOST)
        ocl->lost = true;
    return status;
}

int csg_ocl_alive(const struct csg_ocl *ocl, struct csg_error *err)
{
    return ocl->lost ? csg_fail(err, CSG_ERROR_DEVICE_LOST, "%s was lost after a fatal error", ocl->base.device) : CSG_OK;
}
