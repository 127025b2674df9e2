#include "task/eval_picture.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "task/encode.h"
#include "task/map.h"
#include "task/segment.h"
#include "task/similarity.h"

/* One picture while it is measured. */
struct sample {
    const struct csg_context *context;
    struct csg_truth truth;
    struct csg_input_size size;
    size_t grid_w, grid_h, cells, pixels;
    size_t map_w, map_h, map_cells; /* of a map: the grid, or with refinement the pixels that the encoder saw */
    float *map;                     /* [pixels] */
    float *rows;                    /* [n_classes, map_cells] */
    float *cls;                     /* [embed_dim] */
    float *cosines;                 /* [n_classes] */
    uint16_t *index;                /* [pixels] */
};

/* The similarities of all classes by one method, and their maps; *s is to be freed. */
static int similarities(const struct csg_eval_how *how, const struct sample *sample, size_t m, bool surgery,
                        struct csg_view tokens, struct csg_similarities *s, struct csg_error *err)
{
    struct csg_similarities fine = {0};
    int status = csg_similarities_compute(s, sample->context, tokens, sample->cells, how->features, NULL, how->shape.n_classes,
                                          surgery ? CSG_MODE_SET : CSG_MODE_OFF, how->methods[m], err);
    if (status || !how->refinement)
        return status;
    status = csg_similarities_refine(&fine, s, sample->context, how->shape.n_classes, sample->grid_w, sample->grid_h,
                                     sample->map_w, sample->map_h, err);
    csg_similarities_free(s);
    *s = fine;
    return status;
}

static int score_maps(const struct sample *sample, size_t m, const struct csg_similarities *s, struct csg_eval_record *record,
                      struct csg_error *err)
{
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < record->n_present; i++) {
        size_t class_ = record->present[i], row_bytes = sample->map_cells * sizeof(float);
        status = csg_buffer_read(s->buffer, s->map.at * sizeof(float) + class_ * row_bytes, sample->rows, row_bytes, err);
        if (status == CSG_OK)
            status = csg_task_bilinear(sample->context->backend, sample->rows, 1, sample->map_w, sample->map_h, sample->map,
                                       (size_t)sample->truth.mask->width_px, (size_t)sample->truth.mask->height_px, err);
        if (status == CSG_OK)
            csg_score_map(&record->scores[m * record->n_present + i], sample->map, sample->truth.mask->index, sample->pixels,
                          (uint16_t)(class_ + 1));
    }
    return status;
}

static int segment(const struct csg_eval_how *how, const struct sample *sample, size_t m, const struct csg_similarities *s,
                   struct csg_eval_record *record, struct csg_error *err)
{
    size_t n = how->shape.n_classes;
    int status =
        csg_buffer_read(s->buffer, s->similarity.at * sizeof(float), sample->rows, n * sample->map_cells * sizeof(float), err);
    if (status == CSG_OK)
        status = csg_task_segment(sample->context->backend, sample->rows, n, sample->map_w, sample->map_h,
                                  (size_t)sample->truth.mask->width_px, (size_t)sample->truth.mask->height_px, how->scale,
                                  how->background, sample->index, err);
    if (status == CSG_OK)
        csg_count_classes(record->pixels + m * (n + 1), n + 1, sample->index, sample->truth.mask->index, sample->pixels);
    return status;
}

static int score_picture(const struct csg_eval_how *how, const struct sample *sample, size_t m, struct csg_view tokens,
                         struct csg_eval_record *record, struct csg_error *err)
{
    size_t n = how->shape.n_classes, embed = sample->context->model->embed_dim;
    int status = csg_buffer_read(tokens.buffer, tokens.at * sizeof(float), sample->cls, embed * sizeof(float), err);
    for (size_t c = 0; status == CSG_OK && c < n; c++) {
        double sum = 0;
        for (size_t i = 0; i < embed; i++)
            sum += (double)sample->cls[i] * (double)how->features[c * embed + i];
        sample->cosines[c] = (float)sum;
    }
    if (status == CSG_OK)
        csg_class_scores(record->class_scores + m * n, sample->cosines, n, how->methods[m]->feature_surgery,
                         (double)sample->context->model->logit_scale);
    return status;
}

/* One method, whose tokens are there. Segmentation is without feature surgery always. */
static int measure_method(const struct csg_eval_how *how, const struct sample *sample, size_t m, struct csg_view tokens,
                          struct csg_eval_record *record, struct csg_error *err)
{
    struct csg_similarities s = {0}, plain = {0};
    bool surgery = how->methods[m]->feature_surgery;
    if (!how->shape.masks)
        return score_picture(how, sample, m, tokens, record, err);
    int status = similarities(how, sample, m, surgery, tokens, &s, err);
    if (status == CSG_OK && surgery)
        status = similarities(how, sample, m, false, tokens, &plain, err);
    if (status == CSG_OK)
        status = score_maps(sample, m, &s, record, err);
    if (status == CSG_OK)
        status = segment(how, sample, m, surgery ? &plain : &s, record, err);
    if (status == CSG_OK)
        status = score_picture(how, sample, m, tokens, record, err);
    csg_similarities_free(&s);
    csg_similarities_free(&plain);
    return status;
}

static bool same_plan(const struct csg_net_plan *a, const struct csg_net_plan *b)
{
    return a->streams == b->streams && a->first_block == b->first_block && a->attention == b->attention &&
           a->sources == b->sources && !(a->gauss_std < b->gauss_std) && !(a->gauss_std > b->gauss_std) &&
           a->residual == b->residual && a->ffn == b->ffn && a->keep_inputs == b->keep_inputs && a->cls_too == b->cls_too &&
           a->explain == b->explain;
}

/* Methods that differ in what they do with the tokens alone share one pass through the tower. */
static int measure(const struct csg_eval_how *how, const struct sample *sample, struct csg_eval_record *record,
                   struct csg_error *err)
{
    size_t n = how->shape.n_methods;
    uint8_t *done = csg_calloc(n, 1);
    int status = done ? CSG_OK : csg_fail_memory(err);
    for (size_t m = 0; status == CSG_OK && m < n; m++) {
        struct csg_view tokens;
        if (done[m])
            continue;
        const struct csg_image *image = sample->truth.image;
        status = csg_encode_pictures(sample->context, &image, 1, &sample->size, &how->plans[m], &tokens, err);
        for (size_t other = m; status == CSG_OK && other < n; other++) {
            if (done[other] || !same_plan(&how->plans[m], &how->plans[other]))
                continue;
            status = measure_method(how, sample, other, tokens, record, err);
            done[other] = 1;
        }
    }
    free(done);
    return status;
}

/* Of the foreground's attention, what stays in the foreground. */
static int share_foreground(const struct sample *sample, struct csg_eval_record *record, struct csg_error *err)
{
    const struct csg_net_plan plan = {.streams = CSG_STREAMS_NONE, .keep_inputs = true};
    const struct csg_input_size whole = {.w_px = sample->size.w_px, .h_px = sample->size.h_px};
    const struct csg_mask *mask = sample->truth.mask;
    const struct csg_image *image = sample->truth.image;
    uint8_t *inside = csg_calloc(sample->cells, 1);
    struct csg_view tokens;
    if (!inside)
        return csg_fail_memory(err);
    record->shares[0] = NAN;
    int status = CSG_OK;
    if (csg_foreground_cells(inside, sample->grid_w, sample->grid_h, mask->index, (size_t)mask->width_px,
                             (size_t)mask->height_px)) {
        status = csg_encode_pictures(sample->context, &image, 1, &whole, &plan, &tokens, err);
        if (status == CSG_OK)
            status = csg_vision_foreground(sample->context->vision, inside, record->shares, err);
    }
    free(inside);
    return status;
}

static int sample_create(struct sample *sample, const struct csg_eval_how *how, struct csg_error *err)
{
    size_t n = how->shape.n_classes, patch_px = sample->context->model->patch_px;
    int status = csg_input_size(&sample->size, sample->context->model, sample->truth.image, how->fit, how->size_px, err);
    if (status)
        return status;
    sample->size.window_px = how->ways.window_px;
    sample->size.stride_px = how->ways.stride_px;
    sample->size.levels = how->ways.levels;
    sample->grid_w = (size_t)sample->size.w_px / patch_px;
    sample->grid_h = (size_t)sample->size.h_px / patch_px;
    sample->cells = sample->grid_w * sample->grid_h;
    sample->map_w = how->refinement ? (size_t)sample->size.w_px : sample->grid_w;
    sample->map_h = how->refinement ? (size_t)sample->size.h_px : sample->grid_h;
    sample->map_cells = sample->map_w * sample->map_h;
    if (!how->shape.masks) {
        sample->cls = csg_calloc(sample->context->model->embed_dim, sizeof *sample->cls);
        sample->cosines = csg_calloc(n, sizeof *sample->cosines);
        return sample->cls && sample->cosines ? CSG_OK : csg_fail_memory(err);
    }
    sample->pixels = (size_t)sample->truth.mask->width_px * (size_t)sample->truth.mask->height_px;
    sample->map = csg_calloc(sample->pixels, sizeof *sample->map);
    sample->index = csg_calloc(sample->pixels, sizeof *sample->index);
    sample->rows = csg_calloc(n, sample->map_cells * sizeof *sample->rows);
    sample->cls = csg_calloc(sample->context->model->embed_dim, sizeof *sample->cls);
    sample->cosines = csg_calloc(n, sizeof *sample->cosines);
    return sample->map && sample->index && sample->rows && sample->cls && sample->cosines ? CSG_OK : csg_fail_memory(err);
}

static void sample_free(struct sample *sample)
{
    free(sample->map);
    free(sample->index);
    free(sample->rows);
    free(sample->cls);
    free(sample->cosines);
}

int csg_eval_picture(const struct csg_eval_how *how, const struct csg_context *context, const struct csg_truth *truth,
                     struct csg_eval_record *record, struct csg_error *err)
{
    struct sample sample = {.context = context, .truth = *truth};
    int status = sample_create(&sample, how, err);
    if (status == CSG_OK)
        status = measure(how, &sample, record, err);
    if (status == CSG_OK && how->shape.n_blocks)
        status = share_foreground(&sample, record, err);
    sample_free(&sample);
    return status;
}
