/* Weights of GEMM: converted to the type of the backend's precision and laid out for the class once, straight into the memory of the
 * device. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ocl/ocl.h"

/* Where rows come from, and what they become. */
struct source {
    const struct csg_weight_part *parts;
    size_t n_parts, n, k;
    enum csg_dtype dtype;
};

static void convert(const struct source *source, void *out, const void *data, enum csg_dtype dtype, size_t count)
{
    if (source->dtype == CSG_F32)
        csg_to_f32(out, data, dtype, count);
    else
        csg_to_16(out, source->dtype, data, dtype, count);
}

/* [columns, rows] from [rows, columns]. */
static void transpose(void *out, const void *in, size_t rows, size_t columns, size_t element_bytes)
{
    const uint16_t *in16 = in;
    const uint32_t *in32 = in;
    uint16_t *out16 = out;
    uint32_t *out32 = out;
    for (size_t c = 0; c < columns; c++)
        for (size_t r = 0; r < rows; r++)
            if (element_bytes == sizeof *out16)
                out16[c * rows + r] = in16[r * columns + c];
            else
                out32[c * rows + r] = in32[r * columns + c];
}

/* Rows from up to from + count of the whole matrix, [count, k]; `turned` has room for as many. */
static void read_rows(const struct source *source, size_t from, size_t count, char *out, void *turned)
{
    size_t first = 0, k = source->k, element = csg_dtype_bytes(source->dtype);
    for (size_t p = 0; p < source->n_parts; first += source->parts[p].n, p++) {
        const struct csg_weight_part *part = &source->parts[p];
        size_t begin = from > first ? from : first;
        size_t end = from + count < first + part->n ? from + count : first + part->n;
        if (begin >= end)
            continue;
        const char *data = part->data;
        size_t rows = end - begin, own = csg_dtype_bytes(part->dtype);
        char *to = out + (begin - from) * k * element;
        if (!part->transposed) {
            convert(source, to, data + (begin - first) * k * own, part->dtype, rows * k);
            continue;
        }
        for (size_t c = 0; c < k; c++)
            convert(source, (char *)turned + c * rows * element, data + (c * part->n + (begin - first)) * own, part->dtype, rows);
        transpose(to, turned, k, rows, element);
    }
}

/* Whether a number became an infinity as it was rounded, or was one, which is no weight either. */
static bool too_large(const struct source *source, const void *rows, size_t count)
{
    const uint16_t *values = rows;
    uint16_t exponent = source->dtype == CSG_F16 ? 0x7c00u : 0x7f80u;
    if (source->dtype == CSG_F32)
        return false;
    for (size_t i = 0; i < count; i++)
        if ((values[i] & 0x7fffu) == exponent)
            return true;
    return false;
}

/* [ceil(k / 2), columns, 2] from [columns, k]. */
static void interleave(uint16_t *out, const uint16_t *in, size_t columns, size_t k)
{
    for (size_t c = 0; c < k; c += 2)
        for (size_t r = 0; r < columns; r++, out += 2) {
            out[0] = in[r * k + c];
            out[1] = c + 1 < k ? in[r * k + c + 1] : 0;
        }
}

/* One panel, or plain rows, from `rows` into `out`. */
static void lay_out(char *out, char *rows, size_t there, const struct csg_ocl_weight *weight, size_t element)
{
    size_t k = weight->base.k;
    if (weight->nr == 0) {
        memcpy(out, rows, there * k * element);
        return;
    }
    memset(rows + there * k * element, 0, (weight->nr - there) * k * element);
    if (weight->pairs)
        interleave((uint16_t *)out, (const uint16_t *)rows, weight->nr, k);
    else
        transpose(out, rows, weight->nr, k, element);
}

#define PLAIN_ROWS 64

static size_t stored_columns(const struct csg_ocl_weight *weight)
{
    return weight->pairs ? weight->base.k + weight->base.k % 2 : weight->base.k;
}

static int fill(struct csg_ocl *ocl, struct csg_ocl_weight *weight, const struct source *source, size_t bytes,
                struct csg_error *err)
{
    size_t n = source->n, step = weight->nr ? weight->nr : PLAIN_ROWS;
    size_t element = csg_dtype_bytes(source->dtype), row_bytes = source->k * element;
    size_t stored_bytes = stored_columns(weight) * element;
    cl_int code = CL_SUCCESS;
    char *staged = NULL;
    void *map = NULL;
    char *rows = csg_calloc(step, row_bytes), *turned = csg_calloc(step, row_bytes);
    bool large = false;
    /* Mapping saves a copy where memory is shared; a driver that cannot map so much gets pieces. */
    if (!(ocl->quirks & CSG_QUIRK_NO_MAP))
        code = csg_ocl_wait_map(ocl, weight->mem, bytes, &map);
    if (code != CL_SUCCESS && csg_ocl_fail(NULL, code, "mapping") != CSG_ERROR_DEVICE_LOST)
        code = CL_SUCCESS;
    char *mapped = map;
    if (!mapped)
        staged = csg_calloc(step, stored_bytes);
    bool memory = rows && turned && (mapped || staged);
    for (size_t from = 0; memory && code == CL_SUCCESS && from < n; from += step) {
        size_t there = n - from < step ? n - from : step, count = weight->nr ? step : there;
        read_rows(source, from, there, rows, turned);
        large = large || too_large(source, rows, there * source->k);
        lay_out(mapped ? mapped + from * stored_bytes : staged, rows, there, weight, element);
        if (staged)
            code = csg_ocl_wait_write(ocl, weight->mem, from * stored_bytes, staged, count * stored_bytes);
    }
    if (mapped) {
        cl_int unmapped = clEnqueueUnmapMemObject(ocl->queue, weight->mem, mapped, 0, NULL, NULL);
        code = code == CL_SUCCESS ? unmapped : code;
    }
    free(rows);
    free(turned);
    free(staged);
    if (!memory)
        return csg_fail_memory(err);
    if (large)
        return csg_too_large(weight->base.precision, err);
    return code == CL_SUCCESS ? CSG_OK : csg_ocl_failed(ocl, err, code, "putting a weight");
}

int csg_ocl_weight_create(struct csg_backend *backend, const struct csg_weight_part *parts, size_t n_parts, size_t k,
                          struct csg_weight **out, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    struct source source = {parts, n_parts, 0, k, csg_precisions[backend->precision].dtype};
    size_t bytes;
    *out = NULL;
    for (size_t p = 0; p < n_parts; p++) {
        if (parts[p].n > SIZE_MAX / 4 - source.n)
            return csg_fail(err, CSG_ERROR_MODEL, "a weight has too many rows");
        source.n += parts[p].n;
    }
    struct csg_ocl_weight *weight = csg_calloc(1, sizeof *weight);
    if (!weight)
        return csg_fail_memory(err);
    weight->base = (struct csg_weight){.backend = backend, .precision = backend->precision, .n = source.n, .k = k};
    weight->nr = ocl->form->packed ? ocl->tile->width * ocl->tile->vectors : 0;
    size_t rows = weight->nr ? csg_ocl_ceil_div(source.n, weight->nr) * weight->nr : source.n;
    int status = CSG_OK;
    if (backend->precision == CSG_PRECISION_BF16)
        status = csg_ocl_pairs_usable(ocl, &weight->pairs, err);
    if (status) {
        free(weight);
        return status;
    }
    if (weight->pairs && k % 2 == 0)
        weight->base.operand = CSG_BF16;
    if (source.n == 0 || k == 0 || !csg_mul(rows, stored_columns(weight), &bytes) ||
        !csg_mul(bytes, csg_dtype_bytes(source.dtype), &bytes))
        status = csg_fail(err, CSG_ERROR_MODEL, "a weight of %zu x %zu cannot be used", source.n, k);
    if (status == CSG_OK)
        status = csg_ocl_mem_create(ocl, bytes, &weight->mem, err);
    if (status == CSG_OK)
        status = fill(ocl, weight, &source, bytes, err);
    if (status) {
        csg_ocl_mem_release(ocl, weight->mem);
        free(weight);
        return status;
    }
    *out = &weight->base;
    return CSG_OK;
}

void csg_ocl_weight_destroy(struct csg_weight *base)
{
    struct csg_ocl_weight *weight = (struct csg_ocl_weight *)base;
    csg_ocl_mem_release(csg_ocl_of(base->backend), weight->mem);
    free(weight);
}
