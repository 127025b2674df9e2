#include "task/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The highest k with value >= k / 100. */
static size_t highest_threshold(float value)
{
    if (!(value > 0))
        return 0;
    size_t k = value >= 1 ? CSG_THRESHOLDS - 1 : (size_t)((double)value * (CSG_THRESHOLDS - 1));
    while (k + 1 < CSG_THRESHOLDS && (double)value >= (double)(k + 1) / (CSG_THRESHOLDS - 1))
        k++;
    while (k > 0 && (double)value < (double)k / (CSG_THRESHOLDS - 1))
        k--;
    return k;
}

void csg_score_map(struct csg_map_score *score, const float *map, const uint16_t *mask, size_t pixels, uint16_t wanted)
{
    double sums[2] = {0, 0}, counts[2] = {0, 0};
    memset(score, 0, sizeof *score);
    for (size_t i = 0; i < pixels; i++) {
        if (mask[i] == CSG_MASK_VOID)
            continue;
        size_t inside = mask[i] == wanted;
        (inside ? score->inside : score->outside)[highest_threshold(map[i])]++;
        sums[inside] += (double)map[i];
        counts[inside]++;
    }
    score->contrast = (counts[1] > 0 ? sums[1] / counts[1] : 0) - (counts[0] > 0 ? sums[0] / counts[0] : 0);
}

int csg_explain_create(struct csg_explain *explain, size_t n_classes, struct csg_error *err)
{
    *explain = (struct csg_explain){.n_classes = n_classes};
    explain->both = csg_calloc(n_classes, CSG_THRESHOLDS * sizeof *explain->both);
    explain->any = csg_calloc(n_classes, CSG_THRESHOLDS * sizeof *explain->any);
    if (explain->both && explain->any)
        return CSG_OK;
    csg_explain_free(explain);
    return csg_fail_memory(err);
}

void csg_explain_free(struct csg_explain *explain)
{
    free(explain->both);
    free(explain->any);
    *explain = (struct csg_explain){0};
}

int64_t csg_whole(double value)
{
    return fabs(value) <= 1 ? (int64_t)llround(value * CSG_PARTS) : 0;
}

void csg_explain_add(struct csg_explain *explain, size_t class_, const struct csg_map_score *score)
{
    double inside = 0, outside = 0, all_inside = 0;
    for (size_t k = 0; k < CSG_THRESHOLDS; k++)
        all_inside += score->inside[k];
    for (size_t k = CSG_THRESHOLDS; k-- > 0;) {
        inside += score->inside[k];
        outside += score->outside[k];
        double any = all_inside + outside;
        explain->iou[k] += any > 0 ? csg_whole(inside / any) : 0;
        explain->both[class_ * CSG_THRESHOLDS + k] += inside;
        explain->any[class_ * CSG_THRESHOLDS + k] += any;
    }
    explain->contrast += csg_whole(score->contrast);
    explain->maps++;
}

void csg_explain_result(const struct csg_explain *explain, double *miou, double *threshold, double *by_class, double *contrast)
{
    size_t best = 0, seen = 0;
    double sum = 0;
    *miou = *threshold = *by_class = *contrast = NAN;
    if (!explain->maps)
        return;
    for (size_t k = 1; k < CSG_THRESHOLDS; k++)
        best = explain->iou[k] > explain->iou[best] ? k : best;
    for (size_t c = 0; c < explain->n_classes; c++) {
        double any = explain->any[c * CSG_THRESHOLDS + best];
        sum += any > 0 ? explain->both[c * CSG_THRESHOLDS + best] / any : 0;
        seen += any > 0;
    }
    *miou = (double)explain->iou[best] / CSG_PARTS / (double)explain->maps;
    *threshold = (double)best / (CSG_THRESHOLDS - 1);
    *by_class = seen ? sum / (double)seen : NAN;
    *contrast = (double)explain->contrast / CSG_PARTS / (double)explain->maps;
}

size_t csg_foreground_cells(uint8_t *inside, size_t grid_w, size_t grid_h, const uint16_t *mask, size_t w, size_t h)
{
    size_t count = 0;
    for (size_t cell = 0; cell < grid_w * grid_h; cell++) {
        size_t left = cell % grid_w * w / grid_w, right = (cell % grid_w + 1) * w / grid_w, some = 0;
        size_t top = cell / grid_w * h / grid_h, bottom = (cell / grid_w + 1) * h / grid_h;
        for (size_t y = top; y < bottom; y++)
            for (size_t x = left; x < right; x++)
                some += mask[y * w + x] != 0 && mask[y * w + x] != CSG_MASK_VOID;
        inside[cell] = 2 * some > (right - left) * (bottom - top);
        count += inside[cell];
    }
    return count;
}

void csg_count_classes(struct csg_class_pixels *classes, size_t n_classes, const uint16_t *predicted, const uint16_t *mask,
                       size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        if (mask[i] == CSG_MASK_VOID || mask[i] >= n_classes || predicted[i] >= n_classes)
            continue;
        classes[mask[i]].truth++;
        classes[predicted[i]].predicted++;
        classes[mask[i]].both += mask[i] == predicted[i];
    }
}

double csg_mean_iou(const struct csg_class_pixels *classes, size_t first, size_t n_classes)
{
    double sum = 0, seen = 0;
    for (size_t c = first; c < n_classes; c++) {
        uint64_t any = classes[c].predicted + classes[c].truth - classes[c].both;
        sum += any ? (double)classes[c].both / (double)any : 0;
        seen += any > 0;
    }
    return seen > 0 ? sum / seen : NAN;
}

struct ranked {
    float score;
    bool positive;
    size_t at;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

int csg_average_precision(double *out, const float *scores, const uint8_t *positive, size_t n, size_t stride,
                          struct csg_error *err)
{
    struct ranked *ranked = csg_calloc(n, sizeof *ranked);
    double hits = 0, sum = 0;
    *out = NAN;
    if (!ranked)
        return csg_fail_memory(err);
    for (size_t i = 0; i < n; i++)
        ranked[i] = (struct ranked){scores[i * stride], positive[i * stride] != 0, i};
    qsort(ranked, n, sizeof *ranked, by_score);
    for (size_t i = 0; i < n; i++) {
        if (!ranked[i].positive)
            continue;
        hits++;
        sum += hits / (double)(i + 1);
    }
    if (hits > 0)
        *out = sum / hits;
    free(ranked);
    return CSG_OK;
}

void csg_class_scores(float *scores, const float *cosines, size_t n, bool feature_surgery, double scale)
{
    double top = -INFINITY, sum = 0, mean = 0;
    for (size_t t = 0; t < n; t++)
        top = fmax(top, (double)cosines[t]);
    for (size_t t = 0; t < n; t++)
        sum += exp(2 * ((double)cosines[t] - top));
    for (size_t t = 0; t < n; t++) {
        double weight = feature_surgery ? exp(2 * ((double)cosines[t] - top)) * (double)n / sum : 1;
        scores[t] = (float)(weight * (double)cosines[t]);
        mean += weight * (double)cosines[t] / (double)n;
    }
    /* The mean over the set shifts every logit alike: softmax does not feel it, and neither does the ranking within a picture. */
    top = -INFINITY;
    for (size_t t = 0; t < n; t++)
        top = fmax(top, (double)scores[t] - mean);
    sum = 0;
    for (size_t t = 0; t < n; t++)
        sum += exp(scale * ((double)scores[t] - mean - top));
    for (size_t t = 0; t < n; t++)
        scores[t] = (float)(exp(scale * ((double)scores[t] - mean - top)) / sum);
}
