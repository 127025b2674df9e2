/* CLBlast: the only file that knows it. It is trusted on a device only after known answers. */
#include "base/mem.h"
#include "ocl/ocl.h"

#if CSG_HAVE_CLBLAST
#include <clblast_c.h>
#include <stdlib.h>

static int blas_failed(struct csg_ocl *ocl, CLBlastStatusCode code, struct csg_error *err)
{
    /* Its codes are OpenCL's where OpenCL has one. */
    if (code > -1024)
        return csg_ocl_failed(ocl, err, (cl_int)code, "CLBlast's GEMM");
    return csg_fail(err, CSG_ERROR_BUILD, "CLBlast's GEMM failed on %s (its code %d)", ocl->base.device, (int)code);
}

int csg_ocl_blas_gemm(struct csg_ocl *ocl, const struct csg_gemm_args *args, float beta, struct csg_error *err)
{
    const struct csg_ocl_weight *weight = (const struct csg_ocl_weight *)args->weight;
    cl_event event = NULL;
    if (ocl->lost)
        return csg_fail(err, CSG_ERROR_DEVICE_LOST, "%s was lost after a fatal error", ocl->base.device);
    CLBlastStatusCode code =
        CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, args->rows, weight->base.n, weight->base.k,
                     1.0f, csg_ocl_mem(args->x.buffer), args->x.at, args->x_stride, weight->mem, 0, weight->base.k, beta,
                     csg_ocl_mem(args->y.buffer), args->y.at, args->y_stride, &ocl->queue, &event);
    if (code != CLBlastSuccess)
        return blas_failed(ocl, code, err);
    ocl->blas_launches += ocl->blas == CSG_BLAS_GOOD; /* not its known answers */
    return csg_ocl_launched(ocl, event, err);
}

/* Small whole numbers, so that every sum of products is exact in float32 in any order. */
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

static int known_answer(struct csg_ocl *ocl, size_t rows, size_t n, size_t k, bool *right, struct csg_error *err)
{
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
    status = csg_weight_create(backend, &part, 1, k, &weight, err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, x, rows * k * sizeof *x, &bx, err);
    if (status == CSG_OK)
        status = csg_buffer_from(backend, y, rows * n * sizeof *y, &by, err);
    if (status)
        goto done;
    struct csg_gemm_args args = {
        .x = csg_view(bx, 0), .weight = weight, .y = csg_view(by, 0), .x_stride = k, .y_stride = n, .rows = rows};
    status = csg_ocl_blas_gemm(ocl, &args, 0.0f, err);
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

int csg_ocl_blas_usable(struct csg_ocl *ocl, bool *usable, struct csg_error *err)
{
    /* CLBlast has a kernel for small sizes and one for large ones; both with sides that no tile divides. */
    static const size_t shapes[][3] = {{19, 37, 23}, {197, 1155, 769}};
    if (ocl->blas == CSG_BLAS_UNKNOWN) {
        struct csg_error why = {0};
        bool right = !(ocl->quirks & CSG_QUIRK_NO_CLBLAST);
        int status = CSG_OK;
        if (!right)
            csg_log(&ocl->log, CSG_LOG_INFO, "CLBlast is not used on %s (a known fault); the project's own GEMM runs",
                    ocl->base.device);
        for (size_t i = 0; i < CSG_COUNT(shapes) && right && status == CSG_OK; i++) {
            status = known_answer(ocl, shapes[i][0], shapes[i][1], shapes[i][2], &right, &why);
            if (status || !right)
                csg_log(&ocl->log, CSG_LOG_WARNING, "CLBlast %s on %s%s%s; the project's own GEMM runs",
                        status ? "failed" : "computes wrong products", ocl->base.device, status ? ": " : "",
                        status ? why.sentence : "");
        }
        if (ocl->lost)
            return csg_fail(err, CSG_ERROR_DEVICE_LOST, "%s was lost while CLBlast was tested: %s", ocl->base.device,
                            why.sentence);
        if (right && status == CSG_OK)
            csg_log(&ocl->log, CSG_LOG_DEBUG, "CLBlast gave the known answers on %s", ocl->base.device);
        ocl->blas = right && status == CSG_OK ? CSG_BLAS_GOOD : CSG_BLAS_BAD;
    }
    *usable = ocl->blas == CSG_BLAS_GOOD;
    return CSG_OK;
}

void csg_ocl_blas_forget(struct csg_ocl *ocl)
{
    /* Its cache is keyed by the address of the context: the next context at that address would be given programs of
     * this one. Other contexts' entries are lost too and rebuilt when they are needed. */
    if (ocl->blas != CSG_BLAS_UNKNOWN)
        CLBlastClearCache();
}

#else

int csg_ocl_blas_usable(struct csg_ocl *ocl, bool *usable, struct csg_error *err)
{
    (void)ocl, (void)err;
    *usable = false;
    return CSG_OK;
}

int csg_ocl_blas_gemm(struct csg_ocl *ocl, const struct csg_gemm_args *args, float beta, struct csg_error *err)
{
    (void)args, (void)beta;
    return csg_fail(err, CSG_ERROR_BUILD, "this build has no CLBlast for %s", ocl->base.device);
}

void csg_ocl_blas_forget(struct csg_ocl *ocl)
{
    (void)ocl;
}

#endif
