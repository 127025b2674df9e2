/* Reads maps, masks and scores from stdin and prints the figures that host/task/metrics.c makes of them, for check_metrics.py.
 *   int32 n_maps, then per map: int32 class, width * height, wanted; float32 map; uint16 mask
 *   int32 n_classes of the maps' explainability, int32 n_pictures and pixels: uint16 predicted, uint16 mask each
 *   int32 n scores: float32 scores, uint8 positive; float32 cosines of `n` classes */
#include <stdio.h>
#include <stdlib.h>

#include "task/metrics.h"

static void *take(size_t count, size_t size)
{
    void *data = calloc(count ? count : 1, size);
    if (!data || fread(data, size, count, stdin) != count) {
        fprintf(stderr, "the input is too short\n");
        exit(2);
    }
    return data;
}

static size_t take_int(void)
{
    int32_t *value = take(1, sizeof *value);
    size_t n = (size_t)*value;
    free(value);
    return n;
}

static int explain(size_t n_classes)
{
    struct csg_explain sums;
    size_t n = take_int();
    double miou, threshold, by_class, contrast;
    if (csg_explain_create(&sums, n_classes, NULL))
        return 1;
    for (size_t i = 0; i < n; i++) {
        size_t class_ = take_int(), pixels = take_int(), wanted = take_int();
        float *map = take(pixels, sizeof *map);
        uint16_t *mask = take(pixels, sizeof *mask);
        struct csg_map_score score;
        csg_score_map(&score, map, mask, pixels, (uint16_t)wanted);
        csg_explain_add(&sums, class_, &score);
        free(map);
        free(mask);
    }
    csg_explain_result(&sums, &miou, &threshold, &by_class, &contrast);
    printf("%.17g %.17g %.17g %.17g\n", miou, threshold, by_class, contrast);
    csg_explain_free(&sums);
    return 0;
}

static int segmentation(size_t n_classes)
{
    struct csg_class_pixels *classes = calloc(n_classes, sizeof *classes);
    size_t n = take_int();
    if (!classes)
        return 1;
    for (size_t i = 0; i < n; i++) {
        size_t pixels = take_int();
        uint16_t *predicted = take(pixels, sizeof *predicted), *mask = take(pixels, sizeof *mask);
        csg_count_classes(classes, n_classes, predicted, mask, pixels);
        free(predicted);
        free(mask);
    }
    printf("%.17g %.17g\n", csg_mean_iou(classes, 0, n_classes), csg_mean_iou(classes, 1, n_classes));
    free(classes);
    return 0;
}

static int ranking(void)
{
    size_t n = take_int(), n_classes = take_int();
    float *scores = take(n, sizeof *scores);
    uint8_t *positive = take(n, 1);
    float *cosines = take(n_classes, sizeof *cosines), *out = calloc(n_classes, sizeof *out);
    double precision;
    int failed = !out || csg_average_precision(&precision, scores, positive, n, 1, NULL);
    if (!failed)
        printf("%.17g\n", precision);
    for (int surgery = 0; !failed && surgery < 2; surgery++) {
        csg_class_scores(out, cosines, n_classes, surgery != 0, 10.0 * (double)n_classes);
        for (size_t i = 0; i < n_classes; i++)
            printf("%.9g ", (double)out[i]);
        putchar('\n');
    }
    free(scores);
    free(positive);
    free(cosines);
    free(out);
    return failed;
}

int main(void)
{
    size_t n_classes = take_int();
    return explain(n_classes) || segmentation(n_classes) || ranking();
}
