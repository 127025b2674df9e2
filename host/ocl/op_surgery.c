/* Feature surgery: the weights of the texts first, then the rows. */
#include "base/mem.h"
#include "ocl/ocl.h"

int csg_ocl_surgery(struct csg_backend *backend, const struct csg_surgery_args *a, struct csg_error *err)
{
    struct csg_ocl *ocl = csg_ocl_of(backend);
    size_t bytes;
    if (!csg_mul(a->n_texts, sizeof(float), &bytes))
        return csg_fail(err, CSG_ERROR_MEMORY, "too many texts");
    int status = csg_ocl_scratch(ocl, bytes, err);
    if (status)
        return status;
    const struct csg_ocl_arg first[] = {CSG_VIEW_ARG(a->s), CSG_MEM_ARG(ocl->scratch), CSG_SIZE_ARG(a->n_texts)};
    status = csg_ocl_launch_groups(ocl, CSG_OP_surgery, "surgery_weights", 1, first, CSG_COUNT(first), err);
    if (status)
        return status;
    const struct csg_ocl_arg second[] = {CSG_VIEW_ARG(a->s), CSG_VIEW_ARG(a->out), CSG_MEM_ARG(ocl->scratch),
                                         CSG_SIZE_ARG(a->n_texts)};
    return csg_ocl_launch_groups(ocl, CSG_OP_surgery, "surgery", a->rows, second, CSG_COUNT(second), err);
}
