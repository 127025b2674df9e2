/* The precisions of GEMM, which is where weights and nearly all work are; all else is single precision in each of them. */
#ifndef CSG_OPS_PRECISION_H
#define CSG_OPS_PRECISION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/dtype.h"
#include "base/status.h"

enum csg_precision { CSG_PRECISION_F32, CSG_PRECISION_F16, CSG_PRECISION_BF16, CSG_PRECISION_COUNT };

struct csg_precision_row {
    const char *name;
    const char *what;     /* for users */
    enum csg_dtype dtype; /* of the weights on the device, rounded to the nearest */
    bool rounds_x;        /* the other operand of the products is rounded to it too; sums are single precision always */
};
extern const struct csg_precision_row csg_precisions[CSG_PRECISION_COUNT];

/* Rounds a number to a type and back; f32 leaves it as it is. */
float csg_rounded(float value, enum csg_dtype dtype);
/* CSG_ERROR_MODEL: a weight is beyond what the precision holds. */
int csg_too_large(enum csg_precision precision, struct csg_error *err);

#endif
