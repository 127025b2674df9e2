#include "task/eval_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HEAD 3

/* The parts of the block begin at multiples of 8: scores (doubles), pixels (64 bits), shares (doubles), class scores, the
 * head. */
static int layout(struct csg_eval_record *record, const struct csg_eval_shape *shape, size_t n_present, struct csg_error *err)
{
    size_t scores = shape->n_methods * n_present * sizeof *record->scores;
    size_t pixels = shape->n_methods * (shape->n_classes + 1) * sizeof *record->pixels;
    size_t class_scores = shape->n_methods * shape->n_classes * sizeof *record->class_scores;
    size_t shares = shape->n_blocks * 2 * sizeof *record->shares;
    record->bytes = scores + pixels + shares + class_scores + (HEAD + n_present) * sizeof *record->head;
    record->data = csg_calloc(record->bytes, 1);
    if (!record->data)
        return csg_fail_memory(err);
    record->scores = (struct csg_map_score *)(void *)record->data;
    record->pixels = (struct csg_class_pixels *)(void *)(record->data + scores);
    record->shares = (double *)(void *)(record->data + scores + pixels);
    record->class_scores = (float *)(void *)(record->data + scores + pixels + shares);
    record->head = (uint32_t *)(void *)(record->data + scores + pixels + shares + class_scores);
    record->present = record->head + HEAD;
    record->n_present = n_present;
    return CSG_OK;
}

int csg_eval_record_create(struct csg_eval_record *record, const struct csg_eval_shape *shape, uint32_t image, bool readable,
                           const uint32_t *present, size_t n_present, struct csg_error *err)
{
    *record = (struct csg_eval_record){0};
    int status = layout(record, shape, n_present, err);
    if (status)
        return status;
    record->head[0] = image;
    record->head[1] = readable;
    record->head[2] = (uint32_t)n_present;
    for (size_t i = 0; i < n_present; i++)
        record->present[i] = present[i];
    return CSG_OK;
}

int csg_eval_record_parse(struct csg_eval_record *record, const struct csg_eval_shape *shape, const void *data, size_t bytes,
                          struct csg_error *err)
{
    size_t each = shape->n_methods * sizeof *record->scores + sizeof *record->present, fixed;
    *record = (struct csg_eval_record){0};
    fixed = shape->n_methods * ((shape->n_classes + 1) * sizeof *record->pixels + shape->n_classes * sizeof(float)) +
            shape->n_blocks * 2 * sizeof *record->shares + HEAD * sizeof *record->head;
    size_t n_present = bytes >= fixed ? (bytes - fixed) / each : 0;
    bool good = bytes >= fixed && (bytes - fixed) % each == 0 && n_present <= shape->n_classes;
    int status = good ? layout(record, shape, n_present, err) : CSG_OK;
    if (status)
        return status;
    if (good)
        memcpy(record->data, data, bytes);
    good = good && record->head[0] < shape->n_images && record->head[2] == n_present;
    for (size_t i = 0; good && i < n_present; i++)
        good = record->present[i] < shape->n_classes;
    if (good)
        return CSG_OK;
    csg_eval_record_free(record);
    return csg_fail(err, CSG_ERROR, "the file to resume from holds a record of another evaluation");
}

void csg_eval_record_free(struct csg_eval_record *record)
{
    free(record->data);
    *record = (struct csg_eval_record){0};
}

int csg_eval_sums_create(struct csg_eval_sums *sums, const struct csg_eval_shape *shape, struct csg_error *err)
{
    size_t marks;
    *sums = (struct csg_eval_sums){.shape = *shape};
    if (!csg_mul(shape->n_images, shape->n_classes, &marks))
        return csg_fail_memory(err);
    sums->explain = csg_calloc(shape->n_methods, sizeof *sums->explain);
    sums->pixels = csg_calloc(shape->n_methods, (shape->n_classes + 1) * sizeof *sums->pixels);
    sums->class_scores = csg_calloc(marks, shape->n_methods * sizeof *sums->class_scores);
    sums->positive = csg_calloc(marks, 1);
    sums->shares = csg_calloc(shape->n_blocks, 2 * sizeof *sums->shares);
    sums->readable = csg_calloc(shape->n_images, 1);
    sums->done = csg_calloc(shape->n_images, 1);
    int status =
        sums->explain && sums->pixels && sums->class_scores && sums->shares && sums->positive && sums->readable && sums->done
            ? CSG_OK
            : csg_fail_memory(err);
    for (size_t m = 0; status == CSG_OK && m < shape->n_methods; m++)
        status = csg_explain_create(&sums->explain[m], shape->n_classes, err);
    if (status)
        csg_eval_sums_free(sums);
    return status;
}

void csg_eval_sums_free(struct csg_eval_sums *sums)
{
    for (size_t m = 0; sums->explain && m < sums->shape.n_methods; m++)
        csg_explain_free(&sums->explain[m]);
    free(sums->explain);
    free(sums->pixels);
    free(sums->class_scores);
    free(sums->shares);
    free(sums->positive);
    free(sums->readable);
    free(sums->done);
    *sums = (struct csg_eval_sums){0};
}

void csg_eval_sums_add(struct csg_eval_sums *sums, const struct csg_eval_record *record)
{
    size_t image = record->head[0], n = sums->shape.n_classes;
    if (sums->done[image])
        return;
    sums->done[image] = 1;
    sums->n_done++;
    sums->n_unreadable += !record->head[1];
    sums->readable[image] = record->head[1] != 0;
    if (!record->head[1])
        return;
    sums->n_pairs += record->n_present;
    for (size_t i = 0; i < record->n_present; i++)
        sums->positive[image * n + record->present[i]] = 1;
    if (sums->shape.n_blocks && !isnan(record->shares[0])) {
        sums->n_shares++;
        for (size_t i = 0; i < 2 * sums->shape.n_blocks; i++)
            sums->shares[i] += csg_whole(record->shares[i]);
    }
    for (size_t m = 0; m < sums->shape.n_methods; m++) {
        for (size_t i = 0; sums->shape.masks && i < record->n_present; i++)
            csg_explain_add(&sums->explain[m], record->present[i], &record->scores[m * record->n_present + i]);
        for (size_t c = 0; c <= n; c++) {
            struct csg_class_pixels *to = &sums->pixels[m * (n + 1) + c];
            const struct csg_class_pixels *from = &record->pixels[m * (n + 1) + c];
            to->both += from->both;
            to->predicted += from->predicted;
            to->truth += from->truth;
        }
        memcpy(sums->class_scores + (m * sums->shape.n_images + image) * n, record->class_scores + m * n, n * sizeof(float));
    }
}

int csg_eval_sums_map(const struct csg_eval_sums *sums, size_t method, double *map, struct csg_error *err)
{
    size_t n = sums->shape.n_classes, images = sums->shape.n_images, used = 0;
    float *scores = csg_calloc(images, sizeof *scores);
    uint8_t *positive = csg_calloc(images, 1);
    double sum = 0, seen = 0, precision = 0;
    int status = scores && positive ? CSG_OK : csg_fail_memory(err);
    for (size_t c = 0; status == CSG_OK && c < n; c++) {
        used = 0;
        for (size_t i = 0; i < images; i++) {
            if (!sums->readable[i])
                continue;
            scores[used] = sums->class_scores[(method * images + i) * n + c];
            positive[used++] = sums->positive[i * n + c];
        }
        status = csg_average_precision(&precision, scores, positive, used, 1, err);
        if (status == CSG_OK && !isnan(precision)) {
            sum += precision;
            seen++;
        }
    }
    *map = seen > 0 ? sum / seen : NAN;
    free(scores);
    free(positive);
    return status;
}
