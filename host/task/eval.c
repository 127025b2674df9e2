#include "task/eval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/journal.h"
#include "base/mem.h"
#include "task/eval_picture.h"
#include "task/walk.h"

/* Classes of a data set at most: masks may have 65535, and every picture keeps figures of each. */
#define MAX_CLASSES 4096

struct eval {
    const struct csg_context *context; /* the first engine's: the classes' features are its */
    struct csg_context *engines;       /* [n_engines] */
    size_t n_engines;
    const struct csg_eval_params *params;
    struct csg_dataset *dataset;
    struct csg_strings classes;
    struct csg_eval_how how;
    struct csg_eval_sums sums;
    struct csg_journal *journal;
    char *last_problem; /* of a pair that could not be read */
};

static int find_methods(struct eval *eval, struct csg_error *err)
{
    const struct csg_eval_params *params = eval->params;
    size_t n = params->methods ? params->n_methods : 1;
    eval->how.shape.n_methods = n;
    if (!n)
        return csg_fail(err, CSG_ERROR_USAGE, "there is no method to measure");
    eval->how.methods = csg_calloc(n, sizeof *eval->how.methods);
    eval->how.plans = csg_calloc(n, sizeof *eval->how.plans);
    int status = eval->how.methods && eval->how.plans ? CSG_OK : csg_fail_memory(err);
    for (size_t m = 0; status == CSG_OK && m < n; m++) {
        status = csg_method_find(&eval->how.methods[m], params->methods ? params->methods[m] : NULL, err);
        if (status == CSG_OK)
            status = csg_method_plan(&eval->how.plans[m], eval->how.methods[m], eval->context->model, params->first_block, err);
        if (status == CSG_OK)
            status = csg_input_windows(&eval->how.ways, eval->context->model, eval->how.methods[m], params->window_px,
                                       params->stride_px, err);
        if (status == CSG_OK)
            status = csg_input_pyramid(&eval->how.ways, eval->context->model, eval->how.methods[m], params->size_px,
                                       params->pyramid, err);
    }
    return status;
}

static int class_features(struct eval *eval, struct csg_error *err)
{
    size_t n = eval->how.shape.n_classes, embed = eval->context->model->embed_dim;
    eval->how.features = csg_calloc(n, embed * sizeof *eval->how.features);
    if (!eval->how.features)
        return csg_fail_memory(err);
    int status;
    do
        status =
            csg_ensemble_features(eval->context->ensemble, (const char *const *)eval->classes.items, n, eval->how.features, err);
    while (csg_context_moves(eval->engines, &status, err));
    return status;
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
    snprintf(line, sizeof line, "6 %s %s %d %u %d %d %d %d %d %.17g %.17g %zu", weights, params->fit ? params->fit : "",
             params->size_px, params->first_block, (int)eval->how.refinement, params->window_px, params->stride_px,
             params->pyramid, (int)params->mfsr, eval->how.scale, eval->how.background, eval->how.shape.n_images);
    status = csg_sha256_update(hash, line, strlen(line) + 1, err);
    for (size_t i = 0; status == CSG_OK && i < eval->how.shape.n_images; i++)
        status = csg_sha256_update(hash, eval->dataset->ids.items[i], strlen(eval->dataset->ids.items[i]) + 1, err);
    for (size_t i = 0; status == CSG_OK && i < eval->how.shape.n_classes; i++)
        status = csg_sha256_update(hash, eval->classes.items[i], strlen(eval->classes.items[i]) + 1, err);
    for (size_t i = 0; status == CSG_OK && i < eval->how.shape.n_methods; i++)
        status = csg_sha256_update(hash, eval->how.methods[i]->name, strlen(eval->how.methods[i]->name) + 1, err);
    if (status == CSG_OK)
        status = csg_sha256_update(hash, eval->how.features,
                                   eval->how.shape.n_classes * eval->context->model->embed_dim * sizeof *eval->how.features, err);
    if (status == CSG_OK)
        return csg_sha256_finish(&hash, key, err);
    csg_sha256_destroy(&hash);
    return status;
}

static int replay(void *user, const void *data, size_t bytes, struct csg_error *err)
{
    struct eval *eval = user;
    struct csg_eval_record record;
    int status = csg_eval_record_parse(&record, &eval->how.shape, data, bytes, err);
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
    eval->how.scale = params->scale > 0 ? params->scale : 40;
    eval->how.background = params->background > 0 ? params->background : params->background < 0 ? 0 : 0.1;
    int status = check_shards(params, err);
    if (status == CSG_OK)
        status = find_methods(eval, err);
    if (status == CSG_OK)
        status = csg_refinement_find(&eval->how.refinement, params->refine, err);
    if (status == CSG_OK)
        status = csg_dataset_open(&eval->dataset, folder, params->layout, params->split, err);
    if (status == CSG_OK)
        status = find_classes(eval, err);
    if (status)
        return status;
    eval->how.shape.masks = eval->dataset->layout->masks;
    if (params->mfsr && (!eval->how.shape.masks || eval->context->model->architecture != CSG_VIT))
        return csg_fail(err, CSG_ERROR_USAGE, "mFSR needs masks and a model with attention in its blocks, a ViT");
    eval->how.shape.n_blocks = params->mfsr ? eval->context->model->vision.layers : 0;
    eval->how.shape.n_classes = eval->classes.count;
    eval->how.shape.n_images = eval->dataset->ids.count;
    if (params->limit && params->limit < eval->how.shape.n_images)
        eval->how.shape.n_images = params->limit;
    status = csg_eval_sums_create(&eval->sums, &eval->how.shape, err);
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
    size_t n = eval->how.shape.n_classes, pixels = mask ? (size_t)mask->width_px * (size_t)mask->height_px : 0;
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

/* A pair from when it is read until its record is kept. */
struct pair {
    struct csg_truth truth;
    uint32_t *present; /* [n_present] */
    size_t n_present;
};

static void drop_pair(void *user, void *loaded)
{
    struct pair *pair = loaded;
    (void)user;
    csg_truth_free(&pair->truth);
    free(pair->present);
    free(pair);
}

/* What is to be measured. */
struct round {
    struct eval *eval;
    size_t *order;                   /* [count] pictures */
    struct csg_eval_record *records; /* [count], from when they are measured until they are kept */
    size_t count, total;
};

static int load_pair(void *user, size_t index, void **loaded, size_t *bytes, struct csg_error *err)
{
    const struct round *round = user;
    const struct eval *eval = round->eval;
    struct pair *pair = csg_calloc(1, sizeof *pair);
    if (!pair || !(pair->present = csg_calloc(eval->how.shape.n_classes, sizeof *pair->present))) {
        free(pair);
        return csg_fail_memory(err);
    }
    int status = csg_dataset_load(eval->dataset, round->order[index], &pair->truth, err);
    if (status == CSG_OK)
        status = list_present(eval, &pair->truth, pair->present, &pair->n_present, err);
    if (status) {
        drop_pair(user, pair);
        return status;
    }
    const struct csg_image *image = pair->truth.image;
    *bytes = (3 + sizeof(uint16_t)) * (size_t)csg_image_width_px(image) * (size_t)csg_image_height_px(image);
    *loaded = pair;
    return CSG_OK;
}

/* A record that another device makes is made anew: figures are added to it. */
static int measure(const struct round *round, struct csg_context *context, size_t index, const struct pair *pair,
                   struct csg_error *err)
{
    const struct csg_eval_how *how = &round->eval->how;
    struct csg_eval_record *record = &round->records[index];
    int status;
    do {
        csg_eval_record_free(record);
        status =
            csg_eval_record_create(record, &how->shape, (uint32_t)round->order[index], true, pair->present, pair->n_present, err);
        if (status == CSG_OK)
            status = csg_eval_picture(how, context, &pair->truth, record, err);
    } while (csg_context_moves(context, &status, err));
    return status;
}

static int measure_pair(void *user, size_t engine, const size_t *indices, void *const *loaded, size_t n, struct csg_error *err)
{
    const struct round *round = user;
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < n; i++)
        status = measure(round, round->eval->engines + engine, indices[i], loaded[i], err);
    return status;
}

/* A pair that cannot be read is no failure of the evaluation. */
static int note_unreadable(struct eval *eval, size_t image, const char *problem, struct csg_eval_record *record,
                           struct csg_error *err)
{
    csg_log(eval->context->log, CSG_LOG_WARNING, "%s is left out: %s", eval->dataset->ids.items[image], problem);
    free(eval->last_problem);
    eval->last_problem = csg_strdup(problem);
    return csg_eval_record_create(record, &eval->how.shape, (uint32_t)image, false, NULL, 0, err);
}

static int keep_record(void *user, const struct csg_walk_picture *picture, struct csg_error *err)
{
    const struct round *round = user;
    struct eval *eval = round->eval;
    struct csg_eval_record *record = &round->records[picture->index];
    int status = CSG_OK;
    if (picture->problem)
        status = note_unreadable(eval, round->order[picture->index], picture->problem, record, err);
    if (status == CSG_OK && eval->journal)
        status = csg_journal_append(eval->journal, record->data, record->bytes, err);
    if (status == CSG_OK)
        csg_eval_sums_add(&eval->sums, record);
    csg_eval_record_free(record);
    if (status == CSG_OK && eval->params->progress)
        eval->params->progress(eval->params->progress_user, eval->sums.n_done, round->total);
    return status;
}

static bool in_shard(const struct eval *eval, size_t image)
{
    return !eval->params->shards || image % eval->params->shards == eval->params->shard;
}

static bool is_mine(void *user, size_t index)
{
    const struct round *round = user;
    const struct csg_eval_params *params = round->eval->params;
    return params->mine(params->mine_user, round->order[index]);
}

static void interrupt(void *user, size_t engine)
{
    atomic_store(((const struct round *)user)->eval->engines[engine].interrupted, 1);
}

static int walk(struct round *round, struct csg_error *err)
{
    const struct csg_walk_work work = {.n_engines = round->eval->n_engines,
                                       .count = round->count,
                                       .user = round,
                                       .mine = round->eval->params->mine ? is_mine : NULL,
                                       .load = load_pair,
                                       .drop = drop_pair,
                                       .compute = measure_pair,
                                       .done = keep_record,
                                       .interrupt = interrupt};
    return csg_task_walk(&work, err);
}

static int run(struct eval *eval, struct csg_error *err)
{
    struct round round = {.eval = eval, .order = csg_calloc(eval->how.shape.n_images, sizeof *round.order)};
    round.records = csg_calloc(eval->how.shape.n_images, sizeof *round.records);
    int status = round.order && round.records ? CSG_OK : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < eval->how.shape.n_images; i++)
        if (!eval->sums.done[i] && in_shard(eval, i))
            round.order[round.count++] = i;
    round.total = eval->sums.n_done + round.count;
    if (status == CSG_OK && eval->params->n_merge && !eval->params->resume && round.count)
        status = csg_fail(err, CSG_ERROR, "%zu of %zu pictures are in none of the files", round.count, round.total);
    if (status == CSG_OK && round.count)
        status = walk(&round, err);
    for (size_t i = 0; round.records && i < round.count; i++)
        csg_eval_record_free(&round.records[i]);
    free(round.records);
    free(round.order);
    if (status == CSG_OK && eval->sums.n_unreadable == eval->how.shape.n_images)
        status = csg_fail(err, CSG_ERROR_INPUT, "no picture of %s could be read with its truth: %s", eval->dataset->folder,
                          eval->last_problem ? eval->last_problem : "see the run that was gone on with");
    return status;
}

static int summarise(struct eval *eval, struct csg_full_eval *full, struct csg_error *err)
{
    size_t n = eval->how.shape.n_methods, classes = eval->how.shape.n_classes;
    int status = CSG_OK;
    full->methods = csg_calloc(n, sizeof *full->methods);
    if (!full->methods)
        return csg_fail_memory(err);
    for (size_t m = 0; status == CSG_OK && m < n; m++) {
        struct csg_eval_method *out = &full->methods[m];
        const struct csg_class_pixels *pixels = eval->sums.pixels + m * (classes + 1);
        out->method = eval->how.methods[m]->name;
        csg_explain_result(&eval->sums.explain[m], &out->miou, &out->threshold, &out->miou_by_class, &out->msc);
        /* Without a background class its row counts neither as a class nor against the others. */
        out->segmentation_miou = 100 * csg_mean_iou(pixels, eval->how.background > 0 ? 0 : 1, classes + 1);
        status = csg_eval_sums_map(&eval->sums, m, &out->map, err);
        out->miou *= 100;
        out->miou_by_class *= 100;
        out->msc *= 100;
        out->map *= 100;
    }
    full->mfsr = csg_calloc(eval->how.shape.n_blocks, 2 * sizeof *full->mfsr);
    if (!full->mfsr)
        return csg_fail_memory(err);
    for (size_t i = 0; i < 2 * eval->how.shape.n_blocks; i++)
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
                                            .n_blocks = eval->how.shape.n_blocks,
                                            .mfsr = full->mfsr};
    return status;
}

int csg_task_eval(struct csg_context *engines, size_t n_engines, const char *folder, const struct csg_eval_params *params,
                  struct csg_full_eval **out, struct csg_error *err)
{
    static const struct csg_eval_params defaults = {0};
    struct eval eval = {.context = engines, .engines = engines, .n_engines = n_engines, .params = params ? params : &defaults};
    eval.how.fit = eval.params->fit;
    eval.how.size_px = eval.params->size_px;
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
    free(eval.how.methods);
    free(eval.how.plans);
    free(eval.how.features);
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
