/* Times the ways of the device at the engine's own work. */
#include <stdio.h>
#include <stdlib.h>

#include "api/engine.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/rng.h"
#include "check/conf.h"
#include "ocl/backend.h"
#include "ref/ref.h"
#include "task/encode.h"
#include "task/method.h"

#define DEFAULT_SECONDS 20.0
#define MOST_SECONDS 86400.0
#define SHARE_OF_PICTURES 0.75 /* of the time, where there are texts too */
#define TIMES 3                /* encodings before and after, of which the least time counts */
#define MOST_TEXTS 5           /* with all templates they fill a batch of the text tower, and a bit */
#define SEED 1

struct job {
    struct csg_context context;
    const struct csg_tune_params *params;
    struct csg_backend *reference;
    struct csg_input_size size;
    struct csg_net_plan plan;
    struct csg_image *picture;
    struct csg_strings labels;
    size_t n_texts;
    float *features;
    double start_ms, most_ms;
    size_t passes;
};

struct full_tune {
    struct csg_tune tune; /* first: the public part is what callers hold */
    struct csg_tune_shape *shapes;
};

/* ------------------------------------------------------------------------------------------ the work */

static int encode_picture(struct job *job, struct csg_error *err)
{
    const struct csg_image *picture = job->picture;
    struct csg_view tokens;
    int status = csg_encode_pictures(&job->context, &picture, 1, &job->size, &job->plan, &tokens, err);
    return status ? status : csg_backend_finish(job->context.backend, err);
}

static int encode_texts(struct job *job, struct csg_error *err)
{
    return csg_ensemble_compute(job->context.ensemble, (const char *const *)job->labels.items, job->n_texts, job->features, err);
}

/* Noise: what the pixels are does not matter. */
static int prepare_picture(struct job *job, struct csg_error *err)
{
    const struct csg_model *model = job->context.model;
    const struct csg_method *method = NULL;
    struct csg_rng rng;
    int size_px = job->params->size_px ? job->params->size_px : (int)model->image_px;
    const struct csg_image square = {.width_px = size_px, .height_px = size_px};
    int status = csg_input_size(&job->size, model, &square, NULL, size_px, err);
    if (status == CSG_OK)
        status = csg_method_find(&method, NULL, err);
    if (status == CSG_OK)
        status = csg_method_plan(&job->plan, method, model, job->params->first_block, err);
    if (status == CSG_OK)
        status = csg_image_create(&job->picture, size_px, size_px, err);
    csg_rng_init(&rng, SEED, 0);
    for (size_t i = 0; status == CSG_OK && i < 3 * (size_t)size_px * (size_t)size_px; i++)
        job->picture->rgb[i] = (uint8_t)(csg_rng_u32(&rng) >> 24);
    return status;
}

static int prepare_texts(struct job *job, struct csg_error *err)
{
    int status = csg_labels_load(&job->labels, "voc20", err);
    job->n_texts = job->labels.count < MOST_TEXTS ? job->labels.count : MOST_TEXTS;
    if (status == CSG_OK)
        job->features = csg_calloc(job->n_texts, job->context.model->embed_dim * sizeof *job->features);
    return status == CSG_OK && !job->features ? csg_fail_memory(err) : status;
}

/* ------------------------------------------------------------------------------------------ timing it */

/* Whether the operator passes the self-test's small cases of that precision. */
static int judge(void *user, struct csg_backend *backend, enum csg_op op, enum csg_precision precision, bool *right,
                 struct csg_error *err)
{
    struct job *job = user;
    int status = CSG_OK;
    *right = true;
    for (size_t i = 0; status == CSG_OK && *right && i < conf_tests[op]->cases; i++) {
        struct conf_case c;
        struct conf_verdict verdict = {.passed = false};
        conf_case_describe(&c, op, i, SEED);
        if (!c.small || (op == CSG_OP_gemm ? c.weight.precision : c.args.attention.precision) != precision)
            continue;
        status = conf_check(&verdict, op, i, SEED, job->reference, backend, err);
        *right = verdict.passed;
    }
    return status;
}

static int passes(struct job *job, int (*work)(struct job *, struct csg_error *), double until_ms, struct csg_error *err)
{
    struct csg_backend *backend = job->context.backend;
    const struct csg_tune_params *params = job->params;
    bool more = true;
    while (more) {
        size_t done, shapes;
        int status = work(job, err);
        if (status == CSG_OK)
            status = csg_ocl_tune_more(backend, until_ms, &more, err);
        if (status)
            return status;
        csg_ocl_tune_progress(backend, &done, &shapes);
        if (params->progress)
            params->progress(params->progress_user, ++job->passes, done, shapes,
                             (job->start_ms + job->most_ms - csg_now_ms()) * 1e-3);
    }
    return CSG_OK;
}

static int least_time(struct job *job, double *ms, struct csg_error *err)
{
    *ms = 0.0;
    for (size_t i = 0; i < TIMES; i++) {
        double start_ms = csg_now_ms();
        int status = encode_picture(job, err);
        if (status)
            return status;
        double took_ms = csg_now_ms() - start_ms;
        *ms = i == 0 || took_ms < *ms ? took_ms : *ms;
    }
    return CSG_OK;
}

static int tune_backend(struct job *job, struct full_tune *full, struct csg_error *err)
{
    const struct csg_ocl_tune_params ocl = {judge, job};
    struct csg_backend *backend = job->context.backend;
    bool texts = job->n_texts > 0;
    double end_ms = job->start_ms + job->most_ms;
    int status = csg_ocl_tune_begin(backend, &ocl, err);
    if (status == CSG_OK && job->picture)
        status = passes(job, encode_picture, texts ? job->start_ms + SHARE_OF_PICTURES * job->most_ms : end_ms, err);
    if (status == CSG_OK && texts)
        status = passes(job, encode_texts, end_ms, err);
    if (status == CSG_OK)
        status = csg_ocl_tune_end(backend, &full->shapes, &full->tune.n_shapes, &full->tune.kept, err);
    if (status)
        csg_ocl_tune_cancel(backend);
    return status;
}

static int run(struct job *job, struct full_tune *full, struct csg_error *err)
{
    int status = csg_ref_backend_create(&job->reference, err);
    if (status == CSG_OK && job->context.vision)
        status = prepare_picture(job, err);
    if (status == CSG_OK && csg_ensemble_computes(job->context.ensemble))
        status = prepare_texts(job, err);
    /* What any work needs is compiled before the time begins. */
    if (status == CSG_OK && job->picture)
        status = encode_picture(job, err);
    if (status == CSG_OK && job->n_texts)
        status = encode_texts(job, err);
    job->start_ms = csg_now_ms();
    if (status == CSG_OK && job->picture)
        status = least_time(job, &full->tune.before_ms, err);
    if (status == CSG_OK)
        status = tune_backend(job, full, err);
    if (status == CSG_OK && job->picture)
        status = least_time(job, &full->tune.after_ms, err);
    return status;
}

int csg_tune_run(struct csg_engine *engine, const struct csg_tune_params *params, struct csg_tune **out, struct csg_error *err)
{
    static const struct csg_tune_params defaults = {0};
    struct csg_engine_info info;
    *out = NULL;
    if (!params)
        params = &defaults;
    double seconds = params->seconds != 0.0 ? params->seconds : DEFAULT_SECONDS;
    if (!engine->backend->class_->counts_itself)
        return csg_fail(err, CSG_ERROR_USAGE, "the C reference has one way of everything; there is nothing to be timed");
    if (!(seconds > 0.0 && seconds <= MOST_SECONDS))
        return csg_fail(err, CSG_ERROR_USAGE, "%g seconds are not a time from 0 to %g", seconds, MOST_SECONDS);
    struct job job = {
        .context = csg_engine_context(engine), .params = params, .start_ms = csg_now_ms(), .most_ms = seconds * 1e3};
    struct full_tune *full = csg_calloc(1, sizeof *full);
    int status = full ? run(&job, full, err) : csg_fail_memory(err);
    csg_backend_destroy(&job.reference);
    csg_image_destroy(&job.picture);
    csg_strings_free(&job.labels);
    free(job.features);
    if (status) {
        if (full)
            csg_ocl_tune_free(full->shapes, full->tune.n_shapes);
        free(full);
        return csg_engine_end(engine, status);
    }
    csg_engine_info(engine, &info);
    struct csg_tune *tune = &full->tune;
    tune->device = info.device;
    tune->driver = info.driver;
    tune->precision = info.precision;
    tune->size_px = job.size.w_px;
    tune->seconds = (csg_now_ms() - job.start_ms) * 1e-3;
    tune->shapes = full->shapes;
    tune->complete = true;
    for (size_t i = 0; i < tune->n_shapes; i++)
        tune->complete = tune->complete && full->shapes[i].complete;
    *out = tune;
    return CSG_OK;
}

void csg_tune_free(struct csg_tune **result)
{
    if (result && *result) {
        struct full_tune *full = (struct full_tune *)*result; /* its first member */
        csg_ocl_tune_free(full->shapes, full->tune.n_shapes);
        free(full);
        *result = NULL;
    }
}
