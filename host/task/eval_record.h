/* What an evaluation keeps of one picture: everything that the figures are made of, in one block of memory that a journal can hold.
 * Live and resumed runs add the same records in the same order, so their figures are the same. */
#ifndef CSG_TASK_EVAL_RECORD_H
#define CSG_TASK_EVAL_RECORD_H

#include "task/metrics.h"

/* Sizes that all records of an evaluation share. */
struct csg_eval_shape {
    size_t n_methods, n_classes, n_images;
    bool masks;      /* without, what needs them is NaN */
    size_t n_blocks; /* of the tower, where the attention of the foreground is asked for; else 0 */
};

struct csg_eval_record {
    uint32_t *head;    /* [3 + n_present]: image, readable, n_present, the present classes from 0; its own block of memory */
    size_t n_present;  /* head[2] */
    uint32_t *present; /* head + 3 */
    struct csg_map_score *scores;    /* [n_methods, n_present] */
    struct csg_class_pixels *pixels; /* [n_methods, n_classes + 1], 0 the background */
    double *shares;                  /* [n_blocks, 2] of the attention of the foreground; NaN without foreground */
    float *class_scores;             /* [n_methods, n_classes] */
    unsigned char *data;             /* all of the above as a journal holds it */
    size_t bytes;
};
/* Zeroed but for the head. */
int csg_eval_record_create(struct csg_eval_record *record, const struct csg_eval_shape *shape, uint32_t image, bool readable,
                           const uint32_t *present, size_t n_present, struct csg_error *err);
/* Of untrusted bytes: checked. */
int csg_eval_record_parse(struct csg_eval_record *record, const struct csg_eval_shape *shape, const void *data, size_t bytes,
                          struct csg_error *err);
void csg_eval_record_free(struct csg_eval_record *record);

/* The sums of an evaluation so far. */
struct csg_eval_sums {
    struct csg_eval_shape shape;
    struct csg_explain *explain;         /* [n_methods] */
    struct csg_class_pixels *pixels;     /* [n_methods, n_classes + 1] */
    float *class_scores;                 /* [n_methods, n_images, n_classes] */
    int64_t *shares;                     /* [n_blocks, 2] in parts of CSG_PARTS */
    size_t n_shares;                     /* pictures in them */
    uint8_t *positive, *readable, *done; /* [n_images, n_classes], [n_images], [n_images] */
    size_t n_done, n_unreadable, n_pairs;
};
int csg_eval_sums_create(struct csg_eval_sums *sums, const struct csg_eval_shape *shape, struct csg_error *err);
void csg_eval_sums_free(struct csg_eval_sums *sums);
void csg_eval_sums_add(struct csg_eval_sums *sums, const struct csg_eval_record *record);
/* Mean average precision over the classes with a positive, of one method; NaN without. */
int csg_eval_sums_map(const struct csg_eval_sums *sums, size_t method, double *map, struct csg_error *err);

#endif
