#include "app.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "window.h"

/* After the last key of a draft: applied while typing, but not for every letter. */
#define DRAFT_MS 220.0
#define TOAST_MS 4000.0

/* Told apart by most eyes, on pictures too. */
static const uint8_t chip_colours[][3] = {{230, 159, 0},   {86, 180, 233}, {0, 190, 140},   {240, 228, 66}, {213, 94, 0},
                                          {204, 121, 167}, {80, 120, 255}, {255, 110, 110}, {150, 220, 90}, {190, 150, 255}};

void app_say(struct app *app, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(app->toast, sizeof app->toast, format, args);
    va_end(args);
    app->toast_until_ms = view_now_ms() + TOAST_MS;
}

void app_trouble(struct app *app, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(app->banner, sizeof app->banner, format, args);
    va_end(args);
    app_need_glyphs(app, app->banner);
    if (!app->options->quiet)
        fprintf(stderr, "clip-surgeon: %s\n", app->banner);
}

/* Remembers characters that the font was not loaded with. */
void app_need_glyphs(struct app *app, const char *text)
{
    for (const char *p = text; *p;) {
        size_t bytes = 1;
        while ((p[bytes] & 0xc0) == 0x80)
            bytes++;
        if ((unsigned char)*p >= 0x80 && bytes < 8) {
            char one[8] = {0};
            memcpy(one, p, bytes);
            size_t used = strlen(app->font_extra);
            if (!strstr(app->font_extra, one) && used + bytes < sizeof app->font_extra) {
                memcpy(app->font_extra + used, one, bytes + 1);
                app->font_stale = true;
            }
        }
        p += bytes;
    }
}

void app_open_source(struct app *app, const char *spec)
{
    struct csg_error err;
    char kept[VIEW_PATH];
    view_copy(kept, sizeof kept, spec);
    source_destroy(&app->source);
    app->source_serial = 0;
    app->source_state = (struct source_state){0};
    view_copy(app->source_spec, sizeof app->source_spec, kept);
    app->patch = (struct patch_answer){0};
    app->banner[0] = 0;
    if (source_create(&app->source, kept, app->settings.loop, window_wake, &err) != CSG_OK)
        app_trouble(app, "%s", err.sentence);
    app_need_glyphs(app, kept);
}

void app_use_model(struct app *app, const char *model)
{
    struct settings *s = &app->settings;
    if (strcmp(s->model, model) != 0)
        s->size_px = s->first_block = 0;
    view_copy(s->model, sizeof s->model, model);
    memset(app->engine.model, 0, sizeof app->engine.model); /* specs are compared byte by byte */
    view_copy(app->engine.model, sizeof app->engine.model, model);
}

/* A text file is a label set, anything else a source. */
void app_drop(struct app *app, const char *path)
{
    static const char *const texts[] = {".txt", NULL};
    if (view_has_ending(path, texts)) {
        view_copy(app->settings.labels, sizeof app->settings.labels, path);
        app_say(app, "label set: %.200s", view_base_name(path));
    } else {
        app_open_source(app, path);
    }
}

static void choose_colour(struct app *app, struct chip *chip)
{
    size_t n = sizeof chip_colours / sizeof *chip_colours;
    for (size_t c = 0; c < n; c++) {
        bool used = false;
        for (size_t i = 0; i < app->n_chips; i++)
            used = used || memcmp(app->chips[i].rgb, chip_colours[c], 3) == 0;
        memcpy(chip->rgb, chip_colours[c], 3);
        if (!used)
            return;
    }
    memcpy(chip->rgb, chip_colours[app->n_chips % n], 3);
}

int app_add_chip(struct app *app, const char *text)
{
    for (size_t i = 0; i < app->n_chips; i++)
        if (strcmp(app->chips[i].text, text) == 0) {
            app->chips[i].on = true;
            app->selected = (int)i;
            return (int)i;
        }
    if (app->n_chips + 1 >= VIEW_MAX_TEXTS) { /* one place is the draft's */
        app_trouble(app, "there is room for %d prompts; remove one first", VIEW_MAX_TEXTS - 1);
        return -1;
    }
    struct chip chip = {.on = true};
    view_copy(chip.text, sizeof chip.text, text);
    choose_colour(app, &chip);
    app->chips[app->n_chips] = chip;
    app->selected = (int)app->n_chips++;
    app_need_glyphs(app, text);
    return app->selected;
}

void app_remove_chip(struct app *app, int index)
{
    if (index < 0 || (size_t)index >= app->n_chips)
        return;
    memmove(app->chips + index, app->chips + index + 1, (app->n_chips - (size_t)index - 1) * sizeof *app->chips);
    app->n_chips--;
    if (app->selected > index || app->selected >= (int)app->n_chips)
        app->selected--;
    if (app->selected < 0 && app->n_chips)
        app->selected = 0;
}

/* Only this one on; if it already is, all on again. */
void app_solo_chip(struct app *app, int index)
{
    bool alone = true;
    for (size_t i = 0; i < app->n_chips; i++)
        alone = alone && app->chips[i].on == ((int)i == index);
    for (size_t i = 0; i < app->n_chips; i++)
        app->chips[i].on = alone || (int)i == index;
    app->selected = index;
}

void app_commit_draft(struct app *app)
{
    char *text = app->draft;
    while (*text == ' ')
        text++;
    size_t length = strlen(text);
    while (length && text[length - 1] == ' ')
        text[--length] = 0;
    if (*text && app_add_chip(app, text) >= 0)
        history_add(&app->history, text);
    app->draft[0] = app->draft_applied[0] = 0;
    app->draft_pending = false;
}

const char *app_selected_text(const struct app *app)
{
    if (app->draft_applied[0])
        return app->draft_applied;
    return app->selected >= 0 && (size_t)app->selected < app->n_chips ? app->chips[app->selected].text : "";
}

static int find_layer(const struct app *app, const char *text)
{
    for (size_t i = 0; i < app->maps->n; i++)
        if (strcmp(app->maps->texts[i], text) == 0)
            return (int)i;
    return -1;
}

int app_layer(const struct app *app)
{
    int layer = find_layer(app, app_selected_text(app));
    /* The last good map stays while the new text is encoded. */
    if (layer < 0 && app->draft_applied[0] && app->selected >= 0 && (size_t)app->selected < app->n_chips)
        layer = find_layer(app, app->chips[app->selected].text);
    return layer;
}

static void add_text(struct text_spec *spec, const char *text)
{
    for (size_t i = 0; i < spec->n_texts; i++)
        if (strcmp(spec->texts[i], text) == 0)
            return;
    if (text[0] && spec->n_texts < VIEW_MAX_TEXTS)
        view_copy(spec->texts[spec->n_texts++], VIEW_TEXT, text);
}

/* memcmp compares specs and jobs: every byte is set. */
static void build_text_spec(const struct app *app, struct text_spec *spec)
{
    const struct settings *s = &app->settings;
    bool two = s->layout == LAYOUT_WIPE || s->layout == LAYOUT_SIDE || s->layout == LAYOUT_DIFFERENCE;
    memset(spec, 0, sizeof *spec);
    memcpy(&spec->engine, &app->engine, sizeof spec->engine);
    view_copy(spec->method, sizeof spec->method, s->method);
    view_copy(spec->labels, sizeof spec->labels, s->labels);
    view_copy(spec->redundant, sizeof spec->redundant, s->redundant);
    if (two && strcmp(s->other, "reference") != 0)
        view_copy(spec->other, sizeof spec->other, s->other);
    for (size_t i = 0; i < app->n_chips; i++)
        if (app->chips[i].on || (int)i == app->selected)
            add_text(spec, app->chips[i].text);
    add_text(spec, app->draft_applied);
}

static bool same_features(const struct engine_spec *a, const struct engine_spec *b)
{
    return strcmp(a->model, b->model) == 0 && strcmp(a->templates, b->templates) == 0;
}

/* The texts are the newest that are encoded; everything else is as it is wanted now. */
static void build_job(const struct app *app, struct job *job)
{
    const struct settings *s = &app->settings;
    const struct encoded *encoded = app->encoded;
    memset(job, 0, sizeof *job);
    memcpy(&job->engine, &app->engine, sizeof job->engine);
    if (encoded && app->wanted.n_texts && same_features(&encoded->spec.engine, &app->engine)) {
        job->encoded = app->encoded;
        job->n_texts = encoded->spec.n_texts;
        memcpy(job->texts, encoded->spec.texts, sizeof job->texts);
        memcpy(job->map.method, encoded->spec.method, sizeof job->map.method);
        memcpy(job->map.other, encoded->spec.other, sizeof job->map.other);
        memcpy(job->map.labels, encoded->spec.labels, sizeof job->map.labels);
        memcpy(job->map.redundant, encoded->spec.redundant, sizeof job->map.redundant);
    }
    view_copy(job->map.fit, sizeof job->map.fit, s->fit);
    if (strcmp(s->other, "reference") == 0 &&
        (s->layout == LAYOUT_WIPE || s->layout == LAYOUT_SIDE || s->layout == LAYOUT_DIFFERENCE))
        view_copy(job->map.other, sizeof job->map.other, s->other);
    job->map.size_px = s->size_px;
    job->map.first_block = (unsigned)s->first_block;
    job->points = s->points;
    job->point_threshold = s->points ? (double)s->point_threshold : 0;
}

static void apply_draft(struct app *app)
{
    if (!app->draft_pending || view_now_ms() - app->draft_changed_ms < DRAFT_MS)
        return;
    app->draft_pending = false;
    view_copy(app->draft_applied, sizeof app->draft_applied, app->draft);
    app_need_glyphs(app, app->draft);
}

static void request_texts(struct app *app)
{
    struct text_spec spec;
    build_text_spec(app, &spec);
    if (app->wanted_asked && memcmp(&spec, &app->wanted, sizeof spec) == 0)
        return;
    memcpy(&app->wanted, &spec, sizeof spec);
    app->wanted_asked = true;
    app->wanted_answered = !spec.n_texts;
    if (spec.n_texts)
        texts_submit(app->texts, &spec);
    else if (app->maps->n) { /* nothing is asked: nothing is shown */
        app->patch = (struct patch_answer){0};
        maps_free(app);
        maps_rescale(app);
    }
}

void app_request(struct app *app)
{
    struct job job;
    apply_draft(app);
    request_texts(app);
    build_job(app, &job);
    struct job same = app->asked;
    struct frame *asked_frame = same.frame;
    same.frame = NULL;
    same.serial = 0;
    bool changed = memcmp(&same, &job, sizeof job) != 0;
    if (!changed && asked_frame == app->frame && app->job_serial)
        return;
    if (changed || !app->job_serial)
        app->job_serial++;
    job.serial = app->job_serial;
    job.frame = app->frame;
    app->asked = job;
    worker_submit(app->worker, &job);
}

bool app_method_fits(const struct app *app, size_t index)
{
    return !(app->worker_state.no_methods >> index & 1);
}

bool app_settled(const struct app *app)
{
    if (!app->job_serial || app->answered_serial != app->job_serial || app->draft_pending || !app->wanted_answered)
        return false;
    const struct source_state *s = &app->source_state;
    bool runs = s->kind >= SOURCE_VIDEO && !s->paused && !s->ended; /* then there is always a newer picture */
    return !app->frame || runs || app->answered_frame == app->frame->serial;
}

static void mark_unknown(struct app *app, const struct encoded *encoded)
{
    app->draft_unknown[0] = 0;
    for (size_t i = 0; i < encoded->spec.n_texts; i++) {
        for (size_t k = 0; k < app->n_chips; k++)
            if (strcmp(app->chips[k].text, encoded->spec.texts[i]) == 0)
                memcpy(app->chips[k].unknown, encoded->unknown[i], sizeof app->chips[k].unknown);
        if (strcmp(app->draft_applied, encoded->spec.texts[i]) == 0)
            memcpy(app->draft_unknown, encoded->unknown[i], sizeof app->draft_unknown);
    }
}

static void tick(double *rate_hz, double *last_ms, double now_ms)
{
    double ms = now_ms - *last_ms;
    if (*last_ms > 0 && ms > 0)
        *rate_hz = ms > 1000 ? 1000 / ms : *rate_hz > 0 ? 0.9 * *rate_hz + 0.1 * 1000 / ms : 1000 / ms;
    *last_ms = now_ms;
}

/* A device or model that cannot be opened leaves what worked: the window shows that again. */
static void show_failure(struct app *app, const struct csg_error *err)
{
    if (strcmp(err->sentence, app->banner) != 0) /* both threads fail by the same model */
        app_trouble(app, "%s", err->sentence);
    if (app->worker_state.ready && memcmp(&app->worker_state.spec, &app->engine, sizeof app->engine) != 0)
        app->engine = app->worker_state.spec;
    view_copy(app->settings.model, sizeof app->settings.model, app->engine.model);
}

static void take_outcome(struct app *app, struct outcome *outcome)
{
    app->answered_serial = outcome->job.serial;
    app->answered_frame = outcome->job.frame ? outcome->job.frame->serial : 0;
    if (outcome->status == CSG_ERROR_INTERRUPTED) {
        outcome_unref(&outcome);
        return;
    }
    if (outcome->status) {
        show_failure(app, &outcome->err);
        outcome_unref(&outcome);
        return;
    }
    if (!outcome->result) {
        outcome_unref(&outcome);
        return;
    }
    maps_update(app, outcome);
    tick(&app->rates.map_hz, &app->rates.last_map_ms, outcome->finished_ms);
    app->rates.maps++;
    app->rates.map_ms = outcome->finished_ms - outcome->started_ms;
    outcome_unref(&app->outcome);
    app->outcome = outcome;
    if (app->patch.similarity)
        maps_show_patch(app, app->patch.column, app->patch.row);
    if (app->patch.open)
        maps_answer_patch(app, app->patch.column, app->patch.row);
}

static void take_encoded(struct app *app, struct encoded *encoded)
{
    bool newest = memcmp(&encoded->spec, &app->wanted, sizeof app->wanted) == 0;
    app->wanted_answered = app->wanted_answered || newest;
    if (encoded->status) {
        if (newest && encoded->status != CSG_ERROR_INTERRUPTED)
            show_failure(app, &encoded->err);
        encoded_unref(&encoded);
        return;
    }
    mark_unknown(app, encoded);
    encoded_unref(&app->encoded);
    app->encoded = encoded;
}

static bool take_frame(struct app *app)
{
    struct frame *frame = app->source ? source_take(app->source, &app->source_serial) : NULL;
    if (!frame)
        return false;
    frame_unref(&app->frame);
    app->frame = frame;
    scene_set_picture(app->scene, frame->image);
    tick(&app->rates.picture_hz, &app->rates.last_picture_ms, frame->captured_ms);
    app->rates.pictures++;
    return true;
}

static void take_source_state(struct app *app)
{
    struct source_state before = app->source_state;
    if (!app->source)
        return;
    source_state(app->source, &app->source_state);
    if (strcmp(before.trouble, app->source_state.trouble) != 0) {
        if (app->source_state.trouble[0])
            app_trouble(app, "%s", app->source_state.trouble);
        else if (strcmp(before.trouble, app->banner) == 0)
            app->banner[0] = 0;
    }
}

static void take_text_state(struct app *app)
{
    char before[VIEW_PATH];
    view_copy(before, sizeof before, app->text_state.trouble);
    texts_state(app->texts, &app->text_state);
    if (app->text_state.trouble[0] && strcmp(before, app->text_state.trouble) != 0 &&
        strcmp(app->banner, app->text_state.trouble) != 0)
        app_trouble(app, "%s", app->text_state.trouble);
}

static void take_worker_state(struct app *app)
{
    char before[VIEW_PATH];
    uint64_t serial = app->worker_state.engine_serial;
    view_copy(before, sizeof before, app->worker_state.trouble);
    worker_state(app->worker, &app->worker_state);
    if (app->worker_state.trouble[0] && strcmp(app->banner, app->worker_state.trouble) != 0 &&
        (strcmp(before, app->worker_state.trouble) != 0 || serial != app->worker_state.engine_serial))
        app_trouble(app, "%s", app->worker_state.trouble);
}

bool app_receive(struct app *app)
{
    char message[VIEW_PATH];
    struct source_state source_before = app->source_state;
    struct worker_state worker_before = app->worker_state;
    bool news = take_frame(app);
    take_source_state(app);
    take_worker_state(app);
    struct text_state text_before = app->text_state;
    take_text_state(app);
    news = news || memcmp(&text_before, &app->text_state, sizeof text_before) != 0 ||
           memcmp(&source_before, &app->source_state, sizeof source_before) != 0 ||
           memcmp(&worker_before, &app->worker_state, sizeof worker_before) != 0;
    struct encoded *encoded = texts_take(app->texts);
    if (encoded) {
        take_encoded(app, encoded);
        news = true;
    }
    struct outcome *outcome = worker_take(app->worker);
    if (outcome) {
        take_outcome(app, outcome);
        news = true;
    }
    struct features *features = texts_take_features(app->texts);
    if (features) {
        features_destroy(&app->features);
        app->features = features;
        maps_features_arrived(app);
        news = true;
    }
    if (worker_take_message(app->worker, message, sizeof message)) {
        app_say(app, "%s", message);
        news = true;
    }
    return news;
}
