/* The C reference backend: plain, double accumulation, no cleverness. It is what every kernel is held against, and runs
 * everything on `--device reference`. */
#ifndef CSG_REF_REF_H
#define CSG_REF_REF_H

#include "ops/backend.h"

int csg_ref_backend_create(struct csg_backend **out, struct csg_error *err);

/* The memory behind a view, as elements of `type`. */
uint8_t *csg_ref_bytes(struct csg_view view, size_t element_bytes);
#define CSG_REF_AT(view, type) ((type *)(void *)csg_ref_bytes((view), sizeof(type)))

struct csg_ref_weight {
    struct csg_weight base;
    float *w; /* [k, n]: transposed so that the inner loop of GEMM runs along n */
};

#define CSG_OP(name) int csg_ref_##name(struct csg_backend *, const struct csg_##name##_args *, struct csg_error *);
#include "ops/op_list.h"
#undef CSG_OP

#endif
