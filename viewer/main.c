#include "viewer.h"

#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "record.h"
#include "script.h"
#include "source_av.h"
#include "ui.h"
#include "window.h"

#define IDLE_S 0.25            /* how long the window sleeps where nothing happens */
#define FRAME_MS (1000.0 / 60) /* no faster where the display gives no beat */

static void take_text(char *to, size_t capacity, const char *from)
{
    if (from)
        view_copy(to, capacity, from);
}

static int checked(struct settings *s, const char *name, const char *value, struct csg_error *err)
{
    return value ? settings_set(s, name, value, err) : CSG_OK;
}

static int take_options(struct app *app, struct csg_error *err)
{
    const struct view_options *o = app->options;
    struct settings *s = &app->settings;
    app_use_model(app, o->model ? o->model : "");
    take_text(app->engine.device, sizeof app->engine.device, o->device);
    take_text(app->engine.precision, sizeof app->engine.precision, o->precision);
    take_text(app->engine.templates, sizeof app->engine.templates, o->templates);
    if (o->fallback && strcmp(o->fallback, "next") != 0) {
        if (strcmp(o->fallback, "reference") != 0 && strcmp(o->fallback, "none") != 0)
            return view_fail(err, CSG_ERROR_USAGE, "there is no fallback '%.60s'; there are next, reference, none", o->fallback);
        view_copy(app->engine.fallback, sizeof app->engine.fallback, o->fallback);
    }
    take_text(s->labels, sizeof s->labels, o->labels);
    int status = checked(s, "method", o->method, err);
    if (status == CSG_OK)
        status = checked(s, "other", o->compare, err);
    if (status == CSG_OK)
        status = checked(s, "redundant", o->redundant, err);
    if (status == CSG_OK)
        status = checked(s, "fit", o->fit, err);
    if (status == CSG_OK)
        status = checked(s, "colormap", o->colormap, err);
    if (status)
        return status;
    if (o->compare)
        s->layout = LAYOUT_WIPE;
    if (o->size_px)
        s->size_px = o->size_px;
    if (o->first_block)
        s->first_block = (int)o->first_block;
    if (o->opacity >= 0)
        s->opacity = (float)o->opacity;
    if (o->threshold >= 0)
        s->threshold = (float)o->threshold;
    if (o->window && sscanf(o->window, "%dx%d", &s->window_w, &s->window_h) != 2)
        return view_fail(err, CSG_ERROR_USAGE, "the window is '%s', but must be WIDTHxHEIGHT", o->window);
    s->window_w = (int)view_clamp(s->window_w, 320, 8192);
    s->window_h = (int)view_clamp(s->window_h, 240, 8192);
    return CSG_OK;
}

/* The picture, prompts and options of `./do demo`. */
static void open_demo(struct app *app)
{
    static const char *const prompts[] = {"dog", "car", "dog+car"};
    struct settings *s = &app->settings;
    char picture[VIEW_PATH + 64];
    view_format(picture, sizeof picture, "%s/pictures/dog.jpg", app->data_dir);
    for (size_t i = 0; !app->options->n_texts && i < sizeof prompts / sizeof *prompts; i++)
        app_add_chip(app, prompts[i]);
    if (!app->engine.model[0]) {
        if (!s->labels[0])
            view_copy(s->labels, sizeof s->labels, "demo");
        s->size_px = s->size_px ? s->size_px : 240;
        s->first_block = s->first_block ? s->first_block : 2;
    }
    app_open_source(app, picture);
}

static void open_first(struct app *app)
{
    const struct view_options *o = app->options;
    for (size_t i = 0; i < o->n_texts; i++)
        app_add_chip(app, o->texts[i]);
    if (o->source)
        app_open_source(app, o->source);
    else if (app->data_dir[0])
        open_demo(app);
    if (!app->n_chips)
        app->focus_prompt = true;
    else
        app->selected = 0;
}

static void record_frame(struct app *app)
{
    struct csg_error err;
    uint8_t *rgb = NULL;
    int w, h;
    if (!app->recorder || !app->frame)
        return;
    canvas_natural_size(app, &w, &h);
    if (canvas_render(app, w, h, true, &rgb, &err) == CSG_OK)
        recorder_add(app->recorder, rgb, w, h, view_now_ms());
    free(rgb);
}

static void measure(struct app *app, double begun_ms, uint64_t frame_before, const struct outcome *outcome_before)
{
    struct rates *r = &app->rates;
    double now = view_now_ms(), ms = now - r->last_draw_ms;
    r->draws++;
    r->draw_ms = 0.9 * r->draw_ms + 0.1 * (now - begun_ms);
    if (r->last_draw_ms > 0 && ms > 0)
        r->draw_hz = r->draw_hz > 0 ? 0.9 * r->draw_hz + 100 / ms : 1000 / ms;
    r->last_draw_ms = now;
    if (app->frame && app->frame->serial != frame_before)
        r->picture_latency_ms = now - app->frame->captured_ms;
    if (app->outcome && app->outcome != outcome_before)
        r->map_latency_ms = now - app->outcome->job.frame->captured_ms;
}

static int draw(struct app *app, struct csg_error *err)
{
    if (app->font_stale)
        window_fonts(app);
    scene_set_table(app->scene, csg_colormap_rgb(app->settings.colormap));
    ui_keyboard_navigation(app->navigation || app->in_menus || ui_popup_any());
    ui_begin_frame();
    bars_draw(app);
    panels_draw(app);
    canvas_decorate(app);
    record_frame(app);
    canvas_draw(app);
    ui_end_frame();
    int status = script_step(app, err);
    glfwSwapBuffers(app->window);
    return status;
}

/* One turn: events, what the threads have, drawing where something changed. */
static int turn(struct app *app, double *next_ms, struct csg_error *err)
{
    uint64_t frame_before = app->frame ? app->frame->serial : 0;
    struct outcome *outcome_before = outcome_ref(app->outcome);
    double now = view_now_ms(), pause_s = (*next_ms - now) / 1000;
    bool busy = app->wake_frames > 0 || app->draft_pending || app->toast[0] || script_due(app);
    window_wait(app, busy ? (pause_s > 0 ? pause_s : 0) : app->script ? FRAME_MS / 1000 : IDLE_S);
    bool news = app_receive(app);
    app_request(app);
    int status = CSG_OK;
    bool due = view_now_ms() >= *next_ms - 1;
    if (news || script_due(app))
        app->wake_frames = app->wake_frames > 1 ? app->wake_frames : 1;
    if (app->wake_frames > 0 && due) {
        double begun = view_now_ms();
        app->wake_frames--;
        window_title(app);
        status = draw(app, err);
        measure(app, begun, frame_before, outcome_before);
        *next_ms = begun + (script_due(app) ? 0 : FRAME_MS);
    }
    outcome_unref(&outcome_before);
    return status;
}

static int loop(struct app *app, struct csg_error *err)
{
    double next_ms = 0, repaint_ms = 0;
    int status = CSG_OK;
    app->wake_frames = 4;
    while (!app->quit && status == CSG_OK) {
        status = turn(app, &next_ms, err);
        if ((app->recorder || app->toast[0]) && view_now_ms() > repaint_ms) { /* what changes with time alone */
            repaint_ms = view_now_ms() + 1000 * IDLE_S;
            app->wake_frames = app->wake_frames > 1 ? app->wake_frames : 1;
        }
    }
    return status;
}

static void remember(struct app *app)
{
    struct csg_error err;
    if (!app->fullscreen && !app->options->window) {
        app->settings.window_w = (int)((float)app->window_w / app->scale + 0.5f); /* it is opened so much larger */
        app->settings.window_h = (int)((float)app->window_h / app->scale + 0.5f);
    }
    if (settings_save(&app->settings, &err) != CSG_OK || history_save(&app->history, &err) != CSG_OK)
        fprintf(stderr, "clip-surgeon: warning: %s\n", err.sentence);
}

static void close_all(struct app *app)
{
    uint64_t pictures;
    recorder_finish(&app->recorder, &pictures, NULL);
    source_destroy(&app->source);
    worker_destroy(&app->worker);
    texts_destroy(&app->texts);
    script_destroy(&app->script);
    frame_unref(&app->frame);
    outcome_unref(&app->outcome);
    encoded_unref(&app->encoded);
    features_destroy(&app->features);
    maps_free(app);
    window_close(app);
    free(app);
}

static int list_cameras(void)
{
    struct camera cameras[16];
    size_t count = av_camera_list(cameras, sizeof cameras / sizeof *cameras);
    for (size_t i = 0; i < count; i++)
        printf("%zu\t%s\t%s\t%s\n", i, cameras[i].format, cameras[i].name, cameras[i].description);
    if (!count)
        fprintf(stderr, "clip-surgeon: no camera is connected, or this user may not open it\n");
    return CSG_OK;
}

int view_run(const struct view_options *options, struct csg_error *err)
{
    av_setup();
    if (options->list_cameras)
        return list_cameras();
    struct app *app = calloc(1, sizeof *app);
    if (!app)
        return view_fail_memory(err);
    app->options = options;
    app->started_ms = view_now_ms();
    app->selected = -1;
    settings_load(&app->settings);
    history_load(&app->history);
    csg_data_dir(app->data_dir, sizeof app->data_dir, NULL);
    int status = take_options(app, err);
    if (status == CSG_OK && options->script)
        status = script_load(&app->script, options->script, err);
    if (status == CSG_OK)
        status = window_open(app, err);
    if (status == CSG_OK)
        status = worker_create(&app->worker, window_wake, err);
    if (status == CSG_OK)
        status = texts_create(&app->texts, window_wake, err);
    if (status == CSG_OK) {
        open_first(app);
        status = loop(app, err);
        remember(app);
    }
    close_all(app);
    return status;
}
