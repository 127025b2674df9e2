#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui.h"
#include "window.h"

#define WAIT_LIMIT_MS 180000.0

struct script {
    char *text, *at;
    int line;
    double waiting_since_ms, wait_until_ms;
    int wait_frames;
    bool wait_map, wait_picture;
    const char *wait_fact; /* NAME VALUE */
    char noted[VIEW_PATH]; /* what a fact was */
    bool has_mouse, release;
    double mouse_x, mouse_y;
};

int script_load(struct script **out, const char *path, struct csg_error *err)
{
    enum { LIMIT = 1 << 20 };
    struct script *script = calloc(1, sizeof *script);
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    *out = NULL;
    if (script)
        script->text = calloc(1, LIMIT + 1);
    if (!script || !script->text || !file) {
        script_destroy(&script);
        if (file && file != stdin)
            fclose(file);
        return view_fail(err, CSG_ERROR_USAGE, "the script %s cannot be read", path);
    }
    size_t bytes = fread(script->text, 1, LIMIT, file);
    script->text[bytes] = 0;
    if (file != stdin)
        fclose(file);
    script->at = script->text;
    *out = script;
    return CSG_OK;
}

void script_destroy(struct script **out)
{
    if (*out) {
        free((*out)->text);
        free(*out);
    }
    *out = NULL;
}

bool script_mouse(const struct app *app, double *x, double *y)
{
    if (!app->script || !app->script->has_mouse)
        return false;
    *x = app->script->mouse_x;
    *y = app->script->mouse_y;
    return true;
}

/* Of the picture to window units, in the first pane. */
static bool place(struct app *app, double u, double v, double *x, double *y)
{
    struct pane panes[VIEW_MAX_TEXTS];
    double s = canvas_pixels(app);
    if (!canvas_panes(app, panes))
        return false;
    *x = (panes[0].rect.x + u * panes[0].rect.w) / s;
    *y = (panes[0].rect.y + v * panes[0].rect.h) / s;
    return true;
}

static int move(struct app *app, const char *words, bool click, bool shift, struct csg_error *err)
{
    double u, v, x, y;
    if (sscanf(words, "%lf %lf", &u, &v) != 2 || !place(app, u, v, &x, &y))
        return view_fail(err, CSG_ERROR_USAGE, "no place in a picture: %s", words);
    app->script->has_mouse = true;
    app->script->mouse_x = x;
    app->script->mouse_y = y;
    if (click) {
        canvas_mouse(app, x, y, true, false, shift);
        canvas_mouse(app, x, y, false, true, shift);
    }
    return CSG_OK;
}

static int drag(struct app *app, const char *words, struct csg_error *err)
{
    double u0, v0, u1, v1, x, y;
    if (sscanf(words, "%lf %lf %lf %lf", &u0, &v0, &u1, &v1) != 4 || !place(app, u0, v0, &x, &y))
        return view_fail(err, CSG_ERROR_USAGE, "no two places in a picture: %s", words);
    canvas_mouse(app, x, y, true, false, false);
    place(app, u1, v1, &x, &y);
    canvas_mouse(app, x, y, false, false, false);
    canvas_mouse(app, x, y, false, true, false);
    return CSG_OK;
}

static int wait_for(struct script *s, const char *words, struct csg_error *err)
{
    double number;
    s->waiting_since_ms = view_now_ms();
    if (strcmp(words, "map") == 0)
        s->wait_map = true;
    else if (strcmp(words, "picture") == 0)
        s->wait_picture = true;
    else if (sscanf(words, "ms %lf", &number) == 1)
        s->wait_until_ms = view_now_ms() + number;
    else if (sscanf(words, "frames %lf", &number) == 1)
        s->wait_frames = (int)number;
    else
        return view_fail(err, CSG_ERROR_USAGE, "a script cannot wait for '%s'", words);
    return CSG_OK;
}

/* Where the first picture is in the window, in pixels. */
static void tell_pane(const struct app *app, char *value, size_t capacity)
{
    struct pane panes[VIEW_MAX_TEXTS];
    if (canvas_panes(app, panes))
        view_format(value, capacity, "%.0f %.0f %.0f %.0f", panes[0].rect.x, panes[0].rect.y, panes[0].rect.w, panes[0].rect.h);
}

static void tell_mouse(char *value, size_t capacity)
{
    double x, y;
    ui_mouse(&x, &y);
    view_format(value, capacity, "%.0f %.0f", x, y);
}

static void tell_read_out(const struct app *app, char *value, size_t capacity)
{
    double x, y;
    canvas_read_out(app, &x, &y, value, capacity);
}

/* The last picture's, which of two methods is the main one and of three the difference. */
static void tell_legend(const struct app *app, char *value, size_t capacity)
{
    struct pane panes[VIEW_MAX_TEXTS];
    const char *unit;
    char low[32], high[32];
    size_t count = canvas_panes(app, panes);
    if (count && canvas_legend(app, panes + count - 1, &unit, low, high))
        view_format(value, capacity, "%s %s %s", unit, low, high);
}

/* Facts that a script can print and expect. */
static bool fact(const struct app *app, const char *name, char *value, size_t capacity)
{
    const struct csg_result *result = app->outcome ? app->outcome->result : NULL;
    value[0] = 0;
    if (strcmp(name, "banner") == 0)
        view_copy(value, capacity, app->banner);
    else if (strcmp(name, "title") == 0)
        window_title_text(app, value, capacity);
    else if (strcmp(name, "toast") == 0)
        view_copy(value, capacity, app->toast);
    else if (strcmp(name, "text") == 0)
        view_copy(value, capacity, app_selected_text(app));
    else if (strcmp(name, "unknown") == 0)
        view_copy(value, capacity, app->draft_unknown);
    else if (strcmp(name, "method") == 0)
        view_copy(value, capacity, result ? result->method : "");
    else if (strcmp(name, "mode") == 0)
        view_copy(value, capacity, result ? result->mode : "");
    else if (strcmp(name, "texts") == 0)
        view_format(value, capacity, "%zu", app->maps->n);
    else if (strcmp(name, "chips") == 0)
        view_format(value, capacity, "%zu", app->n_chips);
    else if (strcmp(name, "typing") == 0)
        view_format(value, capacity, "%d", ui_wants_text());
    else if (strcmp(name, "keys") == 0)
        view_format(value, capacity, "%u", app->keys);
    else if (strcmp(name, "popup") == 0)
        view_format(value, capacity, "%d", ui_popup_any());
    else if (strcmp(name, "help") == 0)
        view_format(value, capacity, "%d", app->help);
    else if (strcmp(name, "settled") == 0)
        view_format(value, capacity, "%d", app_settled(app));
    else if (strcmp(name, "encoding") == 0)
        view_format(value, capacity, "%d", app->text_state.busy);
    else if (strcmp(name, "precision") == 0)
        view_copy(value, capacity, app->worker_state.precision);
    else if (strcmp(name, "grid") == 0)
        view_format(value, capacity, "%dx%d", app->maps->grid_w, app->maps->grid_h);
    else if (strcmp(name, "picture") == 0)
        view_copy(value, capacity, app->frame ? app->frame->name : "");
    else if (strcmp(name, "serial") == 0)
        view_format(value, capacity, "%llu", (unsigned long long)(app->frame ? app->frame->serial : 0));
    else if (strcmp(name, "position") == 0)
        view_format(value, capacity, "%.3f", app->source_state.position_s);
    else if (strcmp(name, "paused") == 0)
        view_format(value, capacity, "%d", app->source_state.paused);
    else if (strcmp(name, "ended") == 0)
        view_format(value, capacity, "%d", app->source_state.ended);
    else if (strcmp(name, "device") == 0)
        view_copy(value, capacity, app->worker_state.device);
    else if (strcmp(name, "mouse") == 0)
        tell_mouse(value, capacity);
    else if (strcmp(name, "read_out") == 0)
        tell_read_out(app, value, capacity);
    else if (strcmp(name, "legend") == 0)
        tell_legend(app, value, capacity);
    else if (strcmp(name, "pane") == 0)
        tell_pane(app, value, capacity);
    else if (strcmp(name, "scale") == 0)
        view_format(value, capacity, "%.2f", (double)app->scale);
    else if (strcmp(name, "canvas") == 0)
        view_format(value, capacity, "%.0f %.0f %.0f %.0f", app->canvas[0], app->canvas[1], app->canvas[2], app->canvas[3]);
    else if (strcmp(name, "difference") == 0)
        view_format(value, capacity, "%.3g", app->difference_max);
    else if (strcmp(name, "patch") == 0)
        view_format(value, capacity, "%d %d %s", app->patch.column, app->patch.row, app->patch.count ? app->patch.texts[0] : "");
    else if (strcmp(name, "patch_texts") == 0)
        view_format(value, capacity, "%zu", app->patch.count);
    else if (strcmp(name, "points") == 0)
        view_format(value, capacity, "%zu", app->outcome ? app->outcome->points[0].count : 0);
    else if (strcmp(name, "rates") == 0)
        view_format(value, capacity,
                    "%.1f pictures/s, %.1f maps/s, %.1f drawn/s, map latency %.1f ms, picture latency %.1f ms, map %.1f ms",
                    app->rates.picture_hz, app->rates.map_hz, app->rates.draw_hz, app->rates.map_latency_ms,
                    app->rates.picture_latency_ms, app->rates.map_ms);
    else if (strcmp(name, "pictures") == 0)
        view_format(value, capacity, "%llu", (unsigned long long)app->rates.pictures);
    else if (strcmp(name, "maps") == 0)
        view_format(value, capacity, "%llu", (unsigned long long)app->rates.maps);
    else if (strcmp(name, "counts") == 0)
        view_format(value, capacity, "%llu pictures, %llu maps, %llu drawn, %.2f s", (unsigned long long)app->rates.pictures,
                    (unsigned long long)app->rates.maps, (unsigned long long)app->rates.draws,
                    (view_now_ms() - app->started_ms) / 1000);
    else
        return settings_tell(&app->settings, name, value, capacity);
    return true;
}

static int expect(const struct app *app, const char *words, struct csg_error *err)
{
    char name[32], value[VIEW_PATH];
    const char *space = strchr(words, ' ');
    const char *wanted = space ? space + 1 : "";
    view_format(name, sizeof name, "%.*s", (int)(space ? space - words : (long)strlen(words)), words);
    if (!fact(app, name, value, sizeof value))
        return view_fail(err, CSG_ERROR_USAGE, "a script knows nothing of '%s'", name);
    bool holds = wanted[0] == '~'   ? strstr(value, wanted + 1) != NULL
                 : wanted[0] == '!' ? strcmp(value, app->script->noted) != 0
                                    : strcmp(value, wanted) == 0;
    if (!holds)
        return view_fail(err, CSG_ERROR_USAGE, "line %d of the script expects %s to be '%s', but it is '%s'", app->script->line,
                         name, wanted, value);
    return CSG_OK;
}

static bool waits_in_vain(const struct script *s)
{
    return view_now_ms() - s->waiting_since_ms > WAIT_LIMIT_MS && (s->wait_map || s->wait_picture || s->wait_fact);
}

/* Whether it has come true what is waited for. */
static bool holds(const struct app *app)
{
    const struct script *s = app->script;
    return s->wait_until_ms <= view_now_ms() && !(s->wait_picture && !app->frame) &&
           !(s->wait_map && (!app->frame || !app_settled(app))) && !(s->wait_fact && expect(app, s->wait_fact, NULL) != CSG_OK);
}

bool script_due(const struct app *app)
{
    return app->script && (app->script->wait_frames > 0 || holds(app) || waits_in_vain(app->script));
}

static int keep_waiting(struct app *app, bool *wait, struct csg_error *err)
{
    struct script *s = app->script;
    *wait = true;
    if (waits_in_vain(s))
        return view_fail(err, CSG_ERROR_USAGE, "line %d of the script waits in vain; the window says: %s", s->line, app->banner);
    if ((s->wait_frames > 0 && s->wait_frames--) || !holds(app))
        return CSG_OK;
    s->wait_map = s->wait_picture = *wait = false;
    s->wait_fact = NULL;
    return CSG_OK;
}

static int print(const struct app *app, const char *words, struct csg_error *err)
{
    char value[VIEW_PATH];
    if (!fact(app, words, value, sizeof value))
        return view_fail(err, CSG_ERROR_USAGE, "a script knows nothing of '%s'", words);
    printf("%s: %s\n", words, value);
    fflush(stdout);
    return CSG_OK;
}

static int set(struct app *app, const char *words, struct csg_error *err)
{
    char name[32];
    const char *space = strchr(words, ' ');
    view_format(name, sizeof name, "%.*s", (int)(space ? space - words : (long)strlen(words)), words);
    int status = settings_set(&app->settings, name, space ? space + 1 : "", err);
    if (status == CSG_OK)
        maps_rescale(app);
    return status;
}

static int carry_out(struct app *app, const char *verb, const char *words, struct csg_error *err)
{
    if (strcmp(verb, "wait") == 0)
        return wait_for(app->script, words, err);
    if (strcmp(verb, "type") == 0) {
        app->focus_prompt = false;
        view_copy(app->draft, sizeof app->draft, words);
        app->draft_changed_ms = view_now_ms();
        app->draft_pending = true;
    } else if (strcmp(verb, "key") == 0) {
        if (strcmp(words, "enter") == 0 && app->draft[0])
            app_commit_draft(app);
        else if (!action_key(app, words))
            return view_fail(err, CSG_ERROR_USAGE, "no action has the key '%s'", words);
    } else if (strcmp(verb, "action") == 0) {
        if (!action_run(app, words))
            return view_fail(err, CSG_ERROR_USAGE, "there is no action '%s'", words);
    } else if (strcmp(verb, "open") == 0) {
        app_open_source(app, words);
        frame_unref(&app->frame);
    } else if (strcmp(verb, "drop") == 0) {
        app_drop(app, words);
    } else if (strcmp(verb, "prompt") == 0) {
        app_add_chip(app, words);
    } else if (strcmp(verb, "model") == 0) {
        app_use_model(app, words);
    } else if (strcmp(verb, "device") == 0) {
        memset(app->engine.device, 0, sizeof app->engine.device);
        view_copy(app->engine.device, sizeof app->engine.device, words);
    } else if (strcmp(verb, "scale") == 0) {
        window_scale(app, strtod(words, NULL));
    } else if (strcmp(verb, "note") == 0) {
        if (!fact(app, words, app->script->noted, sizeof app->script->noted))
            return view_fail(err, CSG_ERROR_USAGE, "a script knows nothing of '%s'", words);
    } else if (strcmp(verb, "set") == 0) {
        return set(app, words, err);
    } else if (strcmp(verb, "method") == 0) {
        return settings_set(&app->settings, "method", words, err);
    } else if (strcmp(verb, "size") == 0) {
        return settings_set(&app->settings, "size_px", words, err);
    } else if (strcmp(verb, "hover") == 0 || strcmp(verb, "click") == 0 || strcmp(verb, "shift-click") == 0) {
        return move(app, words, verb[0] != 'h', verb[0] == 's', err);
    } else if (strcmp(verb, "drag") == 0) {
        return drag(app, words, err);
    } else if (strcmp(verb, "screenshot") == 0 || strcmp(verb, "plain") == 0) {
        return keep_screenshot(app, words, verb[0] == 's', err);
    } else if (strcmp(verb, "window") == 0) {
        return keep_window(app, words, err);
    } else if (strcmp(verb, "export") == 0) {
        app->toast[0] = 0;
        keep_export(app, words);
    } else if (strcmp(verb, "expect") == 0) {
        return expect(app, words, err);
    } else if (strcmp(verb, "await") == 0) {
        app->script->waiting_since_ms = view_now_ms();
        app->script->wait_fact = words;
    } else if (strcmp(verb, "print") == 0) {
        return print(app, words, err);
    } else if (strcmp(verb, "quit") == 0) {
        app->quit = true;
    } else {
        return view_fail(err, CSG_ERROR_USAGE, "line %d: a script has no command '%s'", app->script->line, verb);
    }
    return CSG_OK;
}

int script_step(struct app *app, struct csg_error *err)
{
    struct script *s = app->script;
    bool wait = true;
    if (!s)
        return CSG_OK;
    int status = keep_waiting(app, &wait, err);
    if (status || wait)
        return status;
    if (!*s->at) {
        script_destroy(&app->script);
        return CSG_OK;
    }
    char *line = s->at, *end = line + strcspn(line, "\n");
    s->at = *end ? end + 1 : end;
    *end = 0;
    s->line++;
    line += strspn(line, " \t");
    line[strcspn(line, "\r")] = 0;
    if (!*line || *line == '#')
        return CSG_OK;
    char *words = line + strcspn(line, " ");
    if (*words)
        *words++ = 0;
    status = carry_out(app, line, words, err);
    /* What was asked is drawn before the next command looks at it. */
    if (!s->wait_frames && strcmp(line, "expect") != 0 && strcmp(line, "print") != 0 && strcmp(line, "await") != 0)
        s->wait_frames = 1;
    return status;
}
