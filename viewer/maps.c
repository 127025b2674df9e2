/* From outcomes to what is drawn: smoothing in time, locked ranges, differences, the map of one patch. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

static void free_one(struct shown_maps *maps)
{
    free(maps->values);
    free(maps->raw);
    free(maps->plain);
    *maps = (struct shown_maps){0};
}

void maps_free(struct app *app)
{
    for (int slot = 0; slot < SCENE_SLOTS; slot++)
        free_one(app->maps + slot);
}

static size_t cells_of(const struct shown_maps *maps)
{
    return (size_t)maps->grid_w * (size_t)maps->grid_h;
}

static bool same_kind(const struct shown_maps *maps, const struct csg_result *result)
{
    bool same = maps->n == result->n_texts && maps->grid_w == result->grid_w && maps->grid_h == result->grid_h &&
                strcmp(maps->method, result->method) == 0;
    for (size_t i = 0; same && i < maps->n; i++)
        same = strcmp(maps->texts[i], result->texts[i].text) == 0;
    return same;
}

/* Empty ones; none where there is no memory. */
static bool make(struct shown_maps *maps, size_t n, int grid_w, int grid_h)
{
    size_t total = n * (size_t)grid_w * (size_t)grid_h;
    free_one(maps);
    maps->values = calloc(total, sizeof *maps->values);
    maps->raw = calloc(total, sizeof *maps->raw);
    maps->plain = calloc(total, sizeof *maps->plain);
    if (!maps->values || !maps->raw || !maps->plain) {
        free_one(maps);
        return false;
    }
    maps->n = n;
    maps->grid_w = grid_w;
    maps->grid_h = grid_h;
    return true;
}

static void take_new(struct shown_maps *maps, const struct csg_result *result)
{
    if (!make(maps, result->n_texts, result->grid_w, result->grid_h))
        return;
    size_t total = maps->n * cells_of(maps);
    view_copy(maps->method, sizeof maps->method, result->method);
    for (size_t i = 0; i < maps->n; i++)
        view_copy(maps->texts[i], VIEW_TEXT, result->texts[i].text);
    memcpy(maps->raw, result->similarity, total * sizeof *maps->raw);
    memcpy(maps->plain, result->grid_map, total * sizeof *maps->plain);
}

static void range_of(const float *values, size_t count, double *low, double *high)
{
    float least = values[0], most = values[0];
    for (size_t i = 1; i < count; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    *low = (double)least;
    *high = (double)most;
}

/* The locked range of a text and method; where there is none yet, it becomes what the text has now. */
static const struct locked_range *lock_of(struct app *app, const struct shown_maps *maps, size_t i, double low, double high)
{
    for (size_t k = 0; k < app->n_locked; k++)
        if (strcmp(app->locked[k].text, maps->texts[i]) == 0 && strcmp(app->locked[k].method, maps->method) == 0)
            return app->locked + k;
    size_t at = app->n_locked < sizeof app->locked / sizeof *app->locked ? app->n_locked++ : 0;
    struct locked_range *range = app->locked + at;
    view_copy(range->text, sizeof range->text, maps->texts[i]);
    view_copy(range->method, sizeof range->method, maps->method);
    range->low = low;
    range->high = high;
    return range;
}

static void stretch(float *to, const float *from, size_t count, double low, double high)
{
    double scale = high > low ? 1 / (high - low) : 0;
    for (size_t i = 0; i < count; i++)
        to[i] = (float)view_clamp(((double)from[i] - low) * scale, 0, 1);
}

static void finish(struct app *app, struct shown_maps *maps)
{
    size_t cells = cells_of(maps);
    for (size_t i = 0; i < maps->n; i++) {
        float *values = maps->values + i * cells;
        range_of(maps->raw + i * cells, cells, &maps->low[i], &maps->high[i]);
        if (app->settings.lock) {
            const struct locked_range *range = lock_of(app, maps, i, maps->low[i], maps->high[i]);
            maps->low[i] = range->low;
            maps->high[i] = range->high;
            stretch(values, maps->raw + i * cells, cells, range->low, range->high);
        } else if (app->settings.smoothing > 0) {
            double low, high;
            range_of(maps->plain + i * cells, cells, &low, &high);
            stretch(values, maps->plain + i * cells, cells, low, high);
        } else {
            memcpy(values, maps->plain + i * cells, cells * sizeof *values);
        }
    }
}

static void draw_slot(struct app *app, enum scene_slot slot)
{
    const struct shown_maps *maps = app->maps + slot;
    scene_set_maps(app->scene, slot, maps->n, maps->grid_w, maps->grid_h, maps->values);
}

static void show_difference(struct app *app)
{
    const struct shown_maps *a = app->maps + SCENE_MAPS, *b = app->maps + SCENE_OTHER;
    struct shown_maps *difference = app->maps + SCENE_DIFFERENCE;
    size_t total = a->n * cells_of(a);
    app->difference_max = 0;
    free_one(difference);
    if (b->n != a->n || b->grid_w != a->grid_w || b->grid_h != a->grid_h || !total ||
        !make(difference, a->n, a->grid_w, a->grid_h)) {
        draw_slot(app, SCENE_DIFFERENCE);
        return;
    }
    for (size_t i = 0; i < total; i++) {
        difference->raw[i] = fabsf(a->values[i] - b->values[i]);
        app->difference_max = fmax(app->difference_max, (double)difference->raw[i]);
    }
    stretch(difference->values, difference->raw, total, 0, app->difference_max);
    for (size_t i = 0; i < a->n; i++)
        difference->high[i] = app->difference_max;
    draw_slot(app, SCENE_DIFFERENCE);
}

void maps_rescale(struct app *app)
{
    if (!app->settings.lock)
        app->n_locked = 0;
    for (enum scene_slot slot = SCENE_MAPS; slot <= SCENE_OTHER; slot++) {
        finish(app, app->maps + slot);
        draw_slot(app, slot);
    }
    show_difference(app);
}

static void take(struct app *app, struct shown_maps *maps, const struct csg_result *result)
{
    double old = (double)app->settings.smoothing;
    if (!result) {
        free_one(maps);
        return;
    }
    if (!same_kind(maps, result) || old <= 0) {
        take_new(maps, result);
        return;
    }
    size_t total = maps->n * cells_of(maps);
    for (size_t i = 0; i < total; i++) {
        maps->raw[i] = (float)(old * (double)maps->raw[i] + (1 - old) * (double)result->similarity[i]);
        maps->plain[i] = (float)(old * (double)maps->plain[i] + (1 - old) * (double)result->grid_map[i]);
    }
}

void maps_update(struct app *app, struct outcome *outcome)
{
    take(app, app->maps + SCENE_MAPS, outcome->result);
    take(app, app->maps + SCENE_OTHER, outcome->other);
    maps_rescale(app);
    if (app->patch.open && app->outcome && app->outcome->result &&
        app->outcome->result->grid_w * app->outcome->result->grid_h != app->maps->grid_w * app->maps->grid_h)
        app->patch = (struct patch_answer){0};
}

double maps_value(const struct shown_maps *maps, const float *from, int layer, double u, double v)
{
    if (layer < 0 || (size_t)layer >= maps->n)
        return 0;
    const float *grid = from + (size_t)layer * cells_of(maps);
    double x = view_clamp(u * maps->grid_w - 0.5, 0, maps->grid_w - 1),
           y = view_clamp(v * maps->grid_h - 0.5, 0, maps->grid_h - 1);
    int x0 = (int)x, y0 = (int)y, x1 = x0 + (x0 + 1 < maps->grid_w), y1 = y0 + (y0 + 1 < maps->grid_h);
    double fx = x - x0, fy = y - y0;
    double top = (1 - fx) * (double)grid[y0 * maps->grid_w + x0] + fx * (double)grid[y0 * maps->grid_w + x1];
    double low = (1 - fx) * (double)grid[y1 * maps->grid_w + x0] + fx * (double)grid[y1 * maps->grid_w + x1];
    return (1 - fy) * top + fy * low;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

double maps_threshold(const struct app *app, int slot, int layer)
{
    const struct shown_maps *maps = app->maps + slot;
    size_t cells = cells_of(maps);
    if (!app->settings.use_quantile)
        return (double)app->settings.threshold;
    if (slot > SCENE_OTHER || layer < 0 || (size_t)layer >= maps->n)
        return 0;
    float *sorted = malloc(cells * sizeof *sorted);
    if (!sorted)
        return 0;
    memcpy(sorted, maps->values + (size_t)layer * cells, cells * sizeof *sorted);
    qsort(sorted, cells, sizeof *sorted, by_value);
    double value = (double)sorted[(size_t)((double)app->settings.quantile * (double)(cells - 1))];
    free(sorted);
    return value;
}

/* The cosines of one patch token with all, as a layer of its own; tokens are normalised. */
void maps_show_patch(struct app *app, int column, int row)
{
    const struct csg_result *result = app->outcome ? app->outcome->result : NULL;
    if (!result || column < 0 || row < 0 || column >= result->grid_w || row >= result->grid_h)
        return;
    size_t cells = (size_t)result->grid_w * (size_t)result->grid_h, d = result->embed_dim;
    const float *own = result->tokens + (1 + (size_t)row * (size_t)result->grid_w + (size_t)column) * d;
    struct shown_maps *maps = app->maps + SCENE_PATCH;
    if (!make(maps, 1, result->grid_w, result->grid_h))
        return;
    for (size_t i = 0; i < cells; i++) {
        double sum = 0;
        for (size_t c = 0; c < d; c++)
            sum += (double)own[c] * (double)result->tokens[(1 + i) * d + c];
        maps->raw[i] = (float)sum;
    }
    range_of(maps->raw, cells, maps->low, maps->high);
    stretch(maps->values, maps->raw, cells, maps->low[0], maps->high[0]);
    draw_slot(app, SCENE_PATCH);
}

/* What the texts of the question depend on. */
static void features_key(const struct app *app, char *key, size_t capacity)
{
    size_t used =
        (size_t)snprintf(key, capacity, "%llu|%s", (unsigned long long)app->worker_state.engine_serial, app->settings.labels);
    for (size_t i = 0; i < app->n_chips && used < capacity; i++)
        used += (size_t)snprintf(key + used, capacity - used, "|%s", app->chips[i].text);
}

static bool add_text(struct features *features, size_t capacity, const char *text)
{
    for (size_t i = 0; i < features->count; i++)
        if (strcmp(features->texts[i], text) == 0)
            return true;
    if (features->count == capacity)
        return false;
    view_copy(features->texts[features->count++], VIEW_TEXT, text);
    return true;
}

/* The label set's lines: a file, or one of the published sets in the data folder. */
static void add_labels(const struct app *app, struct features *features, size_t capacity)
{
    char path[2 * VIEW_PATH], line[VIEW_TEXT];
    const char *name = app->settings.labels;
    bool is_file = strchr(name, '/') || strchr(name, '.');
    if (!name[0])
        name = "demo"; /* a patch must be called something */
    view_format(path, sizeof path, is_file ? "%s%s" : "%s/labels/%s.txt", is_file ? "" : app->data_dir, name);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0] && line[0] != '#' && !add_text(features, capacity, line))
            break;
    }
    if (file)
        fclose(file);
}

static void ask_features(struct app *app)
{
    enum { CAPACITY = 1200 };
    struct features *features = calloc(1, sizeof *features);
    if (!features || app->features_asked || !app->outcome || !app->outcome->result) {
        features_destroy(&features);
        return;
    }
    features->texts = calloc(CAPACITY, sizeof *features->texts);
    features->embed_dim = app->outcome->result->embed_dim;
    if (features->texts) {
        for (size_t i = 0; i < app->n_chips; i++)
            if (!strchr(app->chips[i].text, '+')) /* a+b is no text of its own */
                add_text(features, CAPACITY, app->chips[i].text);
        add_labels(app, features, CAPACITY);
    }
    features_key(app, app->features_key, sizeof app->features_key);
    app->features_asked = features->count && texts_ask_features(app->texts, features);
    if (!app->features_asked)
        features_destroy(&features);
}

static void insert(struct patch_answer *patch, const char *text, double cosine, double excess)
{
    size_t limit = sizeof patch->texts / sizeof *patch->texts, place = patch->count;
    while (place && patch->excess[place - 1] < excess)
        place--;
    if (place >= limit)
        return;
    for (size_t i = patch->count < limit ? patch->count++ : limit - 1; i > place; i--) {
        patch->cosines[i] = patch->cosines[i - 1];
        patch->excess[i] = patch->excess[i - 1];
        memcpy(patch->texts[i], patch->texts[i - 1], VIEW_TEXT);
    }
    patch->cosines[place] = cosine;
    patch->excess[place] = excess;
    view_copy(patch->texts[place], VIEW_TEXT, text);
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Some texts are near every patch; what tells a patch apart is by how much it is nearer than the picture's mean. */
static void rank(struct app *app)
{
    const struct csg_result *result = app->outcome->result;
    const struct features *f = app->features;
    size_t cells = (size_t)result->grid_w * (size_t)result->grid_h, d = result->embed_dim;
    size_t at = 1 + (size_t)app->patch.row * (size_t)result->grid_w + (size_t)app->patch.column;
    app->patch.count = 0;
    float *mean = calloc(d, sizeof *mean);
    if (!mean || f->embed_dim != d || at > cells) {
        free(mean);
        return;
    }
    for (size_t i = 1; i <= cells; i++)
        for (size_t c = 0; c < d; c++)
            mean[c] += result->tokens[i * d + c] / (float)cells;
    for (size_t t = 0; t < f->count; t++) {
        double cosine = dot(f->values + t * d, result->tokens + at * d, d);
        insert(&app->patch, f->texts[t], cosine, cosine - dot(f->values + t * d, mean, d));
    }
    free(mean);
}

void maps_answer_patch(struct app *app, int column, int row)
{
    char key[VIEW_PATH];
    if (!app->outcome || !app->outcome->result)
        return;
    app->patch.open = true;
    app->patch.column = column;
    app->patch.row = row;
    app->patch.count = 0;
    features_key(app, key, sizeof key);
    if (app->features && strcmp(key, app->features_key) == 0)
        rank(app);
    else
        ask_features(app);
}

void maps_features_arrived(struct app *app)
{
    app->features_asked = false;
    if (app->features && !app->features->values)
        features_destroy(&app->features);
    if (app->patch.open && app->features && app->outcome && app->outcome->result)
        rank(app);
}
