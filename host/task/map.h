/* Similarity maps of texts in a picture. */
#ifndef CSG_TASK_MAP_H
#define CSG_TASK_MAP_H

#include "task/context.h"

/* A result and what belongs to it. */
struct csg_full_result {
    struct csg_result result; /* first: the public part is what callers hold */
    struct csg_text_result *texts;
    struct csg_strings names; /* the texts as given */
    float *similarity, *grid_map, *tokens;
    struct csg_stage_time stages[8];
    /* Parts of a+b: text t is made of parts part_from[t] up to part_from[t + 1]. */
    size_t *part_from;      /* [n_texts + 1] */
    float *part_similarity; /* [part_from[n_texts], grid_h * grid_w] */
    int (*points)[2];       /* of the last call for points */
    uint8_t *labels;
};

/* See csg_map_many: out[i] is the result of images[i], or NULL where it fails. */
int csg_task_map(const struct csg_context *context, const struct csg_image *const *images, size_t n_images,
                 const char *const *texts, size_t n_texts, const struct csg_map_params *params, struct csg_full_result **out,
                 struct csg_error *err);
/* See csg_map_tokens. */
int csg_task_tokens(const struct csg_context *context, const struct csg_image *image, const char *sentence,
                    const struct csg_map_params *params, struct csg_full_result **out, struct csg_error *err);
void csg_full_result_destroy(struct csg_full_result **result);

/* n maps [n, in_h, in_w] in host memory to [n, out_h, out_w], on the backend. */
int csg_task_bilinear(struct csg_backend *backend, const float *in, size_t n, size_t in_w, size_t in_h, float *out, size_t out_w,
                      size_t out_h, struct csg_error *err);

/* Points for SAM of one text; see csg_result_points. */
int csg_task_points(struct csg_backend *backend, struct csg_full_result *result, size_t text, double threshold, size_t *count,
                    struct csg_error *err);

#endif
