/* Products and attention with known answers, and what is trusted on a device only after them: matrix units. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/processor.h"
#include "ocl/ocl.h"

/* Small whole numbers, so that they are exact in every precision, and every sum of products in float32 in any order. */
static float whole(size_t i)
{
    uint32_t x = (uint32_t)i * 2654435761u;
    return (float)((x >> 16) % 9u) - 4.0f;
}

/* y = x W^T of small whole numbers against the exact product, checked for all elements at once: y v = x (W^T v) for a v of
 * distinct whole numbers; a wrong element changes its row's sum. */
static bool answers_match(const float *x, const float *w, const float *y, size_t rows, size_t n, size_t k, double *folded)
{
    for (size_t c = 0; c < k; c++) {
        folded[c] = 0.0;
        for (size_t j = 0; j < n; j++)
            folded[c] += w[j * k + c] * (double)(j + 1);
    }
    for (size_t i = 0; i < rows; i++) {
        double want = 0.0, got = 0.0;
        for (size_t c = 0; c < k; c++)
            want += x[i * k + c] * folded[c];
        for (size_t j = 0; j < n; j++)
            got += y[i * n + j] * (double)(j + 1);
        if (!(want == got))
            return false;
    }
    return true;
}

int csg_ocl_known_product(struct csg_ocl *ocl, csg_ocl_multiply_fn multiply, enum csg_precision precision, const size_t shape[3],
                          bool *right, struct csg_error *err)
{
    const size_t rows = shape[0], n = shape[1], k = shape[2];
    enum csg_precision before = ocl->base.precision;
    struct csg_buffer *bx = NULL, *by = NULL;
    struct csg_weight *weight = NULL;
    float *x = csg_calloc(rows * k, sizeof *x), *w = csg_calloc(n * k, sizeof *w), *y = csg_calloc(rows * n, sizeof *y);
    double *folded = csg_calloc(k, sizeof *folded);
    struct csg_backend *backend = &ocl->base;
    int status = x && w && y && folded ? CSG_OK : csg_fail_memory(err);
    if (status)
        goto done;
    for (size_t i = 0; i < rows * k; i++)
        x[i] = whole(i);
    for (size_t i = 0; i < n * k; i++)
        w[i] = whole(i + 12345);
    struct csg_weight_part part = {.data = w, .dtype = CSG_F32, .n = n};
    backend->precision = precision;
    status = csg_weight_create(backend, &part, 1, k, &weight, err);
    backend->precision = before;
    if (status == CSG_OK)
        status = csg_buffer_from(backend, x, rows * k * sizeof *x, &bx, err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, y, rows * n * sizeof *y, &by, err);
    if (status)
        goto done;
    struct csg_gemm_args args = {
        .x = csg_view(bx, 0), .weight = weight, .y = csg_view(by, 0), .x_stride = k, .y_stride = n, .rows = rows};
    status = multiply(ocl, &args, err);
    if (status == CSG_OK)
        status = csg_ocl_buffer_read(by, 0, y, rows * n * sizeof *y, err);
    if (status == CSG_OK)
        *right = answers_match(x, w, y, rows, n, k, folded);
done:
    csg_weight_destroy(&weight);
    csg_buffer_destroy(&bx);
    csg_buffer_destroy(&by);
    free(x);
    free(w);
    free(y);
    free(folded);
    return status;
}

/* ------------------------------------------------------------------------------------------ matrix units */

/* cl_nv_device_attribute_query */
#define COMPUTE_CAPABILITY_MAJOR_NV 0x4000
#define LEAST_CAPABILITY 8 /* mma of 16 columns of 16 bits, cp.async */

/* Every GEMM form of matrix units is of the same kernel; one stands for all. */
static int multiply(struct csg_ocl *ocl, const struct csg_gemm_args *args, struct csg_error *err)
{
    struct csg_ocl_way way = {0, 2};
    while (csg_ocl_gemm_form_at(way.form)->kernel != CSG_GEMM_MMA)
        way.form++;
    return csg_ocl_gemm_ways.run(ocl, way, args, err);
}

#define TOKENS 77
#define DIM 64

/* -1 or 1: keys in whose places two differ in about half. */
static float sign(size_t token, size_t channel)
{
    uint32_t x = (uint32_t)(token * DIM + channel) * 2654435761u;
    x ^= x >> 15;
    x *= 2246822519u;
    return (x >> 16) % 2 ? 1.0f : -1.0f;
}

static size_t wanted(size_t token)
{
    return (token * 30 + 11) % TOKENS;
}

/* Query i is eight times key wanted(i), and values are four times signs of their own: one score stands above the others by so much
 * that their weights vanish. So q-k attention gives value wanted(i), v-v attention value i, exactly. */
static int attend(struct csg_ocl *ocl, const struct csg_ocl_ways *ways, struct csg_ocl_way way, enum csg_precision precision,
                  bool *right, struct csg_error *err)
{
    static const int32_t bounds[2] = {0, TOKENS};
    struct csg_backend *backend = &ocl->base;
    struct csg_buffer *qkv = NULL, *seq = NULL, *out = NULL;
    float *all = csg_calloc(TOKENS * 5 * DIM, sizeof *all), *got = all ? all + TOKENS * 3 * DIM : NULL;
    int status = all ? CSG_OK : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < TOKENS; i++)
        for (size_t c = 0; c < DIM; c++) {
            float *row = all + i * 3 * DIM + c;
            row[0] = 8.0f * sign(wanted(i), c);
            row[DIM] = sign(i, c);
            row[2 * DIM] = 4.0f * sign(i + TOKENS, c);
        }
    if (status == CSG_OK)
        status = csg_buffer_from(backend, all, TOKENS * 3 * DIM * sizeof *all, &qkv, err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, bounds, sizeof bounds, &seq, err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, got, TOKENS * 2 * DIM * sizeof *all, &out, err);
    const struct csg_attention_args args = {.qkv = csg_view(qkv, 0),
                                            .seq = csg_view(seq, 0),
                                            .qk = csg_view(out, 0),
                                            .vv = csg_view(out, DIM),
                                            .qkv_stride = 3 * DIM,
                                            .qk_stride = 2 * DIM,
                                            .vv_stride = 2 * DIM,
                                            .tokens = TOKENS,
                                            .sequences = 1,
                                            .longest = TOKENS,
                                            .heads = 1,
                                            .head_dim = DIM,
                                            .scale = 1.0f,
                                            .precision = precision};
    if (status == CSG_OK)
        status = ways->run(ocl, way, &args, err);
    if (status == CSG_OK)
        status = csg_ocl_buffer_read(out, 0, got, TOKENS * 2 * DIM * sizeof *all, err);
    for (size_t i = 0; status == CSG_OK && i < TOKENS; i++)
        for (size_t c = 0; c < DIM; c++)
            *right = *right && got[i * 2 * DIM + c] == 4.0f * sign(wanted(i) + TOKENS, c) &&
                     got[i * 2 * DIM + DIM + c] == 4.0f * sign(i + TOKENS, c);
    csg_buffer_destroy(&qkv);
    csg_buffer_destroy(&seq);
    csg_buffer_destroy(&out);
    free(all);
    return status;
}

int csg_ocl_trusted(struct csg_ocl *ocl, enum csg_ocl_trust *trust, const struct csg_ocl_trial *trial, bool *good,
                    struct csg_error *err)
{
    if (*trust == CSG_OCL_UNTRIED) {
        struct csg_error why = {0};
        bool right = true;
        int status = trial->answer(ocl, &right, &why);
        if (status || !right)
            csg_log(&ocl->log, CSG_LOG_WARNING, "%s %s on %s%s%s; %s", trial->name, status ? "failed" : trial->wrong,
                    ocl->base.device, status ? ": " : "", status ? why.sentence : "", trial->instead);
        else
            csg_log(&ocl->log, CSG_LOG_DEBUG, "%s gave the known answers on %s", trial->name, ocl->base.device);
        if (ocl->lost)
            return csg_fail(err, CSG_ERROR_DEVICE_LOST, "%s was lost while %s tested: %s", ocl->base.device, trial->tested,
                            why.sentence);
        *trust = right && status == CSG_OK ? CSG_OCL_GOOD : CSG_OCL_BAD;
    }
    *good = *trust == CSG_OCL_GOOD;
    return CSG_OK;
}

static int multiply_and_attend(struct csg_ocl *ocl, bool *right, struct csg_error *why)
{
    static const size_t shape[3] = {197, 1156, 776};
    int status = CSG_OK;
    for (int p = CSG_PRECISION_F16; p < CSG_PRECISION_COUNT && *right && status == CSG_OK; p++) {
        status = csg_ocl_known_product(ocl, multiply, (enum csg_precision)p, shape, right, why);
        if (status == CSG_OK && *right)
            status = attend(ocl, &csg_ocl_attention_ways, (struct csg_ocl_way){0, 1}, (enum csg_precision)p, right, why);
    }
    return status;
}

/* Other compilers may not even survive to be asked. */
bool csg_ocl_has_matrix_units(const struct csg_ocl *ocl)
{
    cl_uint capability = 0;
    return clGetDeviceInfo(ocl->device, COMPUTE_CAPABILITY_MAJOR_NV, sizeof capability, &capability, NULL) == CL_SUCCESS &&
           capability >= LEAST_CAPABILITY;
}

int csg_ocl_mma_usable(struct csg_ocl *ocl, bool *usable, struct csg_error *err)
{
    static const struct csg_ocl_trial trial = {"matrix units", "compute wrong results", "other kernels run",
                                               "its matrix units were", multiply_and_attend};
    if (ocl->mma == CSG_OCL_UNTRIED && !csg_ocl_has_matrix_units(ocl))
        ocl->mma = CSG_OCL_BAD;
    return csg_ocl_trusted(ocl, &ocl->mma, &trial, usable, err);
}

/* ------------------------------------------------------------------------------------------ pairs of bfloat16 */

enum { HAS_PAIRS = 1, HAS_TILES = 2 };

/* What the processor itself says; nothing where its compiler is not for x86-64, or anything else fails. */
static int32_t processor_has(struct csg_ocl *ocl)
{
    int32_t there = 0;
    struct csg_buffer *out = NULL;
    struct csg_error why = {0};
    int status = csg_buffer_from(&ocl->base, &there, sizeof there, &out, &why);
    const struct csg_ocl_arg arg = CSG_MEM_ARG(status ? NULL : ((struct csg_ocl_buffer *)out)->mem);
    const struct csg_ocl_launch launch = {CSG_OCL_gemm_cpuid, NULL, "gemm_cpuid", {{1, 1, 1}, {1, 1, 1}}, &arg, 1};
    if (status == CSG_OK)
        status = csg_ocl_launch(ocl, &launch, &why);
    if (status == CSG_OK)
        status = csg_ocl_buffer_read(out, 0, &there, sizeof there, &why);
    csg_buffer_destroy(&out);
    csg_log(&ocl->log, CSG_LOG_DEBUG, "%s has %sproducts of bfloat16 pairs, %stiles of them%s%s", ocl->base.device,
            there & HAS_PAIRS ? "" : "no ", there & HAS_TILES ? "" : "no ", status ? ": " : "", status ? why.sentence : "");
    return status ? 0 : there;
}

static bool has_pairs(struct csg_ocl *ocl)
{
    cl_uint width = 0;
    clGetDeviceInfo(ocl->device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof width, &width, NULL);
    return ocl->limits.pairs && ocl->form->packed && width == 16 && ocl->tile->width == 16 && (processor_has(ocl) & HAS_PAIRS);
}

static int by_pairs(struct csg_ocl *ocl, const struct csg_gemm_args *args, struct csg_error *err)
{
    return csg_ocl_gemm_packed_ways.run(ocl, (struct csg_ocl_way){0, 1}, args, err);
}

static int multiply_pairs(struct csg_ocl *ocl, bool *right, struct csg_error *why)
{
    static const size_t shape[3] = {19, 130, 67};
    ocl->pairs = CSG_OCL_GOOD; /* for the weight of the known answer; the verdict follows */
    return csg_ocl_known_product(ocl, by_pairs, CSG_PRECISION_BF16, shape, right, why);
}

int csg_ocl_pairs_usable(struct csg_ocl *ocl, bool *usable, struct csg_error *err)
{
    static const struct csg_ocl_trial trial = {"products of bfloat16 pairs", "are wrong", "other kernels run",
                                               "its bfloat16 instructions were", multiply_pairs};
    if (ocl->pairs == CSG_OCL_UNTRIED && !has_pairs(ocl))
        ocl->pairs = CSG_OCL_BAD;
    return csg_ocl_trusted(ocl, &ocl->pairs, &trial, usable, err);
}

/* ------------------------------------------------------------------------------------------ tiles of bfloat16 */

/* A form of the ways, by its name. */
static struct csg_ocl_way amx_way(const struct csg_ocl *ocl, const struct csg_ocl_ways *ways)
{
    struct csg_ocl_way way = {0, 1};
    while (strncmp(ways->name(ocl, way.form), "amx", 3) != 0)
        way.form++;
    return way;
}

static int by_tiles(struct csg_ocl *ocl, const struct csg_gemm_args *args, struct csg_error *err)
{
    const struct csg_ocl_ways *ways = &csg_ocl_gemm_packed_ways;
    return ways->run(ocl, amx_way(ocl, ways), args, err);
}

/* Blocks of rows that are whole, that are half, and that have a few rows more than half. */
static int multiply_and_attend_tiles(struct csg_ocl *ocl, bool *right, struct csg_error *why)
{
    static const size_t shapes[][3] = {{32, 64, 64}, {45, 130, 96}, {53, 33, 32}};
    int status = CSG_OK;
    for (size_t i = 0; i < CSG_COUNT(shapes) && *right && status == CSG_OK; i++)
        status = csg_ocl_known_product(ocl, by_tiles, CSG_PRECISION_BF16, shapes[i], right, why);
    if (status == CSG_OK && *right)
        status =
            attend(ocl, &csg_ocl_attention_item_ways, amx_way(ocl, &csg_ocl_attention_item_ways), CSG_PRECISION_BF16, right, why);
    return status;
}

/* The processor's word comes before the system is asked, and both before anything runs: without them the first instruction ends the
 * process. */
static bool has_tiles(struct csg_ocl *ocl)
{
    if (!ocl->limits.amx || ocl->quirks & CSG_QUIRK_NO_AMX)
        return false;
    return ocl->limits.amx == 2 || ((processor_has(ocl) & HAS_TILES) && csg_processor_tiles());
}

int csg_ocl_amx_usable(struct csg_ocl *ocl, bool *usable, struct csg_error *err)
{
    static const struct csg_ocl_trial trial = {"tiles of bfloat16", "are wrong", "products of pairs run",
                                               "its tiles of bfloat16 were", multiply_and_attend_tiles};
    bool pairs = true;
    int status = ocl->amx == CSG_OCL_UNTRIED ? csg_ocl_pairs_usable(ocl, &pairs, err) : CSG_OK;
    if (status)
        return status;
    if (ocl->amx == CSG_OCL_UNTRIED && !(pairs && has_tiles(ocl)))
        ocl->amx = CSG_OCL_BAD;
    return csg_ocl_trusted(ocl, &ocl->amx, &trial, usable, err);
}
