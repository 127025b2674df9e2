#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ref/ref.h"

struct ref_buffer {
    struct csg_buffer base;
    uint8_t *data;
};

static uint8_t *data_of(struct csg_buffer *buffer)
{
    return ((struct ref_buffer *)buffer)->data;
}

uint8_t *csg_ref_bytes(struct csg_view view, size_t element_bytes)
{
    return data_of(view.buffer) + view.at * element_bytes;
}

static void buffer_destroy(struct csg_buffer *buffer)
{
    free(data_of(buffer));
    free(buffer);
}

static int buffer_create(struct csg_backend *backend, size_t bytes, struct csg_buffer **out, struct csg_error *err)
{
    struct ref_buffer *buffer = csg_calloc(1, sizeof *buffer);
    if (!buffer)
        return csg_fail_memory(err);
    buffer->base = (struct csg_buffer){.backend = backend, .bytes = bytes};
    buffer->data = malloc(bytes); /* left uninitialised so that memory checkers see what an operator reads too early */
    if (!buffer->data) {
        free(buffer);
        return csg_fail(err, CSG_ERROR_MEMORY, "no memory for a buffer of %zu bytes", bytes);
    }
    *out = &buffer->base;
    return CSG_OK;
}

static int check_range(const struct csg_buffer *buffer, size_t at_bytes, size_t bytes, struct csg_error *err)
{
    if (at_bytes > buffer->bytes || bytes > buffer->bytes - at_bytes)
        return csg_fail(err, CSG_ERROR_USAGE, "%zu bytes at %zu are not inside a buffer of %zu bytes", bytes, at_bytes,
                        buffer->bytes);
    return CSG_OK;
}

static int buffer_write(struct csg_buffer *buffer, size_t at_bytes, const void *data, size_t bytes, struct csg_error *err)
{
    int status = check_range(buffer, at_bytes, bytes, err);
    if (status == CSG_OK && bytes)
        memcpy(data_of(buffer) + at_bytes, data, bytes);
    return status;
}

static int buffer_read(struct csg_buffer *buffer, size_t at_bytes, void *data, size_t bytes, struct csg_error *err)
{
    int status = check_range(buffer, at_bytes, bytes, err);
    if (status == CSG_OK && bytes)
        memcpy(data, data_of(buffer) + at_bytes, bytes);
    return status;
}

static void weight_destroy(struct csg_weight *weight)
{
    free(((struct csg_ref_weight *)weight)->w);
    free(weight);
}

/* Rounds to the weight's precision; false where a number is too large for it. */
static bool round_all(float *w, size_t count, enum csg_dtype dtype)
{
    bool fits = true;
    for (size_t i = 0; i < count && dtype != CSG_F32; i++) {
        float rounded = csg_rounded(w[i], dtype);
        fits = fits && !isinf(rounded);
        w[i] = rounded;
    }
    return fits;
}

/* Puts one part into the columns from `column` of w [k, n]; row has room for k elements. */
static void put_part(float *w, size_t n, size_t k, size_t column, const struct csg_weight_part *part, float *row)
{
    const uint8_t *data = part->data;
    size_t bytes = csg_dtype_bytes(part->dtype);
    if (part->transposed) {
        for (size_t i = 0; i < k; i++)
            csg_to_f32(w + i * n + column, data + i * part->n * bytes, part->dtype, part->n);
        return;
    }
    for (size_t r = 0; r < part->n; r++) {
        csg_to_f32(row, data + r * k * bytes, part->dtype, k);
        for (size_t i = 0; i < k; i++)
            w[i * n + column + r] = row[i];
    }
}

static int weight_create(struct csg_backend *backend, const struct csg_weight_part *parts, size_t n_parts, size_t k,
                         struct csg_weight **out, struct csg_error *err)
{
    size_t n = 0, elements = 0, bytes = 0;
    for (size_t i = 0; i < n_parts; i++) {
        if (parts[i].n > SIZE_MAX - n)
            return csg_fail(err, CSG_ERROR_MEMORY, "a weight of too many rows");
        n += parts[i].n;
    }
    if (!csg_mul(n, k, &elements) || !csg_mul(elements, sizeof(float), &bytes))
        return csg_fail(err, CSG_ERROR_MEMORY, "a weight of %zu x %zu elements is too large", n, k);

    struct csg_ref_weight *weight = csg_calloc(1, sizeof *weight);
    float *row = csg_calloc(k, sizeof *row);
    if (!weight || !row)
        goto fail;
    weight->base = (struct csg_weight){.backend = backend, .precision = backend->precision, .n = n, .k = k};
    weight->w = malloc(bytes ? bytes : 1);
    if (!weight->w)
        goto fail;
    for (size_t i = 0, column = 0; i < n_parts; column += parts[i].n, i++)
        put_part(weight->w, n, k, column, &parts[i], row);
    free(row);
    if (!round_all(weight->w, elements, csg_precisions[backend->precision].dtype)) {
        weight_destroy(&weight->base);
        return csg_too_large(backend->precision, err);
    }
    *out = &weight->base;
    return CSG_OK;
fail:
    free(row);
    free(weight);
    return csg_fail(err, CSG_ERROR_MEMORY, "no memory for a weight of %zu x %zu elements", n, k);
}

static int finish(struct csg_backend *backend, struct csg_error *err)
{
    (void)backend, (void)err;
    return CSG_OK;
}

static void destroy(struct csg_backend *backend)
{
    free(backend);
}

static const struct csg_backend_class reference = {
    .name = "reference",
    .counts_itself = false,
    .ops =
        {
#define CSG_OP(name) .name = csg_ref_##name,
#include "ops/op_list.h"
#undef CSG_OP
        },
    .destroy = destroy,
    .buffer_create = buffer_create,
    .buffer_destroy = buffer_destroy,
    .buffer_write = buffer_write,
    .buffer_read = buffer_read,
    .weight_create = weight_create,
    .weight_destroy = weight_destroy,
    .finish = finish,
};

int csg_ref_backend_create(struct csg_backend **out, struct csg_error *err)
{
    *out = NULL;
    struct csg_backend *backend = csg_calloc(1, sizeof *backend);
    if (!backend)
        return csg_fail_memory(err);
    *backend = (struct csg_backend){.class_ = &reference,
                                    .device = "reference",
                                    .platform = "clip-surgeon",
                                    .driver = CSG_VERSION,
                                    .device_class = "reference"};
    *out = backend;
    return CSG_OK;
}
