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
    int status = csg_ocl_alive(ocl, err);
    if (status)
        return status;
    CLBlastStatusCode code =
        CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, args->rows, weight->base.n, weight->base.k,
                     1.0f, csg_ocl_mem(args->x.buffer), args->x.at, args->x_stride, weight->mem, 0, weight->base.k, beta,
                     csg_ocl_mem(args->y.buffer), args->y.at, args->y_stride, &ocl->queue, &event);
    if (code != CLBlastSuccess)
        return blas_failed(ocl, code, err);
    ocl->blas_launches += ocl->blas == CSG_OCL_GOOD; /* not its known answers */
    return csg_ocl_launched(ocl, event, err);
}

static int multiply(struct csg_ocl *ocl, const struct csg_gemm_args *args, struct csg_error *err)
{
    return csg_ocl_blas_gemm(ocl, args, 0.0f, err);
}

static int multiply_both(struct csg_ocl *ocl, bool *right, struct csg_error *why)
{
    /* CLBlast has a kernel for small sizes and one for large ones; both with sides that no tile divides. */
    static const size_t shapes[][3] = {{19, 37, 23}, {197, 1155, 769}};
    int status = CSG_OK;
    for (size_t i = 0; i < CSG_COUNT(shapes) && *right && status == CSG_OK; i++)
        status = csg_ocl_known_product(ocl, multiply, CSG_PRECISION_F32, shapes[i], right, why);
    return status;
}

int csg_ocl_blas_usable(struct csg_ocl *ocl, bool *usable, struct csg_error *err)
{
    static const struct csg_ocl_trial trial = {"CLBlast", "computes wrong products", "the project's own GEMM runs", "CLBlast was",
                                               multiply_both};
    if (ocl->blas == CSG_OCL_UNTRIED && (ocl->quirks & CSG_QUIRK_NO_CLBLAST)) {
        csg_log(&ocl->log, CSG_LOG_INFO, "CLBlast is not used on %s (a known fault); the project's own GEMM runs",
                ocl->base.device);
        ocl->blas = CSG_OCL_BAD;
    }
    return csg_ocl_trusted(ocl, &ocl->blas, &trial, usable, err);
}

void csg_ocl_blas_forget(struct csg_ocl *ocl)
{
    /* Its cache is keyed by the address of the context: the next context at that address would be given programs of
     * this one. Other contexts' entries are lost too and rebuilt when they are needed. */
    if (ocl->blas != CSG_OCL_UNTRIED)
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
