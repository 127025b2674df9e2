/* Weights of GEMM: converted to float32 and laid out for the class once, straight into the memory of the device. */
#include <stdlib.h>
#include <string.h>

#include "base/dtype.h"
#include "base/mem.h"
#include "ocl/ocl.h"

/* Where rows come from. */
struct source {
    const struct csg_weight_part *parts;
    size_t n_parts, k;
};

/* Rows from up to from + count of the whole matrix as float32, [count, k]; `line` holds one row of a transposed part. */
static void read_rows(const struct source *source, size_t from, size_t count, float *out, float *line)
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
        float *to = out + (begin - from) * k;
        if (!part->transposed) {
            csg_to_f32(to, data + (begin - first) * k * element, part->dtype, (end - begin) * k);
            continue;
        }
        for (size_t c = 0; c < k; c++) {
            csg_to_f32(line, data + (c * part->n + (begin - first)) * element, part->dtype, end - begin);
            for (size_t r = 0; r < end - begin; r++)
                to[r * k + c] = line[r];
        }
    }
}

/* Fills `out` (mapped or staged) with rows from up to from + count: one panel, or plain rows. */
static void lay_out(const struct source *source, size_t n, unsigned nr, size_t from, size_t count, float *out, float *rows,
                    float *line)
{
    if (nr == 0) {
        read_rows(source, from, count, out, line);
        return;
    }
    size_t k = source->k, there = n - from < count ? n - from : count;
    read_rows(source, from, there, rows, line);
    memset(rows + there * k, 0, (nr - there) * k * sizeof *rows);
    for (size_t c = 0; c < k; c++)
        for (size_t r = 0; r < nr; r++)
            out[c * nr + r] = rows[r * k + c];
}

#define PLAIN_ROWS 64

static int fill(struct csg_ocl *ocl, struct csg_ocl_weight *weight, const struct source *source, size_t bytes,
                struct csg_error *err)
{
    size_t n = weight->base.n, k = source->k, step = weight->nr ? weight->nr : PLAIN_ROWS;
    cl_int code = CL_SUCCESS;
    float *staged = NULL, *mapped = NULL;
    float *rows = csg_calloc(step * k, sizeof *rows);
    float *line = csg_calloc(step, sizeof *line);
    /* Mapping saves a copy where memory is shared; a driver that cannot map so much gets pieces. */
    if (!(ocl->quirks & CSG_QUIRK_NO_MAP))
        mapped =
            clEnqueueMapBuffer(ocl->queue, weight->mem, CL_TRUE, CL_MAP_WRITE_INVALIDATE_REGION, 0, bytes, 0, NULL, NULL, NULL);
    if (!mapped)
        staged = csg_calloc(step * k, sizeof *staged);
    bool memory = rows && line && (mapped || staged);
    for (size_t from = 0; memory && code == CL_SUCCESS && from < n; from += step) {
        size_t count = weight->nr ? step : n - from < step ? n - from : step;
        lay_out(source, n, weight->nr, from, count, mapped ? mapped + from * k : staged, rows, line);
        if (staged)
            code = clEnqueueWriteBuffer(ocl->queue, weight->mem, CL_TRUE, from * k * sizeof(float), count * k * sizeof(float),
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
    return code == CL_SUCCESS ? CSG_OK : csg_ocl_failed(ocl, err, code, "putting a weight");
}

int csg_ocl_weight_create(struct csg_backend *backend, const struct csg_weight_part *parts, size_t n_parts, size_t k,
                          struct csg_weight **out, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    if (backend->precision != CSG_PRECISION_F32)
        return csg_ocl_half_create(backend, parts, n_parts, k, out, err);
    struct source source = {parts, n_parts, k};
    size_t n = 0, bytes;
    *out = NULL;
    for (size_t p = 0; p < n_parts; p++) {
        if (parts[p].n > SIZE_MAX / 4 - n)
            return csg_fail(err, CSG_ERROR_MODEL, "a weight has too many rows");
        n += parts[p].n;
    }
    struct csg_ocl_weight *weight = csg_calloc(1, sizeof *weight);
    if (!weight)
        return csg_fail_memory(err);
    weight->base.backend = backend;
    weight->base.n = n;
    weight->base.k = k;
    weight->nr = ocl->form->packed ? ocl->tile->width * ocl->tile->vectors : 0;
    size_t rows = weight->nr ? csg_ocl_ceil_div(n, weight->nr) * weight->nr : n;
    int status = CSG_OK;
    if (n == 0 || k == 0 || !csg_mul(rows, k, &bytes) || !csg_mul(bytes, sizeof(float), &bytes))
        status = csg_fail(err, CSG_ERROR_MODEL, "a weight of %zu x %zu cannot be used", n, k);
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

void csg_ocl_weight_destroy(struct csg_weight *base)
{
    struct csg_ocl_weight *weight = (struct csg_ocl_weight *)base;
    clReleaseMemObject(weight->mem);
    free(weight);
}
