/* The one way to the queue: every kernel launch is counted and timed here. */
#include "ocl/ocl.h"

static int set_args(struct csg_ocl *ocl, cl_kernel kernel, const struct csg_ocl_launch *launch, struct csg_error *err)
{
    cl_uint index = 0;
    cl_int code = CL_SUCCESS;
    for (size_t i = 0; i < launch->n_args && code == CL_SUCCESS; i++) {
        const struct csg_ocl_arg *arg = &launch->args[i];
        cl_ulong number = arg->size;
        cl_mem mem = arg->mem;
        switch (arg->kind) {
        case CSG_ARG_VIEW:
            number = arg->view.at;
            mem = arg->view.buffer ? csg_ocl_mem(arg->view.buffer) : ocl->stand_in;
            code = clSetKernelArg(kernel, index++, sizeof mem, &mem);
            if (code == CL_SUCCESS)
                code = clSetKernelArg(kernel, index++, sizeof number, &number);
            break;
        case CSG_ARG_MEM:
            code = clSetKernelArg(kernel, index++, sizeof mem, &mem);
            break;
        case CSG_ARG_SIZE:
            code = clSetKernelArg(kernel, index++, sizeof number, &number);
            break;
        case CSG_ARG_FLOAT:
            code = clSetKernelArg(kernel, index++, sizeof arg->number, &arg->number);
            break;
        }
    }
    if (code != CL_SUCCESS)
        return csg_ocl_failed(ocl, err, code, "setting argument %u of kernel %s", (unsigned)index, launch->kernel);
    return CSG_OK;
}

int csg_ocl_launch(struct csg_ocl *ocl, const struct csg_ocl_launch *launch, struct csg_error *err)
{
    cl_kernel kernel;
    int status = csg_ocl_alive(ocl, err);
    if (status == CSG_OK)
        status = csg_ocl_kernel(ocl, launch->source, launch->options ? launch->options : "", launch->kernel, &kernel, err);
    if (status == CSG_OK)
        status = set_args(ocl, kernel, launch, err);
    if (status)
        return status;
    size_t global[3];
    for (size_t i = 0; i < 3; i++)
        global[i] = launch->range.groups[i] * launch->range.items[i];
    cl_event event = NULL;
    cl_int code = clEnqueueNDRangeKernel(ocl->queue, kernel, 3, NULL, global, launch->range.items, 0, NULL, &event);
    if (code != CL_SUCCESS)
        return csg_ocl_failed(ocl, err, code, "%s", launch->kernel);
    return csg_ocl_launched(ocl, event, err);
}

size_t csg_ocl_even(const struct csg_ocl *ocl, size_t items)
{
    return items % ocl->limits.compute_units ? items : items + 1;
}

int csg_ocl_launch_items(struct csg_ocl *ocl, enum csg_op op, const char *kernel, size_t columns, size_t rows,
                         const struct csg_ocl_arg *args, size_t n_args, struct csg_error *err)
{
    size_t group = ocl->form->item_rows ? 1 : ocl->group;
    if (ocl->form->item_rows)
        columns = 1;
    struct csg_ocl_launch launch = {op, NULL, kernel, {{csg_ocl_ceil_div(columns, group), rows, 1}, {group, 1, 1}}, args, n_args};
    return csg_ocl_launch(ocl, &launch, err);
}

int csg_ocl_launch_groups(struct csg_ocl *ocl, enum csg_op op, const char *kernel, size_t rows, const struct csg_ocl_arg *args,
                          size_t n_args, struct csg_error *err)
{
    struct csg_ocl_launch launch = {op, NULL, kernel, {{1, rows, 1}, {ocl->group, 1, 1}}, args, n_args};
    return csg_ocl_launch(ocl, &launch, err);
}

int csg_ocl_launch_rows(struct csg_ocl *ocl, enum csg_op op, const char *kernel, size_t rows, const struct csg_ocl_arg *args,
                        size_t n_args, struct csg_error *err)
{
    if (!ocl->form->item_rows)
        return csg_ocl_launch_groups(ocl, op, kernel, rows, args, n_args, err);
    struct csg_ocl_launch launch = {op, NULL, kernel, {{rows, 1, 1}, {1, 1, 1}}, args, n_args};
    return csg_ocl_launch(ocl, &launch, err);
}

int csg_ocl_launched(struct csg_ocl *ocl, cl_event event, struct csg_error *err)
{
    ocl->base.launches[ocl->base.running]++;
    if (!event)
        return CSG_OK;
    ocl->pending[ocl->n_pending++] = (struct csg_ocl_pending){event, ocl->base.running, ocl->base.stage, 0};
    return ocl->n_pending < CSG_OCL_MAX_PENDING ? CSG_OK : csg_ocl_finish(&ocl->base, err);
}

int csg_ocl_finish(struct csg_backend *backend, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    int status = csg_ocl_alive(ocl, err);
    cl_int code = status ? CL_DEVICE_NOT_AVAILABLE : csg_ocl_wait_finish(ocl);
    double last_ms = 0.0; /* when the launch before ended */
    /* A kernel that was aborted may leave clFinish content: its event says so. */
    for (size_t i = 0; i < ocl->n_pending && !ocl->hung; i++) {
        const struct csg_ocl_pending *pending = &ocl->pending[i];
        cl_ulong queued = 0, start = 0, end = 0;
        cl_int state = CL_COMPLETE;
        if (code == CL_SUCCESS) {
            code = clGetEventInfo(pending->event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
            if (code == CL_SUCCESS && state < 0)
                code = state;
        }
        if (code == CL_SUCCESS &&
            clGetEventProfilingInfo(pending->event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL) == CL_SUCCESS &&
            clGetEventProfilingInfo(pending->event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL) == CL_SUCCESS &&
            end > start) {
            backend->event_ms[pending->op] += (double)(end - start) * 1e-6;
            clGetEventProfilingInfo(pending->event, CL_PROFILING_COMMAND_QUEUED, sizeof queued, &queued, NULL);
            const struct csg_launch launch = {pending->op, (double)queued * 1e-6, (double)start * 1e-6, (double)end * 1e-6};
            if (backend->trace)
                csg_trace_add(backend->trace, &launch);
            double busy_ms = launch.end_ms - (last_ms > launch.queued_ms ? last_ms : launch.queued_ms);
            backend->stage_ms[pending->stage] += busy_ms;
            if (ocl->tuner && pending->call)
                csg_ocl_tune_took(ocl->tuner, pending->call, busy_ms);
            last_ms = launch.end_ms;
        }
        clReleaseEvent(pending->event);
    }
    ocl->n_pending = 0;
    return code == CL_SUCCESS || status ? status : csg_ocl_failed(ocl, err, code, "waiting for the kernels");
}
