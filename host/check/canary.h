/* Known answers that need no reference: small whole numbers, whose sums are exact in any order. */
#ifndef CSG_CHECK_CANARY_H
#define CSG_CHECK_CANARY_H

#include "ops/backend.h"

/* GEMM, LayerNorm and attention with heads of head_dim channels, in the forms that a model takes. CSG_ERROR_SELF_TEST: a wrong answer.
 * Counts and times of the backend are as before. */
int csg_canary(struct csg_backend *backend, size_t head_dim, struct csg_error *err);

#endif
