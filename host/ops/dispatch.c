/* The one place that every launch of every operator passes. */
#include "base/files.h"
#include "ops/backend.h"

static const char *const op_names[] = {
#define CSG_OP(name) #name,
#include "ops/op_list.h"
#undef CSG_OP
};

const char *csg_op_name(enum csg_op op)
{
    return op_names[op];
}

static int interrupted(const struct csg_backend *backend, struct csg_error *err)
{
    if (backend->interrupted && atomic_load(backend->interrupted))
        return csg_fail(err, CSG_ERROR_INTERRUPTED, "interrupted");
    return CSG_OK;
}

#define CSG_OP(name)                                                                                                             \
    int csg_##name(struct csg_backend *backend, const struct csg_##name##_args *args, struct csg_error *err)                     \
    {                                                                                                                            \
        int status = interrupted(backend, err);                                                                                  \
        if (status)                                                                                                              \
            return status;                                                                                                       \
        if (backend->skip[CSG_OP_##name])                                                                                        \
            return CSG_OK;                                                                                                       \
        backend->running = CSG_OP_##name;                                                                                        \
        if (backend->class_->counts_itself)                                                                                      \
            return backend->class_->ops.name(backend, args, err);                                                                \
        double start_ms = csg_now_ms();                                                                                          \
        status = backend->class_->ops.name(backend, args, err);                                                                  \
        backend->launches[CSG_OP_##name]++;                                                                                      \
        const struct csg_launch launch = {CSG_OP_##name, start_ms, start_ms, csg_now_ms()};                                      \
        backend->event_ms[CSG_OP_##name] += launch.end_ms - start_ms;                                                            \
        backend->stage_ms[backend->stage] += launch.end_ms - start_ms;                                                           \
        if (backend->trace)                                                                                                      \
            csg_trace_add(backend->trace, &launch);                                                                              \
        return status;                                                                                                           \
    }
#include "ops/op_list.h"
#undef CSG_OP

int csg_buffer_create(struct csg_backend *backend, size_t bytes, struct csg_buffer **out, struct csg_error *err)
{
    *out = NULL;
    return backend->class_->buffer_create(backend, bytes ? bytes : 1, out, err);
}

int csg_buffer_from(struct csg_backend *backend, const void *data, size_t bytes, struct csg_buffer **out, struct csg_error *err)
{
    int status = csg_buffer_create(backend, bytes, out, err);
    if (status == CSG_OK && bytes)
        status = csg_buffer_write(*out, 0, data, bytes, err);
    if (status)
        csg_buffer_destroy(out);
    return status;
}

void csg_buffer_destroy(struct csg_buffer **buffer)
{
    if (buffer && *buffer) {
        (*buffer)->backend->class_->buffer_destroy(*buffer);
        *buffer = NULL;
    }
}

int csg_buffer_write(struct csg_buffer *buffer, size_t at_bytes, const void *data, size_t bytes, struct csg_error *err)
{
    return buffer->backend->class_->buffer_write(buffer, at_bytes, data, bytes, err);
}

int csg_buffer_read(struct csg_buffer *buffer, size_t at_bytes, void *data, size_t bytes, struct csg_error *err)
{
    int status = interrupted(buffer->backend, err);
    return status ? status : buffer->backend->class_->buffer_read(buffer, at_bytes, data, bytes, err);
}

int csg_weight_create(struct csg_backend *backend, const struct csg_weight_part *parts, size_t n_parts, size_t k,
                      struct csg_weight **out, struct csg_error *err)
{
    *out = NULL;
    return backend->class_->weight_create(backend, parts, n_parts, k, out, err);
}

void csg_weight_destroy(struct csg_weight **weight)
{
    if (weight && *weight) {
        (*weight)->backend->class_->weight_destroy(*weight);
        *weight = NULL;
    }
}

int csg_backend_finish(struct csg_backend *backend, struct csg_error *err)
{
    return backend->class_->finish(backend, err);
}

void csg_backend_destroy(struct csg_backend **backend)
{
    if (backend && *backend) {
        csg_constants_destroy(*backend);
        (*backend)->class_->destroy(*backend);
        *backend = NULL;
    }
}
