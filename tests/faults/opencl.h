/* The table of the OpenCL calls that the library makes: in this build the linker sends each through here, and one of them may be made to
 * fail. */
#ifndef CSG_TESTS_FAULTS_OPENCL_H
#define CSG_TESTS_FAULTS_OPENCL_H

#include <CL/cl.h>
#include <stdbool.h>
#include <stddef.h>

/* CODE: returns its code. HANDLE: returns what it made. QUERY: asks, and changes nothing. RELEASE: gives back, whatever it says. */
#define FAULT_CALLS(X)                                                                                                           \
    X(clGetPlatformIDs, QUERY)                                                                                                   \
    X(clGetPlatformInfo, QUERY)                                                                                                  \
    X(clGetDeviceIDs, QUERY)                                                                                                     \
    X(clGetDeviceInfo, QUERY)                                                                                                    \
    X(clCreateContext, MAKE)                                                                                                     \
    X(clReleaseContext, RELEASE)                                                                                                 \
    X(clCreateCommandQueue, MAKE)                                                                                                \
    X(clReleaseCommandQueue, RELEASE)                                                                                            \
    X(clCreateBuffer, MAKE)                                                                                                      \
    X(clReleaseMemObject, RELEASE)                                                                                               \
    X(clCreateProgramWithSource, MAKE)                                                                                           \
    X(clCreateProgramWithBinary, MAKE)                                                                                           \
    X(clBuildProgram, WORK)                                                                                                      \
    X(clGetProgramInfo, QUERY)                                                                                                   \
    X(clGetProgramBuildInfo, QUERY)                                                                                              \
    X(clReleaseProgram, RELEASE)                                                                                                 \
    X(clCreateKernel, MAKE)                                                                                                      \
    X(clCreateKernelsInProgram, MAKE)                                                                                            \
    X(clGetKernelInfo, QUERY)                                                                                                    \
    X(clReleaseKernel, RELEASE)                                                                                                  \
    X(clSetKernelArg, WORK)                                                                                                      \
    X(clEnqueueNDRangeKernel, WORK)                                                                                              \
    X(clEnqueueReadBuffer, WORK)                                                                                                 \
    X(clEnqueueWriteBuffer, WORK)                                                                                                \
    X(clEnqueueMapBuffer, WORK)                                                                                                  \
    X(clEnqueueUnmapMemObject, WORK)                                                                                             \
    X(clFinish, WORK)                                                                                                            \
    X(clGetEventInfo, QUERY)                                                                                                     \
    X(clGetEventProfilingInfo, QUERY)                                                                                            \
    X(clReleaseEvent, RELEASE)

enum fault_call {
#define FAULT_NAME(name, sort) FAULT_##name,
    FAULT_CALLS(FAULT_NAME)
#undef FAULT_NAME
        FAULT_CALL_COUNT
};
enum fault_sort { FAULT_QUERY, FAULT_MAKE, FAULT_WORK, FAULT_RELEASE };
const char *fault_call_name(enum fault_call call);
enum fault_sort fault_call_sort(enum fault_call call);

/* What goes wrong. */
enum fault_kind {
    FAULT_NONE,
    FAULT_CODE,    /* the call returns `code` */
    FAULT_BUILD,   /* the compiler refuses a program, its stored binary too, with a log of `log_bytes` */
    FAULT_ABORTED, /* the event of a kernel ends with `code` */
    FAULT_NEVER    /* a call that waits does not come back */
};
struct fault {
    enum fault_kind kind;
    cl_int code;
    size_t log_bytes;
    size_t at; /* the number of the call, from 0, among those that such a fault can befall */
};
/* From here on calls are counted, and the fault happens. */
void fault_begin(const struct fault *fault);

struct fault_report {
    size_t calls;                     /* that such a fault can befall */
    size_t of_call[FAULT_CALL_COUNT]; /* all calls */
    size_t live;                      /* objects of OpenCL that were not given back */
    bool happened;
    enum fault_call call; /* that failed */
    bool spoiled;         /* the call was one that no later one makes good: the device is to be left alone */
    size_t after;         /* calls that make something or work, after that */
    enum fault_call first_after;
    size_t finishes_after; /* clFinish, not counted there */
};
/* Lets those go that never came back. */
void fault_end(struct fault_report *report);
/* The call with that number among those that a fault of this kind can befall, in the run that has just ended. */
enum fault_call fault_call_at(size_t at);

#endif
