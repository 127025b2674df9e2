/* Gradients of the cosine of CLS and a text, in closed form through the last block. Only the row of CLS leads to the cosine, so
 * the chain back is one row a text. Sources: docs/methods.md. */
#ifndef CSG_NET_GRADIENT_H
#define CSG_NET_GRADIENT_H

#include "net/relevance.h"
#include "net/tower.h"

struct csg_gradient;

/* Weights are turned for the way back when the first gradient is asked for. tower and ln_post must outlive it. */
int csg_gradient_create(struct csg_gradient **out, const struct csg_net_tower *tower, const struct csg_model *model,
                        const struct csg_weight *proj, const struct csg_net_norm *ln_post, struct csg_error *err);
void csg_gradient_destroy(struct csg_gradient **gradient);

/* x: what goes into the last block [rows, W], CLS first; qkv: its q, k and v. texts: [n, embed_dim], normalised. *relevance is
 * [rows, n], row 0 without meaning; the gradient's, valid until the next call. */
int csg_gradient_relevance(struct csg_gradient *gradient, enum csg_net_relevance kind, struct csg_view x, struct csg_view qkv,
                           size_t rows, struct csg_view texts, size_t n, struct csg_view *relevance, struct csg_error *err);

/* z: CLS as the last block puts it out [W]. *dz: the gradients of the cosines there [n, W]; the gradient's, valid until the next call. */
int csg_gradient_output(struct csg_gradient *gradient, struct csg_view z, struct csg_view texts, size_t n, struct csg_view *dz,
                        struct csg_error *err);

#endif
