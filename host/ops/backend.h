/* A backend runs the operators on its own buffers: the C reference (host/ref) or OpenCL (host/ocl). Nothing above this
 * interface can tell which one it is. */
#ifndef CSG_OPS_BACKEND_H
#define CSG_OPS_BACKEND_H

#include <stdatomic.h>

#include "base/dtype.h"
#include "base/status.h"
#include "ops/args.h"
#include "ops/precision.h"

struct csg_backend;

enum csg_op {
#define CSG_OP(name) CSG_OP_##name,
#include "ops/op_list.h"
#undef CSG_OP
    CSG_OP_COUNT
};

/* The signature of an operator, written once for all backends. Work may be queued; outputs are complete when a later
 * buffer_read or finish returns. */
#define CSG_OP(name) typedef int (*csg_##name##_fn)(struct csg_backend *, const struct csg_##name##_args *, struct csg_error *);
#include "ops/op_list.h"
#undef CSG_OP

struct csg_op_table {
#define CSG_OP(name) csg_##name##_fn name;
#include "ops/op_list.h"
#undef CSG_OP
};

/* Memory of a backend; backends extend it. */
struct csg_buffer {
    struct csg_backend *backend;
    size_t bytes;
};

/* A matrix that GEMM multiplies with, in whatever layout the backend likes best; backends extend it. */
struct csg_weight {
    struct csg_backend *backend;
    enum csg_precision precision;
    size_t n, k; /* rows (outputs), columns (inputs) */
    /* What x is rounded to before it is multiplied, where whoever makes x may store it so: half to write and to read, and nothing is lost
     * that the product would keep. CSG_F32: x has to be float32. */
    enum csg_dtype operand;
};

/* Rows of a matrix in host memory, unaligned, little-endian. transposed: stored [k, n]. */
struct csg_weight_part {
    const void *data;
    enum csg_dtype dtype;
    size_t n;
    bool transposed;
};

struct csg_backend_class {
    const char *name;   /* "reference", "opencl" */
    bool counts_itself; /* adds to launches[running] and event_ms[running] at each launch; else dispatch counts and times */
    struct csg_op_table ops;
    void (*destroy)(struct csg_backend *backend);
    /* Uninitialised memory. CSG_ERROR_MEMORY. bytes is at least 1. */
    int (*buffer_create)(struct csg_backend *backend, size_t bytes, struct csg_buffer **out, struct csg_error *err);
    void (*buffer_destroy)(struct csg_buffer *buffer);
    /* The data may be freed or changed when write returns; read returns when the data is there. */
    int (*buffer_write)(struct csg_buffer *buffer, size_t at_bytes, const void *data, size_t bytes, struct csg_error *err);
    int (*buffer_read)(struct csg_buffer *buffer, size_t at_bytes, void *data, size_t bytes, struct csg_error *err);
    /* The parts stand below each other: n = sum of their n. In the backend's precision; CSG_ERROR_MODEL where an element is too large for
     * it. */
    int (*weight_create)(struct csg_backend *backend, const struct csg_weight_part *parts, size_t n_parts, size_t k,
                         struct csg_weight **out, struct csg_error *err);
    void (*weight_destroy)(struct csg_weight *weight);
    /* Waits until all that was queued is done, and adds up event times. */
    int (*finish)(struct csg_backend *backend, struct csg_error *err);
};

/* When a launch was queued and ran, by the device's clock. */
struct csg_launch {
    enum csg_op op;
    double queued_ms, start_ms, end_ms;
};
/* Launches in the order in which they ended; those for which memory is short are left out. */
struct csg_trace {
    struct csg_launch *launches;
    size_t count, capacity;
};
void csg_trace_add(struct csg_trace *trace, const struct csg_launch *launch);
void csg_trace_free(struct csg_trace *trace);

/* What the time of a frame is told by. */
enum csg_stage { CSG_STAGE_REST, CSG_STAGE_RESIZE, CSG_STAGE_ENCODE, CSG_STAGE_COUNT };

struct csg_constants;
struct csg_backend {
    const struct csg_backend_class *class_;
    char device[256], platform[256], driver[256], device_class[16]; /* "cpu", "gpu" or "reference" */
    uint64_t memory_bytes;                                          /* of the device; 0: not known */
    enum csg_precision precision;                                   /* of the weights that are made from now on */
    uint64_t launches[CSG_OP_COUNT];
    double event_ms[CSG_OP_COUNT];
    /* Of the launches that follow; and the time in which the device was busy with each, complete as event_ms when a read or finish
     * returns. */
    enum csg_stage stage;
    double stage_ms[CSG_STAGE_COUNT];
    struct csg_constants *constants; /* NULL until the first is asked for */
    uint64_t tuned;                  /* launches that went the way that timing had found; counted as those above */
    enum csg_op running;             /* the operator that dispatch has just called */
    bool skip[CSG_OP_COUNT];         /* tests turn an operator into nothing; never set elsewhere */
    struct csg_trace *trace;         /* NULL: none is kept */
    atomic_int *interrupted;         /* non-zero: every operator fails with CSG_ERROR_INTERRUPTED; may be NULL */
};

const char *csg_op_name(enum csg_op op);

/* Run an operator on a backend: csg_gemm(backend, &args, err). The one place that every launch passes: counts, checks for an
 * interrupt, and obeys skip. */
#define CSG_OP(name) int csg_##name(struct csg_backend *backend, const struct csg_##name##_args *args, struct csg_error *err);
#include "ops/op_list.h"
#undef CSG_OP

/* Short forms of the class's functions; the destroys accept NULL and set to NULL. */
int csg_buffer_create(struct csg_backend *backend, size_t bytes, struct csg_buffer **out, struct csg_error *err);
int csg_buffer_from(struct csg_backend *backend, const void *data, size_t bytes, struct csg_buffer **out, struct csg_error *err);
void csg_buffer_destroy(struct csg_buffer **buffer);
/* The same data on the backend, uploaded where it does not lie there from a call before. It belongs to the backend, must not be written,
 * and stays until eight others were asked for. */
int csg_buffer_constant(struct csg_backend *backend, const void *data, size_t bytes, struct csg_buffer **out,
                        struct csg_error *err);
int csg_buffer_write(struct csg_buffer *buffer, size_t at_bytes, const void *data, size_t bytes, struct csg_error *err);
int csg_buffer_read(struct csg_buffer *buffer, size_t at_bytes, void *data, size_t bytes, struct csg_error *err);
int csg_weight_create(struct csg_backend *backend, const struct csg_weight_part *parts, size_t n_parts, size_t k,
                      struct csg_weight **out, struct csg_error *err);
void csg_weight_destroy(struct csg_weight **weight);
int csg_backend_finish(struct csg_backend *backend, struct csg_error *err);
void csg_backend_destroy(struct csg_backend **backend);
void csg_constants_destroy(struct csg_backend *backend); /* for csg_backend_destroy */

static inline struct csg_view csg_view(struct csg_buffer *buffer, size_t at)
{
    struct csg_view v = {buffer, at};
    return v;
}

#endif
