/* Similarities of image tokens and texts, with feature surgery, and their min-max maps; all on the backend. */
#ifndef CSG_TASK_SIMILARITY_H
#define CSG_TASK_SIMILARITY_H

#include "task/context.h"
#include "task/texts.h"

struct csg_similarities {
    struct csg_buffer *buffer;              /* those that follow, behind each other */
    struct csg_view similarity, map, range; /* [n_set, cells], [n_set, cells], [n_set, 2] */
    struct csg_view peaks;                  /* [n_set, 2], of csg_task_peaks */
    struct csg_view tokens;                 /* a copy, where it was asked for; else its buffer is NULL */
};

/* tokens: [1 + cells, embed_dim] on the backend. features: [n_set, embed_dim] in host memory; redundant: [embed_dim] for
 * CSG_MODE_EMPTY, else NULL. A method with a gradient
 * needs the tokens of the last encoding. */
int csg_similarities_compute(struct csg_similarities *out, const struct csg_context *context, struct csg_view tokens,
                             size_t cells, const float *features, const float *redundant, size_t n_set, enum csg_mode mode,
                             const struct csg_method *method, struct csg_error *err);
void csg_similarities_free(struct csg_similarities *similarities);

/* The rows `rows_at` (indices into the set of n_set) of `from`, and [1 + cells, embed_dim] tokens, in one piece for one download. */
int csg_similarities_pick(struct csg_similarities *out, const struct csg_similarities *from, const struct csg_context *context,
                          size_t n_set, const int32_t *rows_at, size_t n_rows, size_t cells, struct csg_view tokens,
                          struct csg_error *err);
/* Row `row` of `out` becomes the rows' maps averaged: similarities before min-max, their map and range. */
int csg_similarities_combine(const struct csg_similarities *out, size_t row, const struct csg_similarities *from,
                             const struct csg_context *context, const int32_t *rows_at, size_t n_rows, size_t cells,
                             struct csg_error *err);

/* What maps go through at the size that the encoder saw. */
enum csg_refinement { CSG_REFINEMENT_NONE, CSG_REFINEMENT_PAMR };
/* name NULL: none. CSG_ERROR_USAGE names the known ones. */
int csg_refinement_find(enum csg_refinement *out, const char *name, struct csg_error *err);
/* n similarities of a grid, upsampled to w_px x h_px and refined by the picture of the last encoding; their maps and ranges. */
int csg_similarities_refine(struct csg_similarities *out, const struct csg_similarities *from, const struct csg_context *context,
                            size_t n, size_t grid_w, size_t grid_h, size_t w_px, size_t h_px, struct csg_error *err);

/* Min-max of one row in host memory, on the backend. */
int csg_minmax_row(struct csg_backend *backend, const float *row, size_t cells, float *map, float range[2],
                   struct csg_error *err);

#endif
