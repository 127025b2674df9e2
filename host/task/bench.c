#include "task/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "base/rng.h"
#include "task/encode.h"
#include "task/similarity.h"

#define MOST_RUNS 1000
#define MOST_BATCH 1024
#define DEFAULT_RUNS 10
#define LEAST_RUNS 3
#define PATIENCE_MS 5000.0 /* runs that were not asked for end after this */
#define MAP_RUNS 5
#define MAP_W_PX 640
#define MAP_H_PX 480

struct job {
    const struct csg_context *context;
    const struct csg_bench_params *params;
    struct csg_backend *reference; /* NULL: the error is not asked for */
    const struct csg_method *method;
    struct csg_net_plan plan;
    struct csg_input_size size;
    struct csg_full_bench *out;
    size_t batch;    /* pictures */
    uint8_t *pixels; /* [batch] */
    struct csg_buffer *rgb;
    struct csg_view *views; /* [batch] of rgb */
    struct csg_view tokens;
    struct csg_strings labels;
    float *features;
};

static size_t pixel_bytes(const struct job *job)
{
    return 3 * (size_t)job->size.w_px * (size_t)job->size.h_px;
}

/* Every run has pictures of its own. */
static void draw_pictures(const struct job *job, size_t run)
{
    struct csg_rng rng;
    csg_rng_init(&rng, 1, run);
    for (size_t i = 0; i < job->batch * pixel_bytes(job); i++)
        job->pixels[i] = (uint8_t)(csg_rng_u32(&rng) >> 24);
}

/* Keeps what the launches since `first` in the trace were. Times begin with the first launch that was queued. */
static int keep_events(struct job *job, const char *stage, const struct csg_trace *trace, struct csg_error *err)
{
    struct csg_bench *bench = &job->out->bench;
    struct csg_bench_event *events = csg_realloc(job->out->events, bench->n_events + trace->count + 1, sizeof *events);
    if (!events)
        return csg_fail_memory(err);
    job->out->events = events;
    for (size_t i = 0; i < trace->count; i++) {
        const struct csg_launch *l = trace->launches + i;
        events[bench->n_events++] =
            (struct csg_bench_event){stage, csg_op_name(l->op), l->queued_ms, l->start_ms, l->end_ms - l->start_ms};
    }
    return CSG_OK;
}

/* From before the pictures go to the device until the tokens are there. */
static int encode_once(struct job *job, double *ms, struct csg_error *err)
{
    double start_ms = csg_now_ms();
    int status = csg_buffer_write(job->rgb, 0, job->pixels, job->batch * pixel_bytes(job), err);
    if (status == CSG_OK)
        status = csg_vision_encode(job->context->vision, job->views, job->batch, (size_t)job->size.w_px, (size_t)job->size.h_px,
                                   &job->plan, &job->tokens, err);
    if (status == CSG_OK)
        status = csg_backend_finish(job->context->backend, err);
    *ms = csg_now_ms() - start_ms;
    return status;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2.0;
}

/* Where the time of the fastest run went. */
static void describe_stages(struct job *job, const struct csg_trace *trace)
{
    struct csg_bench *bench = &job->out->bench;
    struct csg_work work[CSG_OP_COUNT] = {{0}};
    struct csg_bench_stage all[CSG_OP_COUNT] = {{0}};
    double running_ms = 0.0, pictures = (double)job->batch,
           flop = csg_encode_work(job->context->model, &job->plan, job->context->vision->operand, (size_t)job->size.w_px,
                                  (size_t)job->size.h_px, work);
    for (size_t i = 0; i < trace->count; i++) {
        const struct csg_launch *l = trace->launches + i;
        all[l->op].launches++;
        all[l->op].ms += l->end_ms - l->start_ms;
        running_ms += l->end_ms - l->start_ms;
    }
    for (int op = 0; op < CSG_OP_COUNT; op++) {
        if (!all[op].launches)
            continue;
        all[op].op = csg_op_name((enum csg_op)op);
        all[op].flop = pictures * work[op].flop;
        all[op].bytes = pictures * work[op].bytes;
        job->out->stages[bench->n_stages++] = all[op];
    }
    bench->stages = job->out->stages;
    bench->gap_ms = bench->encode_min_ms - running_ms;
    bench->encode_flop = pictures * flop;
    bench->gflop_s = bench->encode_flop / bench->encode_min_ms * 1e-6;
}

static int time_encode(struct job *job, struct csg_error *err)
{
    struct csg_backend *backend = job->context->backend;
    struct csg_bench *bench = &job->out->bench;
    struct csg_trace best = {0};
    double ms[MOST_RUNS], warm_ms = 0.0, spent_ms = 0.0;
    size_t wanted = job->params->runs ? job->params->runs : DEFAULT_RUNS, runs = 0;
    draw_pictures(job, MOST_RUNS);
    int status = encode_once(job, &warm_ms, err);
    while (status == CSG_OK && runs < wanted && (job->params->runs || runs < LEAST_RUNS || spent_ms < PATIENCE_MS)) {
        struct csg_trace trace = {0};
        draw_pictures(job, runs);
        backend->trace = &trace;
        uint64_t tuned = backend->tuned;
        status = encode_once(job, &ms[runs], err);
        backend->trace = NULL;
        spent_ms += ms[runs];
        if (status == CSG_OK && (runs == 0 || ms[runs] < bench->encode_min_ms)) {
            bench->encode_min_ms = ms[runs];
            bench->tuned_launches = backend->tuned - tuned;
            csg_trace_free(&best);
            best = trace;
        } else {
            csg_trace_free(&trace);
        }
        runs++;
    }
    if (status == CSG_OK) {
        bench->runs = runs;
        bench->encode_median_ms = median(ms, runs);
        describe_stages(job, &best);
        status = keep_events(job, "encode", &best, err);
    }
    csg_trace_free(&best);
    return status;
}

/* The tokens of the last run's picture of that number, which are still there, against the reference's. */
static int compare_picture(struct job *job, struct csg_vision *vision, size_t picture, float *got, float *want,
                           struct csg_error *err)
{
    size_t count = job->out->bench.tokens * job->context->model->embed_dim, bytes = count * sizeof *got;
    struct csg_buffer *rgb = NULL;
    struct csg_view tokens, view;
    int status = csg_buffer_read(job->tokens.buffer, job->tokens.at * sizeof *got + picture * bytes, got, bytes, err);
    if (status == CSG_OK)
        status = csg_buffer_from(job->reference, job->pixels + picture * pixel_bytes(job), pixel_bytes(job), &rgb, err);
    view = csg_view(rgb, 0);
    if (status == CSG_OK)
        status = csg_vision_encode(vision, &view, 1, (size_t)job->size.w_px, (size_t)job->size.h_px, &job->plan, &tokens, err);
    if (status == CSG_OK)
        status = csg_buffer_read(tokens.buffer, tokens.at * sizeof *want, want, bytes, err);
    for (size_t i = 0; status == CSG_OK && i < count; i++) {
        double error = fabs((double)got[i] - (double)want[i]), *worst = &job->out->bench.error;
        *worst = error <= *worst ? *worst : isnan(error) ? INFINITY : error;
    }
    csg_buffer_destroy(&rgb);
    return status;
}

static int measure_error(struct job *job, struct csg_error *err)
{
    size_t count = job->out->bench.tokens * job->context->model->embed_dim;
    struct csg_vision *vision = NULL;
    float *got = csg_calloc(count, sizeof *got), *want = csg_calloc(count, sizeof *want);
    int status = got && want ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_vision_create(&vision, job->reference, job->context->model, err);
    job->out->bench.error = 0.0;
    for (size_t i = 0; status == CSG_OK && i < job->batch; i++)
        status = compare_picture(job, vision, i, got, want, err);
    csg_vision_destroy(&vision);
    free(got);
    free(want);
    return status;
}

static int time_texts(struct job *job, struct csg_error *err)
{
    struct csg_backend *backend = job->context->backend;
    struct csg_bench *bench = &job->out->bench;
    struct csg_trace trace = {0};
    const char *const *labels = (const char *const *)job->labels.items;
    size_t embed = job->context->model->embed_dim;
    job->features = csg_calloc(job->labels.count, embed * sizeof *job->features);
    if (!job->features)
        return csg_fail_memory(err);
    int status = csg_ensemble_compute(job->context->ensemble, labels, 1, job->features, err); /* programs and memory */
    backend->trace = &trace;
    double start_ms = csg_now_ms();
    if (status == CSG_OK)
        status = csg_ensemble_compute(job->context->ensemble, labels, job->labels.count, job->features, err);
    bench->text_ms = csg_now_ms() - start_ms;
    backend->trace = NULL;
    if (status == CSG_OK)
        status = keep_events(job, "text", &trace, err);
    csg_trace_free(&trace);
    bench->n_texts = job->labels.count;
    bench->n_templates = csg_ensemble_templates(job->context->ensemble);
    return status;
}

/* Feature surgery over the labels and the finished map of each. */
static int map_once(struct job *job, struct csg_buffer *maps, struct csg_error *err)
{
    struct csg_similarities similarities;
    size_t side_w = (size_t)job->size.w_px / job->context->model->patch_px,
           side_h = (size_t)job->size.h_px / job->context->model->patch_px;
    int status = csg_similarities_compute(&similarities, job->context, job->tokens, job->out->bench.tokens - 1, job->features,
                                          NULL, job->labels.count, CSG_MODE_SET, job->method, err);
    if (status)
        return status;
    const struct csg_bilinear_args args = {.in = similarities.map,
                                           .out = csg_view(maps, 0),
                                           .n = job->labels.count,
                                           .in_w = side_w,
                                           .in_h = side_h,
                                           .out_w = MAP_W_PX,
                                           .out_h = MAP_H_PX};
    status = csg_bilinear(job->context->backend, &args, err);
    if (status == CSG_OK)
        status = csg_backend_finish(job->context->backend, err);
    csg_similarities_free(&similarities);
    return status;
}

static int time_maps(struct job *job, struct csg_error *err)
{
    struct csg_backend *backend = job->context->backend;
    struct csg_bench *bench = &job->out->bench;
    struct csg_buffer *maps = NULL;
    struct csg_trace trace = {0};
    double ms[MAP_RUNS];
    int status = csg_buffer_create(backend, job->labels.count * MAP_W_PX * MAP_H_PX * sizeof(float), &maps, err);
    if (status == CSG_OK)
        status = map_once(job, maps, err);
    for (size_t run = 0; status == CSG_OK && run < MAP_RUNS; run++) {
        backend->trace = run + 1 == MAP_RUNS ? &trace : NULL;
        double start_ms = csg_now_ms();
        status = map_once(job, maps, err);
        ms[run] = csg_now_ms() - start_ms;
        backend->trace = NULL;
    }
    if (status == CSG_OK) {
        qsort(ms, MAP_RUNS, sizeof *ms, by_value);
        bench->map_ms = ms[0];
        bench->map_width_px = MAP_W_PX;
        bench->map_height_px = MAP_H_PX;
        status = keep_events(job, "map", &trace, err);
    }
    csg_trace_free(&trace);
    csg_buffer_destroy(&maps);
    return status;
}

static int prepare(struct job *job, struct csg_error *err)
{
    const struct csg_bench_params *params = job->params;
    const struct csg_model *model = job->context->model;
    int size_px = params->size_px ? params->size_px : (int)model->image_px;
    const struct csg_image square = {.width_px = size_px, .height_px = size_px};
    job->batch = params->batch ? params->batch : 1;
    if (job->batch > MOST_BATCH)
        return csg_fail(err, CSG_ERROR_USAGE, "%zu pictures together are more than the %d that there may be", job->batch,
                        MOST_BATCH);
    if (params->runs > MOST_RUNS)
        return csg_fail(err, CSG_ERROR_USAGE, "%zu runs are more than the %d that there may be", params->runs, MOST_RUNS);
    int status = csg_method_find(&job->method, NULL, err);
    if (status == CSG_OK)
        status = csg_input_size(&job->size, model, &square, NULL, size_px, err);
    if (status == CSG_OK && !params->no_texts)
        status = csg_labels_load(&job->labels, params->labels ? params->labels : "pascal59", err);
    if (status == CSG_OK)
        status = csg_method_plan(&job->plan, job->method, model, params->first_block, err);
    if (status == CSG_OK && job->batch > 1 && !csg_vision_together(job->context->vision, &job->plan))
        status = csg_fail(err, CSG_ERROR_USAGE, "pictures go through %s one by one: no batch of %zu", model->name, job->batch);
    if (status)
        return status;
    job->out->bench.size_px = size_px;
    job->out->bench.batch = job->batch;
    job->out->bench.tokens = 1 + (size_t)(size_px / (int)model->patch_px) * (size_t)(size_px / (int)model->patch_px);
    job->pixels = csg_calloc(job->batch, pixel_bytes(job));
    job->views = csg_calloc(job->batch, sizeof *job->views);
    if (!job->pixels || !job->views)
        return csg_fail_memory(err);
    status = csg_buffer_create(job->context->backend, job->batch * pixel_bytes(job), &job->rgb, err);
    for (size_t i = 0; i < job->batch; i++)
        job->views[i] = csg_view(job->rgb, i * pixel_bytes(job));
    return status;
}

int csg_task_bench(const struct csg_context *context, const struct csg_bench_params *params, struct csg_backend *reference,
                   struct csg_full_bench **out, struct csg_error *err)
{
    struct job job = {.context = context, .params = params, .reference = reference, .out = csg_calloc(1, sizeof *job.out)};
    *out = NULL;
    int status = job.out ? prepare(&job, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = time_encode(&job, err);
    if (status == CSG_OK) /* what the last run left is compared before anything else runs */
        job.out->bench.error = NAN;
    if (status == CSG_OK && reference)
        status = measure_error(&job, err);
    if (status == CSG_OK && !params->no_texts)
        status = time_texts(&job, err);
    if (status == CSG_OK && !params->no_texts)
        status = time_maps(&job, err);
    csg_buffer_destroy(&job.rgb);
    csg_strings_free(&job.labels);
    free(job.pixels);
    free(job.views);
    free(job.features);
    if (status) {
        csg_full_bench_destroy(&job.out);
        return status;
    }
    job.out->bench.events = job.out->events;
    *out = job.out;
    return CSG_OK;
}

void csg_full_bench_destroy(struct csg_full_bench **out)
{
    if (out && *out) {
        free((*out)->events);
        free(*out);
        *out = NULL;
    }
}
