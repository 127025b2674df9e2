/* What a device can do at most, measured: multiplications and additions in registers, and copying memory. */
#include <stdio.h>

#include "ocl/backend.h"
#include "ocl/ocl.h"

/* Twenty sums that do not depend on each other hide the latency of a multiplication and addition, that of pairs too: twelve are a tenth
 * too few for these. Every work-item has numbers of its own, or a compiler computes them once for a group. TYPE, the number of steps and
 * how a TYPE is summed come from the options. With PAIRS a lane adds two products of bfloat16, as cl/pairs.clh does. */
static const char source[] =
    "#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) "
    "X(19)\n"
    "#define BEGIN(i) TYPE a##i = first + i;\n"
    "#define ADD(i) s += a##i;\n"
    "#ifdef PAIRS\n"
    "#define STEP(i) __asm__(\"vdpbf16ps %1, %2, %0\" : \"+v\"(a##i) : \"v\"(m), \"v\"(c));\n"
    "#else\n"
    "#define STEP(i) a##i = fma(a##i, m, c);\n"
    "#endif\n"
    "__kernel void compute(__global float *out, float x)\n"
    "{\n"
    "    TYPE first = (TYPE)(x * (float)get_global_id(0)), m = (TYPE)(0.99f + x), c = (TYPE)(x), s = (TYPE)(0.0f);\n"
    "    EACH(BEGIN)\n"
    "    for (int i = 0; i < STEPS; i++) { EACH(STEP) }\n"
    "    EACH(ADD)\n"
    "    out[get_global_id(0)] = SUM;\n"
    "}\n"
    "__kernel void copy(__global const float4 *in, __global float4 *out) { out[get_global_id(0)] = in[get_global_id(0)]; }\n";

enum { SUMS = 20, STEPS = 1024, TIMES = 5, COPY_BYTES = 64 << 20 };

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

/* How numbers are multiplied: vectors of so many lanes, and products of each. */
static const struct way {
    const char *type, *sum;
    unsigned width, products;
} ways[] = {{"float", "s", 1, 1},
            {"float4", "dot(s,(float4)(1))", 4, 1},
            {"float16", "dot(s.lo.lo+s.lo.hi+s.hi.lo+s.hi.hi,(float4)(1))", 16, 1},
            {"float16", "dot(s.lo.lo+s.lo.hi+s.hi.lo+s.hi.hi,(float4)(1))", 16, 2}};

static void measure(struct csg_ocl *ocl, const struct way *way, cl_mem in, cl_mem out, struct csg_ocl_peak *peak)
{
    char options[200];
    const char *text = source;
    const size_t group = way->width == 16 ? 1 : 64, items = (size_t)ocl->limits.compute_units * (way->width == 16 ? 512 : 8192);
    const float x = 1e-3f;
    snprintf(options, sizeof options, "-cl-std=CL1.2 -DTYPE=%s -DSTEPS=%d -DSUM=%s%s", way->type, STEPS, way->sum,
             way->products > 1 ? " -DPAIRS" : "");
    cl_program program = clCreateProgramWithSource(ocl->context, 1, &text, NULL, NULL);
    if (program && clBuildProgram(program, 1, &ocl->device, options, NULL, NULL) == CL_SUCCESS) {
        cl_kernel compute = clCreateKernel(program, "compute", NULL), copy = clCreateKernel(program, "copy", NULL);
        if (compute && copy) {
            clSetKernelArg(compute, 0, sizeof out, &out);
            clSetKernelArg(compute, 1, sizeof x, &x);
            clSetKernelArg(copy, 0, sizeof in, &in);
            clSetKernelArg(copy, 1, sizeof out, &out);
            double ms = best_ms(ocl, compute, items, group);
            double gflop_s = ms > 0.0 ? 2.0 * SUMS * STEPS * way->products * way->width * (double)items / ms * 1e-6 : 0.0;
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
    bool pairs = false;
    *peak = (struct csg_ocl_peak){0};
    int status = backend->precision == CSG_PRECISION_BF16 ? csg_ocl_pairs_usable(ocl, &pairs, err) : CSG_OK;
    if (status == CSG_OK)
        status = csg_ocl_mem_create(ocl, COPY_BYTES, &in, err);
    if (status == CSG_OK)
        status = csg_ocl_mem_create(ocl, COPY_BYTES, &out, err);
    if (status == CSG_OK) {
        for (size_t i = 0; i < CSG_COUNT(ways); i++)
            if (ways[i].products == 1 || pairs)
                measure(ocl, &ways[i], in, out, peak);
        peak->of = pairs ? CSG_PRECISION_BF16 : CSG_PRECISION_F32;
    }
    csg_ocl_mem_release(ocl, in);
    csg_ocl_mem_release(ocl, out);
    return status;
}
