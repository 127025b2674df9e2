/* Where pictures go in the window or in a kept picture, and what lies on them. */
#include <epoxy/gl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "ui.h"

#define GAP 6.0

/* Where pictures may go, in pixels; each leaves `foot` below it for its legend. */
struct area {
    double x, y, w, h, foot;
};

static void picture_size(const struct app *app, double *w, double *h)
{
    *w = app->frame ? csg_image_width_px(app->frame->image) : 1;
    *h = app->frame ? csg_image_height_px(app->frame->image) : 1;
}

static int layer_with_text(const struct shown_maps *maps, const char *text)
{
    for (size_t i = 0; i < maps->n; i++)
        if (strcmp(maps->texts[i], text) == 0)
            return (int)i;
    return -1;
}

/* The largest picture within an area, centred, on whole pixels. */
static struct scene_rect fit(const struct app *app, const struct area *area)
{
    double pw, ph, w = area->w, h = area->h - area->foot;
    bool one_to_one = app->one_to_one;
    picture_size(app, &pw, &ph);
    double scale = fmin(w / pw, h / ph);
    if (one_to_one || fabs(scale - 1) < 0.02) /* a hair's breadth off would only blur */
        scale = one_to_one || scale >= 1 ? 1 : scale;
    double rw = floor(pw * scale + 0.5), rh = floor(ph * scale + 0.5);
    double rx = floor(area->x + (w - rw) / 2), ry = floor(area->y + (h - rh) / 2);
    return (struct scene_rect){rx, ry, rw, rh, fmax(rx, area->x), fmin(rx + rw, area->x + w)};
}

static void caption(struct pane *pane, const char *method, const char *text)
{
    view_format(pane->caption, sizeof pane->caption, text[0] ? "%s: %s" : "%s", method, text);
}

static const char *other_name(const struct app *app)
{
    return strcmp(app->settings.other, "reference") == 0 ? "C reference" : app->settings.other;
}

static const char *main_name(const struct app *app)
{
    return strcmp(app->settings.other, "reference") == 0 ? "OpenCL" : app->settings.method;
}

/* One of so many equal parts beside or below each other. */
static struct area part_of(const struct area *area, size_t columns, size_t rows, size_t index)
{
    double w = (area->w - (double)(columns - 1) * GAP) / (double)columns, h = (area->h - (double)(rows - 1) * GAP) / (double)rows;
    return (struct area){area->x + (double)(index % columns) * (w + GAP), area->y + (double)(index / columns) * (h + GAP), w, h,
                         area->foot};
}

/* How large the pictures of so many parts can be. */
static double scale_of(const struct app *app, const struct area *area, size_t columns, size_t rows)
{
    double pw, ph;
    struct area part = part_of(area, columns, rows, 0);
    picture_size(app, &pw, &ph);
    return fmin(part.w / pw, (part.h - part.foot) / ph);
}

/* As much of an area as so many pictures need, in its middle: they stand together. */
static struct area around(const struct app *app, const struct area *area, size_t columns, size_t rows)
{
    double pw, ph, scale = scale_of(app, area, columns, rows);
    if (app->one_to_one) /* which takes what there is */
        return *area;
    picture_size(app, &pw, &ph);
    double w = fmin(area->w, ceil((double)columns * pw * scale + (double)(columns - 1) * GAP));
    double h = fmin(area->h, ceil((double)rows * (ph * scale + area->foot) + (double)(rows - 1) * GAP));
    return (struct area){floor(area->x + (area->w - w) / 2), floor(area->y + (area->h - h) / 2), w, h, area->foot};
}

static size_t pair_panes(const struct app *app, const struct area *area, struct pane *panes)
{
    const char *text = app_selected_text(app);
    int layer = app_layer(app), other = layer_with_text(app->maps + SCENE_OTHER, text);
    panes[0] = (struct pane){.slot = SCENE_OTHER, .layer = other};
    panes[1] = (struct pane){.slot = SCENE_MAPS, .layer = layer};
    caption(panes, other_name(app), text);
    caption(panes + 1, main_name(app), text);
    if (app->settings.layout == LAYOUT_WIPE) {
        struct scene_rect rect = fit(app, area);
        double at = floor(rect.x + rect.w * (double)app->settings.wipe + 0.5);
        panes[0].rect = panes[1].rect = rect;
        panes[0].rect.clip_x1 = fmin(rect.clip_x1, at);
        panes[1].rect.clip_x0 = fmax(rect.clip_x0, at);
        return 2;
    }
    size_t count = app->settings.layout == LAYOUT_DIFFERENCE ? 3 : 2;
    /* Beside or below each other, whichever leaves the pictures larger. */
    bool stacked = scale_of(app, area, count, 1) < scale_of(app, area, 1, count);
    size_t columns = stacked ? 1 : count, rows = stacked ? count : 1;
    struct area all = around(app, area, columns, rows);
    for (size_t i = 0; i < count; i++) {
        struct area part = part_of(&all, columns, rows, i);
        panes[i].rect = fit(app, &part);
    }
    if (count == 3) {
        struct scene_rect rect = panes[2].rect;
        panes[2] = (struct pane){.rect = rect, .slot = SCENE_DIFFERENCE, .layer = layer};
        view_format(panes[2].caption, sizeof panes[2].caption, "difference, at most %.3g", app->difference_max);
    }
    return count;
}

static void grid_shape(const struct app *app, size_t count, const struct area *area, size_t *columns, size_t *rows)
{
    double best = 0;
    *columns = 1;
    for (size_t c = 1; c <= count; c++) {
        double scale = scale_of(app, area, c, (count + c - 1) / c);
        if (scale > best) {
            best = scale;
            *columns = c;
        }
    }
    *rows = (count + *columns - 1) / *columns;
}

static size_t grid_panes(const struct app *app, const struct area *area, struct pane *panes)
{
    size_t count = app->maps->n < VIEW_MAX_TEXTS ? app->maps->n : VIEW_MAX_TEXTS, columns, rows;
    grid_shape(app, count, area, &columns, &rows);
    struct area all = around(app, area, columns, rows);
    for (size_t i = 0; i < count; i++) {
        struct area part = part_of(&all, columns, rows, i);
        panes[i] = (struct pane){.rect = fit(app, &part), .slot = SCENE_MAPS, .layer = (int)i};
        view_copy(panes[i].caption, sizeof panes[i].caption, app->maps->texts[i]);
    }
    return count;
}

static size_t panes_of(const struct app *app, const struct area *area, struct pane panes[VIEW_MAX_TEXTS])
{
    int layout = app->settings.layout;
    if (!app->frame || area->w < 2 || area->h < 2)
        return 0;
    if (app->patch.similarity || layout == LAYOUT_ONE || layout == LAYOUT_COLOURS || !app->maps->n) {
        panes[0] = (struct pane){.rect = fit(app, area), .slot = SCENE_MAPS, .layer = app_layer(app)};
        if (app->patch.similarity) {
            panes[0].slot = SCENE_PATCH;
            panes[0].layer = 0;
            view_format(panes[0].caption, sizeof panes[0].caption, "similarity to patch %d, %d (Esc: back)", app->patch.column,
                        app->patch.row);
        }
        if (layout == LAYOUT_COLOURS && !app->patch.similarity)
            panes[0].layer = 0;
        return 1;
    }
    if (layout == LAYOUT_GRID)
        return grid_panes(app, area, panes);
    return pair_panes(app, area, panes);
}

double canvas_pixels(const struct app *app)
{
    return app->window_w > 0 ? (double)app->pixels_w / app->window_w : 1;
}

size_t canvas_panes(const struct app *app, struct pane panes[VIEW_MAX_TEXTS])
{
    double s = canvas_pixels(app);
    const struct area area = {floor(app->canvas[0] * s), floor(app->canvas[1] * s), floor(app->canvas[2] * s),
                              floor(app->canvas[3] * s), floor(canvas_legend_height(app) * s)};
    return panes_of(app, &area, panes);
}

void canvas_style(const struct app *app, const struct pane *pane, struct scene_style *style)
{
    const struct settings *s = &app->settings;
    *style = (struct scene_style){.mode = SCENE_HEAT, .opacity = (double)s->opacity, .contours = s->contours};
    if (!s->overlay)
        style->mode = SCENE_PLAIN;
    else if (s->layout == LAYOUT_COLOURS && pane->slot == SCENE_MAPS)
        style->mode = SCENE_COLOURS;
    style->threshold = pane->slot <= SCENE_OTHER ? maps_threshold(app, (int)pane->slot, pane->layer) : 0;
    for (size_t i = 0; i < app->maps->n; i++) {
        const uint8_t draft[3] = {255, 255, 255}, *rgb = draft;
        for (size_t k = 0; k < app->n_chips; k++)
            if (strcmp(app->chips[k].text, app->maps->texts[i]) == 0)
                rgb = app->chips[k].rgb;
        memcpy(style->colours[i], rgb, 3);
    }
}

static void draw_panes(const struct app *app, const struct pane *panes, size_t count, int target_h, bool overlay)
{
    for (size_t i = 0; i < count; i++) {
        struct scene_style style;
        canvas_style(app, panes + i, &style);
        if (!overlay)
            style.mode = SCENE_PLAIN;
        scene_draw(app->scene, &panes[i].rect, target_h, panes[i].slot, panes[i].layer, &style);
    }
}

void canvas_draw(struct app *app)
{
    struct pane panes[VIEW_MAX_TEXTS];
    glViewport(0, 0, app->pixels_w, app->pixels_h);
    glClearColor(0.063f, 0.067f, 0.075f, 1);
    glClear(GL_COLOR_BUFFER_BIT);
    size_t count = canvas_panes(app, panes);
    draw_panes(app, panes, count, app->pixels_h, true);
}

void canvas_natural_size(const struct app *app, int *w, int *h)
{
    double pw, ph;
    size_t columns = 1, rows = 1;
    int layout = app->settings.layout;
    picture_size(app, &pw, &ph);
    if (!app->maps->n || app->patch.similarity)
        layout = LAYOUT_ONE;
    if (layout == LAYOUT_SIDE || layout == LAYOUT_DIFFERENCE) {
        size_t count = layout == LAYOUT_SIDE ? 2 : 3;
        columns = pw > 1.6 * ph ? 1 : count;
        rows = columns == 1 ? count : 1;
    } else if (layout == LAYOUT_GRID) {
        grid_shape(app, app->maps->n, &(const struct area){.w = 1600, .h = 1000}, &columns, &rows);
    }
    double fw = (double)columns * pw + (double)(columns - 1) * GAP, fh = (double)rows * ph + (double)(rows - 1) * GAP;
    double scale = columns * rows > 1 ? fmin(1, 4096 / fmax(fw, fh)) : 1;
    *w = (int)(fw * scale);
    *h = (int)(fh * scale);
}

int canvas_render(struct app *app, int w, int h, bool overlay, uint8_t **rgb, struct csg_error *err)
{
    struct pane panes[VIEW_MAX_TEXTS];
    *rgb = malloc(3 * (size_t)w * (size_t)h);
    if (!*rgb)
        return view_fail_memory(err);
    int status = scene_offscreen_begin(app->scene, w, h, err);
    if (status) {
        free(*rgb);
        *rgb = NULL;
        return status;
    }
    bool one_to_one = app->one_to_one;
    app->one_to_one = false; /* of the window, not of what is kept */
    size_t count = panes_of(app, &(const struct area){.w = w, .h = h}, panes);
    app->one_to_one = one_to_one;
    draw_panes(app, panes, count, h, overlay);
    scene_offscreen_end(app->scene, *rgb);
    return CSG_OK;
}

bool canvas_pick(const struct app *app, double x, double y, struct pane *found, double *u, double *v)
{
    struct pane panes[VIEW_MAX_TEXTS];
    double s = canvas_pixels(app);
    size_t count = canvas_panes(app, panes);
    for (size_t i = 0; i < count; i++) {
        const struct scene_rect *r = &panes[i].rect;
        if (x * s < r->clip_x0 || x * s >= r->clip_x1 || y * s < r->y || y * s >= r->y + r->h)
            continue;
        *found = panes[i];
        *u = (x * s - r->x) / r->w;
        *v = (y * s - r->y) / r->h;
        return true;
    }
    return false;
}

void canvas_place_wipe(struct app *app, double x)
{
    struct pane panes[VIEW_MAX_TEXTS];
    double s = canvas_pixels(app);
    if (app->settings.layout == LAYOUT_WIPE && canvas_panes(app, panes) == 2)
        app->settings.wipe = (float)view_clamp((x * s - panes[0].rect.x) / panes[0].rect.w, 0, 1);
}

void canvas_mouse(struct app *app, double x, double y, bool pressed, bool released, bool shift)
{
    struct pane pane;
    double u, v;
    if (released)
        app->wiping = false;
    if (app->wiping)
        canvas_place_wipe(app, x);
    if (!pressed || !canvas_pick(app, x, y, &pane, &u, &v))
        return;
    if (app->settings.layout == LAYOUT_WIPE && !shift && !app->patch.similarity) {
        app->wiping = true;
        canvas_place_wipe(app, x);
        return;
    }
    int column = (int)(u * app->maps->grid_w), row = (int)(v * app->maps->grid_h);
    if (!app->maps->n)
        return;
    if (app->settings.layout == LAYOUT_GRID && !shift) { /* a cell of the grid chooses its text */
        for (size_t i = 0; i < app->n_chips; i++)
            if (strcmp(app->chips[i].text, pane.caption) == 0)
                app->selected = (int)i;
    }
    if (shift) {
        maps_show_patch(app, column, row);
        app->patch.similarity = true;
    }
    maps_answer_patch(app, column, row);
}
