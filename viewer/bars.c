/* The bars around the picture: menus, the prompt line and its chips, what goes on, what went wrong. */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "record.h"
#include "ui.h"

static void menus(struct app *app)
{
    static const char *const names[] = {"File", "Play", "Prompt", "Model", "View", "Window"};
    if (!ui_menu_bar_begin())
        return;
    if (app->open_menus)
        ui_popup_open(names[0]);
    app->open_menus = false;
    for (size_t m = 0; m < sizeof names / sizeof *names; m++) {
        if (!ui_menu_begin(names[m]))
            continue;
        for (const struct action *a = actions; a->name; a++)
            if (strcmp(a->menu, names[m]) == 0 && ui_menu_item(a->label, a->key, a->on && a->on(app))) {
                app->in_menus = false;
                a->run(app);
            }
        ui_menu_end();
    }
    ui_menu_bar_end();
}

static uint32_t rgba_of(const struct chip *chip)
{
    return (uint32_t)chip->rgb[0] << 24 | (uint32_t)chip->rgb[1] << 16 | (uint32_t)chip->rgb[2] << 8 | 255;
}

static void chip_tooltip(const struct chip *chip)
{
    char text[VIEW_TEXT * 2];
    view_format(text, sizeof text, "%s%s%s\nclick: show   right click: on, off   middle click: remove",
                chip->unknown[0] ? "The model was never taught: " : chip->text, chip->unknown, "");
    ui_tooltip(text);
}

static void chips(struct app *app)
{
    float used = 0, width = (float)app->canvas[2];
    for (int i = 0; i < (int)app->n_chips; i++) {
        struct chip *chip = app->chips + i;
        char id[16], name[VIEW_TEXT + 8];
        view_format(id, sizeof id, "chip%d", i);
        view_format(name, sizeof name, chip->unknown[0] ? "%s (?)" : "%s", chip->text);
        float w = ui_text_width(name) + 28 * app->scale;
        if (i && used + w < width)
            ui_same_line();
        else
            used = 0;
        used += w;
        if (ui_chip(id, name, rgba_of(chip), chip->on, i == app->selected && !app->draft_applied[0]))
            app->selected = i;
        if (ui_hovered())
            chip_tooltip(chip);
        if (ui_clicked_right())
            chip->on = !chip->on;
        if (ui_clicked_middle()) {
            app_remove_chip(app, i);
            break;
        }
    }
}

static void history_popup(struct app *app, float right, float top)
{
    if (!ui_popup_begin("history", right, top))
        return;
    if (!app->history.count)
        ui_text("no prompts yet");
    for (size_t i = 0; i < app->history.count && i < 20; i++) {
        char text[VIEW_TEXT];
        view_copy(text, sizeof text, app->history.texts[i]);
        if (ui_menu_item(text, "", false)) {
            app_add_chip(app, text);
            history_add(&app->history, text);
            break;
        }
    }
    ui_popup_end();
}

static double prompt_bar(struct app *app, double y, double w)
{
    bool edited;
    ui_window_begin("prompt", UI_BAR, 0, (float)y, (float)w, 0, 0);
    float buttons = ui_text_width("Add History") + 56 * app->scale;
    app->canvas[2] = (double)ui_space_left();
    if (ui_input("##prompt", "Type what to look for: horse, person+horse ... then Enter", app->draft, sizeof app->draft,
                 ui_space_left() - buttons, app->focus_prompt, &edited)) {
        app_commit_draft(app);
        app->focus_prompt = true; /* the next one may follow */
    } else {
        app->focus_prompt = false;
    }
    app->prompt_active = ui_input_active();
    if (edited) {
        app->draft_changed_ms = view_now_ms();
        app->draft_pending = true;
        app_need_glyphs(app, app->draft);
    }
    ui_same_line();
    if (ui_button("Add"))
        app_commit_draft(app);
    ui_same_line();
    if (ui_button("History") || app->open_history)
        ui_popup_open("history");
    app->open_history = false;
    history_popup(app, (float)w - 8, (float)y + ui_text_height() + 20 * app->scale);
    chips(app);
    if (app->draft_applied[0] && app->draft_unknown[0]) {
        char text[VIEW_TEXT];
        view_format(text, sizeof text, "The model was never taught: %s", app->draft_unknown);
        if (app->n_chips) /* a line of its own would move the picture */
            ui_same_line();
        ui_text_colored(0xffc857ff, text);
    }
    double height = (double)ui_window_height();
    ui_window_end();
    return height;
}

static void source_text(const struct app *app, char *text, size_t capacity)
{
    const struct source_state *s = &app->source_state;
    char part[128] = "";
    if (s->kind == SOURCE_FOLDER && s->count)
        view_format(part, sizeof part, "  %zu of %zu", s->index + 1, s->count);
    else if (s->kind == SOURCE_VIDEO && s->duration_s > 0)
        view_format(part, sizeof part, "  %.1f / %.1f s", s->position_s, s->duration_s);
    else if (s->kind == SOURCE_VIDEO)
        view_format(part, sizeof part, "  %.1f s", s->position_s);
    else if (s->kind == SOURCE_CAMERA && s->rate_hz > 0)
        view_format(part, sizeof part, "  %.0f Hz", s->rate_hz);
    char size[32] = "";
    if (s->width_px)
        view_format(size, sizeof size, "  %d x %d", s->width_px, s->height_px);
    view_format(text, capacity, "%.120s%s%s%s%s", s->title, size, part, s->paused ? "  paused" : "", s->ended ? "  ended" : "");
}

static double status_bar(struct app *app, double w, double h)
{
    char left[512], right[512];
    const struct worker_state *s = &app->worker_state;
    double height = (double)ui_text_height() + 16 * (double)app->scale;
    ui_window_begin("status", UI_BAR, 0, (float)(h - height), (float)w, (float)height, 0);
    source_text(app, left, sizeof left);
    ui_text(left);
    if (app->text_state.busy && app->text_state.doing[0])
        view_format(right, sizeof right, "%.160s ...", app->text_state.doing);
    else if (s->busy && s->doing[0])
        view_format(right, sizeof right, "%.160s ...", s->doing);
    else if (!s->ready)
        view_format(right, sizeof right, "no model is open");
    else
        view_format(right, sizeof right, "%.60s on %.80s   ? help", s->model_name, s->device);
    ui_same_line_at((float)w - ui_text_width(right) - 14);
    ui_text_colored(0x9aa3b0ff, right);
    ui_window_end();
    return height;
}

static void banner(struct app *app)
{
    app->banner_h = 0;
    if (!app->banner[0])
        return;
    float w = (float)app->canvas[2] - 40;
    ui_window_begin("banner", UI_BANNER, (float)app->canvas[0] + 20, (float)app->canvas[1] + 12, w > 200 ? w : 200, 0, 0);
    ui_text_wrapped(app->banner);
    if (ui_button("Close"))
        app->banner[0] = 0;
    app->banner_h = ui_window_height() + 8;
    ui_window_end();
}

static void toast(struct app *app)
{
    if (view_now_ms() > app->toast_until_ms)
        app->toast[0] = 0;
    if (!app->toast[0])
        return;
    float w = ui_text_width(app->toast) + 24, x = (float)(app->canvas[0] + app->canvas[2] / 2) - w / 2;
    float y = (float)(app->canvas[1] + app->canvas[3]) - 80 * app->scale;
    ui_draw_box(x, y, w, ui_text_height() + 14, 0x101216e8, true, 6);
    ui_draw_text(x + 12, y + 7, 0xffffffff, app->toast);
}

static void recording_mark(const struct app *app)
{
    if (!app->recorder)
        return;
    float x = (float)app->canvas[0] + 14, y = (float)(app->canvas[1] + app->canvas[3]) - 40 * app->scale;
    float w = ui_text_width("REC") + 34;
    ui_draw_box(x, y, w, ui_text_height() + 10, 0x101216d0, true, 6);
    ui_draw_dot(x + 13, y + 5 + ui_text_height() / 2, 5, 0xff3b3bff, 0x000000ff);
    ui_draw_text(x + 26, y + 5, 0xffffffff, "REC");
}

void bars_draw(struct app *app)
{
    double w = app->window_w, h = app->window_h, top = 0, bottom = 0, right = 0;
    if (!app->fullscreen) {
        menus(app);
        top = (double)ui_menu_bar_height();
        bottom = status_bar(app, w, h);
    }
    if (app->settings.panel)
        right = 300 * (double)app->scale;
    if (right > w / 2)
        right = 0;
    top += prompt_bar(app, top, w);
    app->canvas[0] = 0;
    app->canvas[1] = top;
    app->canvas[2] = w - right;
    app->canvas[3] = h - top - bottom > 10 ? h - top - bottom : 10;
    banner(app);
    recording_mark(app);
    toast(app);
}
