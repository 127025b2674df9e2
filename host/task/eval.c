#include "task/eval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ahead.h"
#include "base/hash.h"
#include "base/journal.h"
#include "base/mem.h"
#include "task/dataset.h"
#include "task/encode.h"
#include "task/eval_record.h"
#include "task/map.h"
#include "task/method.h"
#include "task/segment.h"
#include "task/similarity.h"

/* Classes of a data set at most: masks may have 65535, and every picture keeps figures of each. */
#define MAX_CLASSES 4096

struct eval {
    const struct csg_context *context;
    const struct csg_eval_params *params;
    struct csg_dataset *dataset;
    struct csg_strings classes;
    const struct csg_method **methods;
    struct csg_net_plan *plans;
    float *features; /* [n_classes, embed_dim] */
    double scale, background;
    enum csg_refinement refinement;
    struct csg_input_size windows; /* their sides alone */
    struct csg_eval_shape shape;
    struct csg_eval_sums sums;
    struct csg_journal *journal;
    char *last_problem; /* of a pair that could not be read */
};

/* One picture while it is measured. */
struct sample {
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

static int find_methods(struct eval *eval, struct csg_error *err)
{
    const struct csg_eval_params *params = eval->params;
    size_t n = params->methods ? params->n_methods : 1;
    eval->shape.n_methods = n;
    if (!n)
        return csg_fail(err, CSG_ERROR_USAGE, "there is no method to measure");
    eval->methods = csg_calloc(n, sizeof *eval->methods);
    eval->plans = csg_calloc(n, sizeof *eval->plans);
    int status = eval->methods && eval->plans ? CSG_OK : csg_fail_memory(err);
    for (size_t m = 0; status == CSG_OK && m < n; m++) {
        status = csg_method_find(&eval->methods[m], params->methods ? params->methods[m] : NULL, err);
        if (status == CSG_OK)
            status = csg_method_plan(&eval->plans[m], eval->methods[m], eval->context->model, params->first_block, err);
        if (status == CSG_OK)
            status = csg_input_windows(&eval->windows, eval->context->model, eval->methods[m], params->window_px,
                                       params->stride_px, err);
    }
    return status;
}

static int class_features(struct eval *eval, struct csg_error *err)
{
    size_t n = eval->shape.n_classes, embed = eval->context->model->embed_dim;
    eval->features = csg_calloc(n, embed * sizeof *eval->features);
    if (!eval->features)
        return csg_fail_memory(err);
    return csg_ensemble_features(eval->context->ensemble, (const char *const *)eval->classes.items, n, eval->features, err);
}

/* The key of the journal: everything that a record depends on. */
static int journal_key(const struct eval *eval, char key[CSG_SHA256_HEX], struct csg_error *err)
{
    const struct csg_eval_params *params = eval->params;
    char weights[CSG_SHA256_HEX], line[512];
    struct csg_sha256 *hash = NULL;
    int status = csg_model_sha256(eval->context->model, weights, err);
    if (status == CSG_OK)
        status = csg_sha256_create(&hash, err);
    if (status)
        return status;
    snprintf(line, sizeof line, "5 %s %s %d %u %d %d %d %d %.17g %.17g %zu", weights, params->fit ? params->fit : "",
             params->size_px, params->first_block, (int)eval->refinement, params->window_px, params->stride_px, (int)params->mfsr,
             eval->scale, eval->background, eval->shape.n_images);
    status = csg_sha256_update(hash, line, strlen(line) + 1, err);
    for (size_t i = 0; status == CSG_OK && i < eval->shape.n_images; i++)
        status = csg_sha256_update(hash, eval->dataset->ids.items[i], strlen(eval->dataset->ids.items[i]) + 1, err);
    for (size_t i = 0; status == CSG_OK && i < eval->shape.n_classes; i++)
        status = csg_sha256_update(hash, eval->classes.items[i], strlen(eval->classes.items[i]) + 1, err);
    for (size_t i = 0; status == CSG_OK && i < eval->shape.n_methods; i++)
        status = csg_sha256_update(hash, eval->methods[i]->name, strlen(eval->methods[i]->name) + 1, err);
    if (status == CSG_OK)
        status = csg_sha256_update(hash, eval->features,
                                   eval->shape.n_classes * eval->context->model->embed_dim * sizeof *eval->features, err);
    if (status == CSG_OK)
        return csg_sha256_finish(&hash, key, err);
    csg_sha256_destroy(&hash);
    return status;
}

static int replay(void *user, const void *data, size_t bytes, struct csg_error *err)
{
    struct eval *eval = user;
    struct csg_eval_record record;
    int status = csg_eval_record_parse(&record, &eval->shape, data, bytes, err);
    if (status == CSG_OK)
        csg_eval_sums_add(&eval->sums, &record);
    csg_eval_record_free(&record);
    return status;
}

/* Those that are asked for, those that the data set names, or the layout's usual ones. */
static int find_classes(struct eval *eval, struct csg_error *err)
{
    const struct csg_dataset *dataset = eval->dataset;
    const char *labels = eval->params->labels ? eval->params->labels : dataset->layout->labels;
    size_t named = dataset->classes.count;
    int status = CSG_OK;
    if (eval->params->labels || !named)
        status = csg_labels_load(&eval->classes, labels, err);
    for (size_t i = 0; status == CSG_OK && !eval->params->labels && i < named; i++)
        status = csg_strings_add(&eval->classes, dataset->classes.items[i], err);
    if (status)
        return status;
    if (named && eval->classes.count != named)
        return csg_fail(err, CSG_ERROR_USAGE, "the data set has %zu classes, but %s lists %zu", named, labels,
                        eval->classes.count);
    if (eval->classes.count < 2 || eval->classes.count > MAX_CLASSES)
        return csg_fail(err, CSG_ERROR_USAGE, "a data set of %zu classes cannot be measured, only of 2 to %d",
                        eval->classes.count, MAX_CLASSES);
    return CSG_OK;
}

static int check_shards(const struct csg_eval_params *params, struct csg_error *err)
{
    if (params->shards ? params->shard >= params->shards : params->shard > 0)
        return csg_fail(err, CSG_ERROR_USAGE, "there is no shard %zu of %zu", params->shard + 1, params->shards);
    if ((params->shards || params->mine) && !params->resume)
        return csg_fail(err, CSG_ERROR_USAGE, "a shard keeps what it measures in a file (resume) for the run that merges all");
    return CSG_OK;
}

static int prepare(struct eval *eval, const char *folder, struct csg_error *err)
{
    const struct csg_eval_params *params = eval->params;
    char key[CSG_SHA256_HEX];
    eval->scale = params->scale > 0 ? params->scale : 40;
    eval->background = params->background > 0 ? params->background : params->background < 0 ? 0 : 0.1;
    int status = check_shards(params, err);
    if (status == CSG_OK)
        status = find_methods(eval, err);
    if (status == CSG_OK)
        status = csg_refinement_find(&eval->refinement, params->refine, err);
    if (status == CSG_OK)
        status = csg_dataset_open(&eval->dataset, folder, params->layout, params->split, err);
    if (status == CSG_OK)
        status = find_classes(eval, err);
    if (status)
        return status;
    eval->shape.masks = eval->dataset->layout->masks;
    if (params->mfsr && (!eval->shape.masks || eval->context->model->architecture != CSG_VIT))
        return csg_fail(err, CSG_ERROR_USAGE, "mFSR needs masks and a model with attention in its blocks, a ViT");
    eval->shape.n_blocks = params->mfsr ? eval->context->model->vision.layers : 0;
    eval->shape.n_classes = eval->classes.count;
    eval->shape.n_images = eval->dataset->ids.count;
    if (params->limit && params->limit < eval->shape.n_images)
        eval->shape.n_images = params->limit;
    status = csg_eval_sums_create(&eval->sums, &eval->shape, err);
    if (status == CSG_OK)
        status = class_features(eval, err);
    if (status == CSG_OK && (params->resume || params->n_merge))
        status = journal_key(eval, key, err);
    for (size_t i = 0; status == CSG_OK && i < params->n_merge; i++)
        status = csg_journal_read(params->merge[i], key, replay, eval, err);
    if (status == CSG_OK && params->resume)
        status = csg_journal_open(&eval->journal, params->resume, key, replay, eval, err);
    return status;
}

/* The classes of a picture, from 0. An index that is no class makes the pair unreadable. */
static int list_present(const struct eval *eval, const struct csg_truth *truth, uint32_t *present, size_t *count,
                        struct csg_error *err)
{
    const struct csg_mask *mask = truth->mask;
    size_t n = eval->shape.n_classes, pixels = mask ? (size_t)mask->width_px * (size_t)mask->height_px : 0;
    uint8_t *seen = csg_calloc(n + 1, 1);
    int status = seen ? CSG_OK : csg_fail_memory(err);
    *count = 0;
    for (size_t i = 0; status == CSG_OK && i < pixels; i++) {
        if (mask->index[i] == CSG_MASK_VOID)
            continue;
        if (mask->index[i] > n)
            status = csg_fail(err, CSG_ERROR_INPUT, "its mask has the index %u, but there are %zu classes",
                              (unsigned)mask->index[i], n);
        else
            seen[mask->index[i]] = 1;
    }
    for (size_t c = 0; status == CSG_OK && c < n; c++)
        if (seen[c + 1] || (truth->positive && truth->positive[c]))
            present[(*count)++] = (uint32_t)c;
    free(seen);
    return status;
}

/* The similarities of all classes by one method, and their maps; *s is to be freed. */
static int similarities(const struct eval *eval, const struct sample *sample, size_t m, bool surgery, struct csg_view tokens,
                        struct csg_similarities *s, struct csg_error *err)
{
    struct csg_similarities fine = {0};
    int status = csg_similarities_compute(s, eval->context, tokens, sample->cells, eval->features, NULL, eval->shape.n_classes,
                                          surgery ? CSG_MODE_SET : CSG_MODE_OFF, eval->methods[m], err);
    if (status || !eval->refinement)
        return status;
    status = csg_similarities_refine(&fine, s, eval->context, eval->shape.n_classes, sample->grid_w, sample->grid_h,
                                     sample->map_w, sample->map_h, err);
    csg_similarities_free(s);
    *s = fine;
    return status;
}

static int score_maps(const struct eval *eval, const struct sample *sample, size_t m, const struct csg_similarities *s,
                      struct csg_eval_record *record, struct csg_error *err)
{
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < record->n_present; i++) {
        size_t class_ = record->present[i], row_bytes = sample->map_cells * sizeof(float);
        status = csg_buffer_read(s->buffer, s->map.at * sizeof(float) + class_ * row_bytes, sample->rows, row_bytes, err);
        if (status == CSG_OK)
            status = csg_task_bilinear(eval->context->backend, sample->rows, 1, sample->map_w, sample->map_h, sample->map,
                                       (size_t)sample->truth.mask->width_px, (size_t)sample->truth.mask->height_px, err);
        if (status == CSG_OK)
            csg_score_map(&record->scores[m * record->n_present + i], sample->map, sample->truth.mask->index, sample->pixels,
                          (uint16_t)(class_ + 1));
    }
    return status;
}

static int segment(const struct eval *eval, const struct sample *sample, size_t m, const struct csg_similarities *s,
                   struct csg_eval_record *record, struct csg_error *err)
{
    size_t n = eval->shape.n_classes;
    int status =
        csg_buffer_read(s->buffer, s->similarity.at * sizeof(float), sample->rows, n * sample->map_cells * sizeof(float), err);
    if (status == CSG_OK)
        status = csg_task_segment(eval->context->backend, sample->rows, n, sample->map_w, sample->map_h,
                                  (size_t)sample->truth.mask->width_px, (size_t)sample->truth.mask->height_px, eval->scale,
                                  eval->background, sample->index, err);
    if (status == CSG_OK)
        csg_count_classes(record->pixels + m * (n + 1), n + 1, sample->index, sample->truth.mask->index, sample->pixels);
    return status;
}

static int score_picture(const struct eval *eval, const struct sample *sample, size_t m, struct csg_view tokens,
                         struct csg_eval_record *record, struct csg_error *err)
{
    size_t n = eval->shape.n_classes, embed = eval->context->model->embed_dim;
    int status = csg_buffer_read(tokens.buffer, tokens.at * sizeof(float), sample->cls, embed * sizeof(float), err);
    for (size_t c = 0; status == CSG_OK && c < n; c++) {
        double sum = 0;
        for (size_t i = 0; i < embed; i++)
            sum += (double)sample->cls[i] * (double)eval->features[c * embed + i];
        sample->cosines[c] = (float)sum;
    }
    if (status == CSG_OK)
        csg_class_scores(record->class_scores + m * n, sample->cosines, n, eval->methods[m]->feature_surgery);
    return status;
}

/* One method, whose tokens are there. Segmentation is without feature surgery always. */
static int measure_method(const struct eval *eval, const struct sample *sample, size_t m, struct csg_view tokens,
                          struct csg_eval_record *record, struct csg_error *err)
{
    struct csg_similarities s = {0}, plain = {0};
    bool surgery = eval->methods[m]->feature_surgery;
    if (!eval->shape.masks)
        return score_picture(eval, sample, m, tokens, record, err);
    int status = similarities(eval, sample, m, surgery, tokens, &s, err);
    if (status == CSG_OK && surgery)
        status = similarities(eval, sample, m, false, tokens, &plain, err);
    if (status == CSG_OK)
        status = score_maps(eval, sample, m, &s, record, err);
    if (status == CSG_OK)
        status = segment(eval, sample, m, surgery ? &plain : &s, record, err);
    if (status == CSG_OK)
        status = score_picture(eval, sample, m, tokens, record, err);
    csg_similarities_free(&s);
    csg_similarities_free(&plain);
    return status;
}

static bool same_plan(const struct csg_net_plan *a, const struct csg_net_plan *b)
{
    return a->streams == b->streams && a->first_block == b->first_block && a->attention == b->attention &&
           a->sources == b->sources && !(a->gauss_std < b->gauss_std) && !(a->gauss_std > b->gauss_std) &&
           a->residual == b->residual && a->ffn == b->ffn && a->keep_inputs == b->keep_inputs && a->cls_too == b->cls_too;
}

/* Methods that differ in what they do with the tokens alone share one pass through the tower. */
static int measure(const struct eval *eval, const struct sample *sample, struct csg_eval_record *record, struct csg_error *err)
{
    size_t n = eval->shape.n_methods;
    uint8_t *done = csg_calloc(n, 1);
    int status = done ? CSG_OK : csg_fail_memory(err);
    for (size_t m = 0; status == CSG_OK && m < n; m++) {
        struct csg_view tokens;
        if (done[m])
            continue;
        const struct csg_image *image = sample->truth.image;
        status = csg_encode_pictures(eval->context, &image, 1, &sample->size, &eval->plans[m], &tokens, NULL, NULL, err);
        for (size_t other = m; status == CSG_OK && other < n; other++) {
            if (done[other] || !same_plan(&eval->plans[m], &eval->plans[other]))
                continue;
            status = measure_method(eval, sample, other, tokens, record, err);
            done[other] = 1;
        }
    }
    free(done);
    return status;
}

/* Of the foreground's attention, what stays in the foreground. */
static int share_foreground(const struct eval *eval, const struct sample *sample, struct csg_eval_record *record,
                            struct csg_error *err)
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
        status = csg_encode_pictures(eval->context, &image, 1, &whole, &plan, &tokens, NULL, NULL, err);
        if (status == CSG_OK)
            status = csg_vision_foreground(eval->context->vision, inside, record->shares, err);
    }
    free(inside);
    return status;
}

static int sample_create(struct sample *sample, const struct eval *eval, struct csg_error *err)
{
    size_t n = eval->shape.n_classes, patch_px = eval->context->model->patch_px;
    int status =
        csg_input_size(&sample->size, eval->context->model, sample->truth.image, eval->params->fit, eval->params->size_px, err);
    if (status)
        return status;
    sample->size.window_px = eval->windows.window_px;
    sample->size.stride_px = eval->windows.stride_px;
    sample->grid_w = (size_t)sample->size.w_px / patch_px;
    sample->grid_h = (size_t)sample->size.h_px / patch_px;
    sample->cells = sample->grid_w * sample->grid_h;
    sample->map_w = eval->refinement ? (size_t)sample->size.w_px : sample->grid_w;
    sample->map_h = eval->refinement ? (size_t)sample->size.h_px : sample->grid_h;
    sample->map_cells = sample->map_w * sample->map_h;
    if (!eval->shape.masks) {
        sample->cls = csg_calloc(eval->context->model->embed_dim, sizeof *sample->cls);
        sample->cosines = csg_calloc(n, sizeof *sample->cosines);
        return sample->cls && sample->cosines ? CSG_OK : csg_fail_memory(err);
    }
    sample->pixels = (size_t)sample->truth.mask->width_px * (size_t)sample->truth.mask->height_px;
    sample->map = csg_calloc(sample->pixels, sizeof *sample->map);
    sample->index = csg_calloc(sample->pixels, sizeof *sample->index);
    sample->rows = csg_calloc(n, sample->map_cells * sizeof *sample->rows);
    sample->cls = csg_calloc(eval->context->model->embed_dim, sizeof *sample->cls);
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

/* What is read ahead of a picture. */
struct pair {
    struct csg_truth truth;
    int status;
    struct csg_error problem;
};

static void read_pair(void *user, size_t index, void *item)
{
    const struct eval *eval = user;
    struct pair *pair = item;
    pair->status = csg_dataset_load(eval->dataset, index, &pair->truth, &pair->problem);
}

static void drop_pair(void *user, void *item)
{
    (void)user;
    csg_truth_free(&((struct pair *)item)->truth);
}

/* A pair that cannot be read is no failure of the evaluation. */
static int make_record(struct eval *eval, size_t image, struct pair *pair, struct csg_eval_record *record, struct csg_error *err)
{
    struct sample sample = {.truth = pair->truth};
    uint32_t *present = csg_calloc(eval->shape.n_classes, sizeof *present);
    size_t n_present = 0;
    if (!present)
        return csg_fail_memory(err);
    int status = pair->status;
    if (status == CSG_OK)
        status = list_present(eval, &sample.truth, present, &n_present, &pair->problem);
    bool readable = status == CSG_OK;
    if (status == CSG_ERROR_INPUT) {
        csg_log(eval->context->log, CSG_LOG_WARNING, "%s is left out: %s", eval->dataset->ids.items[image],
                pair->problem.sentence);
        free(eval->last_problem);
        eval->last_problem = csg_strdup(pair->problem.sentence);
        status = CSG_OK;
    } else if (status) {
        status = csg_fail(err, status, "%s", pair->problem.sentence);
    }
    if (status == CSG_OK)
        status = csg_eval_record_create(record, &eval->shape, (uint32_t)image, readable, present, n_present, err);
    if (status == CSG_OK && readable)
        status = sample_create(&sample, eval, err);
    if (status == CSG_OK && readable)
        status = measure(eval, &sample, record, err);
    if (status == CSG_OK && readable && eval->shape.n_blocks)
        status = share_foreground(eval, &sample, record, err);
    sample_free(&sample);
    free(present);
    return status;
}

static int add_picture(struct eval *eval, size_t image, struct pair *pair, size_t total, struct csg_error *err)
{
    struct csg_eval_record record = {0};
    int status = make_record(eval, image, pair, &record, err);
    if (status == CSG_OK && eval->journal)
        status = csg_journal_append(eval->journal, record.data, record.bytes, err);
    if (status == CSG_OK)
        csg_eval_sums_add(&eval->sums, &record);
    csg_eval_record_free(&record);
    if (status == CSG_OK && eval->params->progress)
        eval->params->progress(eval->params->progress_user, eval->sums.n_done, total);
    return status;
}

static bool in_shard(const struct eval *eval, size_t image)
{
    return !eval->params->shards || image % eval->params->shards == eval->params->shard;
}

static bool is_mine(const struct eval *eval, size_t image)
{
    return !eval->params->mine || eval->params->mine(eval->params->mine_user, image);
}

/* Pictures and masks are read by other threads while the device computes. */
static int add_pictures(struct eval *eval, const size_t *order, size_t count, size_t total, struct csg_error *err)
{
    struct csg_ahead *ahead = NULL;
    const struct csg_ahead_work work = {
        .make = read_pair, .drop = drop_pair, .user = eval, .order = order, .count = count, .item_bytes = sizeof(struct pair)};
    int status = csg_ahead_create(&ahead, &work, err);
    for (size_t i = 0; status == CSG_OK && i < count; i++)
        status = add_picture(eval, order[i], csg_ahead_next(ahead), total, err);
    csg_ahead_destroy(&ahead);
    return status;
}

/* Pictures that are claimed at a time: enough to be read ahead, few enough that all runs end together. */
#define CLAIM 4

static int run(struct eval *eval, struct csg_error *err)
{
    size_t *order = csg_calloc(eval->shape.n_images, sizeof *order), left = 0;
    int status = order ? CSG_OK : csg_fail_memory(err);
    if (status)
        return status;
    for (size_t i = 0; i < eval->shape.n_images; i++)
        if (!eval->sums.done[i] && in_shard(eval, i))
            left++;
    size_t total = eval->sums.n_done + left, chunk = eval->params->mine ? CLAIM : eval->shape.n_images;
    if (eval->params->n_merge && !eval->params->resume && left)
        status = csg_fail(err, CSG_ERROR, "%zu of %zu pictures are in none of the files", left, total);
    for (size_t i = 0; status == CSG_OK && i < eval->shape.n_images;) {
        size_t count = 0;
        for (; i < eval->shape.n_images && count < chunk; i++)
            if (!eval->sums.done[i] && in_shard(eval, i) && is_mine(eval, i))
                order[count++] = i;
        status = add_pictures(eval, order, count, total, err);
    }
    free(order);
    if (status == CSG_OK && eval->sums.n_unreadable == eval->shape.n_images)
        status = csg_fail(err, CSG_ERROR_INPUT, "no picture of %s could be read with its truth: %s", eval->dataset->folder,
                          eval->last_problem ? eval->last_problem : "see the run that was gone on with");
    return status;
}

static int summarise(struct eval *eval, struct csg_full_eval *full, struct csg_error *err)
{
    size_t n = eval->shape.n_methods, classes = eval->shape.n_classes;
    int status = CSG_OK;
    full->methods = csg_calloc(n, sizeof *full->methods);
    if (!full->methods)
        return csg_fail_memory(err);
    for (size_t m = 0; status == CSG_OK && m < n; m++) {
        struct csg_eval_method *out = &full->methods[m];
        const struct csg_class_pixels *pixels = eval->sums.pixels + m * (classes + 1);
        out->method = eval->methods[m]->name;
        csg_explain_result(&eval->sums.explain[m], &out->miou, &out->threshold, &out->miou_by_class, &out->msc);
        /* Without a background class its row counts neither as a class nor against the others. */
        out->segmentation_miou = 100 * csg_mean_iou(pixels, eval->background > 0 ? 0 : 1, classes + 1);
        status = csg_eval_sums_map(&eval->sums, m, &out->map, err);
        out->miou *= 100;
        out->miou_by_class *= 100;
        out->msc *= 100;
        out->map *= 100;
    }
    full->mfsr = csg_calloc(eval->shape.n_blocks, 2 * sizeof *full->mfsr);
    if (!full->mfsr)
        return csg_fail_memory(err);
    for (size_t i = 0; i < 2 * eval->shape.n_blocks; i++)
        full->mfsr[i] = eval->sums.n_shares ? 100 * (double)eval->sums.shares[i] / CSG_PARTS / (double)eval->sums.n_shares : NAN;
    full->classes = eval->classes;
    eval->classes = (struct csg_strings){0};
    full->split = eval->dataset->split;
    eval->dataset->split = NULL;
    full->result = (struct csg_eval_result){.split = full->split,
                                            .n_images = eval->sums.n_done,
                                            .n_unreadable = eval->sums.n_unreadable,
                                            .n_maps = eval->sums.n_pairs,
                                            .n_classes = classes,
                                            .classes = (const char *const *)full->classes.items,
                                            .n_methods = n,
                                            .methods = full->methods,
                                            .n_blocks = eval->shape.n_blocks,
                                            .mfsr = full->mfsr};
    return status;
}

int csg_task_eval(const struct csg_context *context, const char *folder, const struct csg_eval_params *params,
                  struct csg_full_eval **out, struct csg_error *err)
{
    static const struct csg_eval_params defaults = {0};
    struct eval eval = {.context = context, .params = params ? params : &defaults};
    struct csg_full_eval *full = csg_calloc(1, sizeof *full);
    *out = NULL;
    int status = full ? prepare(&eval, folder, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = run(&eval, err);
    if (status == CSG_OK)
        status = summarise(&eval, full, err);
    csg_journal_close(&eval.journal);
    csg_dataset_destroy(&eval.dataset);
    csg_strings_free(&eval.classes);
    csg_eval_sums_free(&eval.sums);
    free(eval.methods);
    free(eval.plans);
    free(eval.features);
    free(eval.last_problem);
    if (status)
        csg_full_eval_destroy(&full);
    *out = full;
    return status;
}

void csg_full_eval_destroy(struct csg_full_eval **out)
{
    struct csg_full_eval *full = out ? *out : NULL;
    if (!full)
        return;
    csg_strings_free(&full->classes);
    free(full->methods);
    free(full->mfsr);
    free(full->split);
    free(full);
    *out = NULL;
}
