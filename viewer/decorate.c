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
    float x = (float)(pane->rect.x * s) + 6, y = (float)(pane->rect.y * s) + 6;
    if (!pane->caption[0])
        return;
    if (app->settings.layout == LAYOUT_WIPE && count == 2 && index == 1) /* the right half's caption is on the right */
        x = (float)((pane->rect.x + pane->rect.w) * s) - ui_text_width(pane->caption) - 18;
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

static const struct shown_maps *maps_of(const struct app *app, const struct pane *pane)
{
    return pane->slot == SCENE_OTHER ? app->maps + 1 : app->maps;
}

static void read_out(const struct app *app)
{
    struct pane pane;
    double u, v;
    float x, y;
    char text[VIEW_TEXT * 2];
    double script_x, script_y;
    ui_mouse(&x, &y);
    bool scripted = script_mouse(app, &script_x, &script_y);
    if (scripted) {
        x = (float)script_x;
        y = (float)script_y;
    }
    if (!app->settings.read_out || (ui_wants_mouse() && !scripted) || x < 0 || app->wiping ||
        !canvas_pick(app, (double)x, (double)y, &pane, &u, &v))
        return;
    const struct shown_maps *maps = maps_of(app, &pane);
    int px = (int)(u * csg_image_width_px(app->frame->image)), py = (int)(v * csg_image_height_px(app->frame->image));
    if (pane.layer >= 0 && (size_t)pane.layer < maps->n && pane.slot <= SCENE_OTHER) {
        int column = (int)(u * maps->grid_w), row = (int)(v * maps->grid_h);
        size_t cell = ((size_t)pane.layer * (size_t)maps->grid_h + (size_t)row) * (size_t)maps->grid_w + (size_t)column;
        view_format(text, sizeof text, "%d, %d px\npatch %d, %d\nsimilarity %.4f\nmap %.2f", px, py, column, row,
                    (double)maps->raw[cell], maps_value(maps, maps->values, pane.layer, u, v));
    } else {
        view_format(text, sizeof text, "%d, %d px", px, py);
    }
    int lines = 1;
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
    return s->legend && s->overlay && s->layout != LAYOUT_COLOURS ? (double)(legend_box() + 2 * LEGEND_GAP) : 0;
}

/* What the ends of the colours stand for in a pane; false: it has no legend. */
static bool legend_range(const struct app *app, const struct pane *pane, char low[32], char high[32])
{
    const struct shown_maps *maps = maps_of(app, pane);
    if (pane->slot == SCENE_DIFFERENCE) {
        view_format(low, 32, "0");
        view_format(high, 32, "%.3g", app->difference_max);
        return true;
    }
    if (pane->slot > SCENE_OTHER || pane->layer < 0 || (size_t)pane->layer >= maps->n)
        return false;
    view_format(low, 32, "%.3f", maps->low[pane->layer]);
    view_format(high, 32, "%.3f%s", maps->high[pane->layer], app->settings.lock ? " locked" : "");
    return true;
}

/* The colour bar with the raw similarities that its ends stand for, below its picture, of which it covers nothing. */
static void legend(const struct app *app, const struct pane *pane, size_t index, size_t count)
{
    char low[32], high[32];
    const uint8_t *table = csg_colormap_rgb(app->settings.colormap);
    double s = per_pixel(app);
    if (canvas_legend_height(app) <= 0 || !table || !legend_range(app, pane, low, high))
        return;
    bool wipe = app->settings.layout == LAYOUT_WIPE && count == 2;
    float left = (float)(pane->rect.x * s), wide = (float)(pane->rect.w * s);
    if (wipe) { /* each half has its own */
        wide /= 2;
        left += index ? wide : 0;
    }
    float bar_h = 12 * app->scale, lw = ui_text_width(low), hw = ui_text_width(high);
    float bar_w = wide - lw - hw - 48 < 180 * app->scale ? wide - lw - hw - 48 : 180 * app->scale;
    float w = bar_w + lw + hw + 32, h = legend_box();
    if (bar_w < 24 * app->scale)
        return;
    /* A picture shown 1:1 may be higher than its place. */
    double lowest = app->canvas[1] + app->canvas[3] - (double)(h + LEGEND_GAP), foot = (pane->rect.y + pane->rect.h) * s;
    float x = left + (wide - w) / 2, y = (float)fmin(foot + (double)LEGEND_GAP, lowest);
    ui_draw_box(x, y, w, h, 0x101216d0, true, 5);
    ui_draw_text(x + 8, y + 6, INK, low);
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
    read_out(app);
}
