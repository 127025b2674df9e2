/* Memory that was given back and waits for its next use: asking a driver for it costs as much as a small kernel, and every picture of a
 * size wants the same. The queue is in order, so that what still runs is done with it before the next use begins. */
#include "ocl/ocl.h"

#define MOST_BYTES ((size_t)64 << 20) /* and never more than a sixteenth of the device's */

static cl_mem take_out(struct csg_ocl *ocl, size_t index)
{
    cl_mem mem = ocl->spare[index].mem;
    ocl->spare_bytes -= ocl->spare[index].bytes;
    ocl->n_spare--;
    for (size_t i = index; i < ocl->n_spare; i++)
        ocl->spare[i] = ocl->spare[i + 1];
    return mem;
}

static void drop(struct csg_ocl *ocl, size_t index)
{
    csg_ocl_mem_release(ocl, take_out(ocl, index));
}

cl_mem csg_ocl_spare_take(struct csg_ocl *ocl, size_t bytes)
{
    for (size_t i = ocl->n_spare; i-- > 0;)
        if (ocl->spare[i].bytes == bytes)
            return take_out(ocl, i);
    return NULL;
}

void csg_ocl_spare_give(struct csg_ocl *ocl, cl_mem mem, size_t bytes)
{
    size_t most = ocl->limits.global_bytes / 16 < MOST_BYTES ? ocl->limits.global_bytes / 16 : MOST_BYTES;
    if (bytes > most) {
        csg_ocl_mem_release(ocl, mem);
        return;
    }
    while (ocl->n_spare && (ocl->n_spare == CSG_OCL_MAX_SPARE || ocl->spare_bytes + bytes > most))
        drop(ocl, 0);
    ocl->spare[ocl->n_spare++] = (struct csg_ocl_spare){mem, bytes};
    ocl->spare_bytes += bytes;
}

bool csg_ocl_spare_drop(struct csg_ocl *ocl)
{
    bool any = ocl->n_spare > 0;
    while (ocl->n_spare)
        drop(ocl, ocl->n_spare - 1);
    return any;
}
