#include "worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "worker_engine.h"

/* A call that runs longer than this on texts that are no longer wanted is cut short. */
#define STALE_MS 300.0

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*wake)(void);
    /* Under the lock. */
    bool quit, has_job, has_export, has_message, running;
    struct job job;
    struct outcome *outcome;
    struct worker_state state;
    struct export_request export;
    char message[VIEW_PATH];
    uint64_t running_serial;
    double running_since_ms;
    struct csg_engine *interruptible;
    /* The thread's own. */
    struct keeper keeper, reference;
    struct encoded *given; /* what the engine was told last */
};

struct outcome *outcome_ref(struct outcome *outcome)
{
    if (outcome)
        atomic_fetch_add(&outcome->refs, 1);
    return outcome;
}

void outcome_unref(struct outcome **out)
{
    struct outcome *outcome = *out;
    *out = NULL;
    if (!outcome || atomic_fetch_sub(&outcome->refs, 1) != 1)
        return;
    csg_result_destroy(&outcome->result);
    csg_result_destroy(&outcome->other);
    for (size_t i = 0; i < VIEW_MAX_TEXTS; i++) {
        free(outcome->points[i].xy);
        free(outcome->points[i].labels);
    }
    frame_unref(&outcome->job.frame);
    encoded_unref(&outcome->job.encoded);
    free(outcome);
}

static void on_log(void *user, enum csg_log_level level, const char *message)
{
    struct worker *worker = user;
    if (level == CSG_LOG_DEBUG)
        return;
    pthread_mutex_lock(&worker->lock);
    view_copy(worker->state.doing, sizeof worker->state.doing, message);
    pthread_mutex_unlock(&worker->lock);
    worker->wake();
}

static void describe(struct worker *worker)
{
    struct csg_engine_info info;
    csg_engine_info(worker->keeper.engine, &info);
    pthread_mutex_lock(&worker->lock);
    struct worker_state *s = &worker->state;
    s->ready = true;
    s->engine_serial++;
    s->spec = worker->keeper.spec;
    view_copy(s->model_name, sizeof s->model_name, info.model_name);
    view_copy(s->device, sizeof s->device, info.device);
    view_copy(s->platform, sizeof s->platform, info.platform);
    view_copy(s->driver, sizeof s->driver, info.driver);
    view_copy(s->device_class, sizeof s->device_class, info.device_class);
    view_copy(s->precision, sizeof s->precision, info.precision);
    s->image_size_px = info.image_size_px;
    s->patch_px = info.patch_px;
    s->layers = info.layers;
    s->first_block_default = info.first_block_default;
    s->no_methods = 0;
    for (size_t i = 0; csg_method_name(i) && i < 64; i++)
        s->no_methods |= (uint64_t)!csg_method_fits(worker->keeper.engine, i) << i;
    view_copy(s->trouble, sizeof s->trouble, worker->keeper.trouble);
    s->doing[0] = 0;
    pthread_mutex_unlock(&worker->lock);
}

static void list_devices(struct worker *worker)
{
    struct csg_device_info *devices = NULL;
    size_t count = 0;
    if (csg_devices_list(&devices, &count, NULL) != CSG_OK)
        return;
    pthread_mutex_lock(&worker->lock);
    struct worker_state *s = &worker->state;
    s->n_devices = 0;
    for (size_t i = 0; i < count && s->n_devices < sizeof s->devices / sizeof *s->devices; i++)
        if (devices[i].usable) {
            view_copy(s->devices[s->n_devices], sizeof *s->devices, devices[i].name);
            view_format(s->device_specs[s->n_devices++], sizeof *s->device_specs, "%u", devices[i].index);
        }
    pthread_mutex_unlock(&worker->lock);
    csg_devices_free(&devices);
}

static void say_doing(struct worker *worker, const char *what)
{
    pthread_mutex_lock(&worker->lock);
    view_copy(worker->state.doing, sizeof worker->state.doing, what);
    pthread_mutex_unlock(&worker->lock);
    worker->wake();
}

static int ensure_engine(struct worker *worker, const struct engine_spec *spec, struct csg_error *err)
{
    bool opened;
    if (memcmp(spec, &worker->keeper.spec, sizeof *spec) != 0)
        say_doing(worker, "opening the model and the device");
    int status = keeper_ensure(&worker->keeper, spec, &opened, err);
    if (opened) {
        encoded_unref(&worker->given);
        keeper_close(&worker->reference);
        list_devices(worker);
        describe(worker);
    } else if (status) {
        pthread_mutex_lock(&worker->lock);
        worker->state.doing[0] = 0;
        if (!worker->keeper.engine) {
            worker->state.ready = false;
            view_copy(worker->state.trouble, sizeof worker->state.trouble, err->sentence);
        }
        pthread_mutex_unlock(&worker->lock);
    }
    return status;
}

static int ensure_reference(struct worker *worker, const struct engine_spec *spec, struct csg_error *err)
{
    struct engine_spec plain = *spec;
    bool opened;
    memset(plain.device, 0, sizeof plain.device);
    memset(plain.precision, 0, sizeof plain.precision);
    view_copy(plain.device, sizeof plain.device, "reference");
    if (!worker->reference.engine)
        say_doing(worker, "opening the C reference");
    return keeper_ensure(&worker->reference, &plain, &opened, err);
}

/* The features that another thread has computed. */
static int give_features(struct worker *worker, const struct job *job, struct csg_error *err)
{
    if (worker->given == job->encoded)
        return CSG_OK;
    const struct csg_label_set *needed = &job->encoded->needed;
    int status =
        csg_take_features(worker->keeper.engine, (const char *const *)needed->labels, needed->count, job->encoded->features, err);
    encoded_unref(&worker->given);
    worker->given = status ? NULL : encoded_ref(job->encoded);
    return status;
}

static void set_interruptible(struct worker *worker, struct csg_engine *engine)
{
    pthread_mutex_lock(&worker->lock);
    worker->interruptible = engine;
    pthread_mutex_unlock(&worker->lock);
}

static int map_once(struct worker *worker, struct csg_engine *engine, const struct job *job, const char *method,
                    struct csg_result **out, struct csg_error *err)
{
    const char *texts[VIEW_MAX_TEXTS];
    const struct csg_map_params params = {.method = view_or_null(method),
                                          .labels = view_or_null(job->map.labels),
                                          .redundant = view_or_null(job->map.redundant),
                                          .fit = view_or_null(job->map.fit),
                                          .size_px = job->map.size_px,
                                          .first_block = job->map.first_block,
                                          .no_peaks = true};
    for (size_t i = 0; i < job->n_texts; i++)
        texts[i] = job->texts[i];
    set_interruptible(worker, engine);
    int status = csg_map(engine, job->frame->image, texts, job->n_texts, &params, out, err);
    set_interruptible(worker, NULL);
    return status;
}

static int copy_points(struct outcome *outcome, struct csg_engine *engine, size_t text, struct csg_error *err)
{
    const int(*points)[2];
    const uint8_t *labels;
    struct points *to = outcome->points + text;
    int status =
        csg_result_points(engine, outcome->result, text, outcome->job.point_threshold, &points, &labels, &to->count, err);
    if (status || !to->count)
        return status;
    to->xy = calloc(to->count, sizeof *to->xy);
    to->labels = calloc(to->count, sizeof *to->labels);
    if (!to->xy || !to->labels) {
        to->count = 0;
        return view_fail_memory(err);
    }
    memcpy(to->xy, points, to->count * sizeof *to->xy);
    memcpy(to->labels, labels, to->count * sizeof *to->labels);
    return CSG_OK;
}

static int compute(struct worker *worker, struct outcome *outcome)
{
    const struct job *job = &outcome->job;
    struct csg_error *err = &outcome->err;
    int status = give_features(worker, job, err);
    if (status == CSG_OK)
        status = map_once(worker, worker->keeper.engine, job, job->map.method, &outcome->result, err);
    if (status == CSG_OK && strcmp(job->map.other, "reference") == 0) {
        status = ensure_reference(worker, &job->engine, err);
        if (status == CSG_OK)
            status = map_once(worker, worker->reference.engine, job, job->map.method, &outcome->other, err);
        view_copy(outcome->other_device, sizeof outcome->other_device, "reference");
    } else if (status == CSG_OK && job->map.other[0]) {
        status = map_once(worker, worker->keeper.engine, job, job->map.other, &outcome->other, err);
    }
    if (strcmp(job->map.other, "reference") != 0)
        keeper_close(&worker->reference);
    for (size_t i = 0; status == CSG_OK && job->points && i < job->n_texts; i++)
        status = copy_points(outcome, worker->keeper.engine, i, err);
    return status;
}

static bool job_waits(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool waits = worker->has_job || worker->quit;
    pthread_mutex_unlock(&worker->lock);
    return waits;
}

static void publish(struct worker *worker, struct outcome *outcome)
{
    pthread_mutex_lock(&worker->lock);
    outcome_unref(&worker->outcome);
    worker->outcome = outcome;
    pthread_mutex_unlock(&worker->lock);
    worker->wake();
}

static void clear_results(struct outcome *outcome)
{
    csg_result_destroy(&outcome->result);
    csg_result_destroy(&outcome->other);
}

/* Takes the references of the job over. */
static void serve_job(struct worker *worker, struct job *job)
{
    struct outcome *outcome = calloc(1, sizeof *outcome);
    if (!outcome) {
        frame_unref(&job->frame);
        encoded_unref(&job->encoded);
        return;
    }
    atomic_init(&outcome->refs, 1);
    outcome->job = *job;
    outcome->started_ms = view_now_ms();
    outcome->status = ensure_engine(worker, &job->engine, &outcome->err);
    if (outcome->status == CSG_OK && job->frame && job->encoded && job->n_texts) {
        outcome->status = compute(worker, outcome);
        /* An interrupt that came too late for its call ends the next one. */
        if (outcome->status == CSG_ERROR_INTERRUPTED && !job_waits(worker)) {
            clear_results(outcome);
            outcome->status = compute(worker, outcome);
        }
        if (keeper_moved(&worker->keeper))
            describe(worker);
    }
    outcome->finished_ms = view_now_ms();
    if (outcome->status)
        clear_results(outcome);
    publish(worker, outcome);
}

static void serve_export(struct worker *worker, struct export_request *request)
{
    char sentence[VIEW_PATH] = "";
    struct csg_error err = {0};
    int status = worker->keeper.engine ? engine_export(worker->keeper.engine, request, sentence, sizeof sentence, &err)
                                       : view_fail(&err, CSG_ERROR, "there is no engine to export with");
    outcome_unref(&request->outcome);
    if (worker->keeper.engine && keeper_moved(&worker->keeper))
        describe(worker);
    pthread_mutex_lock(&worker->lock);
    view_copy(worker->message, sizeof worker->message, status ? err.sentence : sentence);
    worker->has_message = true;
    pthread_mutex_unlock(&worker->lock);
    worker->wake();
}

static void *work(void *user)
{
    struct worker *worker = user;
    view_stand_back();
    pthread_mutex_lock(&worker->lock);
    while (!worker->quit) {
        if (!worker->has_job && !worker->has_export) {
            worker->state.busy = false;
            pthread_cond_wait(&worker->changed, &worker->lock);
            continue;
        }
        bool has_job = worker->has_job, has_export = worker->has_export;
        struct export_request request = worker->export;
        struct job job = worker->job;
        worker->has_job = worker->has_export = false;
        worker->job.frame = NULL;
        worker->job.encoded = NULL;
        worker->state.busy = true;
        worker->running = has_job;
        worker->running_serial = job.serial;
        worker->running_since_ms = view_now_ms();
        pthread_mutex_unlock(&worker->lock);
        if (has_export)
            serve_export(worker, &request);
        if (has_job)
            serve_job(worker, &job);
        pthread_mutex_lock(&worker->lock);
        worker->running = false;
        worker->state.doing[0] = 0;
    }
    pthread_mutex_unlock(&worker->lock);
    keeper_close(&worker->keeper);
    keeper_close(&worker->reference);
    encoded_unref(&worker->given);
    return NULL;
}

int worker_create(struct worker **out, void (*wake)(void), struct csg_error *err)
{
    struct worker *worker = calloc(1, sizeof *worker);
    *out = NULL;
    if (!worker)
        return view_fail_memory(err);
    worker->wake = wake;
    worker->keeper = (struct keeper){.towers = "image", .log = on_log, .log_user = worker};
    worker->reference = (struct keeper){.log = on_log, .log_user = worker}; /* its texts are its own: they are compared too */
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
        pthread_cond_destroy(&worker->changed);
        pthread_mutex_destroy(&worker->lock);
        free(worker);
        return view_fail(err, CSG_ERROR, "no thread could be started");
    }
    *out = worker;
    return CSG_OK;
}

void worker_destroy(struct worker **out)
{
    struct worker *worker = *out;
    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->quit = true;
    if (worker->interruptible)
        csg_engine_interrupt(worker->interruptible);
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    frame_unref(&worker->job.frame);
    encoded_unref(&worker->job.encoded);
    outcome_unref(&worker->outcome);
    if (worker->has_export)
        outcome_unref(&worker->export.outcome);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
    *out = NULL;
}

void worker_submit(struct worker *worker, const struct job *job)
{
    pthread_mutex_lock(&worker->lock);
    frame_unref(&worker->job.frame);
    encoded_unref(&worker->job.encoded);
    worker->job = *job;
    frame_ref(job->frame);
    encoded_ref(job->encoded);
    worker->has_job = true;
    if (worker->running && worker->interruptible && worker->running_serial != job->serial &&
        view_now_ms() - worker->running_since_ms > STALE_MS)
        csg_engine_interrupt(worker->interruptible);
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

struct outcome *worker_take(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    struct outcome *outcome = worker->outcome;
    worker->outcome = NULL;
    pthread_mutex_unlock(&worker->lock);
    return outcome;
}

void worker_state(struct worker *worker, struct worker_state *state)
{
    pthread_mutex_lock(&worker->lock);
    *state = worker->state;
    pthread_mutex_unlock(&worker->lock);
}

bool worker_idle(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool idle = !worker->state.busy && !worker->has_job && !worker->has_export && !worker->outcome;
    pthread_mutex_unlock(&worker->lock);
    return idle;
}

bool worker_ask_export(struct worker *worker, const struct export_request *request)
{
    pthread_mutex_lock(&worker->lock);
    bool taken = !worker->has_export;
    if (taken) {
        worker->export = *request;
        outcome_ref(request->outcome);
        worker->has_export = true;
        pthread_cond_signal(&worker->changed);
    }
    pthread_mutex_unlock(&worker->lock);
    return taken;
}

bool worker_take_message(struct worker *worker, char *sentence, size_t capacity)
{
    pthread_mutex_lock(&worker->lock);
    bool there = worker->has_message;
    if (there)
        view_copy(sentence, capacity, worker->message);
    worker->has_message = false;
    pthread_mutex_unlock(&worker->lock);
    return there;
}
