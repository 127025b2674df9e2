#include "settings.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

const char *const layout_names[] = {"one", "colours", "wipe", "side", "grid", "difference"};

#define TEXT(member)                                                                                                             \
    {                                                                                                                            \
#member, SETTING_TEXT, offsetof(struct settings, member), sizeof(((struct settings *)0)->member), 0, 0                   \
    }
#define INT(member, low, high)                                                                                                   \
    {                                                                                                                            \
#member, SETTING_INT, offsetof(struct settings, member), 0, low, high                                                    \
    }
#define FLOAT(member, low, high)                                                                                                 \
    {                                                                                                                            \
#member, SETTING_FLOAT, offsetof(struct settings, member), 0, low, high                                                  \
    }
#define BOOL(member)                                                                                                             \
    {                                                                                                                            \
#member, SETTING_BOOL, offsetof(struct settings, member), 0, 0, 1                                                        \
    }

const struct setting settings_table[] = {
    TEXT(method),
    TEXT(other),
    TEXT(labels),
    TEXT(redundant),
    TEXT(fit),
    TEXT(colormap),
    TEXT(model),
    INT(size_px, 0, 2048),
    INT(first_block, 0, 64),
    INT(layout, 0, N_LAYOUTS - 1),
    INT(contours, 0, 9),
    INT(window_w, 320, 8192),
    INT(window_h, 240, 8192),
    FLOAT(opacity, 0, 1),
    FLOAT(threshold, 0, 1),
    FLOAT(quantile, 0, 1),
    FLOAT(smoothing, 0, 0.95),
    FLOAT(wipe, 0, 1),
    FLOAT(point_threshold, 0.05, 1),
    BOOL(use_quantile),
    BOOL(lock),
    BOOL(points),
    BOOL(panel),
    BOOL(stats),
    BOOL(legend),
    BOOL(overlay),
    BOOL(loop),
    BOOL(read_out),
    {0},
};

void settings_default(struct settings *settings)
{
    *settings = (struct settings){.method = "surgery",
                                  .other = "raw",
                                  .redundant = "auto",
                                  .fit = "stretch",
                                  .colormap = "viridis",
                                  .window_w = 1280,
                                  .window_h = 800,
                                  .opacity = 0.6f,
                                  .quantile = 0.7f,
                                  .wipe = 0.5f,
                                  .point_threshold = 0.8f,
                                  .panel = true,
                                  .legend = true,
                                  .overlay = true,
                                  .loop = true,
                                  .read_out = true};
}

static void *at(struct settings *settings, const struct setting *setting)
{
    return (char *)settings + setting->at;
}

static void set_number(struct settings *settings, const struct setting *setting, double value)
{
    double clamped = view_clamp(value, setting->low, setting->high);
    if (setting->kind == SETTING_INT)
        *(int *)at(settings, setting) = (int)clamped;
    else if (setting->kind == SETTING_FLOAT)
        *(float *)at(settings, setting) = (float)clamped;
    else
        *(bool *)at(settings, setting) = clamped != 0;
}

static int index_of(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

/* Whether a text is one of those that the setting can have. */
static bool text_fits(const char *name, const char *value)
{
    static const char *const redundant[] = {"auto", "set", "empty"}, *const fits[] = {"stretch", "aspect"};
    if (strcmp(name, "redundant") == 0)
        return index_of(value, redundant, 3) >= 0;
    if (strcmp(name, "fit") == 0)
        return index_of(value, fits, 2) >= 0;
    if (strcmp(name, "colormap") == 0)
        return csg_colormap_known(value);
    if (strcmp(name, "other") == 0 && strcmp(value, "reference") == 0)
        return true;
    if (strcmp(name, "method") == 0 || strcmp(name, "other") == 0) {
        for (size_t i = 0; csg_method_name(i); i++)
            if (strcmp(csg_method_name(i), value) == 0)
                return true;
        return false;
    }
    return true;
}

int settings_set(struct settings *settings, const char *name, const char *value, struct csg_error *err)
{
    const struct setting *setting = settings_table;
    char *end;
    while (setting->name && strcmp(setting->name, name) != 0)
        setting++;
    if (!setting->name)
        return view_fail(err, CSG_ERROR_USAGE, "there is no setting '%.60s'", name);
    if (setting->kind == SETTING_TEXT) {
        if (!text_fits(name, value))
            return view_fail(err, CSG_ERROR_USAGE, "'%.60s' is no %s", value, name);
        view_copy(at(settings, setting), setting->capacity, value);
        return CSG_OK;
    }
    int layout = strcmp(name, "layout") == 0 ? index_of(value, layout_names, N_LAYOUTS) : -1;
    double number = layout >= 0 ? layout : strtod(value, &end);
    if (layout < 0 && (end == value || *end || !isfinite(number)))
        return view_fail(err, CSG_ERROR_USAGE, "the setting %s wants a number, not '%.60s'", name, value);
    set_number(settings, setting, number);
    return CSG_OK;
}

bool settings_tell(const struct settings *settings, const char *name, char *value, size_t capacity)
{
    struct settings copy = *settings;
    const struct setting *setting = settings_table;
    while (setting->name && strcmp(setting->name, name) != 0)
        setting++;
    if (!setting->name)
        return false;
    void *at_name = at(&copy, setting);
    if (strcmp(name, "layout") == 0)
        view_copy(value, capacity, layout_names[copy.layout]);
    else if (setting->kind == SETTING_TEXT)
        view_copy(value, capacity, at_name);
    else if (setting->kind == SETTING_FLOAT)
        view_format(value, capacity, "%.2f", (double)*(float *)at_name);
    else
        view_format(value, capacity, "%d", setting->kind == SETTING_INT ? *(int *)at_name : *(bool *)at_name);
    return true;
}

static int file_in(char *path, const char *variable, const char *fallback, const char *name, struct csg_error *err)
{
    char folder[VIEW_PATH - 32];
    int status = name_user_folder(folder, sizeof folder, variable, fallback, err);
    if (status == CSG_OK)
        view_format(path, VIEW_PATH, "%s/%s", folder, name);
    return status;
}

void settings_load(struct settings *settings)
{
    char path[VIEW_PATH];
    settings_default(settings);
    if (file_in(path, "XDG_CONFIG_HOME", ".config", "viewer.json", NULL) != CSG_OK)
        return;
    json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    for (const struct setting *s = settings_table; s->name && json_is_object(document); s++) {
        const json_t *value = json_object_get(document, s->name);
        if (s->kind == SETTING_TEXT && json_is_string(value) && text_fits(s->name, json_string_value(value)))
            view_copy(at(settings, s), s->capacity, json_string_value(value));
        else if (s->kind == SETTING_BOOL && json_is_boolean(value))
            *(bool *)at(settings, s) = json_is_true(value);
        else if ((s->kind == SETTING_INT || s->kind == SETTING_FLOAT) && json_is_number(value))
            set_number(settings, s, json_number_value(value));
    }
    json_decref(document);
}

int settings_save(const struct settings *settings, struct csg_error *err)
{
    char path[VIEW_PATH];
    struct settings copy = *settings;
    int status = file_in(path, "XDG_CONFIG_HOME", ".config", "viewer.json", err);
    if (status)
        return status;
    json_t *document = json_object();
    for (const struct setting *s = settings_table; s->name; s++) {
        void *value = at(&copy, s);
        json_t *json = s->kind == SETTING_TEXT   ? json_string((const char *)value)
                       : s->kind == SETTING_INT  ? json_integer(*(int *)value)
                       : s->kind == SETTING_BOOL ? json_boolean(*(bool *)value)
                                                 : json_real((double)*(float *)value);
        json_object_set_new(document, s->name, json);
    }
    return name_write_json(document, path, true, err);
}

void history_load(struct history *history)
{
    char path[VIEW_PATH];
    history->count = 0;
    if (file_in(path, "XDG_STATE_HOME", ".local/state", "prompts.json", NULL) != CSG_OK)
        return;
    json_t *document = json_load_file(path, 0, NULL), *value;
    size_t i;
    json_array_foreach(document, i, value)
    {
        if (history->count < HISTORY_MAX && json_is_string(value))
            view_copy(history->texts[history->count++], VIEW_TEXT, json_string_value(value));
    }
    json_decref(document);
}

void history_add(struct history *history, const char *text)
{
    char kept[VIEW_TEXT];
    size_t i = 0;
    if (!text[0])
        return;
    view_copy(kept, sizeof kept, text); /* it may be one of the history's own */
    while (i < history->count && strcmp(history->texts[i], kept) != 0)
        i++;
    if (i == history->count && history->count < HISTORY_MAX)
        history->count++;
    if (i == HISTORY_MAX)
        i--;
    memmove(history->texts + 1, history->texts, i * sizeof *history->texts);
    view_copy(history->texts[0], VIEW_TEXT, kept);
}

int history_save(const struct history *history, struct csg_error *err)
{
    char path[VIEW_PATH];
    int status = file_in(path, "XDG_STATE_HOME", ".local/state", "prompts.json", err);
    if (status)
        return status;
    json_t *document = json_array();
    for (size_t i = 0; i < history->count; i++) {
        json_t *text = json_string(history->texts[i]);
        if (text)
            json_array_append_new(document, text);
    }
    return name_write_json(document, path, true, err);
}

const char *view_precision_name(size_t index)
{
    return index == 0 ? "auto" : csg_precision_name(index - 1);
}
