/* The one table of what can be done: keys, menus and the help follow from it. The keys are mpv's where mpv has one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "names.h"
#include "record.h"
#include "ui.h"
#include "window.h"

static void report(struct app *app, int status, const struct csg_error *err)
{
    if (status)
        app_trouble(app, "%s", err->sentence);
}

static void do_quit(struct app *app)
{
    app->quit = true;
}

static void do_screenshot(struct app *app)
{
    struct csg_error err;
    report(app, keep_screenshot(app, NULL, true, &err), &err);
}

static void do_screenshot_plain(struct app *app)
{
    struct csg_error err;
    report(app, keep_screenshot(app, NULL, false, &err), &err);
}

static void do_export(struct app *app)
{
    keep_export(app, "");
}

static void do_record(struct app *app)
{
    static const char *const endings[] = {"_view.mp4"};
    struct csg_error err;
    char path[1][VIEW_PATH];
    uint64_t pictures = 0;
    if (app->recorder) {
        view_copy(path[0], VIEW_PATH, recorder_path(app->recorder));
        int status = recorder_finish(&app->recorder, &pictures, &err);
        report(app, status, &err);
        if (status == CSG_OK)
            app_say(app, "Recorded %llu pictures: %.300s", (unsigned long long)pictures, path[0]);
        return;
    }
    int w, h, status = app->frame ? CSG_OK : view_fail(&err, CSG_ERROR, "there is nothing to record yet");
    if (status == CSG_OK)
        status = name_free_set(path, endings, 1, "", app->frame->name, &err);
    canvas_natural_size(app, &w, &h);
    if (status == CSG_OK)
        status = recorder_create(&app->recorder, path[0], w, h, &err);
    report(app, status, &err);
}

static bool is_recording(const struct app *app)
{
    return app->recorder != NULL;
}

static void do_pause(struct app *app)
{
    if (app->source)
        source_pause(app->source, !app->source_state.paused);
}

static bool is_paused(const struct app *app)
{
    return app->source_state.paused;
}

static void do_next(struct app *app)
{
    if (app->source)
        source_step(app->source, 1);
}

static void do_previous(struct app *app)
{
    if (app->source)
        source_step(app->source, -1);
}

static void do_forward(struct app *app)
{
    if (app->source && app->source_state.kind == SOURCE_VIDEO)
        source_seek(app->source, 5);
}

static void do_back(struct app *app)
{
    if (app->source && app->source_state.kind == SOURCE_VIDEO)
        source_seek(app->source, -5);
}

#define TOGGLE(member)                                                                                                           \
    static void toggle_##member(struct app *app)                                                                                 \
    {                                                                                                                            \
        app->settings.member = !app->settings.member;                                                                            \
    }                                                                                                                            \
    static bool is_##member(const struct app *app)                                                                               \
    {                                                                                                                            \
        return app->settings.member;                                                                                             \
    }
TOGGLE(panel)
TOGGLE(stats)
TOGGLE(legend)
TOGGLE(overlay)
TOGGLE(points)
TOGGLE(read_out)
TOGGLE(use_quantile)

static void toggle_loop(struct app *app)
{
    app->settings.loop = !app->settings.loop;
    if (app->source)
        source_loop(app->source, app->settings.loop);
}

static bool is_loop(const struct app *app)
{
    return app->settings.loop;
}

static void toggle_lock(struct app *app)
{
    app->settings.lock = !app->settings.lock;
    maps_rescale(app);
}

static bool is_lock(const struct app *app)
{
    return app->settings.lock;
}

static void set_layout(struct app *app, enum view_layout layout)
{
    app->settings.layout = app->settings.layout == (int)layout ? LAYOUT_ONE : (int)layout;
}

#define LAYOUT(name, value)                                                                                                      \
    static void layout_##name(struct app *app)                                                                                   \
    {                                                                                                                            \
        set_layout(app, value);                                                                                                  \
    }                                                                                                                            \
    static bool is_##name(const struct app *app)                                                                                 \
    {                                                                                                                            \
        return app->settings.layout == (int)(value);                                                                             \
    }
LAYOUT(colours, LAYOUT_COLOURS)
LAYOUT(wipe, LAYOUT_WIPE)
LAYOUT(side, LAYOUT_SIDE)
LAYOUT(grid, LAYOUT_GRID)
LAYOUT(difference, LAYOUT_DIFFERENCE)

/* The method after `value`, then `last` where there is one, then from the start. What the open model cannot do is passed over, and
 * `passed` says so. */
static void follow_method(struct app *app, char *value, size_t capacity, const char *last, char passed[VIEW_TEXT])
{
    const char *names[64] = {NULL};
    size_t n_methods = 0, n, at = 0;
    while (n_methods + 1 < sizeof names / sizeof *names && (names[n_methods] = csg_method_name(n_methods)) != NULL)
        n_methods++;
    names[n_methods] = last;
    n = n_methods + (last != NULL);
    while (at < n && strcmp(names[at], value) != 0)
        at++;
    passed[0] = 0;
    at = at < n ? (at + 1) % n : 0;
    for (size_t left = n; left && at < n_methods && !app_method_fits(app, at); left--, at = (at + 1) % n) {
        size_t used = strlen(passed);
        view_format(passed + used, VIEW_TEXT - used, used ? ", %.30s" : "; none for this model: %.30s", names[at]);
    }
    view_copy(value, capacity, names[at]);
}

static void next_method(struct app *app)
{
    char passed[VIEW_TEXT];
    size_t i = 0;
    follow_method(app, app->settings.method, sizeof app->settings.method, NULL, passed);
    while (csg_method_name(i) && strcmp(csg_method_name(i), app->settings.method) != 0)
        i++;
    app_say(app, "method: %s, %s%s", app->settings.method, csg_method_summary(i), passed);
}

static void next_other(struct app *app)
{
    char passed[VIEW_TEXT];
    follow_method(app, app->settings.other, sizeof app->settings.other, "reference", passed);
    app_say(app, "compared with: %s%s", app->settings.other, passed);
}

static void next_colormap(struct app *app)
{
    size_t i = 0, n = 0;
    while (csg_colormap_name(n))
        n++;
    while (i < n && strcmp(csg_colormap_name(i), app->settings.colormap) != 0)
        i++;
    view_copy(app->settings.colormap, sizeof app->settings.colormap, csg_colormap_name((i + 1) % n));
    app_say(app, "colour map: %s", app->settings.colormap);
}

/* The name after `value` in a list that ends with NULL, and again from its start. */
static void next_name(char *value, size_t capacity, const char *const *names)
{
    size_t i = 0, n = 0;
    while (names[n])
        n++;
    while (i < n && strcmp(names[i], value) != 0)
        i++;
    memset(value, 0, capacity); /* specs are compared byte by byte */
    view_copy(value, capacity, names[i < n ? (i + 1) % n : 0]);
}

static void next_redundant(struct app *app)
{
    static const char *const names[] = {"auto", "set", "empty", NULL};
    next_name(app->settings.redundant, sizeof app->settings.redundant, names);
    app_say(app, "what is redundant: %s", app->settings.redundant);
}

static void next_shape(struct app *app)
{
    static const char *const names[] = {"stretch", "aspect", NULL};
    next_name(app->settings.fit, sizeof app->settings.fit, names);
    app_say(app, "shape of the input: %s", app->settings.fit);
}

static void next_labels(struct app *app)
{
    static const char *const names[] = {"", "demo", "pascal59", "coco80", "voc20", "imagenet1000", NULL};
    next_name(app->settings.labels, sizeof app->settings.labels, names);
    app_say(app, "label set: %s", app->settings.labels[0] ? app->settings.labels : "none");
}

static void next_device(struct app *app)
{
    const struct worker_state *w = &app->worker_state;
    const char *names[sizeof w->devices / sizeof *w->devices + 3] = {""};
    size_t n = 1;
    for (size_t i = 0; i < w->n_devices; i++)
        names[n++] = w->device_specs[i];
    names[n] = "reference";
    next_name(app->engine.device, sizeof app->engine.device, names);
    const char *name = app->engine.device;
    for (size_t i = 0; i < w->n_devices; i++)
        if (strcmp(w->device_specs[i], app->engine.device) == 0)
            name = w->devices[i];
    app_say(app, "device: %s", name[0] ? name : "the best");
}

static void next_precision(struct app *app)
{
    const char *names[16] = {NULL};
    for (size_t n = 0; n + 1 < sizeof names / sizeof *names && view_precision_name(n); n++)
        names[n] = view_precision_name(n);
    if (!app->engine.precision[0] && names[0]) /* the default is the first */
        view_copy(app->engine.precision, sizeof app->engine.precision, names[0]);
    next_name(app->engine.precision, sizeof app->engine.precision, names);
    app_say(app, "precision: %s", app->engine.precision);
}

static void change_size(struct app *app, int by)
{
    int patch = app->worker_state.patch_px, own = app->worker_state.image_size_px;
    if (!patch)
        return;
    int size = app->settings.size_px ? app->settings.size_px : own;
    size = (int)view_clamp(size + 2 * by * patch, 2 * patch, 2048);
    app->settings.size_px = size / patch * patch;
    app_say(app, "the model sees %d x %d pixels", app->settings.size_px, app->settings.size_px);
}

static void change_block(struct app *app, int by)
{
    int block = app->settings.first_block ? app->settings.first_block : (int)app->worker_state.first_block_default;
    app->settings.first_block = (int)view_clamp(block + by, 1, app->worker_state.layers ? (double)app->worker_state.layers : 64);
    app_say(app, "two paths from block %d of %zu", app->settings.first_block, app->worker_state.layers);
}

#define CHANGE(name, call)                                                                                                       \
    static void name(struct app *app)                                                                                            \
    {                                                                                                                            \
        call;                                                                                                                    \
    }
CHANGE(larger, change_size(app, 1))
CHANGE(smaller, change_size(app, -1))
CHANGE(later_block, change_block(app, 1))
CHANGE(earlier_block, change_block(app, -1))
CHANGE(solo, app_solo_chip(app, app->selected))
CHANGE(remove_selected, app_remove_chip(app, app->selected))
CHANGE(focus_prompt, app->focus_prompt = true)
CHANGE(toggle_menus, app->in_menus = app->open_menus = !app->in_menus && !app->fullscreen)
CHANGE(open_history, app->open_history = true)
CHANGE(toggle_fullscreen, window_fullscreen(app, !app->fullscreen))
CHANGE(toggle_one_to_one, app->one_to_one = !app->one_to_one)
CHANGE(toggle_help, app->help = !app->help)

static bool is_fullscreen(const struct app *app)
{
    return app->fullscreen;
}

static bool is_one_to_one(const struct app *app)
{
    return app->one_to_one;
}

static void change(float *value, double by, double low, double high)
{
    *value = (float)view_clamp((double)*value + by, low, high);
}

static void change_threshold(struct app *app, double by)
{
    change(app->settings.use_quantile ? &app->settings.quantile : &app->settings.threshold, by, 0, 1);
}

CHANGE(more_opacity, change(&app->settings.opacity, 0.05, 0, 1))
CHANGE(less_opacity, change(&app->settings.opacity, -0.05, 0, 1))
CHANGE(more_threshold, change_threshold(app, 0.05))
CHANGE(less_threshold, change_threshold(app, -0.05))
CHANGE(wipe_left, change(&app->settings.wipe, -0.05, 0, 1))
CHANGE(wipe_right, change(&app->settings.wipe, 0.05, 0, 1))
CHANGE(more_contours, app->settings.contours = (app->settings.contours + 1) % 6)
CHANGE(next_smoothing, app->settings.smoothing = app->settings.smoothing < 0.45f   ? 0.5f
                                                 : app->settings.smoothing < 0.75f ? 0.8f
                                                                                   : 0.0f)

static void next_prompt(struct app *app)
{
    if (app->n_chips)
        app->selected = (int)((size_t)(app->selected + 1) % app->n_chips);
}

static void toggle_chip(struct app *app)
{
    if (app->selected >= 0 && (size_t)app->selected < app->n_chips)
        app->chips[app->selected].on = !app->chips[app->selected].on;
}

static void toggle_navigation(struct app *app)
{
    app->navigation = !app->navigation;
    app->focus_panel = app->navigation;
    app->settings.panel = app->settings.panel || app->navigation;
    app_say(app, app->navigation ? "keyboard in the panel: arrows, space, Enter; F6 or Esc leaves" : "keyboard in the picture");
}

static void do_cameras(struct app *app)
{
    app->cameras_open = !app->cameras_open;
}

/* One thing at a time, the topmost first. */
static void do_escape(struct app *app)
{
    if (app->in_menus)
        app->in_menus = false;
    else if (app->navigation)
        toggle_navigation(app);
    else if (app->help)
        app->help = false;
    else if (app->cameras_open)
        app->cameras_open = false;
    else if (app->patch.open || app->patch.similarity)
        app->patch = (struct patch_answer){0};
    else if (app->banner[0])
        app->banner[0] = 0;
    else if (app->fullscreen)
        window_fullscreen(app, false);
}

static bool is_navigation(const struct app *app)
{
    return app->navigation;
}

static bool is_help(const struct app *app)
{
    return app->help;
}

const struct action actions[] = {
    {"camera", "C", "File", "Cameras", do_cameras, NULL},
    {"screenshot", "s", "File", "Screenshot with the heat map", do_screenshot, NULL},
    {"screenshot-plain", "S", "File", "Screenshot without", do_screenshot_plain, NULL},
    {"record", "r", "File", "Record what is shown", do_record, is_recording},
    {"export", "e", "File", "Export map, NPY, points, report", do_export, NULL},
    {"quit", "q", "File", "Quit", do_quit, NULL},
    {"pause", "space", "Play", "Pause", do_pause, is_paused},
    {"next", ".", "Play", "Next picture", do_next, NULL},
    {"previous", ",", "Play", "Previous picture", do_previous, NULL},
    {"forward", "right", "Play", "5 seconds on (wipe: right)", do_forward, NULL},
    {"back", "left", "Play", "5 seconds back (wipe: left)", do_back, NULL},
    {"loop", "L", "Play", "Loop", toggle_loop, is_loop},
    {"prompt", "/", "Prompt", "Type a prompt", focus_prompt, NULL},
    {"history", "H", "Prompt", "Former prompts", open_history, NULL},
    {"next-prompt", "tab", "Prompt", "Next prompt", next_prompt, NULL},
    {"toggle-prompt", "x", "Prompt", "Prompt on or off", toggle_chip, NULL},
    {"solo", "z", "Prompt", "This prompt alone, or all", solo, NULL},
    {"remove-prompt", "delete", "Prompt", "Remove the prompt", remove_selected, NULL},
    {"method", "m", "Model", "Next method", next_method, NULL},
    {"compare-with", "M", "Model", "Compare with the next", next_other, NULL},
    {"redundant", "R", "Model", "Next kind of redundancy", next_redundant, NULL},
    {"labels", "N", "Model", "Next label set", next_labels, NULL},
    {"shape", "F", "Model", "Square or own shape", next_shape, NULL},
    {"device", "D", "Model", "Next device", next_device, NULL},
    {"precision", "P", "Model", "Next precision", next_precision, NULL},
    {"larger", "+", "Model", "Larger input", larger, NULL},
    {"smaller", "-", "Model", "Smaller input", smaller, NULL},
    {"later-block", ")", "Model", "First block later", later_block, NULL},
    {"earlier-block", "(", "Model", "First block earlier", earlier_block, NULL},
    {"colours", "a", "View", "All prompts in their colours", layout_colours, is_colours},
    {"wipe", "w", "View", "Wipe between two methods", layout_wipe, is_wipe},
    {"side", "b", "View", "Side by side", layout_side, is_side},
    {"grid", "g", "View", "Grid of all prompts", layout_grid, is_grid},
    {"difference", "d", "View", "Difference of the two", layout_difference, is_difference},
    {"overlay", "v", "View", "Heat map", toggle_overlay, is_overlay},
    {"colormap", "c", "View", "Next colour map", next_colormap, NULL},
    {"more-opacity", "]", "View", "More opaque", more_opacity, NULL},
    {"less-opacity", "[", "View", "Less opaque", less_opacity, NULL},
    {"more-threshold", "T", "View", "Higher threshold", more_threshold, NULL},
    {"less-threshold", "t", "View", "Lower threshold", less_threshold, NULL},
    {"quantile", "Q", "View", "Threshold by quantile", toggle_use_quantile, is_use_quantile},
    {"contours", "k", "View", "Contour lines", more_contours, NULL},
    {"smoothing", "n", "View", "Smoothing in time", next_smoothing, NULL},
    {"lock", "l", "View", "Lock the range", toggle_lock, is_lock},
    {"points", "p", "View", "Points for SAM", toggle_points, is_points},
    {"read-out", "h", "View", "Read-out at the mouse", toggle_read_out, is_read_out},
    {"legend", "j", "View", "Legend", toggle_legend, is_legend},
    {"panel", "o", "Window", "Panel", toggle_panel, is_panel},
    {"stats", "i", "Window", "Statistics", toggle_stats, is_stats},
    {"one-to-one", "1", "Window", "One pixel a pixel", toggle_one_to_one, is_one_to_one},
    {"fullscreen", "f", "Window", "Full screen", toggle_fullscreen, is_fullscreen},
    {"menus", "f10", "Window", "Keyboard in the menus", toggle_menus, NULL},
    {"navigation", "f6", "Window", "Keyboard in the panel", toggle_navigation, is_navigation},
    {"help", "?", "Window", "All keys", toggle_help, is_help},
    {"escape", "escape", "Window", "Close what is open", do_escape, NULL},
    {0},
};

/* Further keys of the same actions. */
static const struct {
    const char *key, *name;
} aliases[] = {{"f11", "fullscreen"},   {"f1", "help"},      {"page_down", "next"},
               {"page_up", "previous"}, {"enter", "prompt"}, {"backspace", "remove-prompt"},
               {"=", "larger"},         {"ctrl+q", "quit"},  {"*", "larger"}};

void action_aliases(char *text, size_t capacity)
{
    text[0] = 0;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        for (const struct action *action = actions; action->name; action++)
            if (strcmp(action->name, aliases[i].name) == 0) {
                size_t used = strlen(text);
                view_format(text + used, capacity - used, "%s%s: %s", used ? "     " : "", aliases[i].key, action->key);
            }
}

bool action_run(struct app *app, const char *name)
{
    for (const struct action *action = actions; action->name; action++)
        if (strcmp(action->name, name) == 0) {
            action->run(app);
            return true;
        }
    return false;
}

bool action_key(struct app *app, const char *key)
{
    if (app->settings.layout == LAYOUT_WIPE && (strcmp(key, "left") == 0 || strcmp(key, "right") == 0)) {
        (strcmp(key, "left") == 0 ? wipe_left : wipe_right)(app);
        return true;
    }
    for (const struct action *action = actions; action->name; action++)
        if (strcmp(action->key, key) == 0)
            return action_run(app, action->name);
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].key, key) == 0)
            return action_run(app, aliases[i].name);
    return false;
}
