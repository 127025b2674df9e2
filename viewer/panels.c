/* What stands beside and over the picture: the switches, the statistics, the keys, a patch's texts, the cameras. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "scene.h"
#include "source_av.h"
#include "ui.h"

#define MAX_ITEMS 24

/* A combo over names; true where another was chosen. */
static bool choose(const char *label, char *value, size_t capacity, const char *const *items, int count)
{
    int chosen = -1;
    for (int i = 0; i < count; i++)
        if (strcmp(items[i], value) == 0)
            chosen = i;
    if (!ui_combo(label, &chosen, items, count) || chosen < 0)
        return false;
    view_copy(value, capacity, items[chosen]);
    return true;
}

static int methods(const struct app *app, const char **items, bool reference)
{
    int count = 0;
    for (size_t i = 0; csg_method_name(i) && count < MAX_ITEMS - 1; i++)
        if (app_method_fits(app, i))
            items[count++] = csg_method_name(i);
    if (reference)
        items[count++] = "reference";
    return count;
}

static void size_switch(struct app *app)
{
    struct settings *s = &app->settings;
    const struct worker_state *w = &app->worker_state;
    if (!w->patch_px)
        return;
    char format[64];
    int patches = (s->size_px ? s->size_px : w->image_size_px) / w->patch_px;
    view_format(format, sizeof format, "%d px", patches * w->patch_px);
    if (ui_slider_int("input", &patches, 2, 512 / w->patch_px, format))
        s->size_px = patches * w->patch_px;
    int block = s->first_block ? s->first_block : (int)w->first_block_default;
    if (ui_slider_int("first block", &block, 1, (int)w->layers, "%d"))
        s->first_block = block;
}

static void method_section(struct app *app)
{
    static const char *const redundant[] = {"auto", "set", "empty"}, *const fits[] = {"stretch", "aspect"};
    const char *items[MAX_ITEMS];
    struct settings *s = &app->settings;
    ui_heading("Method");
    choose("method", s->method, sizeof s->method, items, methods(app, items, false));
    choose("redundant", s->redundant, sizeof s->redundant, redundant, 3);
    size_switch(app);
    choose("shape", s->fit, sizeof s->fit, fits, 2);
    if (app->outcome && app->outcome->result) {
        char line[128];
        view_format(line, sizeof line, "feature surgery: %s, %zu texts in the set", app->outcome->result->mode,
                    app->outcome->result->n_set);
        ui_text_colored(0x9aa3b0ff, line);
    }
}

static void labels_switch(struct app *app)
{
    static const char *const sets[] = {"none", "demo", "pascal59", "coco80", "voc20", "imagenet1000"};
    struct settings *s = &app->settings;
    const char *items[7];
    char shown[VIEW_PATH];
    int count = 6;
    for (int i = 0; i < count; i++)
        items[i] = sets[i];
    view_copy(shown, sizeof shown, s->labels[0] ? s->labels : "none");
    if (strchr(shown, '/') || strchr(shown, '.'))
        items[count++] = s->labels;
    if (choose("labels", shown, sizeof shown, items, count))
        view_copy(s->labels, sizeof s->labels, strcmp(shown, "none") == 0 ? "" : shown);
    if (ui_hovered())
        ui_tooltip("Texts that are not drawn: what they share with the prompts is redundant and taken away.\n"
                   "A text file with one label a line can be dropped on the window.");
}

static void compare_section(struct app *app)
{
    const char *items[MAX_ITEMS], *layouts[N_LAYOUTS];
    struct settings *s = &app->settings;
    for (int i = 0; i < N_LAYOUTS; i++)
        layouts[i] = layout_names[i];
    ui_heading("Layout");
    ui_combo("show", &s->layout, layouts, N_LAYOUTS);
    choose("against", s->other, sizeof s->other, items, methods(app, items, true));
}

static void look_section(struct app *app)
{
    const char *items[MAX_ITEMS];
    struct settings *s = &app->settings;
    int count = 0;
    while (count < MAX_ITEMS && csg_colormap_name((size_t)count)) {
        items[count] = csg_colormap_name((size_t)count);
        count++;
    }
    ui_heading("Heat map");
    choose("colours", s->colormap, sizeof s->colormap, items, count);
    ui_slider("opacity", &s->opacity, 0, 1, "%.2f");
    if (s->use_quantile)
        ui_slider("quantile", &s->quantile, 0, 1, "%.2f");
    else
        ui_slider("threshold", &s->threshold, 0, 1, "%.2f");
    ui_checkbox("threshold by quantile", &s->use_quantile);
    ui_slider_int("contours", &s->contours, 0, 9, "%d");
    if (ui_slider("smoothing", &s->smoothing, 0, 0.95f, "%.2f"))
        maps_rescale(app);
    bool lock = s->lock;
    if (ui_checkbox("lock the raw range", &lock)) {
        s->lock = lock;
        maps_rescale(app);
    }
    if (ui_hovered())
        ui_tooltip("Each map is stretched to its full range, so that a text that is absent looks present.\n"
                   "Locked, the range of this moment stays.");
    ui_checkbox("points for SAM", &s->points);
    if (s->points)
        ui_slider("at least", &s->point_threshold, 0.05f, 1, "%.2f");
}

static void device_switch(struct app *app)
{
    const struct worker_state *w = &app->worker_state;
    const char *items[10];
    int count = 0, chosen = 0;
    items[count++] = "the best device";
    for (size_t i = 0; i < w->n_devices; i++) {
        if (strcmp(app->engine.device, w->device_specs[i]) == 0)
            chosen = count;
        items[count++] = w->devices[i];
    }
    if (strcmp(app->engine.device, "reference") == 0)
        chosen = count;
    items[count++] = "C reference (slow)";
    if (!ui_combo("device", &chosen, items, count))
        return;
    memset(app->engine.device, 0, sizeof app->engine.device); /* specs are compared byte by byte */
    if (chosen == count - 1)
        view_copy(app->engine.device, sizeof app->engine.device, "reference");
    else if (chosen > 0)
        view_copy(app->engine.device, sizeof app->engine.device, w->device_specs[chosen - 1]);
}

static void precision_switch(struct app *app)
{
    const char *items[MAX_ITEMS];
    int count = 0, chosen = 0;
    for (; count < MAX_ITEMS && view_precision_name((size_t)count); count++) {
        items[count] = view_precision_name((size_t)count);
        if (strcmp(items[count], app->engine.precision) == 0)
            chosen = count;
    }
    if (!ui_combo("precision", &chosen, items, count))
        return;
    memset(app->engine.precision, 0, sizeof app->engine.precision);
    view_copy(app->engine.precision, sizeof app->engine.precision, items[chosen]);
}

static void model_section(struct app *app)
{
    static char typed[VIEW_PATH];
    bool edited;
    char line[VIEW_TEXT + 32];
    const struct worker_state *w = &app->worker_state;
    ui_heading("Model");
    view_format(line, sizeof line, "%.60s, %s, %s", w->ready ? w->model_name : "none is open", w->precision, w->device_class);
    ui_text_colored(0x9aa3b0ff, line);
    device_switch(app);
    precision_switch(app);
    if (ui_input("model", "folder or name, Enter", typed, sizeof typed, 190 * app->scale, false, &edited))
        app_use_model(app, typed);
}

/* A width that fits into the window. */
static float at_most(const struct app *app, float width)
{
    float room = (float)app->window_w - 24;
    return width * app->scale < room ? width * app->scale : room;
}

static void side_panel(struct app *app)
{
    float w = 300 * app->scale;
    if (!app->settings.panel || app->canvas[2] + 1 > app->window_w)
        return;
    ui_window_begin("panel", UI_PANEL, (float)app->window_w - w, (float)app->canvas[1], w, (float)app->canvas[3], 0);
    if (app->focus_panel)
        ui_focus("panel");
    app->focus_panel = false;
    method_section(app);
    labels_switch(app);
    compare_section(app);
    look_section(app);
    model_section(app);
    ui_window_end();
}

static void row(const char *name, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ui_table_next();
    ui_text_colored(0x9aa3b0ff, name);
    ui_table_next();
    ui_text(text);
}

static void statistics(struct app *app)
{
    const struct rates *r = &app->rates;
    if (!app->settings.stats)
        return;
    ui_window_begin("stats", UI_FLOAT, (float)app->canvas[0] + 12, (float)app->canvas[1] + 12 + app->banner_h, at_most(app, 480),
                    0, 0);
    if (ui_table_begin("stats", 2)) {
        bool live = app->source_state.kind >= SOURCE_VIDEO;
        row("pictures", live ? "%.1f a second" : "still", r->picture_hz);
        row("maps", live ? "%.1f a second" : "%.1f a second at most", live ? r->map_hz : r->map_ms > 0 ? 1000 / r->map_ms : 0);
        row("drawn", "%.1f a second, %.1f ms each", r->draw_hz, r->draw_ms);
        if (live) {
            row("latency, picture", "%.1f ms from capture to swap", r->picture_latency_ms);
            row("latency, map", "%.1f ms from capture to swap", r->map_latency_ms);
        }
        if (app->encoded)
            row("texts", "%zu in %.1f ms, beside the pictures", app->encoded->needed.count, app->encoded->ms);
        const struct csg_result *result = app->outcome ? app->outcome->result : NULL;
        for (size_t i = 0; result && i < result->n_stages; i++)
            if (strcmp(result->stages[i].stage, "text") != 0)
                row(result->stages[i].stage, "%.1f ms", result->stages[i].ms);
        if (result)
            row("input", "%d x %d px, %d x %d patches", result->input_width_px, result->input_height_px, result->grid_w,
                result->grid_h);
        row("device", "%.60s", app->worker_state.device);
        row("window", "%.60s", scene_renderer());
        ui_table_end();
    }
    ui_window_end();
}

static void help_column(const struct app *app, const char *menus)
{
    ui_table_next();
    for (const struct action *a = actions; a->name; a++) {
        if (!strstr(menus, a->menu))
            continue;
        if (a == actions || strcmp(a[-1].menu, a->menu) != 0)
            ui_text_colored(0x7fd0d0ff, a->menu);
        ui_text_colored(0xffc857ff, a->key);
        ui_same_line_at(72 * app->scale);
        ui_text(a->label);
    }
}

static void help(struct app *app)
{
    /* Of about the same length each. */
    static const char *const menus[3][3] = {{"File Play Prompt Model View Window"},
                                            {"File Play Prompt Window", "Model View"},
                                            {"File Play Prompt", "Model Window", "View"}};
    char further[512];
    if (!app->help)
        return;
    float w = at_most(app, 940), x = ((float)app->window_w - w) / 2, top = (float)app->canvas[1] + 10;
    int columns = (int)view_clamp((double)(w / (300 * app->scale)), 1, 3);
    ui_window_begin("help", UI_FLOAT, x, top, w, 0, (float)app->window_h - top - 10);
    if (ui_table_begin("keys", columns)) {
        for (int c = 0; c < columns; c++)
            help_column(app, menus[columns - 1][c]);
        ui_table_end();
    }
    action_aliases(further, sizeof further);
    ui_heading("Further keys");
    ui_text_wrapped(further);
    ui_heading("Mouse");
    ui_text_wrapped(
        "Hover reads the map. Click lists the texts of a patch. Shift-click shows where the picture is like that patch. "
        "The wheel changes the opacity. Drag moves the wipe. Chips: click shows, right click switches, middle click "
        "removes. Drop files on the window.");
    ui_window_end();
}

static void patch_panel(struct app *app)
{
    char line[VIEW_TEXT + 32];
    if (!app->patch.open)
        return;
    float w = 250 * app->scale;
    ui_window_begin("patch", UI_FLOAT, (float)(app->canvas[0] + app->canvas[2]) - w - 12,
                    (float)app->canvas[1] + 12 + app->banner_h, w, 0, 0);
    view_format(line, sizeof line, "Patch %d, %d", app->patch.column, app->patch.row);
    ui_heading(line);
    ui_text_colored(0x9aa3b0ff, app->patch.count ? "over the picture's mean (cosine)" : "comparing with the labels ...");
    for (size_t i = 0; i < app->patch.count; i++) {
        view_format(line, sizeof line, "%+.3f  %s  (%.3f)", app->patch.excess[i], app->patch.texts[i], app->patch.cosines[i]);
        ui_text(line);
    }
    if (ui_button(app->patch.similarity ? "Back to the text" : "Similar patches")) {
        app->patch.similarity = !app->patch.similarity;
        maps_show_patch(app, app->patch.column, app->patch.row);
    }
    ui_same_line();
    if (ui_button("Close"))
        app->patch = (struct patch_answer){0};
    ui_window_end();
}

static void cameras(struct app *app)
{
    static struct camera list[16];
    static size_t count;
    static bool was_open;
    if (app->cameras_open && !was_open)
        count = av_camera_list(list, sizeof list / sizeof *list);
    was_open = app->cameras_open;
    if (!app->cameras_open)
        return;
    ui_window_begin("cameras", UI_FLOAT, (float)app->canvas[0] + 12, (float)app->canvas[1] + 12 + app->banner_h,
                    at_most(app, 420), 0, 0);
    ui_heading("Cameras");
    if (!count)
        ui_text_wrapped("No camera is connected, or this user may not open it.");
    for (size_t i = 0; i < count; i++) {
        char spec[VIEW_PATH], line[2 * VIEW_TEXT + 8];
        view_format(spec, sizeof spec, "camera:%s", list[i].name);
        view_format(line, sizeof line, "%s (%s)", list[i].description, list[i].name);
        if (ui_button(line)) {
            app_open_source(app, spec);
            app->cameras_open = false;
        }
    }
    if (ui_button("Close##cameras"))
        app->cameras_open = false;
    ui_window_end();
}

void panels_draw(struct app *app)
{
    side_panel(app);
    statistics(app);
    patch_panel(app);
    cameras(app);
    help(app);
}
