/* The figures of an evaluation, from maps, masks and scores in host memory. docs/methods.md defines each. */
#ifndef CSG_TASK_METRICS_H
#define CSG_TASK_METRICS_H

#include "base/status.h"
#include "image/mask.h"

#define CSG_THRESHOLDS 101 /* 0, 0.01, ... 1 */

/* One map of one label: pixels inside and outside of its mask by the highest threshold k / 100 that the value reaches, and
 * the mean value inside minus the mean outside. Fixed layout: it goes into files. */
struct csg_map_score {
    uint32_t inside[CSG_THRESHOLDS], outside[CSG_THRESHOLDS];
    double contrast;
};
/* Pixels of index CSG_MASK_VOID are left out. With nothing inside or nothing outside, that mean is 0. */
void csg_score_map(struct csg_map_score *score, const float *map, const uint16_t *mask, size_t pixels, uint16_t wanted);

/* Sums over pictures are whole numbers, which are the same in any order: of runs that share a data set, too. Sums of 2^27 pictures fit,
 * each rounded by less than 1e-11. */
#define CSG_PARTS 68719476736.0 /* 2^36 */
/* Of a value from -1 to 1; 0 of others, which only a damaged file holds. */
int64_t csg_whole(double value);

/* Explainability over a set of maps. */
struct csg_explain {
    int64_t iou[CSG_THRESHOLDS]; /* sums over the maps, in parts of CSG_PARTS */
    int64_t contrast;            /* the same */
    double *both, *any;          /* [n_classes, CSG_THRESHOLDS] pixels of intersection and union, whole numbers as well */
    size_t maps, n_classes;
};
int csg_explain_create(struct csg_explain *explain, size_t n_classes, struct csg_error *err);
void csg_explain_free(struct csg_explain *explain);
void csg_explain_add(struct csg_explain *explain, size_t class_, const struct csg_map_score *score);
/* The threshold at which the mean IoU of all maps is highest, and the figures there, in parts of 1; NaN without maps. by_class takes
 * the IoU of each class over the set at the same threshold first, then the mean over the classes that were seen. */
void csg_explain_result(const struct csg_explain *explain, double *miou, double *threshold, double *by_class, double *contrast);

/* The patches of which more than half of the mask's pixels are of some class: neither background nor void. inside: [grid_h, grid_w], a patch
 * the pixels from x * w / grid_w (rounded down) up to the next one's. Returns how many. */
size_t csg_foreground_cells(uint8_t *inside, size_t grid_w, size_t grid_h, const uint16_t *mask, size_t w, size_t h);

/* Pixels of one class of a segmentation. */
struct csg_class_pixels {
    uint64_t both, predicted, truth;
};
/* Adds the pixels of one picture; void pixels, and indices of n_classes or more, are left out. */
void csg_count_classes(struct csg_class_pixels *classes, size_t n_classes, const uint16_t *predicted, const uint16_t *mask,
                       size_t pixels);
/* Mean IoU over classes[first..n_classes) that occur in truth or prediction; NaN where none does. */
double csg_mean_iou(const struct csg_class_pixels *classes, size_t first, size_t n_classes);

/* The mean of the precisions at each positive, by descending score, the earlier first among equals; NaN without a positive.
 * stride: distance of scores and of marks. CSG_ERROR. */
int csg_average_precision(double *out, const float *scores, const uint8_t *positive, size_t n, size_t stride,
                          struct csg_error *err);

/* scores = softmax(scale x) of x = the cosines of CLS, with feature surgery over the set first if it is wanted. scale: the model's. */
void csg_class_scores(float *scores, const float *cosines, size_t n, bool feature_surgery, double scale);

#endif
