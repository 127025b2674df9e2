/* Waiting for the device, but not for ever. A call that waits is made by a thread of its own; where it does not come back in time the
 * device is lost, and the call is left behind with what it may still touch: the data pass through memory that belongs to the thread. */
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "base/threads.h"
#include "ocl/ocl.h"

#define STAGE_BYTES ((size_t)4 << 20)

struct call {
    cl_int (*make)(struct call *call);
    cl_command_queue queue;
    cl_mem mem;
    size_t at, bytes;
    char *stage;
    void *mapped;
};

struct csg_ocl_waiter {
    struct csg_lock *lock;
    struct csg_thread *thread;
    char *stage;
    struct call call;
    cl_int code;
    enum { IDLE, ASKED, LEFT_BEHIND, ENDING } state;
};

static cl_int finish(struct call *call)
{
    return clFinish(call->queue);
}

static cl_int read_stage(struct call *call)
{
    return clEnqueueReadBuffer(call->queue, call->mem, CL_TRUE, call->at, call->bytes, call->stage, 0, NULL, NULL);
}

static cl_int write_stage(struct call *call)
{
    return clEnqueueWriteBuffer(call->queue, call->mem, CL_TRUE, call->at, call->bytes, call->stage, 0, NULL, NULL);
}

static cl_int map(struct call *call)
{
    cl_int code = CL_SUCCESS;
    call->mapped =
        clEnqueueMapBuffer(call->queue, call->mem, CL_TRUE, CL_MAP_WRITE_INVALIDATE_REGION, 0, call->bytes, 0, NULL, NULL, &code);
    return call->mapped ? CL_SUCCESS : code;
}

static void release(struct csg_ocl_waiter *waiter)
{
    csg_lock_destroy(&waiter->lock);
    free(waiter->stage);
    free(waiter);
}

static void serve(void *user)
{
    struct csg_ocl_waiter *waiter = user;
    csg_lock_enter(waiter->lock);
    while (waiter->state == IDLE || waiter->state == ASKED) {
        if (waiter->state == IDLE) {
            csg_lock_wait(waiter->lock, -1);
            continue;
        }
        struct call call = waiter->call;
        csg_lock_leave(waiter->lock);
        cl_int code = call.make(&call);
        csg_lock_enter(waiter->lock);
        waiter->call = call;
        waiter->code = code;
        if (waiter->state == ASKED)
            waiter->state = IDLE;
        csg_lock_news(waiter->lock);
    }
    bool alone = waiter->state == LEFT_BEHIND;
    csg_lock_leave(waiter->lock);
    if (alone)
        release(waiter);
}

int csg_ocl_waiter_create(struct csg_ocl_waiter **out, struct csg_error *err)
{
    struct csg_ocl_waiter *waiter = csg_calloc(1, sizeof *waiter);
    *out = NULL;
    if (!waiter || !(waiter->stage = csg_calloc(STAGE_BYTES, 1))) {
        free(waiter);
        return csg_fail_memory(err);
    }
    int status = csg_lock_create(&waiter->lock, err);
    if (status == CSG_OK)
        status = csg_thread_start(&waiter->thread, serve, waiter, err);
    if (status) {
        release(waiter);
        return status;
    }
    *out = waiter;
    return CSG_OK;
}

void csg_ocl_waiter_destroy(struct csg_ocl_waiter **out)
{
    struct csg_ocl_waiter *waiter = *out;
    if (!waiter)
        return;
    csg_lock_enter(waiter->lock);
    waiter->state = ENDING;
    csg_lock_news(waiter->lock);
    csg_lock_leave(waiter->lock);
    csg_thread_join(&waiter->thread);
    release(waiter);
    *out = NULL;
}

/* The device is never asked again after CSG_OCL_NO_ANSWER: the waiter is the call's from then on. */
static cl_int wait(struct csg_ocl *ocl, struct call *call)
{
    struct csg_ocl_waiter *waiter = ocl->waiter;
    double deadline_ms = csg_now_ms() + ocl->limits.wait_ms, left_ms;
    if (ocl->hung)
        return CSG_OCL_NO_ANSWER;
    csg_lock_enter(waiter->lock);
    call->queue = ocl->queue;
    call->stage = waiter->stage;
    waiter->call = *call;
    waiter->state = ASKED;
    csg_lock_news(waiter->lock);
    while (waiter->state == ASKED && (left_ms = deadline_ms - csg_now_ms()) > 0)
        csg_lock_wait(waiter->lock, left_ms);
    if (waiter->state == ASKED) {
        waiter->state = LEFT_BEHIND;
        ocl->hung = true;
        ocl->waiter = NULL;
        csg_thread_leave(&waiter->thread);
        csg_lock_leave(waiter->lock);
        return CSG_OCL_NO_ANSWER;
    }
    *call = waiter->call;
    cl_int code = waiter->code;
    csg_lock_leave(waiter->lock);
    return code;
}

cl_int csg_ocl_wait_finish(struct csg_ocl *ocl)
{
    return wait(ocl, &(struct call){.make = finish});
}

cl_int csg_ocl_wait_read(struct csg_ocl *ocl, cl_mem mem, size_t at, void *data, size_t bytes)
{
    cl_int code = CL_SUCCESS;
    for (size_t done = 0, piece; done < bytes && code == CL_SUCCESS; done += piece) {
        piece = bytes - done < STAGE_BYTES ? bytes - done : STAGE_BYTES;
        code = wait(ocl, &(struct call){.make = read_stage, .mem = mem, .at = at + done, .bytes = piece});
        if (code == CL_SUCCESS)
            memcpy((char *)data + done, ocl->waiter->stage, piece);
    }
    return code;
}

cl_int csg_ocl_wait_write(struct csg_ocl *ocl, cl_mem mem, size_t at, const void *data, size_t bytes)
{
    cl_int code = ocl->hung ? CSG_OCL_NO_ANSWER : CL_SUCCESS;
    for (size_t done = 0, piece; done < bytes && code == CL_SUCCESS; done += piece) {
        piece = bytes - done < STAGE_BYTES ? bytes - done : STAGE_BYTES;
        memcpy(ocl->waiter->stage, (const char *)data + done, piece);
        code = wait(ocl, &(struct call){.make = write_stage, .mem = mem, .at = at + done, .bytes = piece});
    }
    return code;
}

cl_int csg_ocl_wait_map(struct csg_ocl *ocl, cl_mem mem, size_t bytes, void **mapped)
{
    struct call call = {.make = map, .mem = mem, .bytes = bytes};
    cl_int code = wait(ocl, &call);
    *mapped = code == CL_SUCCESS ? call.mapped : NULL;
    return code;
}
