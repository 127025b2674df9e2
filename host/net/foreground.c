#include "net/foreground.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/scratch.h"

void csg_foreground_free(struct csg_foreground *f)
{
    csg_buffer_destroy(&f->values);
    csg_buffer_destroy(&f->qkv);
    csg_buffer_destroy(&f->h);
    csg_buffer_destroy(&f->out);
}

/* Values that are 1 inside, in the first channel of each head: what attention makes of them is the share. */
static int prepare(struct csg_foreground *f, const struct csg_net_tower *tower, const struct csg_net_seen *seen,
                   const uint8_t *inside, float *values, struct csg_error *err)
{
    size_t rows = seen->rows, width = tower->width;
    int status = csg_scratch_f32(tower->backend, &f->values, rows, width, err);
    if (status == CSG_OK)
        status = csg_scratch_f32(tower->backend, &f->qkv, rows, 3 * width, err);
    if (status == CSG_OK)
        status = csg_scratch_f32(tower->backend, &f->h, rows, width, err);
    if (status == CSG_OK)
        status = csg_scratch_f32(tower->backend, &f->out, rows, width, err);
    for (size_t i = 1; i < rows; i++)
        for (size_t head = 0; head < tower->heads; head++)
            values[i * width + head * tower->head_dim] = inside[i - 1] ? 1 : 0;
    return status ? status : csg_buffer_write(f->values, 0, values, rows * width * sizeof *values, err);
}

/* The share by attention of q to k; `values` is scratch. */
static int share(struct csg_foreground *f, const struct csg_net_tower *tower, const struct csg_net_seen *seen,
                 const uint8_t *inside, struct csg_view q, struct csg_view k, float *values, double *share, struct csg_error *err)
{
    size_t rows = seen->rows, width = tower->width, count = 0;
    double sum = 0;
    const struct csg_attend_args args = {.q = q,
                                         .k = k,
                                         .v = csg_view(f->values, 0),
                                         .out = csg_view(f->out, 0),
                                         .q_stride = 3 * width,
                                         .k_stride = 3 * width,
                                         .v_stride = width,
                                         .out_stride = width,
                                         .queries = rows,
                                         .tokens = rows,
                                         .heads = tower->heads,
                                         .head_dim = tower->head_dim,
                                         .scale = tower->scale,
                                         .weight = 1};
    int status = csg_attend(tower->backend, &args, err);
    if (status == CSG_OK)
        status = csg_buffer_read(f->out, 0, values, rows * width * sizeof *values, err);
    for (size_t i = 1; status == CSG_OK && i < rows; i++) {
        for (size_t head = 0; inside[i - 1] && head < tower->heads; head++, count++)
            sum += (double)values[i * width + head * tower->head_dim];
    }
    *share = sum / (double)count;
    return status;
}

int csg_foreground_shares(struct csg_foreground *f, const struct csg_net_tower *tower, const struct csg_net_seen *seen,
                          const uint8_t *inside, double *shares, struct csg_error *err)
{
    size_t rows = seen->rows, width = tower->width;
    float *values = csg_calloc(rows, width * sizeof *values);
    int status = values ? prepare(f, tower, seen, inside, values, err) : csg_fail_memory(err);
    for (size_t b = 0; status == CSG_OK && b < tower->layers; b++) {
        struct csg_view q = csg_view(f->qkv, 0), k = csg_view(f->qkv, width), v = csg_view(f->qkv, 2 * width);
        const struct csg_net_tokens tokens = {
            .rows = rows, .x = csg_view(seen->inputs, b * rows * width), .h = csg_view(f->h, 0), .qkv = q};
        status = csg_net_qkv(tower, b, &tokens, err);
        if (status == CSG_OK)
            status = share(f, tower, seen, inside, q, k, values, &shares[2 * b], err);
        if (status == CSG_OK)
            status = share(f, tower, seen, inside, v, v, values, &shares[2 * b + 1], err);
    }
    free(values);
    return status;
}
