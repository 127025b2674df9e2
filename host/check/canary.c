#include "check/canary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Below: more rows than the tallest register tile, sides that no tile divides. */
enum { ROWS = 37, K = 24, N = 41, WIDTH = 96, KEYS = 16 };

static float whole(size_t i)
{
    return (float)(((uint32_t)i * 2654435761u >> 16) % 9u) - 4.0f;
}

static int wrong(const struct csg_backend *backend, enum csg_op op, size_t at, double want, double got, struct csg_error *err)
{
    return csg_fail(err, CSG_ERROR_SELF_TEST, "%s computes wrong results: %s gave %.9g instead of %.9g (element %zu)",
                    backend->device, csg_op_name(op), got, want, at);
}

static int compare(const struct csg_backend *backend, enum csg_op op, const float *want, const float *got, size_t count,
                   double limit, struct csg_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)want[i] - (double)got[i]) <= limit))
            return wrong(backend, op, i, (double)want[i], (double)got[i], err);
    return CSG_OK;
}

static int gemm(struct csg_backend *backend, float *data, struct csg_buffer **buffers, struct csg_error *err)
{
    float *x = data, *w = x + ROWS * K, *bias = w + N * K, *want = bias + N, *got = want + ROWS * N;
    struct csg_weight *weight = NULL;
    for (size_t i = 0; i < ROWS * K + N * K + N; i++)
        data[i] = whole(i);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t j = 0; j < N; j++) {
            want[r * N + j] = bias[j];
            for (size_t c = 0; c < K; c++)
                want[r * N + j] += x[r * K + c] * w[j * K + c];
        }
    const struct csg_weight_part part = {.data = w, .dtype = CSG_F32, .n = N};
    int status = csg_weight_create(backend, &part, 1, K, &weight, err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, x, sizeof(float) * ROWS * K, &buffers[0], err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, bias, sizeof(float) * N, &buffers[1], err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, got, sizeof(float) * ROWS * N, &buffers[2], err);
    if (status == CSG_OK) {
        const struct csg_gemm_args args = {.x = csg_view(buffers[0], 0),
                                           .weight = weight,
                                           .bias = csg_view(buffers[1], 0),
                                           .y = csg_view(buffers[2], 0),
                                           .x_stride = K,
                                           .y_stride = N,
                                           .rows = ROWS};
        status = csg_gemm(backend, &args, err);
    }
    if (status == CSG_OK)
        status = csg_buffer_read(buffers[2], 0, got, sizeof(float) * ROWS * N, err);
    csg_weight_destroy(&weight);
    return status ? status : compare(backend, CSG_OP_gemm, want, got, ROWS * N, 0.0, err);
}

/* Rows of mean m and deviation a, in turn above and below. */
static int layernorm(struct csg_backend *backend, float *data, struct csg_buffer **buffers, struct csg_error *err)
{
    float *x = data, *weight = x + ROWS * WIDTH, *bias = weight + WIDTH, *want = bias + WIDTH, *got = want + ROWS * WIDTH;
    for (size_t i = 0; i < WIDTH; i++) {
        weight[i] = whole(i);
        bias[i] = whole(i + WIDTH);
    }
    for (size_t r = 0; r < ROWS; r++)
        for (size_t i = 0; i < WIDTH; i++) {
            float sign = i % 2 ? 1.0f : -1.0f, a = (float)(1 + r % 5);
            x[r * WIDTH + i] = whole(r) + sign * a;
            want[r * WIDTH + i] =
                (float)((double)(sign * a) / sqrt((double)(a * a) + 1e-5) * (double)weight[i] + (double)bias[i]);
        }
    int status = csg_buffer_from(backend, x, sizeof(float) * ROWS * WIDTH, &buffers[0], err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, weight, sizeof(float) * 2 * WIDTH, &buffers[1], err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, got, sizeof(float) * ROWS * WIDTH, &buffers[2], err);
    if (status == CSG_OK) {
        const struct csg_layernorm_args args = {.x = csg_view(buffers[0], 0),
                                                .weight = csg_view(buffers[1], 0),
                                                .bias = csg_view(buffers[1], WIDTH),
                                                .y = csg_view(buffers[2], 0),
                                                .x_stride = WIDTH,
                                                .y_stride = WIDTH,
                                                .rows = ROWS,
                                                .width = WIDTH,
                                                .eps = 1e-5f};
        status = csg_layernorm(backend, &args, err);
    }
    if (status == CSG_OK)
        status = csg_buffer_read(buffers[2], 0, got, sizeof(float) * ROWS * WIDTH, err);
    return status ? status : compare(backend, CSG_OP_layernorm, want, got, ROWS * WIDTH, 1e-4, err);
}

/* Token i asks for key (5 i + 3) mod n by a score of 100 against 0, so that it gets that key's value; the last token asks for nothing
 * and gets the mean. Values are whole numbers. */
static int attention(struct csg_backend *backend, size_t dim, float *data, struct csg_buffer **buffers, struct csg_error *err)
{
    size_t n = dim < KEYS ? dim : KEYS, stride = 3 * dim;
    float *qkv = data, *want = qkv + n * stride, *got = want + n * dim;
    const int32_t seq[2] = {0, (int32_t)n};
    for (size_t i = 0; i < n; i++) {
        size_t asked = n % 5 ? (5 * i + 3) % n : (i + 1) % n;
        qkv[i * stride + asked] = i + 1 < n ? 100.0f : 0.0f;
        qkv[i * stride + dim + i] = 1.0f;
        for (size_t c = 0; c < dim; c++) {
            qkv[i * stride + 2 * dim + c] = whole(i * dim + c);
            want[i * dim + c] = i + 1 < n ? whole(asked * dim + c) : 0.0f;
        }
    }
    for (size_t c = 0; c < dim; c++)
        for (size_t j = 0; j < n; j++)
            want[(n - 1) * dim + c] += whole(j * dim + c) / (float)n;
    int status = csg_buffer_from(backend, qkv, sizeof(float) * n * stride, &buffers[0], err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, seq, sizeof seq, &buffers[1], err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, got, sizeof(float) * n * dim, &buffers[2], err);
    if (status == CSG_OK) {
        const struct csg_attention_args args = {.qkv = csg_view(buffers[0], 0),
                                                .seq = csg_view(buffers[1], 0),
                                                .qk = csg_view(buffers[2], 0),
                                                .qkv_stride = stride,
                                                .qk_stride = dim,
                                                .tokens = n,
                                                .sequences = 1,
                                                .longest = n,
                                                .heads = 1,
                                                .head_dim = dim,
                                                .scale = 1.0f};
        status = csg_attention(backend, &args, err);
    }
    if (status == CSG_OK)
        status = csg_buffer_read(buffers[2], 0, got, sizeof(float) * n * dim, err);
    return status ? status : compare(backend, CSG_OP_attention, want, got, n * dim, 1e-4, err);
}

int csg_canary(struct csg_backend *backend, size_t head_dim, struct csg_error *err)
{
    uint64_t launches[CSG_OP_COUNT];
    double event_ms[CSG_OP_COUNT];
    size_t most = 3 * (ROWS * WIDTH + WIDTH) + 5 * KEYS * head_dim;
    memcpy(launches, backend->launches, sizeof launches);
    memcpy(event_ms, backend->event_ms, sizeof event_ms);
    int status = CSG_OK;
    for (size_t which = 0; which < 3 && status == CSG_OK; which++) {
        struct csg_buffer *buffers[3] = {0};
        float *data = csg_calloc(most, sizeof *data);
        if (!data)
            status = csg_fail_memory(err);
        else if (which == 0)
            status = gemm(backend, data, buffers, err);
        else if (which == 1)
            status = layernorm(backend, data, buffers, err);
        else
            status = attention(backend, head_dim, data, buffers, err);
        for (size_t i = 0; i < 3; i++)
            csg_buffer_destroy(&buffers[i]);
        free(data);
    }
    int finished = csg_backend_finish(backend, status ? NULL : err);
    memcpy(backend->launches, launches, sizeof launches);
    memcpy(backend->event_ms, event_ms, sizeof event_ms);
    return status ? status : finished;
}
