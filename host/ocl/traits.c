/* What was found out about a device, one row each: for users who want to know why it runs as it does. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ocl/ocl.h"

static int forms(struct csg_ocl *ocl, char *out, size_t capacity, struct csg_error *err)
{
    (void)err;
    if (ocl->form->packed)
        snprintf(out, capacity, "cpu: packed panels, vectors of %u floats, tiles of %u x %u", ocl->tile->width, ocl->tile->rows,
                 ocl->tile->vectors * ocl->tile->width);
    else
        snprintf(out, capacity, "gpu: groups of %zu work-items at most, %zu KiB of local memory", ocl->limits.max_group,
                 ocl->limits.local_bytes >> 10);
    return CSG_OK;
}

static int arithmetic(struct csg_ocl *ocl, char *out, size_t capacity, struct csg_error *err)
{
    (void)err;
    snprintf(out, capacity, "%s, division and roots %s", ocl->limits.fma ? "fma is an instruction" : "no fma",
             ocl->limits.exact_divide ? "rounded correctly" : "within the errors that OpenCL allows");
    return CSG_OK;
}

static int matrix_units(struct csg_ocl *ocl, char *out, size_t capacity, struct csg_error *err)
{
    bool usable = false;
    int status = ocl->form->packed || !csg_ocl_has_matrix_units(ocl) ? CSG_OK : csg_ocl_mma_usable(ocl, &usable, err);
    snprintf(out, capacity, "%s",
             usable                    ? "the known answers are right: used for f16 and bf16"
             : ocl->mma == CSG_OCL_BAD ? "not used: the known answers are wrong"
             : ocl->form->packed       ? "not asked for on a CPU"
                                       : "none that is known how to be reached");
    return status;
}

static int pairs(struct csg_ocl *ocl, char *out, size_t capacity, struct csg_error *err)
{
    bool usable = false;
    int status = ocl->form->packed ? csg_ocl_pairs_usable(ocl, &usable, err) : CSG_OK;
    snprintf(out, capacity, "%s",
             usable              ? "the known answers are right: used for bf16"
             : ocl->form->packed ? "none that gives the known answers"
                                 : "not asked for on a GPU");
    return status;
}

static int amx(struct csg_ocl *ocl, char *out, size_t capacity, struct csg_error *err)
{
    bool usable = false;
    int status = ocl->form->packed ? csg_ocl_amx_usable(ocl, &usable, err) : CSG_OK;
    snprintf(out, capacity, "%s",
             usable                           ? "the known answers are right: used for bf16"
             : !ocl->form->packed             ? "not asked for on a GPU"
             : ocl->quirks & CSG_QUIRK_NO_AMX ? "not used: a known fault"
                                              : "none that the system grants and that gives the known answers");
    return status;
}

static int blas(struct csg_ocl *ocl, char *out, size_t capacity, struct csg_error *err)
{
    bool usable = false;
    int status = ocl->form->packed || !CSG_HAVE_CLBLAST ? CSG_OK : csg_ocl_blas_usable(ocl, &usable, err);
    snprintf(out, capacity, "%s",
             usable                               ? "the known answers are right: `tune` times it beside the others"
             : !CSG_HAVE_CLBLAST                  ? "not in this build"
             : ocl->form->packed                  ? "not asked for on a CPU"
             : ocl->quirks & CSG_QUIRK_NO_CLBLAST ? "not used: a known fault"
                                                  : "not used: the known answers are wrong");
    return status;
}

static int quirks(struct csg_ocl *ocl, char *out, size_t capacity, struct csg_error *err)
{
    size_t used = 0;
    unsigned bit, seen = 0;
    const char *name;
    (void)err;
    snprintf(out, capacity, "none is known");
    for (size_t i = 0; (name = csg_ocl_quirk_at(i, &bit)) && used < capacity; i++)
        if ((ocl->quirks & bit) && !(seen & bit)) {
            int n = snprintf(out + used, capacity - used, "%s%s", used ? ", " : "", name);
            used += n > 0 ? (size_t)n : 0;
            seen |= bit;
        }
    return CSG_OK;
}

static int tuned(struct csg_ocl *ocl, char *out, size_t capacity, struct csg_error *err)
{
    (void)err;
    if (ocl->n_tuned)
        snprintf(out, capacity, "for %zu sizes", ocl->n_tuned);
    else
        snprintf(out, capacity, "no: the defaults of its class are used; `clip-surgeon tune` times the others");
    return CSG_OK;
}

static const struct {
    const char *name;
    int (*tell)(struct csg_ocl *ocl, char *out, size_t capacity, struct csg_error *err);
} rows[] = {{"kernels", forms},
            {"arithmetic", arithmetic},
            {"matrix units", matrix_units},
            {"bf16 pairs", pairs},
            {"bf16 tiles", amx},
            {"CLBlast", blas},
            {"faults", quirks},
            {"tuned", tuned}};

int csg_ocl_traits(struct csg_backend *backend, struct csg_device_trait **out, size_t *count, struct csg_error *err)
{
    struct csg_device_trait *traits = csg_calloc(CSG_COUNT(rows), sizeof *traits);
    int status = traits ? CSG_OK : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < CSG_COUNT(rows); i++) {
        traits[i].name = rows[i].name;
        status = rows[i].tell(csg_ocl_of(backend), traits[i].value, sizeof traits[i].value, err);
    }
    if (status) {
        free(traits);
        return status;
    }
    *out = traits;
    *count = CSG_COUNT(rows);
    return CSG_OK;
}
