/* What a device can do at most, measured: multiplications and additions in registers, and copying memory. */
#include <stdio.h>

#include "ocl/backend.h"
#include "ocl/ocl.h"

/* Twelve sums that do not depend on each other hide the latency of a multiplication and addition: eight do so only where nothing else
 * delays one. Every work-item has numbers of its own, or a compiler computes them once for a group. TYPE, the number of steps and how a
 * TYPE is summed come from the options. */
static const char source[] =
    "__kernel void compute(__global float *out, float x)\n"
    "{\n"
    "    TYPE a0 = (TYPE)(x * (float)get_global_id(0)), a1 = a0 + 1, a2 = a0 + 2, a3 = a0 + 3, a4 = a0 + 4, a5 = a0 + 5, a6 = a0 "
    "+ 6,\n"
    "         a7 = a0 + 7, a8 = a0 + 8, a9 = a0 + 9, aa = a0 + 10, ab = a0 + 11, m = (TYPE)(0.99f + x), c = (TYPE)(x);\n"
    "    for (int i = 0; i < STEPS; i++) {\n"
    "        a0 = fma(a0, m, c); a1 = fma(a1, m, c); a2 = fma(a2, m, c); a3 = fma(a3, m, c); a4 = fma(a4, m, c); a5 = fma(a5, m, "
    "c);\n"
    "        a6 = fma(a6, m, c); a7 = fma(a7, m, c); a8 = fma(a8, m, c); a9 = fma(a9, m, c); aa = fma(aa, m, c); ab = fma(ab, m, "
    "c);\n"
    "    }\n"
    "    TYPE s = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + aa + ab;\n"
    "    out[get_global_id(0)] = SUM;\n"
    "}\n"
    "__kernel void copy(__global const float4 *in, __global float4 *out) { out[get_global_id(0)] = in[get_global_id(0)]; }\n";

enum { SUMS = 12, STEPS = 1536, TIMES = 5, COPY_BYTES = 64 << 20 };

static double best_ms(struct csg_ocl *ocl, cl_kernel kernel, size_t items, size_t group)
{
    double best = 0.0;
    for (int i = 0; i < TIMES; i++) {
        cl_event event = NULL;
        cl_ulong start = 0, end = 0;
        if (clEnqueueNDRangeKernel(ocl->queue, kernel, 1, NULL, &items, &group, 0, NULL, &event) != CL_SUCCESS)
            return 0.0;
        if (csg_ocl_wait_finish(ocl) != CL_SUCCESS) {
            if (!ocl->hung)
                clReleaseEvent(event);
            return 0.0;
        }
        clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
        clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
        clReleaseEvent(event);
        double ms = (double)(end - start) * 1e-6;
        if (i > 0 && end > start && (best == 0.0 || ms < best))
            best = ms;
    }
    return best;
}

static void measure(struct csg_ocl *ocl, const char *type, const char *sum, unsigned width, cl_mem in, cl_mem out,
                    struct csg_ocl_peak *peak)
{
    char options[200];
    const char *text = source;
    const size_t group = width == 16 ? 1 : 64, items = (size_t)ocl->limits.compute_units * (width == 16 ? 64 : 8192);
    const float x = 1e-3f;
    snprintf(options, sizeof options, "-cl-std=CL1.2 -DTYPE=%s -DSTEPS=%d -DSUM=%s", type, STEPS, sum);
    cl_program program = clCreateProgramWithSource(ocl->context, 1, &text, NULL, NULL);
    if (program && clBuildProgram(program, 1, &ocl->device, options, NULL, NULL) == CL_SUCCESS) {
        cl_kernel compute = clCreateKernel(program, "compute", NULL), copy = clCreateKernel(program, "copy", NULL);
        if (compute && copy) {
            clSetKernelArg(compute, 0, sizeof out, &out);
            clSetKernelArg(compute, 1, sizeof x, &x);
            clSetKernelArg(copy, 0, sizeof in, &in);
            clSetKernelArg(copy, 1, sizeof out, &out);
            double ms = best_ms(ocl, compute, items, group);
            double gflop_s = ms > 0.0 ? 2.0 * SUMS * STEPS * width * (double)items / ms * 1e-6 : 0.0;
            ms = best_ms(ocl, copy, COPY_BYTES / 16, 64);
            double gbyte_s = ms > 0.0 ? 2.0 * COPY_BYTES / ms * 1e-6 : 0.0;
            peak->gflop_s = gflop_s > peak->gflop_s ? gflop_s : peak->gflop_s;
            peak->gbyte_s = gbyte_s > peak->gbyte_s ? gbyte_s : peak->gbyte_s;
        }
        if (compute && !ocl->hung)
            clReleaseKernel(compute);
        if (copy && !ocl->hung)
            clReleaseKernel(copy);
    }
    if (program && !ocl->hung)
        clReleaseProgram(program);
}

int csg_ocl_peak_measure(struct csg_backend *backend, struct csg_ocl_peak *peak, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    cl_mem in = NULL, out = NULL;
    *peak = (struct csg_ocl_peak){0};
    int status = csg_ocl_mem_create(ocl, COPY_BYTES, &in, err);
    if (status == CSG_OK)
        status = csg_ocl_mem_create(ocl, COPY_BYTES, &out, err);
    if (status == CSG_OK) {
        measure(ocl, "float", "s", 1, in, out, peak);
        measure(ocl, "float4", "dot(s,(float4)(1))", 4, in, out, peak);
        measure(ocl, "float16", "dot(s.lo.lo+s.lo.hi+s.hi.lo+s.hi.hi,(float4)(1))", 16, in, out, peak);
    }
    csg_ocl_mem_release(ocl, in);
    csg_ocl_mem_release(ocl, out);
    return status;
}
