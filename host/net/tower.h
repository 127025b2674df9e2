/* What the image and the text tower share: the residual attention block on a backend. */
#ifndef CSG_NET_TOWER_H
#define CSG_NET_TOWER_H

#include "model/model.h"
#include "ops/backend.h"

/* A vector of a checkpoint inside the tower's one buffer of vectors. */
struct csg_net_norm {
    struct csg_view weight, bias;
};

struct csg_net_block {
    struct csg_net_norm ln_1, ln_2;
    struct csg_weight *qkv, *out, *fc, *proj; /* [3W, W], [W, W], [M, W], [W, M] */
    struct csg_weight *q, *kv;                /* [W, W], [2W, W]: the last block's, instead of qkv */
    struct csg_view qkv_bias, out_bias, fc_bias, proj_bias;
};

struct csg_net_tower {
    struct csg_backend *backend;
    size_t width, layers, heads, head_dim, mlp_width;
    float eps, scale; /* scale = head_dim^-0.5 */
    enum csg_activation act;
    struct csg_net_block *blocks;
    struct csg_buffer *vectors; /* every norm and bias of the tower, one upload */
};

int csg_net_tower_create(struct csg_net_tower **out, struct csg_backend *backend, const struct csg_model *model,
                         const struct csg_tower *tower, struct csg_error *err);
void csg_net_tower_destroy(struct csg_net_tower **tower);

/* From the tokens of the last block to the features of both towers' space. */
struct csg_net_head {
    const struct csg_net_norm *ln_post;
    const struct csg_weight *proj;
    size_t embed;
};

/* Uploads. */
int csg_net_vector(struct csg_backend *backend, const struct csg_tensor *tensor, struct csg_buffer **out, struct csg_error *err);
int csg_net_matrix(struct csg_backend *backend, const struct csg_tensor *tensor, bool transposed, struct csg_weight **out,
                   struct csg_error *err);

/* Tokens that run through a block together. All buffers hold rows of the tower's width but qkv (3 widths) and mlp. */
struct csg_net_tokens {
    size_t rows;
    struct csg_view x;   /* [rows, W]: residual stream of CLIP's own path */
    struct csg_view h;   /* [rows, W] scratch: what ln_1 made, after csg_net_qkv */
    struct csg_view qkv; /* [rows, 3W] scratch */
    struct csg_view mlp; /* [rows, M] scratch */
    struct csg_view seq; /* int32 [sequences + 1] */
    size_t sequences, longest;
    bool causal;
    bool h_is_read;     /* not by products alone: h has to be float32 */
    bool own_attention; /* csg_net_attention alone reads qkv, and csg_net_out and csg_net_finish_some what it makes */
};

/* ln_1 and q, k, v of block `b` (from 0) into tokens->qkv. */
int csg_net_qkv(const struct csg_net_tower *tower, size_t b, const struct csg_net_tokens *tokens, struct csg_error *err);
/* Every step-th token: the CLS tokens of pictures of so many. */
struct csg_net_some {
    size_t count, step;
};
/* The same of the last block, q of some tokens alone. */
int csg_net_last_qkv(const struct csg_net_tower *tower, const struct csg_net_tokens *tokens, struct csg_net_some queries,
                     struct csg_error *err);
/* The type of what csg_net_attention makes of the tokens. */
enum csg_dtype csg_net_attended(const struct csg_net_tower *tower, const struct csg_net_tokens *tokens);
/* softmax(s q k^T) v into qk and softmax(s v v^T) v into vv; a view without buffer is not computed. */
int csg_net_attention(const struct csg_net_tower *tower, const struct csg_net_tokens *tokens, struct csg_view qk,
                      struct csg_view vv, struct csg_error *err);
/* The first of these for token 0 alone, with that many heads, into one row of W. */
int csg_net_attention_cls(struct csg_backend *backend, struct csg_view qkv, size_t width, size_t heads, size_t tokens,
                          struct csg_view out, struct csg_error *err);
/* y = residual + out_proj(attended), rows of W. */
int csg_net_out(const struct csg_net_tower *tower, size_t b, struct csg_view attended, enum csg_dtype attended_type,
                struct csg_view residual, struct csg_view y, size_t rows, struct csg_error *err);
/* x += mlp(ln_2(x)) for the first `rows` tokens. */
int csg_net_mlp(const struct csg_net_tower *tower, size_t b, const struct csg_net_tokens *tokens, size_t rows,
                struct csg_error *err);
/* Both of these for some tokens alone. attended has the rows where x has them. */
int csg_net_finish_some(const struct csg_net_tower *tower, size_t b, const struct csg_net_tokens *tokens,
                        struct csg_view attended, struct csg_net_some some, struct csg_error *err);
/* out [rows, embed] = unit(ln_post(x) proj), x and scratch h rows of W; out stands packed. */
int csg_net_project(const struct csg_net_tower *tower, const struct csg_net_head *head, struct csg_view x, struct csg_view h,
                    struct csg_view out, size_t rows, struct csg_error *err);
/* After a block of many tokens: waits for it, so that an interrupt is obeyed soon and no driver's watchdog sees seconds of queued work.
 * Blocks of few tokens are queued without a wait. */
int csg_net_pace(const struct csg_net_tower *tower, size_t rows, struct csg_error *err);
int csg_net_layernorm(struct csg_backend *backend, const struct csg_net_norm *norm, struct csg_view x, struct csg_view y,
                      enum csg_dtype y_type, size_t rows, size_t width, float eps, struct csg_error *err);

#endif
