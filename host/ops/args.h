/* The arguments of every operator: its whole contract. Both backends take the same structs.
 *
 * A view is a place in a buffer of the backend that runs the operator, counted in elements of the type named here (float32
 * where nothing is said). Matrices are row-major; `stride` is the distance of rows in elements, at least the row's
 * length. Elements between the end of a row and the next are never written. Outputs do not overlap inputs unless an
 * argument says that they may. Sizes are at least 1. */
#ifndef CSG_OPS_ARGS_H
#define CSG_OPS_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "ops/precision.h"

struct csg_buffer;
struct csg_weight;

struct csg_view {
    struct csg_buffer *buffer; /* NULL where an optional view is absent */
    size_t at;                 /* first element */
};

/* One pass of Pillow's resampling over an 8-bit RGB picture [in_h, in_w, 3], along one axis:
 * out = clip8((2^21 + sum_j weights[i * taps + j] * in[first[i] + j]) >> 22) for j < count[i]. Bit-exact. */
struct csg_resize_args {
    struct csg_view in;           /* uint8 [in_h_px, in_w_px, 3] */
    struct csg_view out;          /* uint8 [in_h_px, out_px, 3] along the width, [out_px, in_w_px, 3] along the height */
    struct csg_view first, count; /* int32 [out_px]; first[i] + count[i] never exceeds the input's side */
    struct csg_view weights;      /* int32 [out_px, taps] */
    size_t in_w_px, in_h_px, out_px, taps;
    bool vertical;
};

/* The patches of a picture as rows for the patch embedding's GEMM, normalised: row 0 is zeros (CLS has no pixels), row
 * 1 + gy * (w / patch) + gx holds (pixel / 255 - mean[c]) / std[c], times the pixel's mask, in (channel, y, x) order, which is conv1's
 * weight layout. */
struct csg_patches_args {
    struct csg_view in;   /* uint8 [h_px, w_px, 3] */
    struct csg_view mask; /* [h_px, w_px], optional: 1 */
    struct csg_view out;  /* [1 + (h_px / patch_px) * (w_px / patch_px), 3 * patch_px * patch_px] */
    size_t out_stride;
    size_t w_px, h_px, patch_px; /* sides are multiples of the patch */
    float mean[3], std[3];
};

/* What a convolution of 3 x 3 with a border of one multiplies with: row i of the output holds the nine pixels around its place in
 * (y, x, channel) order, zeros where they lie outside. The output's picture has w_out = ceil(w / stride) columns; row i is its place
 * (first_line + i / w_out, i % w_out), whose middle stands at `stride` times that in the input. */
struct csg_unfold_args {
    struct csg_view in;  /* [h * w, channels], stride channels */
    struct csg_view out; /* [lines * w_out, 9 * channels], stride 9 * channels */
    size_t w, h, channels, stride;
    size_t first_line, lines; /* first_line + lines is at most ceil(h / stride) */
};

/* Means of squares of side x side pixels that lie side by side. */
struct csg_avgpool_args {
    struct csg_view in;          /* [h * w, channels], stride channels */
    struct csg_view out;         /* [(h / side) * (w / side), channels], stride channels */
    size_t w, h, channels, side; /* sides of the picture are multiples of the square's */
};

/* Position embedding at any grid: row 0 = pos[0] + cls; row 1 + y * grid_w + x = bilinear(pos[1..] as [in_grid, in_grid, width]),
 * align_corners=False, no antialias (torch.nn.functional.interpolate). Equal grids copy exactly. */
struct csg_position_args {
    struct csg_view pos; /* [1 + in_grid * in_grid, width] */
    struct csg_view cls; /* [width] */
    struct csg_view out; /* [1 + grid_h * grid_w, width], stride width */
    size_t in_grid, grid_w, grid_h, width;
};

/* Text embedding: out[i] = table[ids[i]] + pos[places[i]]. */
struct csg_tokens_args {
    struct csg_view ids, places; /* int32 [rows] in range */
    struct csg_view table;       /* [vocab, width] */
    struct csg_view pos;         /* [context, width] */
    struct csg_view out;         /* [rows, width], stride width */
    size_t rows, width;
};

/* y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias per row, biased variance. y may be x where both are float32. */
struct csg_layernorm_args {
    struct csg_view x, weight, bias, y; /* [rows, width], [width], [width], [rows, width] */
    size_t x_stride, y_stride, rows, width;
    enum csg_dtype y_type; /* as csg_gemm_args.y_type */
    float eps;
};

enum csg_activation {
    CSG_ACT_NONE,
    CSG_ACT_QUICK_GELU, /* x * sigmoid(1.702 x) */
    CSG_ACT_GELU,       /* x * (1 + erf(x / sqrt 2)) / 2 */
    CSG_ACT_RELU        /* max(x, 0); what is not a number stays so */
};

/* y = act(x W^T + bias) + residual, W being `weight` of n rows and k columns (sizes in struct csg_weight).
 * x is float32, or of the type of weight->operand. So is y of the type that the products which read it take: operand of their weights.
 * The places and strides of such views count elements of that type, in a buffer of their own, and are even. */
struct csg_gemm_args {
    struct csg_view x; /* [rows, k] */
    const struct csg_weight *weight;
    struct csg_view bias;     /* [n], optional */
    struct csg_view residual; /* [rows, n], optional; may be y with the same stride */
    struct csg_view y;        /* [rows, n] */
    size_t x_stride, residual_stride, y_stride, rows;
    enum csg_dtype x_type, y_type;
    enum csg_activation act;
};

/* Both attention paths in one pass over q, k, v. Row i of qkv holds q, k and v of token i, each of heads * head_dim elements, head
 * after head. Tokens are grouped in sequences that do not see each other: sequence s is the tokens from
 * seq[s] up to seq[s + 1]. With `causal` token i sees the tokens of its sequence up to itself.
 *   qk = softmax(scale q k^T) v     CLIP's own
 *   vv = softmax(scale v v^T) v     architecture surgery
 * either of which may be absent, but not both. In a precision whose weights have an operand other than float32 qkv, qk and vv may be
 * of that type together, for the product before and the one behind; see csg_gemm_args. */
struct csg_attention_args {
    struct csg_view qkv;    /* [tokens, 3 * heads * head_dim] */
    struct csg_view seq;    /* int32 [sequences + 1], seq[0] = 0, seq[sequences] = tokens */
    struct csg_view qk, vv; /* [tokens, heads * head_dim] */
    size_t qkv_stride, qk_stride, vv_stride;
    size_t tokens, sequences, longest; /* longest: tokens of the longest sequence */
    size_t heads, head_dim;
    float scale; /* above 0 */
    bool causal;
    enum csg_precision precision; /* q, k, v and the weights may be rounded to it before they are multiplied */
    enum csg_dtype type;          /* of qkv, qk and vv */
};

/* Attention of any queries, keys and values of one sequence, head by head:
 *   out = [out +] weight * softmax(scale * by * q k^T + bias) v
 * The bias is between patches; nothing from or to token 0. Where gauss_std > 0, it draws to those nearby: exp(-d^2 / (2 gauss_std^2)) for
 * two patches d patches apart in a grid of grid_w columns, whose token is 1 + y * grid_w + x; near_weight * near is added. q, k and v may
 * be the same. */
struct csg_attend_args {
    struct csg_view q;    /* [queries, heads * head_dim], of the first tokens */
    struct csg_view k, v; /* [tokens, heads * head_dim] */
    struct csg_view by;   /* [1], optional: 1 */
    struct csg_view near; /* [tokens - 1, tokens - 1], stride tokens - 1, optional */
    struct csg_view out;  /* [queries, heads * head_dim] */
    size_t q_stride, k_stride, v_stride, out_stride;
    size_t queries, tokens, heads, head_dim; /* queries at most tokens */
    float scale, weight, near_weight;
    bool add;
    float gauss_std;
    size_t grid_w;
};

/* CLIP's own attention of tokens that share what they see: sequences with a common beginning are a tree, whose tokens are there once.
 * Query i sees the tokens path[from[i]] up to path[from[i + 1] - 1], of which the last is itself, and out[i] is softmax(scale q k^T) v over
 * them, head by head. Rows of qkv as for attention. */
struct csg_branch_args {
    struct csg_view qkv;  /* [tokens, 3 * heads * head_dim] */
    struct csg_view from; /* int32 [queries + 1], ascending strictly, from[0] = 0 */
    struct csg_view path; /* int32 [from[queries]] below tokens */
    struct csg_view out;  /* [queries, heads * head_dim] */
    size_t qkv_stride, out_stride;
    size_t queries, tokens, heads, head_dim;
    float scale;
};

/* out[0] = mean_i ||x_i||_2. */
struct csg_meannorm_args {
    struct csg_view x;   /* [rows, width] */
    struct csg_view out; /* [1] */
    size_t x_stride, rows, width;
};

/* The pullbacks of the operators that stand between the last attention and the cosine: the gradients of n cosines go through
 * them as n rows. What was computed forward is one row for all of them: x_stride 0; or a row each.
 *
 * Of y = x / ||x||: dx = (dy - (u dy) u) / ||x||, u = x / ||x||. x is not zero. dx may be dy. */
struct csg_unitback_args {
    struct csg_view x, dy, dx; /* [1 or rows, width], [rows, width] */
    size_t x_stride, dy_stride, dx_stride, rows, width;
};

/* Of layer normalisation: dx = [add +] (g - mean(g) - xhat mean(g xhat)) / sqrt(var(x) + eps), g = dy * weight, xhat the
 * normalised x. dx may be dy or add. */
struct csg_normback_args {
    struct csg_view x, weight, dy; /* [1 or rows, width], [width], [rows, width] */
    struct csg_view add;           /* [rows, width], optional */
    struct csg_view dx;            /* [rows, width] */
    size_t x_stride, dy_stride, add_stride, dx_stride, rows, width;
    float eps;
};

/* Of an activation: dx = dy * act'(x). dx may be dy. */
struct csg_actback_args {
    struct csg_view x, dy, dx; /* [1 or rows, width], [rows, width] */
    size_t x_stride, dy_stride, dx_stride, rows, width;
    enum csg_activation act;
};

/* Of attention at the query of token 0, head by head: with a = softmax(scale q_0 k^T) and g[t, j] = dy_t v_j,
 *   relevance[j, t] = mean over the heads of max(a_j g[t, j], 0)
 *   pull[t] = the mean over the patches j >= 1 of the gradient of their q (zeros), k and v
 * either of which may be absent, but not both. tokens is at least 2. */
struct csg_attendback_args {
    struct csg_view qkv;       /* [tokens, 3 * heads * head_dim] */
    struct csg_view dy;        /* [n, heads * head_dim] */
    struct csg_view relevance; /* [tokens, n], stride n */
    struct csg_view pull;      /* [n, 3 * heads * head_dim] */
    size_t qkv_stride, dy_stride, pull_stride, tokens, n, heads, head_dim;
    float scale;
};

/* Of attention as a whole, head by head: with a = softmax(scale q k^T) and g[i, j] = dy_i v_j
 *   dqkv = the gradient of q, k and v
 *   out[j] = flow[j] + sum_i flow[i] * mean over the heads of max(a_ij g_ij, 0)
 * the second being a row vector's way back through relevance (Chefer et al. 2021). out may not be flow. */
struct csg_attendgrad_args {
    struct csg_view qkv;       /* [tokens, 3 * heads * head_dim] */
    struct csg_view dy;        /* [tokens, heads * head_dim] */
    struct csg_view dqkv;      /* [tokens, 3 * heads * head_dim] */
    struct csg_view flow, out; /* [tokens] */
    size_t qkv_stride, dy_stride, dqkv_stride, tokens, heads, head_dim;
    float scale;
};

/* out[i, t] = max(s[i, t], 0) * by[i]. out may be s. */
struct csg_gate_args {
    struct csg_view s, out; /* [rows, n], stride n */
    struct csg_view by;     /* [rows], optional: 1 */
    size_t rows, n;
};

/* out[i] = in[rows_at[i]]. */
struct csg_gather_args {
    struct csg_view in;      /* [any, width] */
    struct csg_view rows_at; /* int32 [rows] */
    struct csg_view out;     /* [rows, width] */
    size_t in_stride, out_stride, rows, width;
};

/* out[i, j] = ||x_i - x_j||^2. */
struct csg_distance_args {
    struct csg_view x;   /* [rows, width] */
    struct csg_view out; /* [rows, rows], stride rows */
    size_t x_stride, rows, width;
};

enum csg_affinity {
    CSG_AFFINITY_SHARE, /* s where s >= level, else 0; over the row's sum + 1e-6 */
    CSG_AFFINITY_SOFTMAX /* softmax(factor * (s - level)) over those of the row with s >= level, else 0; a row without one is zeros */
};

/* Weights by which a row's items are mixed, from their similarities. */
struct csg_affinity_args {
    struct csg_view s, out; /* [rows, width], stride width; out may be s */
    struct csg_view level;  /* [1], not negative for CSG_AFFINITY_SHARE */
    size_t rows, width;
    float factor;
    enum csg_affinity kind;
};

/* out[i] = [out +] factor * sum_j weights[i, j] x_j. */
struct csg_weigh_args {
    struct csg_view weights; /* [rows, terms], stride terms */
    struct csg_view x;       /* [terms, width] */
    struct csg_view out;     /* [rows, width] */
    size_t x_stride, out_stride, rows, terms, width;
    float factor;
    bool add;
};

/* y = x / ||x||_2 per row; a row of zeros stays zeros. y may be x. */
struct csg_normalize_args {
    struct csg_view x, y; /* [rows, width] */
    size_t x_stride, y_stride, rows, width;
};

/* out[g] = mean of the rows groups[g] up to groups[g + 1] of in. */
struct csg_mean_args {
    struct csg_view in;     /* [groups[n_groups], width] */
    struct csg_view groups; /* int32 [n_groups + 1], ascending strictly, groups[0] = 0 */
    struct csg_view out;    /* [n_groups, width] */
    size_t in_stride, out_stride, n_groups, width;
};

/* S = I T^T, the cosines of normalised features. */
struct csg_similarity_args {
    struct csg_view tokens; /* [rows, width] */
    struct csg_view texts;  /* [n_texts, width] */
    struct csg_view out;    /* [rows, n_texts], stride n_texts */
    size_t tokens_stride, texts_stride, rows, n_texts, width;
};

/* Feature surgery against given redundant features: out[t] = texts[t] - redundant, before the similarity. out may be texts. */
struct csg_subtract_args {
    struct csg_view texts, redundant, out; /* [n_texts, width], [width], [n_texts, width], stride width each */
    size_t n_texts, width;
};

/* Feature surgery over a label set (Li et al. 2025, section 3.3), as the identity of one pass over S: with row 0 being CLS
 *   p = softmax_t(2 S[0, t]), w = p / mean_t(p), out[i, t] = w_t S[i, t] - mean_u(w_u S[i, u]). out may be s. */
struct csg_surgery_args {
    struct csg_view s, out; /* [rows, n_texts], stride n_texts */
    size_t rows, n_texts;
};

/* Per text the similarities of the patches as a map: similarity[t, i] = s[1 + i, t], range[t] = {min, max} of them, and
 * map[t, i] = (similarity[t, i] - min) / (max - min), or zeros where max = min. */
struct csg_minmax_args {
    struct csg_view s;          /* [1 + cells, n_texts], stride n_texts */
    struct csg_view similarity; /* [n_texts, cells] */
    struct csg_view map;        /* [n_texts, cells] */
    struct csg_view range;      /* [n_texts, 2] */
    size_t cells, n_texts;
};

/* Bilinear resize of n maps, align_corners=False, no antialias. */
struct csg_bilinear_args {
    struct csg_view in;  /* [n, in_h, in_w] */
    struct csg_view out; /* [n, out_h, out_w] */
    size_t n, in_w, in_h, out_w, out_h;
};

/* Pixel-adaptive mask refinement (Araslanov and Roth 2020). The neighbours of a pixel are those `dilations_px` away in eight directions, row
 * by row, the first dilation before the second; outside of the picture the border's pixel is taken.
 * The weights of the neighbours from a picture: softmax over them of the mean over the channels of
 *   -|I_n - I| / (1e-8 + std / 10), I in 0..1, std that of the neighbours and twice the pixel itself, unbiased. */
#define CSG_REFINE_NEIGHBOURS 16
struct csg_contrast_args {
    struct csg_view in;  /* uint8 [h, w, 3] */
    struct csg_view out; /* [CSG_REFINE_NEIGHBOURS, h * w] */
    size_t w, h;
    size_t dilations_px[2];
};
/* A step: out[i, p] = sum over the neighbours n of weights[n, p] in[i, p_n]. */
struct csg_refine_args {
    struct csg_view in, out; /* [n, h, w] */
    struct csg_view weights; /* [CSG_REFINE_NEIGHBOURS, h * w] */
    size_t n, w, h;
    size_t dilations_px[2];
};

/* Bilinear resize of n maps whose corners stay where they are (align_corners=True): column x of the output is x (in_w - 1) / (out_w - 1)
 * of the input. */
struct csg_corners_args {
    struct csg_view in;  /* [n, in_h, in_w] */
    struct csg_view out; /* [n, out_h, out_w] */
    size_t n, in_w, in_h, out_w, out_h;
};

/* out[i] = {column, row} of the greatest element of map i, the first in row order of equal ones; exact below 2^24. */
struct csg_peak_args {
    struct csg_view in;  /* [n, h, w], finite */
    struct csg_view out; /* [n, 2] */
    size_t n, w, h;
};

/* Overlay: heat = table[floor(255 * clamp(map, 0, 1))], out = floor((1 - opacity) * image + opacity * heat) per channel. */
struct csg_blend_args {
    struct csg_view image; /* uint8 [cells, 3] */
    struct csg_view map;   /* [cells] */
    struct csg_view table; /* uint8 [256, 3] */
    struct csg_view out;   /* uint8 [cells, 3]; may be image */
    size_t cells;
    float opacity;
};

#endif
