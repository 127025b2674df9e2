/* Image towers: CLIP's ViT and its ResNet, with what a method's plan makes of their attention. Source: Li et al. 2025, section 3.2,
 * and the published code; see docs/method.md. */
#ifndef CSG_NET_VISION_H
#define CSG_NET_VISION_H

#include "model/model.h"
#include "net/plan.h"
#include "net/relevance.h"
#include "ops/backend.h"

struct csg_vision;

/* What an architecture brings; towers extend struct csg_vision. */
struct csg_vision_class {
    void (*destroy)(struct csg_vision *vision);
    /* NULL: it takes one picture at a time. */
    bool (*together)(const struct csg_net_plan *plan);
    int (*encode)(struct csg_vision *vision, const struct csg_view *rgb, size_t count, size_t w_px, size_t h_px,
                  const struct csg_net_plan *plan, struct csg_view *tokens, struct csg_error *err);
    /* NULL: the architecture has none. */
    int (*relevance)(struct csg_vision *vision, enum csg_net_relevance kind, struct csg_view texts, size_t n,
                     struct csg_view *relevance, struct csg_error *err);
    /* NULL: there is no attention but the pool's. */
    int (*foreground)(struct csg_vision *vision, const uint8_t *inside, double *shares, struct csg_error *err);
};
struct csg_vision {
    const struct csg_vision_class *class_;
    struct csg_buffer *picture; /* of the last call */
    struct csg_buffer *tokens;  /* given by csg_vision_take_tokens */
    enum csg_dtype operand;     /* what goes from an operator to a product, see csg_weight */
};
int csg_vit_create(struct csg_vision **out, struct csg_backend *backend, const struct csg_model *model, struct csg_error *err);
int csg_resnet_create(struct csg_vision **out, struct csg_backend *backend, const struct csg_model *model, struct csg_error *err);

/* The tower of the model's architecture. */
int csg_vision_create(struct csg_vision **out, struct csg_backend *backend, const struct csg_model *model, struct csg_error *err);
void csg_vision_destroy(struct csg_vision **vision);

/* Whether the tower takes several pictures through the plan in one pass. */
bool csg_vision_together(const struct csg_vision *vision, const struct csg_net_plan *plan);
/* Encodes `count` pictures (1, unless csg_vision_together) of w_px x h_px 8-bit RGB pixels (multiples of the patch), already on the
 * backend. *tokens is [count, 1 + (h/P) * (w/P), embed_dim], projected and L2-normalised, row 0 of each CLS (of the original path,
 * where there are two); it is the tower's and valid until the next call. */
int csg_vision_encode(struct csg_vision *vision, const struct csg_view *rgb, size_t count, size_t w_px, size_t h_px,
                      const struct csg_net_plan *plan, struct csg_view *tokens, struct csg_error *err);

/* Takes the last call's one picture over, for what looks at it afterwards; *rgb becomes NULL. */
void csg_vision_keep(struct csg_vision *vision, struct csg_buffer **rgb);
/* Tokens that were put together from several calls: `elements` numbers of host memory go to *tokens, the tower's until the next call of
 * this. */
int csg_vision_take_tokens(struct csg_vision *vision, struct csg_backend *backend, const double *sums, size_t elements,
                           struct csg_view *tokens, struct csg_error *err);
/* uint8 [h, w, 3], as the last call saw it. */
struct csg_view csg_vision_picture(const struct csg_vision *vision);

/* After csg_vision_encode of one picture with the plan of the method, and csg_vision_keep. *relevance is [rows, n], row 0 without meaning; the
 * tower's, valid until the next call. */
int csg_vision_relevance(struct csg_vision *vision, enum csg_net_relevance kind, struct csg_view texts, size_t n,
                         struct csg_view *relevance, struct csg_error *err);

/* After csg_vision_encode with a plan that keeps its inputs: see csg_foreground_shares. CSG_ERROR_USAGE: the tower has no attention in its
 * blocks. */
int csg_vision_foreground(struct csg_vision *vision, const uint8_t *inside, double *shares, struct csg_error *err);

#endif
