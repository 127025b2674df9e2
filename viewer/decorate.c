/* What lies on the pictures: captions, points, the patch that was clicked, the read-out at the mouse, the legend. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "script.h"
#include "ui.h"

#define INK 0xffffffffu
#define SHADE 0x000000a8u
#define LEGEND_GAP 4.0f

static double per_pixel(const struct app *app)
{
    return app->pixels_w > 0 ? (double)app->window_w / app->pixels_w : 1;
}

static void label(float x, float y, const char *text)
{
    ui_draw_box(x, y, ui_text_width(text) + 12, ui_text_height() + 6, SHADE, true, 4);
    ui_draw_text(x + 6, y + 3, INK, text);
}

static void draw_caption(const struct app *app, const struct pane *pane, size_t index, size_t count)
{
    double s = per_pixel(app);
    /* At 1:1 a corner may be out of sight. */
    float x = (float)(fmax(pane->rect.x, pane->rect.clip_x0) * s) + 6;
    float y = (float)fmax(pane->rect.y * s, app->canvas[1]) + 6;
    if (!pane->caption[0])
        return;
    if (app->settings.layout == LAYOUT_WIPE && count == 2 && index == 1) /* the right half's caption is on the right */
        x = (float)(fmin(pane->rect.x + pane->rect.w, pane->rect.clip_x1) * s) - ui_text_width(pane->caption) - 18;
    label(x, y, pane->caption);
}

static void draw_wipe(const struct app *app, const struct pane *panes, size_t count)
{
    double s = per_pixel(app);
    if (app->settings.layout != LAYOUT_WIPE || count != 2 || app->patch.similarity)
        return;
    const struct scene_rect *r = &panes[0].rect;
    float x = (float)((r->x + r->w * (double)app->settings.wipe) * s), y0 = (float)(r->y * s), y1 = (float)((r->y + r->h) * s);
    ui_draw_line(x, y0, x, y1, 0x000000c0, 4);
    ui_draw_line(x, y0, x, y1, INK, 2);
    ui_draw_dot(x, (y0 + y1) / 2, 7, INK, 0x000000c0);
}

static void draw_points(const struct app *app, const struct pane *pane)
{
    const struct outcome *outcome = app->outcome;
    double s = per_pixel(app);
    if (!app->settings.points || !outcome || pane->slot != SCENE_MAPS || pane->layer < 0 ||
        (size_t)pane->layer >= outcome->job.n_texts || !outcome->result)
        return;
    const struct points *points = outcome->points + pane->layer;
    double w = outcome->result->image_width_px, h = outcome->result->image_height_px;
    for (size_t i = 0; i < points->count; i++) {
        float x = (float)((pane->rect.x + (points->xy[i][0] + 0.5) / w * pane->rect.w) * s);
        float y = (float)((pane->rect.y + (points->xy[i][1] + 0.5) / h * pane->rect.h) * s);
        ui_draw_dot(x, y, 4, points->labels[i] ? 0x3ddc60ffu : 0xff4d4dffu, 0x000000ffu);
    }
}

static void draw_patch(const struct app *app, const struct pane *pane)
{
    double s = per_pixel(app), gw = app->maps->grid_w, gh = app->maps->grid_h;
    if (!app->patch.open || gw < 1)
        return;
    float x = (float)((pane->rect.x + app->patch.column / gw * pane->rect.w) * s);
    float y = (float)((pane->rect.y + app->patch.row / gh * pane->rect.h) * s);
    float w = (float)(pane->rect.w / gw * s), h = (float)(pane->rect.h / gh * s);
    ui_draw_box(x - 1, y - 1, w + 2, h + 2, 0x000000ff, false, 0);
    ui_draw_box(x, y, w, h, INK, false, 0);
}

/* What the numbers of a layer are. */
static const char *unit_of(const struct shown_maps *maps, enum scene_slot slot, int layer)
{
    if (slot == SCENE_DIFFERENCE)
        return "difference";
    return strchr(maps->texts[layer], '+') ? "mean of maps" : "similarity";
}

/* Which text is seen at a place: where every text has its colour, the one whose map is highest. */
static int layer_at(const struct app *app, const struct pane *pane, double u, double v)
{
    const struct shown_maps *maps = app->maps;
    int best = 0;
    if (app->settings.layout != LAYOUT_COLOURS || pane->slot != SCENE_MAPS)
        return pane->layer;
    for (int i = 1; i < (int)maps->n; i++)
        if (maps_value(maps, maps->values, i, u, v) > maps_value(maps, maps->values, best, u, v))
            best = i;
    return best;
}

static void read_maps(const struct app *app, const struct pane *pane, double u, double v, char *text, size_t capacity)
{
    const struct shown_maps *maps = app->maps + pane->slot;
    int layer = layer_at(app, pane, u, v), column = (int)(u * maps->grid_w), row = (int)(v * maps->grid_h);
    if (layer < 0 || (size_t)layer >= maps->n)
        return;
    size_t cell = ((size_t)layer * (size_t)maps->grid_h + (size_t)row) * (size_t)maps->grid_w + (size_t)column;
    bool named = app->settings.layout == LAYOUT_COLOURS && pane->slot == SCENE_MAPS;
    view_format(text, capacity, "\npatch %d, %d\n%s %.4g\nmap %.2f%s%.60s", column, row, unit_of(maps, pane->slot, layer),
                (double)maps->raw[cell], maps_value(maps, maps->values, layer, u, v), named ? "\n" : "",
                named ? maps->texts[layer] : "");
}

bool canvas_read_out(const struct app *app, double *x, double *y, char *text, size_t capacity)
{
    struct pane pane;
    double u, v;
    bool scripted = script_mouse(app, x, y);
    if (!scripted)
        ui_mouse(x, y);
    if (!app->settings.read_out || (ui_wants_mouse() && !scripted) || *x < 0 || app->wiping ||
        !canvas_pick(app, *x, *y, &pane, &u, &v))
        return false;
    int px = (int)(u * csg_image_width_px(app->frame->image)), py = (int)(v * csg_image_height_px(app->frame->image));
    view_format(text, capacity, "%d, %d px", px, py);
    read_maps(app, &pane, u, v, text + strlen(text), capacity - strlen(text));
    return true;
}

static void draw_read_out(const struct app *app)
{
    char text[VIEW_TEXT * 2];
    double mouse_x, mouse_y;
    int lines = 1;
    if (!canvas_read_out(app, &mouse_x, &mouse_y, text, sizeof text))
        return;
    float x = (float)mouse_x, y = (float)mouse_y;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    float w = ui_text_width(text) + 16, h = ui_text_height() * (float)lines + 12;
    x = x + 18 + w > (float)app->window_w ? x - w - 10 : x + 18;
    y = y + 14 + h > (float)app->window_h ? y - h - 6 : y + 14;
    ui_draw_box(x, y, w, h, 0x101216e8, true, 5);
    ui_draw_text(x + 8, y + 6, INK, text);
}

static float legend_box(void)
{
    return ui_text_height() + 12;
}

double canvas_legend_height(const struct app *app)
{
    const struct settings *s = &app->settings;
    bool bar = s->layout != LAYOUT_COLOURS || app->patch.similarity; /* else the chips are the legend */
    return s->legend && s->overlay && bar ? (double)(legend_box() + 2 * LEGEND_GAP) : 0;
}

bool canvas_legend(const struct app *app, const struct pane *pane, const char **unit, char low[32], char high[32])
{
    const struct shown_maps *maps = app->maps + pane->slot;
    const char *format = pane->slot == SCENE_DIFFERENCE ? "%.3g%s" : "%.3f%s"; /* differences may be tiny */
    if (canvas_legend_height(app) <= 0 || pane->layer < 0 || (size_t)pane->layer >= maps->n)
        return false;
    *unit = unit_of(maps, pane->slot, pane->layer);
    view_format(low, 32, format, maps->low[pane->layer], "");
    view_format(high, 32, format, maps->high[pane->layer], app->settings.lock && pane->slot <= SCENE_OTHER ? " locked" : "");
    return true;
}

/* The colour bar with the raw similarities that its ends stand for, below its picture, of which it covers nothing. */
static void legend(const struct app *app, const struct pane *pane, size_t index, size_t count)
{
    const char *unit;
    char low[32], high[32], named[64];
    const uint8_t *table = csg_colormap_rgb(app->settings.colormap);
    double s = per_pixel(app);
    if (!table || !canvas_legend(app, pane, &unit, low, high))
        return;
    bool wipe = app->settings.layout == LAYOUT_WIPE && count == 2;
    float left = (float)(pane->rect.x * s), wide = (float)(pane->rect.w * s);
    if (wipe) { /* each half has its own */
        wide /= 2;
        left += index ? wide : 0;
    }
    view_format(named, sizeof named, "%s %s", unit, low);
    float bar_h = 12 * app->scale, hw = ui_text_width(high);
    bool named_fits = wide - ui_text_width(named) - hw - 48 > 80 * app->scale;
    const char *left_end = named_fits ? named : low;
    float lw = ui_text_width(left_end);
    float bar_w = wide - lw - hw - 48 < 180 * app->scale ? wide - lw - hw - 48 : 180 * app->scale;
    float w = bar_w + lw + hw + 32, h = legend_box();
    if (bar_w < 24 * app->scale)
        return;
    /* A picture shown 1:1 may be higher than its place. */
    double lowest = app->canvas[1] + app->canvas[3] - (double)(h + LEGEND_GAP), foot = (pane->rect.y + pane->rect.h) * s;
    float x = left + (wide - w) / 2, y = (float)fmin(foot + (double)LEGEND_GAP, lowest);
    ui_draw_box(x, y, w, h, 0x101216d0, true, 5);
    ui_draw_text(x + 8, y + 6, INK, left_end);
    float bx = x + 16 + lw, by = y + (h - bar_h) / 2;
    for (int i = 0; i < 64; i++) {
        const uint8_t *c = table + 3 * (i * 255 / 63);
        uint32_t rgba = (uint32_t)c[0] << 24 | (uint32_t)c[1] << 16 | (uint32_t)c[2] << 8 | 255;
        ui_draw_box(bx + bar_w * (float)i / 64, by, bar_w / 64 + 1, bar_h, rgba, true, 0);
    }
    double threshold = pane->slot <= SCENE_OTHER ? maps_threshold(app, (int)pane->slot, pane->layer) : 0;
    if (threshold > 0) {
        float tx = bx + bar_w * (float)threshold;
        ui_draw_line(tx, by - 3, tx, by + bar_h + 3, INK, 2);
    }
    ui_draw_text(bx + bar_w + 8, y + 6, INK, high);
}

/* Which of the grid is the one that is shown alone. */
static void mark_selected(const struct app *app, const struct pane *pane)
{
    double s = per_pixel(app);
    if (app->settings.layout != LAYOUT_GRID || app->patch.similarity || strcmp(pane->caption, app_selected_text(app)) != 0)
        return;
    ui_draw_box((float)(pane->rect.x * s), (float)(pane->rect.y * s), (float)(pane->rect.w * s), (float)(pane->rect.h * s), INK,
                false, 0);
}

static void empty_canvas(const struct app *app)
{
    const char *text = app->source_state.trouble[0] ? "nothing to show; drop a picture, video or folder here"
                       : app->source                ? "opening the picture"
                                                    : "drop a picture, video or folder here";
    float x = (float)app->canvas[0] + ((float)app->canvas[2] - ui_text_width(text)) / 2;
    ui_draw_text(x, (float)(app->canvas[1] + app->canvas[3] / 2), 0x9aa3b0ff, text);
}

void canvas_decorate(struct app *app)
{
    struct pane panes[VIEW_MAX_TEXTS];
    if (!app->frame) {
        empty_canvas(app);
        return;
    }
    size_t count = canvas_panes(app, panes);
    for (size_t i = 0; i < count; i++) {
        draw_patch(app, panes + i);
        mark_selected(app, panes + i);
        draw_caption(app, panes + i, i, count);
        draw_points(app, panes + i); /* over the caption: what is in the corner is seen as well */
        legend(app, panes + i, i, count);
    }
    draw_wipe(app, panes, count);
    draw_read_out(app);
}
