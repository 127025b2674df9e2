/* Weights of GEMM in 16 bits an element, laid out for the class once, straight into the memory of the device. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ocl/ocl.h"

#define PLAIN_ROWS 64

struct source {
    const struct csg_weight_part *parts;
    size_t n_parts, n, k;
    enum csg_dtype dtype; /* of the weight */
};

/* Rows from up to from + count of the whole matrix, [count, k]; `line` has room for count elements. */
static void read_rows(const struct source *source, size_t from, size_t count, uint16_t *out, uint16_t *line)
{
    size_t first = 0, k = source->k;
    for (size_t p = 0; p < source->n_parts; first += source->parts[p].n, p++) {
        const struct csg_weight_part *part = &source->parts[p];
        size_t begin = from > first ? from : first;
        size_t end = from + count < first + part->n ? from + count : first + part->n;
        if (begin >= end)
            continue;
        const unsigned char *data = part->data;
        size_t element = csg_dtype_bytes(part->dtype);
        uint16_t *to = out + (begin - from) * k;
        if (!part->transposed) {
            csg_to_16(to, source->dtype, data + (begin - first) * k * element, part->dtype, (end - begin) * k);
            continue;
        }
        for (size_t c = 0; c < k; c++) {
            csg_to_16(line, source->dtype, data + (c * part->n + (begin - first)) * element, part->dtype, end - begin);
            for (size_t r = 0; r < end - begin; r++)
                to[r * k + c] = line[r];
        }
    }
}

/* Whether a number became an infinity, or was one, which is no weight either. */
static bool too_large(const uint16_t *rows, size_t count, enum csg_dtype dtype)
{
    uint16_t exponent = dtype == CSG_F16 ? 0x7c00u : 0x7f80u;
    for (size_t i = 0; i < count; i++)
        if ((rows[i] & 0x7fffu) == exponent)
            return true;
    return false;
}

/* One panel, or plain rows, from `rows` into `out`. */
static void lay_out(uint16_t *out, uint16_t *rows, size_t there, unsigned nr, size_t k)
{
    if (nr == 0) {
        memcpy(out, rows, there * k * sizeof *out);
        return;
    }
    memset(rows + there * k, 0, (nr - there) * k * sizeof *rows);
    for (size_t c = 0; c < k; c++)
        for (size_t r = 0; r < nr; r++)
            out[c * nr + r] = rows[r * k + c];
}

static int fill(struct csg_ocl *ocl, struct csg_ocl_weight *weight, const struct source *source, size_t bytes,
                struct csg_error *err)
{
    size_t n = source->n, k = source->k, step = weight->nr ? weight->nr : PLAIN_ROWS;
    cl_int code = CL_SUCCESS;
    uint16_t *staged = NULL, *mapped = NULL;
    uint16_t *rows = csg_calloc(step * k, sizeof *rows), *line = csg_calloc(step, sizeof *line);
    bool large = false;
    if (!(ocl->quirks & CSG_QUIRK_NO_MAP))
        mapped =
            clEnqueueMapBuffer(ocl->queue, weight->mem, CL_TRUE, CL_MAP_WRITE_INVALIDATE_REGION, 0, bytes, 0, NULL, NULL, NULL);
    if (!mapped)
        staged = csg_calloc(step * k, sizeof *staged);
    bool memory = rows && line && (mapped || staged);
    for (size_t from = 0; memory && code == CL_SUCCESS && from < n; from += step) {
        size_t there = n - from < step ? n - from : step, count = weight->nr ? step : there;
        read_rows(source, from, there, rows, line);
        large = large || too_large(rows, there * k, source->dtype);
        lay_out(mapped ? mapped + from * k : staged, rows, there, weight->nr, k);
        if (staged)
            code = clEnqueueWriteBuffer(ocl->queue, weight->mem, CL_TRUE, from * k * sizeof *staged, count * k * sizeof *staged,
                                        staged, 0, NULL, NULL);
    }
    if (mapped) {
        cl_int unmapped = clEnqueueUnmapMemObject(ocl->queue, weight->mem, mapped, 0, NULL, NULL);
        code = code == CL_SUCCESS ? unmapped : code;
    }
    free(rows);
    free(line);
    free(staged);
    if (!memory)
        return csg_fail_memory(err);
    if (large)
        return csg_too_large(weight->base.precision, err);
    return code == CL_SUCCESS ? CSG_OK : csg_ocl_failed(ocl, err, code, "putting a weight");
}

int csg_ocl_half_create(struct csg_backend *backend, const struct csg_weight_part *parts, size_t n_parts, size_t k,
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
    if (source.n == 0 || k == 0 || !csg_mul(rows, k, &bytes) || !csg_mul(bytes, sizeof(uint16_t), &bytes))
        status = csg_fail(err, CSG_ERROR_MODEL, "a weight of %zu x %zu cannot be used", source.n, k);
    if (status == CSG_OK)
        status = csg_ocl_mem_create(ocl, bytes, &weight->mem, err);
    if (status == CSG_OK)
        status = fill(ocl, weight, &source, bytes, err);
    if (status) {
        if (weight->mem)
            clReleaseMemObject(weight->mem);
        free(weight);
        return status;
    }
    *out = &weight->base;
    return CSG_OK;
}
