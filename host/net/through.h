/* Bi-modal relevance through every block (Chefer et al. 2021): R = I, R = R + mean over heads of max(0, gradient * attention) R from
 * the first block to the last; wanted is row CLS. Only that row is carried, from the last block to the first beside the
 * gradient, so that no matrix of tokens x tokens is kept. */
#ifndef CSG_NET_THROUGH_H
#define CSG_NET_THROUGH_H

#include "net/tower.h"

struct csg_through;

/* tower, model, proj and ln_post must outlive it. */
int csg_through_create(struct csg_through **out, const struct csg_net_tower *tower, const struct csg_model *model,
                       const struct csg_weight *proj, const struct csg_net_norm *ln_post, struct csg_error *err);
void csg_through_destroy(struct csg_through **through);

/* inputs: [layers + 1, rows, W], what went into each block and what came out of the last. texts: [n, embed_dim], normalised.
 * *relevance is [rows, n], the through's, valid until the next call. */
int csg_through_relevance(struct csg_through *through, struct csg_buffer *inputs, size_t rows, struct csg_view texts, size_t n,
                          struct csg_view *relevance, struct csg_error *err);

#endif
