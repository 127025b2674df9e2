#include "texts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "worker_engine.h"

/* Encoding that runs longer than this for texts that are no longer wanted is cut short; what is done of it is kept. */
#define STALE_MS 100.0

struct texts {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*wake)(void);
    /* Under the lock. */
    bool quit, has_spec, asked_features;
    struct text_spec spec;
    struct encoded *encoded;
    struct features *features_in, *features_out;
    struct text_state state;
    struct csg_engine *running; /* may be interrupted */
    double running_since_ms;
    /* The thread's own. */
    struct keeper keeper;
};

struct encoded *encoded_ref(struct encoded *encoded)
{
    if (encoded)
        atomic_fetch_add(&encoded->refs, 1);
    return encoded;
}

void encoded_unref(struct encoded **out)
{
    struct encoded *encoded = *out;
    *out = NULL;
    if (!encoded || atomic_fetch_sub(&encoded->refs, 1) != 1)
        return;
    csg_label_set_free(&encoded->needed);
    free(encoded->features);
    free(encoded);
}

void features_destroy(struct features **out)
{
    struct features *features = *out;
    if (features) {
        free(features->texts);
        free(features->values);
        free(features);
    }
    *out = NULL;
}

static void on_log(void *user, enum csg_log_level level, const char *message)
{
    struct texts *texts = user;
    if (level == CSG_LOG_DEBUG)
        return;
    pthread_mutex_lock(&texts->lock);
    view_copy(texts->state.doing, sizeof texts->state.doing, message);
    pthread_mutex_unlock(&texts->lock);
    texts->wake();
}

static void tell_trouble(struct texts *texts)
{
    pthread_mutex_lock(&texts->lock);
    view_copy(texts->state.trouble, sizeof texts->state.trouble, texts->keeper.trouble);
    pthread_mutex_unlock(&texts->lock);
}

static int ensure_engine(struct texts *texts, const struct engine_spec *spec, struct csg_error *err)
{
    bool opened;
    int status = keeper_ensure(&texts->keeper, spec, &opened, err);
    if (opened)
        tell_trouble(texts);
    return status;
}

static int add_label(struct csg_label_set *set, const char *text, struct csg_error *err)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->labels[i], text) == 0)
            return CSG_OK;
    char **larger = realloc(set->labels, (set->count + 1) * sizeof *larger);
    size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);
    if (larger)
        set->labels = larger;
    if (!larger || !copy) {
        free(copy);
        return view_fail_memory(err);
    }
    memcpy(copy, text, bytes);
    set->labels[set->count++] = copy;
    return CSG_OK;
}

/* What maps by the one method and by the other need. */
static int list_needed(struct encoded *encoded, struct csg_error *err)
{
    const struct text_spec *spec = &encoded->spec;
    const char *texts[VIEW_MAX_TEXTS], *methods[2] = {spec->method, spec->other};
    int status = CSG_OK;
    for (size_t i = 0; i < spec->n_texts; i++)
        texts[i] = spec->texts[i];
    for (size_t m = 0; status == CSG_OK && m < 2 && (m == 0 || methods[m][0]); m++) {
        const struct csg_map_params params = {
            .method = view_or_null(methods[m]), .labels = view_or_null(spec->labels), .redundant = view_or_null(spec->redundant)};
        struct csg_label_set needed = {0};
        status = csg_map_texts(m ? &needed : &encoded->needed, texts, spec->n_texts, &params, err);
        for (size_t i = 0; status == CSG_OK && i < needed.count; i++)
            status = add_label(&encoded->needed, needed.labels[i], err);
        csg_label_set_free(&needed);
    }
    return status;
}

static void set_running(struct texts *texts, struct csg_engine *engine)
{
    pthread_mutex_lock(&texts->lock);
    texts->running = engine;
    texts->running_since_ms = view_now_ms();
    pthread_mutex_unlock(&texts->lock);
}

/* With the values of the texts, or an error. */
static int embed(struct texts *texts, const struct engine_spec *spec, const char *const *names, size_t count, float **values,
                 size_t *embed_dim, struct csg_error *err)
{
    struct csg_engine_info info;
    int status = ensure_engine(texts, spec, err);
    if (status)
        return status;
    csg_engine_info(texts->keeper.engine, &info);
    *embed_dim = info.embed_dim;
    free(*values); /* of a call that was interrupted */
    *values = calloc(count + 1, info.embed_dim * sizeof **values);
    if (!*values)
        return view_fail_memory(err);
    set_running(texts, texts->keeper.engine);
    status = csg_embed_texts(texts->keeper.engine, names, count, *values, err);
    set_running(texts, NULL);
    if (keeper_moved(&texts->keeper))
        tell_trouble(texts);
    return status;
}

static bool newer_waits(struct texts *texts)
{
    pthread_mutex_lock(&texts->lock);
    bool waits = texts->has_spec || texts->quit;
    pthread_mutex_unlock(&texts->lock);
    return waits;
}

static void serve_spec(struct texts *texts, const struct text_spec *spec)
{
    struct encoded *encoded = calloc(1, sizeof *encoded);
    size_t embed_dim;
    double start_ms = view_now_ms();
    if (!encoded)
        return;
    atomic_init(&encoded->refs, 1);
    encoded->spec = *spec;
    encoded->status = list_needed(encoded, &encoded->err);
    if (encoded->status == CSG_OK) {
        const char *const *names = (const char *const *)encoded->needed.labels;
        do /* an interrupt that came too late for its call ends the next one */
            encoded->status =
                embed(texts, &spec->engine, names, encoded->needed.count, &encoded->features, &embed_dim, &encoded->err);
        while (encoded->status == CSG_ERROR_INTERRUPTED && !newer_waits(texts));
    }
    for (size_t i = 0; encoded->status == CSG_OK && i < spec->n_texts; i++)
        csg_unknown_words(texts->keeper.engine, spec->texts[i], encoded->unknown[i], sizeof encoded->unknown[i], NULL);
    encoded->ms = view_now_ms() - start_ms;
    pthread_mutex_lock(&texts->lock);
    struct encoded *old = texts->encoded;
    texts->encoded = encoded;
    pthread_mutex_unlock(&texts->lock);
    encoded_unref(&old);
    texts->wake();
}

static void serve_features(struct texts *texts, struct features *features)
{
    const char **names = calloc(features->count + 1, sizeof *names);
    struct csg_error err;
    for (size_t i = 0; names && i < features->count; i++)
        names[i] = features->texts[i];
    if (!names || embed(texts, &texts->keeper.spec, names, features->count, &features->values, &features->embed_dim, &err)) {
        free(features->values);
        features->values = NULL;
    }
    free(names);
    pthread_mutex_lock(&texts->lock);
    features_destroy(&texts->features_out);
    texts->features_out = features;
    texts->asked_features = false;
    pthread_mutex_unlock(&texts->lock);
    texts->wake();
}

static void *work(void *user)
{
    struct texts *texts = user;
    view_stand_back();
    pthread_mutex_lock(&texts->lock);
    while (!texts->quit) {
        if (!texts->has_spec && !texts->features_in) {
            texts->state.busy = false;
            texts->state.doing[0] = 0;
            pthread_cond_wait(&texts->changed, &texts->lock);
            continue;
        }
        bool has_spec = texts->has_spec;
        struct text_spec spec = texts->spec;
        struct features *features = has_spec ? NULL : texts->features_in;
        texts->has_spec = false;
        if (features)
            texts->features_in = NULL;
        texts->state.busy = true;
        pthread_mutex_unlock(&texts->lock);
        if (has_spec)
            serve_spec(texts, &spec);
        if (features)
            serve_features(texts, features);
        pthread_mutex_lock(&texts->lock);
    }
    pthread_mutex_unlock(&texts->lock);
    keeper_close(&texts->keeper);
    return NULL;
}

int texts_create(struct texts **out, void (*wake)(void), struct csg_error *err)
{
    struct texts *texts = calloc(1, sizeof *texts);
    *out = NULL;
    if (!texts)
        return view_fail_memory(err);
    texts->wake = wake;
    texts->keeper = (struct keeper){.towers = "text", .log = on_log, .log_user = texts};
    pthread_mutex_init(&texts->lock, NULL);
    pthread_cond_init(&texts->changed, NULL);
    if (pthread_create(&texts->thread, NULL, work, texts) != 0) {
        pthread_cond_destroy(&texts->changed);
        pthread_mutex_destroy(&texts->lock);
        free(texts);
        return view_fail(err, CSG_ERROR, "no thread could be started");
    }
    *out = texts;
    return CSG_OK;
}

void texts_destroy(struct texts **out)
{
    struct texts *texts = *out;
    if (!texts)
        return;
    pthread_mutex_lock(&texts->lock);
    texts->quit = true;
    if (texts->running)
        csg_engine_interrupt(texts->running);
    pthread_cond_signal(&texts->changed);
    pthread_mutex_unlock(&texts->lock);
    pthread_join(texts->thread, NULL);
    encoded_unref(&texts->encoded);
    features_destroy(&texts->features_in);
    features_destroy(&texts->features_out);
    pthread_cond_destroy(&texts->changed);
    pthread_mutex_destroy(&texts->lock);
    free(texts);
    *out = NULL;
}

void texts_submit(struct texts *texts, const struct text_spec *spec)
{
    pthread_mutex_lock(&texts->lock);
    texts->spec = *spec;
    texts->has_spec = true;
    if (texts->running && view_now_ms() - texts->running_since_ms > STALE_MS)
        csg_engine_interrupt(texts->running);
    pthread_cond_signal(&texts->changed);
    pthread_mutex_unlock(&texts->lock);
}

struct encoded *texts_take(struct texts *texts)
{
    pthread_mutex_lock(&texts->lock);
    struct encoded *encoded = texts->encoded;
    texts->encoded = NULL;
    pthread_mutex_unlock(&texts->lock);
    return encoded;
}

void texts_state(struct texts *texts, struct text_state *state)
{
    pthread_mutex_lock(&texts->lock);
    *state = texts->state;
    pthread_mutex_unlock(&texts->lock);
}

bool texts_ask_features(struct texts *texts, struct features *features)
{
    pthread_mutex_lock(&texts->lock);
    bool taken = !texts->asked_features;
    if (taken) {
        texts->features_in = features;
        texts->asked_features = true;
        pthread_cond_signal(&texts->changed);
    }
    pthread_mutex_unlock(&texts->lock);
    return taken;
}

struct features *texts_take_features(struct texts *texts)
{
    pthread_mutex_lock(&texts->lock);
    struct features *features = texts->features_out;
    texts->features_out = NULL;
    pthread_mutex_unlock(&texts->lock);
    return features;
}
