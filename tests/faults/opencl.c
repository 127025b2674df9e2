#include "opencl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum fault_sort sort;
} calls[] = {
#define ROW(name, sort) {#name, FAULT_##sort},
    FAULT_CALLS(ROW)
#undef ROW
};

const char *fault_call_name(enum fault_call call)
{
    return calls[call].name;
}

enum fault_sort fault_call_sort(enum fault_call call)
{
    return calls[call].sort;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static struct fault fault;
static struct fault_report report;
static unsigned char *order; /* enum fault_call of the calls that were counted */
static size_t order_capacity;
static size_t failed_builds, waiting;
static bool let_go;
static cl_program refused;

static bool waits(enum fault_call call)
{
    return call == FAULT_clFinish || call == FAULT_clEnqueueReadBuffer || call == FAULT_clEnqueueWriteBuffer ||
           call == FAULT_clEnqueueMapBuffer;
}

static bool befalls(enum fault_call call)
{
    switch (fault.kind) {
    case FAULT_NONE:
    case FAULT_CODE:
        return true;
    case FAULT_BUILD:
        return call == FAULT_clBuildProgram;
    case FAULT_ABORTED:
        return call == FAULT_clGetEventInfo;
    case FAULT_NEVER:
        return waits(call);
    }
    return false;
}

/* What was made ready before the device is used, or comes from a file, is no word of the device's about its state. */
static bool spoils(enum fault_call call)
{
    enum fault_sort sort = fault_call_sort(call);
    return fault.kind != FAULT_CODE || call == FAULT_clCreateCommandQueue || call == FAULT_clCreateKernelsInProgram ||
           (sort == FAULT_WORK && call != FAULT_clBuildProgram);
}

/* Counts a call; true: it is to fail. */
static bool passes(enum fault_call call)
{
    bool fails = false;
    pthread_mutex_lock(&lock);
    report.of_call[call]++;
    if (report.spoiled && call == FAULT_clFinish)
        report.finishes_after++;
    else if (report.spoiled && (fault_call_sort(call) == FAULT_MAKE || fault_call_sort(call) == FAULT_WORK) &&
             report.after++ == 0)
        report.first_after = call;
    if (befalls(call)) {
        if (report.calls == order_capacity) {
            order_capacity = order_capacity ? 2 * order_capacity : 4096;
            if (!(order = realloc(order, order_capacity)))
                abort();
        }
        order[report.calls] = (unsigned char)call;
        fails = fault.kind != FAULT_NONE && report.calls == fault.at;
        report.calls++;
    }
    if (fault.kind == FAULT_BUILD && call == FAULT_clBuildProgram && (fails || failed_builds == 1))
        fails = failed_builds++ < 2; /* the stored binary, then the source */
    if (fails) {
        report.happened = true;
        report.call = call;
        report.spoiled = fault.kind != FAULT_BUILD && spoils(call);
    }
    pthread_mutex_unlock(&lock);
    return fails;
}

static cl_int code_of(enum fault_call call)
{
    if (!passes(call))
        return CL_SUCCESS;
    if (fault.kind != FAULT_NEVER)
        return fault.code;
    pthread_mutex_lock(&lock);
    waiting++;
    while (!let_go)
        pthread_cond_wait(&released, &lock);
    waiting--;
    pthread_cond_broadcast(&released);
    pthread_mutex_unlock(&lock);
    return CL_INVALID_OPERATION;
}

static void live(long change)
{
    pthread_mutex_lock(&lock);
    report.live += (size_t)change;
    pthread_mutex_unlock(&lock);
}

void fault_begin(const struct fault *wanted)
{
    pthread_mutex_lock(&lock);
    fault = *wanted;
    memset(&report, 0, sizeof report);
    failed_builds = 0;
    let_go = false;
    refused = NULL;
    pthread_mutex_unlock(&lock);
}

void fault_end(struct fault_report *out)
{
    pthread_mutex_lock(&lock);
    *out = report;
    let_go = true;
    pthread_cond_broadcast(&released);
    while (waiting)
        pthread_cond_wait(&released, &lock);
    pthread_mutex_unlock(&lock);
}

enum fault_call fault_call_at(size_t at)
{
    return (enum fault_call)order[at];
}

/* ------------------------------------------------------------------------------------------ the calls */

#define CODE(name, params, args)                                                                                                 \
    cl_int __real_##name params;                                                                                                 \
    cl_int __wrap_##name params;                                                                                                 \
    cl_int __wrap_##name params                                                                                                  \
    {                                                                                                                            \
        cl_int code = code_of(FAULT_##name);                                                                                     \
        return code == CL_SUCCESS ? __real_##name args : code;                                                                   \
    }
CODE(clGetPlatformIDs, (cl_uint n, cl_platform_id *ids, cl_uint *count), (n, ids, count))
CODE(clGetPlatformInfo, (cl_platform_id id, cl_platform_info what, size_t size, void *out, size_t *bytes),
     (id, what, size, out, bytes))
CODE(clGetDeviceIDs, (cl_platform_id id, cl_device_type type, cl_uint n, cl_device_id *ids, cl_uint *count),
     (id, type, n, ids, count))
CODE(clGetDeviceInfo, (cl_device_id id, cl_device_info what, size_t size, void *out, size_t *bytes), (id, what, size, out, bytes))
CODE(clGetProgramInfo, (cl_program program, cl_program_info what, size_t size, void *out, size_t *bytes),
     (program, what, size, out, bytes))
CODE(clGetKernelInfo, (cl_kernel kernel, cl_kernel_info what, size_t size, void *out, size_t *bytes),
     (kernel, what, size, out, bytes))
CODE(clGetEventProfilingInfo, (cl_event event, cl_profiling_info what, size_t size, void *out, size_t *bytes),
     (event, what, size, out, bytes))
CODE(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t size, const void *value), (kernel, index, size, value))
CODE(clEnqueueReadBuffer,
     (cl_command_queue queue, cl_mem mem, cl_bool wait, size_t at, size_t bytes, void *out, cl_uint n, const cl_event *list,
      cl_event *event),
     (queue, mem, wait, at, bytes, out, n, list, event))
CODE(clEnqueueWriteBuffer,
     (cl_command_queue queue, cl_mem mem, cl_bool wait, size_t at, size_t bytes, const void *data, cl_uint n,
      const cl_event *list, cl_event *event),
     (queue, mem, wait, at, bytes, data, n, list, event))
CODE(clFinish, (cl_command_queue queue), (queue))

/* The driver takes it back even where it says otherwise. */
#define RELEASE(name, type)                                                                                                      \
    cl_int __real_##name(type object);                                                                                           \
    cl_int __wrap_##name(type object);                                                                                           \
    cl_int __wrap_##name(type object)                                                                                            \
    {                                                                                                                            \
        cl_int code = code_of(FAULT_##name), real = __real_##name(object);                                                       \
        live(real == CL_SUCCESS ? -1 : 0);                                                                                       \
        return code == CL_SUCCESS ? real : code;                                                                                 \
    }
RELEASE(clReleaseContext, cl_context)
RELEASE(clReleaseCommandQueue, cl_command_queue)
RELEASE(clReleaseMemObject, cl_mem)
RELEASE(clReleaseProgram, cl_program)
RELEASE(clReleaseKernel, cl_kernel)
RELEASE(clReleaseEvent, cl_event)

#define HANDLE(type, name, params, args)                                                                                         \
    type __real_##name params;                                                                                                   \
    type __wrap_##name params;                                                                                                   \
    type __wrap_##name params                                                                                                    \
    {                                                                                                                            \
        cl_int failure = code_of(FAULT_##name);                                                                                  \
        if (failure != CL_SUCCESS) {                                                                                             \
            if (code)                                                                                                            \
                *code = failure;                                                                                                 \
            return NULL;                                                                                                         \
        }                                                                                                                        \
        type made = __real_##name args;                                                                                          \
        live(made ? 1 : 0);                                                                                                      \
        return made;                                                                                                             \
    }
typedef void *memory;
HANDLE(cl_command_queue, clCreateCommandQueue,
       (cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *code),
       (context, device, properties, code))
HANDLE(cl_mem, clCreateBuffer, (cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *code),
       (context, flags, bytes, host, code))
HANDLE(cl_program, clCreateProgramWithSource,
       (cl_context context, cl_uint n, const char **text, const size_t *bytes, cl_int *code), (context, n, text, bytes, code))
HANDLE(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *code), (program, name, code))
HANDLE(memory, clEnqueueMapBuffer,
       (cl_command_queue queue, cl_mem mem, cl_bool wait, cl_map_flags flags, size_t at, size_t bytes, cl_uint n,
        const cl_event *list, cl_event *event, cl_int *code),
       (queue, mem, wait, flags, at, bytes, n, list, event, code))

/* Most of a run would be the driver reading its binaries anew: what has been built from one stays, and is given again for the same bytes. For
 * that all runs are in one context, which is made once a device. */
#define MOST_CONTEXTS 16
#define MOST_PROGRAMS 256
static struct {
    cl_device_id device;
    cl_context context;
} contexts[MOST_CONTEXTS];
static struct {
    cl_context context;
    cl_program program;
    unsigned char *binary;
    size_t bytes;
    bool built;
} programs[MOST_PROGRAMS];
static size_t n_contexts, n_programs;

cl_context __real_clCreateContext(const cl_context_properties *properties, cl_uint n, const cl_device_id *devices,
                                  void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user,
                                  cl_int *code);
static cl_context create_context(const cl_context_properties *properties, cl_uint n, const cl_device_id *devices,
                                 void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user, cl_int *code)
{
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < n_contexts && contexts[i].device != devices[0])
        i++;
    if (i == n_contexts && i < MOST_CONTEXTS &&
        (contexts[i].context = __real_clCreateContext(properties, n, devices, notify, user, code))) {
        contexts[i].device = devices[0];
        n_contexts++;
    }
    cl_context context = i < n_contexts ? contexts[i].context : NULL;
    if (context)
        *code = clRetainContext(context);
    pthread_mutex_unlock(&lock);
    return context;
}

/* In the place of one that was never built, or behind the others. */
static void remember(cl_context context, cl_program program, const unsigned char *binary, size_t bytes)
{
    size_t i = 0;
    while (i < n_programs && programs[i].built)
        i++;
    unsigned char *copy = i < MOST_PROGRAMS ? malloc(bytes) : NULL;
    if (!copy)
        return;
    memcpy(copy, binary, bytes);
    if (i < n_programs) {
        free(programs[i].binary);
        __real_clReleaseProgram(programs[i].program);
    } else {
        n_programs++;
    }
    programs[i].context = context;
    programs[i].program = program;
    programs[i].binary = copy;
    programs[i].bytes = bytes;
    programs[i].built = false;
    clRetainProgram(program);
}

cl_program __real_clCreateProgramWithBinary(cl_context context, cl_uint n, const cl_device_id *devices, const size_t *bytes,
                                            const unsigned char **data, cl_int *taken, cl_int *code);
static cl_program create_program(cl_context context, cl_uint n, const cl_device_id *devices, const size_t *bytes,
                                 const unsigned char **data, cl_int *taken, cl_int *code)
{
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < n_programs && !(programs[i].built && programs[i].context == context && programs[i].bytes == bytes[0] &&
                               memcmp(programs[i].binary, data[0], bytes[0]) == 0))
        i++;
    cl_program program = i < n_programs ? programs[i].program : NULL;
    if (program) {
        *taken = CL_SUCCESS;
        *code = clRetainProgram(program);
    } else if ((program = __real_clCreateProgramWithBinary(context, n, devices, bytes, data, taken, code))) {
        remember(context, program, data[0], bytes[0]);
    }
    pthread_mutex_unlock(&lock);
    return program;
}

cl_int __real_clBuildProgram(cl_program program, cl_uint n, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *user);
static cl_int build_program(cl_program program, cl_uint n, const cl_device_id *devices, const char *options,
                            void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < n_programs && programs[i].program != program)
        i++;
    cl_int code =
        i < n_programs && programs[i].built ? CL_SUCCESS : __real_clBuildProgram(program, n, devices, options, notify, user);
    if (i < n_programs && code == CL_SUCCESS)
        programs[i].built = true;
    pthread_mutex_unlock(&lock);
    return code;
}

#define SHARED(type, name, make, params, args)                                                                                   \
    type __wrap_##name params;                                                                                                   \
    type __wrap_##name params                                                                                                    \
    {                                                                                                                            \
        cl_int failure = code_of(FAULT_##name);                                                                                  \
        if (failure != CL_SUCCESS) {                                                                                             \
            *code = failure;                                                                                                     \
            return NULL;                                                                                                         \
        }                                                                                                                        \
        type made = make args;                                                                                                   \
        live(made ? 1 : 0);                                                                                                      \
        return made;                                                                                                             \
    }
SHARED(cl_context, clCreateContext, create_context,
       (const cl_context_properties *properties, cl_uint n, const cl_device_id *devices,
        void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user, cl_int *code),
       (properties, n, devices, notify, user, code))
SHARED(cl_program, clCreateProgramWithBinary, create_program,
       (cl_context context, cl_uint n, const cl_device_id *devices, const size_t *bytes, const unsigned char **data,
        cl_int *taken, cl_int *code),
       (context, n, devices, bytes, data, taken, code))

cl_int __real_clCreateKernelsInProgram(cl_program program, cl_uint n, cl_kernel *kernels, cl_uint *count);
cl_int __wrap_clCreateKernelsInProgram(cl_program program, cl_uint n, cl_kernel *kernels, cl_uint *count);
cl_int __wrap_clCreateKernelsInProgram(cl_program program, cl_uint n, cl_kernel *kernels, cl_uint *count)
{
    cl_int code = code_of(FAULT_clCreateKernelsInProgram);
    if (code == CL_SUCCESS)
        code = __real_clCreateKernelsInProgram(program, n, kernels, count);
    live(code == CL_SUCCESS && kernels ? (long)n : 0);
    return code;
}

cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint n, const cl_event *list, cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint n, const cl_event *list, cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint n, const cl_event *list, cl_event *event)
{
    cl_int code = code_of(FAULT_clEnqueueNDRangeKernel);
    if (code == CL_SUCCESS)
        code = __real_clEnqueueNDRangeKernel(queue, kernel, dims, offset, global, local, n, list, event);
    live(code == CL_SUCCESS && event ? 1 : 0);
    return code;
}

/* What is mapped counts until it is unmapped. */
cl_int __real_clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem mem, void *at, cl_uint n, const cl_event *list,
                                      cl_event *event);
cl_int __wrap_clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem mem, void *at, cl_uint n, const cl_event *list,
                                      cl_event *event);
cl_int __wrap_clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem mem, void *at, cl_uint n, const cl_event *list,
                                      cl_event *event)
{
    cl_int code = code_of(FAULT_clEnqueueUnmapMemObject), real = __real_clEnqueueUnmapMemObject(queue, mem, at, n, list, event);
    live(real == CL_SUCCESS ? -1 : 0);
    return code == CL_SUCCESS ? real : code;
}

cl_int __real_clGetEventInfo(cl_event event, cl_event_info what, size_t size, void *out, size_t *bytes);
cl_int __wrap_clGetEventInfo(cl_event event, cl_event_info what, size_t size, void *out, size_t *bytes);
cl_int __wrap_clGetEventInfo(cl_event event, cl_event_info what, size_t size, void *out, size_t *bytes)
{
    cl_int code = code_of(FAULT_clGetEventInfo);
    if (code != CL_SUCCESS && fault.kind == FAULT_ABORTED) {
        memcpy(out, &code, sizeof code);
        return CL_SUCCESS;
    }
    return code == CL_SUCCESS ? __real_clGetEventInfo(event, what, size, out, bytes) : code;
}

cl_int __wrap_clBuildProgram(cl_program program, cl_uint n, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *user);
cl_int __wrap_clBuildProgram(cl_program program, cl_uint n, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    cl_int code = code_of(FAULT_clBuildProgram);
    refused = code == CL_SUCCESS || fault.kind != FAULT_BUILD ? refused : program;
    return code == CL_SUCCESS ? build_program(program, n, devices, options, notify, user) : code;
}

cl_int __real_clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info what, size_t size, void *out,
                                    size_t *bytes);
cl_int __wrap_clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info what, size_t size, void *out,
                                    size_t *bytes);
cl_int __wrap_clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info what, size_t size, void *out,
                                    size_t *bytes)
{
    cl_int code = code_of(FAULT_clGetProgramBuildInfo);
    if (code != CL_SUCCESS || program != refused || what != CL_PROGRAM_BUILD_LOG)
        return code == CL_SUCCESS ? __real_clGetProgramBuildInfo(program, device, what, size, out, bytes) : code;
    if (bytes)
        *bytes = fault.log_bytes;
    if (out && size >= fault.log_bytes) /* without a NUL at the end, which drivers forget */
        memset(out, 'e', fault.log_bytes);
    return CL_SUCCESS;
}
