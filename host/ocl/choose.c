/* The one place that chooses in which way an operator runs. */
#include "ocl/ocl.h"

const struct csg_ocl_ways *csg_ocl_ways_of(const struct csg_ocl *ocl, enum csg_op op)
{
    if (op == CSG_OP_gemm)
        return ocl->form->packed ? &csg_ocl_gemm_packed_ways : &csg_ocl_gemm_ways;
    if (op == CSG_OP_attention)
        return ocl->form->item_rows ? &csg_ocl_attention_item_ways : &csg_ocl_attention_ways;
    return NULL;
}

/* The way that a test asks for, in as many parts as it has at most. */
static int forced(struct csg_ocl *ocl, const struct csg_ocl_ways *ways, enum csg_op op, const void *args, struct csg_ocl_way *way,
                  bool *found, struct csg_error *err)
{
    const struct csg_ocl_way wanted = ocl->limits.forced[op];
    int status = CSG_OK;
    *found = false;
    if (!wanted.form)
        return CSG_OK;
    for (size_t i = 0; i < wanted.form; i++)
        if (!ways->name(ocl, i))
            return CSG_OK;
    way->form = wanted.form - 1;
    for (way->splits = wanted.splits ? wanted.splits : 1; status == CSG_OK && way->splits && !*found; way->splits -= !*found)
        status = ways->fits(ocl, *way, args, found, err);
    return status;
}

int csg_ocl_run_best(struct csg_ocl *ocl, const struct csg_ocl_shape *shape, const void *args, struct csg_error *err)
{
    const struct csg_ocl_ways *ways = csg_ocl_ways_of(ocl, shape->op);
    struct csg_ocl_way way;
    bool found;
    int status = forced(ocl, ways, shape->op, args, &way, &found, err);
    if (status == CSG_OK && !found && ocl->tuner)
        return csg_ocl_tune_run(ocl, shape, args, err);
    const struct csg_ocl_way *tuned = status || found ? NULL : csg_ocl_tuned(ocl, shape);
    if (tuned) {
        way = *tuned;
        status = ways->fits(ocl, way, args, &found, err);
        ocl->base.tuned += status == CSG_OK && found;
    }
    if (status == CSG_OK && !found)
        status = ways->untuned(ocl, args, &way, err);
    return status ? status : ways->run(ocl, way, args, err);
}
