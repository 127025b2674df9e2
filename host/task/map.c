#include "task/map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "task/encode.h"
#include "task/peaks.h"
#include "task/similarity.h"

/* What the map of a picture is computed from, between the steps. */
struct job {
    const struct csg_context *context;
    const struct csg_method *method;
    struct csg_text_set *set;
    const char *sentence; /* its tokens are the texts; NULL: the texts are */
    struct csg_net_plan plan;
    enum csg_refinement refinement;
    bool no_peaks;
    float *features; /* [n_set, embed_dim] */
    float *redundant;
    double text_ms;
    /* What stands above is the same of all pictures. */
    const struct csg_image *image;
    struct csg_input_size size;
    size_t cells, map_cells; /* patches, and values of a map: as many, or the pixels that the encoder saw */
    struct csg_view tokens;
    struct csg_similarities similarities;
    struct csg_full_result *result;
};

static void add_stage(struct csg_full_result *result, const char *stage, double ms)
{
    result->stages[result->result.n_stages++] = (struct csg_stage_time){stage, ms};
}

/* The tokens of the sentence as the set of texts, and their features. */
static int token_features(struct job *job, const struct csg_map_params *params, struct csg_error *err)
{
    struct csg_strings names = {0};
    double start_ms = csg_now_ms();
    int status = csg_ensemble_tokens(job->context->ensemble, job->sentence, &names, &job->features, err);
    if (status == CSG_OK)
        status = csg_text_set_plain(&job->set, &names, job->method, params->redundant, err);
    if (status == CSG_OK && job->set->mode == CSG_MODE_EMPTY)
        status = csg_fail(err, CSG_ERROR_USAGE, "tokens have no empty text to be compared with: give 'set', or another method");
    csg_strings_free(&names);
    job->text_ms = csg_now_ms() - start_ms;
    return status;
}

static int text_features(struct job *job, struct csg_error *err)
{
    size_t embed = job->context->model->embed_dim, n_set = job->set->set.count;
    double start_ms = csg_now_ms();
    job->features = csg_calloc(n_set, embed * sizeof *job->features);
    job->redundant = csg_calloc(embed, sizeof *job->redundant);
    if (!job->features || !job->redundant)
        return csg_fail_memory(err);
    static const char *const empty[] = {""};
    int status =
        csg_ensemble_features(job->context->ensemble, (const char *const *)job->set->set.items, n_set, job->features, err);
    if (status == CSG_OK && job->set->mode == CSG_MODE_EMPTY)
        status = csg_ensemble_features(job->context->ensemble, empty, 1, job->redundant, err);
    job->text_ms = csg_now_ms() - start_ms;
    return status;
}

static int allocate_result(struct job *job, const char *const *texts, size_t n_texts, struct csg_error *err)
{
    struct csg_full_result *full = job->result;
    size_t total = job->set->part_from[n_texts], tokens;
    full->texts = csg_calloc(n_texts, sizeof *full->texts);
    full->similarity = csg_calloc(n_texts, job->map_cells * sizeof *full->similarity);
    full->grid_map = csg_calloc(n_texts, job->map_cells * sizeof *full->grid_map);
    full->part_from = csg_calloc(n_texts + 1, sizeof *full->part_from);
    full->part_similarity = csg_calloc(total, job->cells * sizeof *full->part_similarity);
    if (csg_mul(job->cells + 1, job->context->model->embed_dim, &tokens))
        full->tokens = csg_calloc(tokens, sizeof *full->tokens);
    if (!full->texts || !full->similarity || !full->grid_map || !full->part_from || !full->part_similarity || !full->tokens)
        return csg_fail_memory(err);
    memcpy(full->part_from, job->set->part_from, (n_texts + 1) * sizeof *full->part_from);
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < n_texts; i++)
        status = csg_strings_add(&full->names, texts[i], err);
    for (size_t i = 0; status == CSG_OK && i < n_texts; i++)
        full->texts[i].text = full->names.items[i];
    return status;
}

/* What is shown of the texts, on the backend: per text the row of its one part, or the mean of its parts' maps. */
static int combine(struct job *job, struct csg_similarities *shown, struct csg_error *err)
{
    const struct csg_text_set *set = job->set;
    int32_t *first = csg_calloc(set->n_texts, sizeof *first);
    if (!first)
        return csg_fail_memory(err);
    for (size_t t = 0; t < set->n_texts; t++)
        first[t] = set->parts[set->part_from[t]];
    int status = csg_similarities_pick(shown, &job->similarities, job->context, set->set.count, first, set->n_texts, job->cells,
                                       job->tokens, err);
    for (size_t t = 0; status == CSG_OK && t < set->n_texts; t++) {
        size_t n_parts = set->part_from[t + 1] - set->part_from[t];
        if (n_parts > 1)
            status = csg_similarities_combine(shown, t, &job->similarities, job->context, set->parts + set->part_from[t], n_parts,
                                              job->cells, err);
    }
    free(first);
    return status;
}

static int refine(struct job *job, struct csg_similarities *shown, struct csg_error *err)
{
    const struct csg_result *result = &job->result->result;
    struct csg_similarities fine = {0};
    int status = csg_similarities_refine(&fine, shown, job->context, job->set->n_texts, (size_t)result->grid_w,
                                         (size_t)result->grid_h, (size_t)result->map_w, (size_t)result->map_h, err);
    csg_similarities_free(shown);
    *shown = fine;
    return status;
}

/* Similarities, maps, ranges and peaks of the texts and the tokens in one piece; where it holds no tokens (the maps were refined) and where
 * a text has several parts, what is missing behind it. */
static int download(struct job *job, const struct csg_similarities *shown, float *ranges, float *peaks, struct csg_error *err)
{
    struct csg_full_result *full = job->result;
    const struct csg_text_set *set = job->set;
    size_t n = set->n_texts, n_parts = set->part_from[n], row_bytes = job->cells * sizeof(float);
    size_t values = n * job->map_cells, tokens = (job->cells + 1) * job->context->model->embed_dim;
    bool same = n == n_parts && job->map_cells == job->cells, whole = shown->tokens.buffer != NULL;
    size_t elements = 2 * values + 4 * n + (whole ? tokens : 0);
    float *all = csg_calloc(elements, sizeof *all);
    int status = all ? csg_buffer_read(shown->buffer, 0, all, elements * sizeof *all, err) : csg_fail_memory(err);
    if (status == CSG_OK) {
        memcpy(full->similarity, all, values * sizeof *all);
        memcpy(full->grid_map, all + values, values * sizeof *all);
        memcpy(ranges, all + 2 * values, n * 2 * sizeof *ranges);
        memcpy(peaks, all + 2 * values + 2 * n, n * 2 * sizeof *peaks);
        memcpy(full->tokens, all + 2 * values + 4 * n, whole ? tokens * sizeof *all : 0);
        memcpy(full->part_similarity, all, same ? n * row_bytes : 0);
    }
    free(all);
    if (status == CSG_OK && !whole)
        status = csg_buffer_read(job->tokens.buffer, job->tokens.at * sizeof(float), full->tokens, tokens * sizeof(float), err);
    for (size_t i = 0; status == CSG_OK && !same && i < n_parts; i++)
        status = csg_buffer_read(job->similarities.buffer,
                                 job->similarities.similarity.at * sizeof(float) + (size_t)set->parts[i] * row_bytes,
                                 full->part_similarity + i * job->cells, row_bytes, err);
    return status;
}

/* The cosine of CLS and the text, or the mean of its parts'. */
static float score(const struct job *job, size_t t)
{
    const struct csg_text_set *set = job->set;
    size_t embed = job->context->model->embed_dim, from = set->part_from[t], to = set->part_from[t + 1];
    double sum = 0;
    for (size_t i = from; i < to; i++) {
        const float *feature = job->features + (size_t)set->parts[i] * embed;
        for (size_t c = 0; c < embed; c++)
            sum += (double)job->result->tokens[c] * (double)feature[c];
    }
    return (float)(sum / (double)(to - from));
}

/* Where the finished maps are highest. */
static int find_peaks(struct job *job, const struct csg_similarities *shown, struct csg_error *err)
{
    const struct csg_result *result = &job->result->result;
    return csg_task_peaks(job->context->backend, shown->map, job->set->n_texts, (size_t)result->map_w, (size_t)result->map_h,
                          (size_t)job->image->width_px, (size_t)job->image->height_px, shown->peaks, err);
}

static void describe_texts(struct job *job, const float *ranges, const float *peaks)
{
    struct csg_full_result *full = job->result;
    for (size_t t = 0; t < job->set->n_texts; t++) {
        struct csg_text_result *text = full->texts + t;
        double sum = 0;
        for (size_t i = 0; i < job->map_cells; i++)
            sum += (double)full->similarity[t * job->map_cells + i];
        text->score = score(job, t);
        text->raw_min = ranges[2 * t];
        text->raw_max = ranges[2 * t + 1];
        text->raw_mean = (float)(sum / (double)job->map_cells);
        text->constant = !(text->raw_min < text->raw_max);
        if (text->constant)
            csg_log(job->context->log, CSG_LOG_WARNING, "the similarities of '%s' are all equal: its map is empty", text->text);
        text->peak_x_px = job->no_peaks ? -1 : (int)peaks[2 * t];
        text->peak_y_px = job->no_peaks ? -1 : (int)peaks[2 * t + 1];
    }
}

/* Damaged weights, or a device that computes wrong: no map may be made of it. */
static int check_finite(const struct job *job, struct csg_error *err)
{
    size_t n = (job->cells + 1) * job->context->model->embed_dim;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(job->result->tokens[i]))
            return csg_fail(err, CSG_ERROR_MODEL,
                            "the image tokens are not finite: the weights of %s are damaged, or the device fails",
                            job->context->model->path);
    for (size_t i = 0; i < job->set->set.count * job->context->model->embed_dim; i++)
        if (!isfinite(job->features[i]))
            return csg_fail(err, CSG_ERROR_MODEL,
                            "the text features are not finite: the weights of %s are damaged, or the device fails",
                            job->context->model->path);
    return CSG_OK;
}

/* That the device spent on resizing and encoding, as far as it is known. */
static double encoder_ms(const struct csg_backend *backend)
{
    return backend->stage_ms[CSG_STAGE_RESIZE] + backend->stage_ms[CSG_STAGE_ENCODE];
}

/* Nothing waits for the device but the download, which waits for all that was asked of it since the upload. */
static int compare(struct job *job, const char *const *texts, size_t n_texts, struct csg_error *err)
{
    double start_ms = csg_now_ms(), encoder_before_ms = encoder_ms(job->context->backend);
    struct csg_similarities shown = {0};
    float *ranges = csg_calloc(n_texts, 4 * sizeof *ranges), *peaks = ranges ? ranges + 2 * n_texts : NULL;
    int status = ranges ? allocate_result(job, texts, n_texts, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_similarities_compute(&job->similarities, job->context, job->tokens, job->cells, job->features,
                                          job->redundant, job->set->set.count, job->set->mode, job->method, err);
    if (status == CSG_OK)
        status = combine(job, &shown, err);
    if (status == CSG_OK && job->refinement)
        status = refine(job, &shown, err);
    if (status == CSG_OK && !job->no_peaks)
        status = find_peaks(job, &shown, err);
    if (status == CSG_OK)
        status = download(job, &shown, ranges, peaks, err);
    double rest_ms = csg_now_ms() - start_ms - (encoder_ms(job->context->backend) - encoder_before_ms);
    add_stage(job->result, "similarity", rest_ms > 0 ? rest_ms : 0);
    start_ms = csg_now_ms();
    if (status == CSG_OK)
        status = check_finite(job, err);
    if (status == CSG_OK)
        describe_texts(job, ranges, peaks);
    add_stage(job->result, "map", csg_now_ms() - start_ms);
    csg_similarities_free(&shown);
    free(ranges);
    return status;
}

static void fill_public(struct job *job)
{
    struct csg_full_result *full = job->result;
    struct csg_result *result = &full->result;
    result->method = job->method->name;
    result->mode = csg_mode_name(job->set->mode);
    result->fit = job->size.fit;
    result->first_block = (unsigned)job->plan.first_block;
    result->input_width_px = job->size.w_px;
    result->input_height_px = job->size.h_px;
    result->grid_w = job->size.w_px / (int)job->context->model->patch_px;
    result->grid_h = job->size.h_px / (int)job->context->model->patch_px;
    result->map_w = job->refinement ? job->size.w_px : result->grid_w;
    result->map_h = job->refinement ? job->size.h_px : result->grid_h;
    result->image_width_px = job->image->width_px;
    result->image_height_px = job->image->height_px;
    result->embed_dim = job->context->model->embed_dim;
    result->n_texts = job->set->n_texts;
    result->n_set = job->set->set.count;
    result->stages = full->stages;
}

static void link_public(struct csg_full_result *full)
{
    full->result.texts = full->texts;
    full->result.similarity = full->similarity;
    full->result.grid_map = full->grid_map;
    full->result.tokens = full->tokens;
}

/* What all pictures share: method, texts and their features. */
static int prepare(struct job *job, const char *const *texts, size_t n_texts, const struct csg_map_params *params,
                   struct csg_error *err)
{
    if (job->sentence)
        return token_features(job, params, err);
    int status = csg_text_set_create(&job->set, texts, n_texts, job->method, params->labels, params->redundant, err);
    return status ? status : text_features(job, err);
}

static int begin_picture(struct job *job, const struct job *shared, const struct csg_image *image,
                         const struct csg_map_params *params, struct csg_error *err)
{
    *job = *shared;
    job->image = image;
    job->result = csg_calloc(1, sizeof *job->result);
    int status = job->result ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_input_size(&job->size, job->context->model, image, params->fit, params->size_px, err);
    if (status == CSG_OK)
        status = csg_input_windows(&job->size, job->context->model, job->method, params->window_px, params->stride_px, err);
    if (status == CSG_OK)
        status = csg_input_pyramid(&job->size, job->context->model, job->method, params->size_px, params->pyramid, err);
    return status;
}

/* Those of the jobs from the first one on that the encoder sees at its size and that have no tokens yet, at most `limit`. */
static size_t find_equals(struct job **found, struct job *jobs, size_t n, size_t limit)
{
    size_t count = 0;
    for (size_t i = 0; i < n && count < limit; i++)
        if (!jobs[i].tokens.buffer && jobs[i].size.w_px == jobs[0].size.w_px && jobs[i].size.h_px == jobs[0].size.h_px)
            found[count++] = jobs + i;
    return count;
}

static const struct {
    const char *name;
    enum csg_stage stage;
} encoder_stages[] = {{"resize", CSG_STAGE_RESIZE}, {"encode", CSG_STAGE_ENCODE}};
#define N_ENCODER_STAGES (sizeof encoder_stages / sizeof *encoder_stages)

static int encode(struct job **jobs, size_t count, const struct csg_image **images, struct csg_error *err)
{
    const struct job *first = jobs[0];
    struct csg_view tokens = {0};
    for (size_t i = 0; i < count; i++)
        images[i] = jobs[i]->image;
    int status = csg_encode_pictures(first->context, images, count, &first->size, &first->plan, &tokens, err);
    for (size_t i = 0; i < count; i++) {
        struct job *job = jobs[i];
        fill_public(job);
        job->cells = (size_t)job->result->result.grid_w * (size_t)job->result->result.grid_h;
        job->map_cells = (size_t)job->result->result.map_w * (size_t)job->result->result.map_h;
        job->tokens = csg_view(tokens.buffer, tokens.at + i * (job->cells + 1) * job->context->model->embed_dim);
        add_stage(job->result, "text", job->text_ms);
        for (size_t s = 0; s < N_ENCODER_STAGES; s++) /* see share_times */
            add_stage(job->result, encoder_stages[s].name, 0);
    }
    return status;
}

/* A picture's share of what the device spent on the group, which is known once the first download is there. */
static void share_times(struct job *const *jobs, size_t count)
{
    const struct csg_backend *backend = jobs[0]->context->backend;
    for (size_t i = 0; i < count; i++)
        for (size_t s = 0; s < N_ENCODER_STAGES; s++)
            jobs[i]->result->stages[1 + s].ms = backend->stage_ms[encoder_stages[s].stage] / (double)count;
}

/* Group by group; the tower keeps the tokens of the last group alone. */
static int map_pictures(struct job *jobs, size_t n, const char *const *texts, struct csg_error *err)
{
    const struct job *job = jobs;
    /* They look at what the tower kept. */
    bool one_by_one = job->method->relevance || job->refinement || job->size.window_px || job->size.levels;
    bool together = !one_by_one && job->context->vision && csg_vision_together(job->context->vision, &job->plan);
    struct job **group = csg_calloc(n, sizeof *group);
    const struct csg_image **images = csg_calloc(n, sizeof *images);
    int status = group && images ? CSG_OK : csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < n; i++) {
        if (jobs[i].tokens.buffer)
            continue;
        size_t count = find_equals(group, jobs + i, n - i, together ? n : 1);
        memset(job->context->backend->stage_ms, 0, sizeof job->context->backend->stage_ms);
        status = encode(group, count, images, err);
        for (size_t g = 0; status == CSG_OK && g < count; g++) {
            status = compare(group[g], texts, job->set->n_texts, err);
            if (status == CSG_OK && g == 0)
                share_times(group, count);
            csg_similarities_free(&group[g]->similarities);
        }
    }
    free(group);
    free(images);
    return status;
}

static int run(struct job shared, const struct csg_image *const *images, size_t n, const char *const *texts, size_t n_texts,
               const struct csg_map_params *params, struct csg_full_result **out, struct csg_error *err)
{
    struct job *jobs = csg_calloc(n, sizeof *jobs);
    int status = !n ? csg_fail(err, CSG_ERROR_USAGE, "there is no picture to be mapped") : jobs ? CSG_OK : csg_fail_memory(err);
    shared.no_peaks = params->no_peaks;
    if (status == CSG_OK)
        status = csg_method_find(&shared.method, params->method, err);
    if (status == CSG_OK)
        status = csg_method_plan(&shared.plan, shared.method, shared.context->model, params->first_block, err);
    if (status == CSG_OK)
        status = csg_refinement_find(&shared.refinement, params->refine, err);
    for (size_t i = 0; status == CSG_OK && i < n; i++)
        status = begin_picture(&jobs[i], &shared, images[i], params, err);
    if (status == CSG_OK)
        status = prepare(&shared, texts, n_texts, params, err);
    for (size_t i = 0; status == CSG_OK && i < n; i++) {
        jobs[i].set = shared.set;
        jobs[i].features = shared.features;
        jobs[i].redundant = shared.redundant;
        jobs[i].text_ms = shared.text_ms;
    }
    if (status == CSG_OK)
        status = map_pictures(jobs, n, shared.sentence ? (const char *const *)shared.set->set.items : texts, err);
    for (size_t i = 0; i < n; i++) {
        if (jobs && status)
            csg_full_result_destroy(&jobs[i].result);
        else if (jobs)
            link_public(jobs[i].result);
        out[i] = jobs ? jobs[i].result : NULL;
    }
    csg_text_set_destroy(&shared.set);
    free(shared.features);
    free(shared.redundant);
    free(jobs);
    return status;
}

static const struct csg_map_params defaults = {0};

int csg_task_map(const struct csg_context *context, const struct csg_image *const *images, size_t n_images,
                 const char *const *texts, size_t n_texts, const struct csg_map_params *params, struct csg_full_result **out,
                 struct csg_error *err)
{
    return run((struct job){.context = context}, images, n_images, texts, n_texts, params ? params : &defaults, out, err);
}

int csg_task_tokens(const struct csg_context *context, const struct csg_image *image, const char *sentence,
                    const struct csg_map_params *params, struct csg_full_result **out, struct csg_error *err)
{
    struct csg_map_params own = params ? *params : defaults;
    if (!own.method)
        own.method = "arch";
    return run((struct job){.context = context, .sentence = sentence}, &image, 1, NULL, 0, &own, out, err);
}

void csg_full_result_destroy(struct csg_full_result **out)
{
    struct csg_full_result *full = out ? *out : NULL;
    if (!full)
        return;
    csg_strings_free(&full->names);
    free(full->texts);
    free(full->similarity);
    free(full->grid_map);
    free(full->tokens);
    free(full->part_from);
    free(full->part_similarity);
    free(full->points);
    free(full->labels);
    free(full);
    *out = NULL;
}

int csg_task_bilinear(struct csg_backend *backend, const float *in, size_t n, size_t in_w, size_t in_h, float *out, size_t out_w,
                      size_t out_h, struct csg_error *err)
{
    struct csg_buffer *from = NULL, *to = NULL;
    size_t elements = n * out_w * out_h;
    int status = csg_buffer_from(backend, in, n * in_w * in_h * sizeof *in, &from, err);
    if (status == CSG_OK)
        status = csg_buffer_create(backend, elements * sizeof *out, &to, err);
    if (status == CSG_OK) {
        const struct csg_bilinear_args args = {
            .in = csg_view(from, 0), .out = csg_view(to, 0), .n = n, .in_w = in_w, .in_h = in_h, .out_w = out_w, .out_h = out_h};
        status = csg_bilinear(backend, &args, err);
    }
    if (status == CSG_OK)
        status = csg_buffer_read(to, 0, out, elements * sizeof *out, err);
    csg_buffer_destroy(&from);
    csg_buffer_destroy(&to);
    return status;
}
