/* Dear ImGui behind C: the few widgets that the viewer uses. One window, one thread. Coordinates are those of the window
 * system, y down; colours are 0xRRGGBBAA. */
#ifndef CSG_VIEWER_UI_H
#define CSG_VIEWER_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct GLFWwindow;

/* Installs its callbacks behind those that the window has. False where ImGui refuses. */
bool ui_create(struct GLFWwindow *window);
void ui_scale(float scale); /* of all sizes but the fonts' */
void ui_destroy(void);
/* Loads the fonts anew: files [count] in order of preference, with the characters of `extra` (UTF-8) besides Latin, Greek and
 * Cyrillic. Between frames only. */
void ui_fonts(const char *const *files, size_t count, float size_px, const char *extra);
void ui_begin_frame(void);
void ui_end_frame(void); /* draws into the current framebuffer */
bool ui_wants_text(void);
bool ui_wants_keys(void);
bool ui_wants_mouse(void);
void ui_keyboard_navigation(bool on); /* arrows, space, Enter and Escape go to the widgets */
void ui_mouse(double *x, double *y);  /* negative where it is outside */
float ui_text_height(void);
float ui_text_width(const char *text);

enum ui_window_kind { UI_BAR, UI_PANEL, UI_FLOAT, UI_BANNER };
/* h 0: as high as what is in it, at most max_h where that is not 0. */
void ui_window_begin(const char *name, enum ui_window_kind kind, float x, float y, float w, float h, float max_h);
void ui_window_end(void);
float ui_window_height(void);

bool ui_menu_bar_begin(void); /* the main one */
void ui_menu_bar_end(void);
float ui_menu_bar_height(void);
bool ui_menu_begin(const char *name);
void ui_menu_end(void);
bool ui_menu_item(const char *name, const char *keys, bool checked);

void ui_same_line(void);
void ui_same_line_at(float x); /* from the window's left edge */
float ui_space_left(void);
void ui_text(const char *text);
void ui_text_wrapped(const char *text);
void ui_text_colored(uint32_t rgba, const char *text);
void ui_heading(const char *text);
bool ui_button(const char *name);
bool ui_chip(const char *id, const char *text, uint32_t rgba, bool on, bool selected); /* a coloured button */
bool ui_clicked_right(void);                                                           /* the last item */
bool ui_clicked_middle(void);
bool ui_hovered(void);
void ui_tooltip(const char *text);
bool ui_checkbox(const char *name, bool *value);
bool ui_slider(const char *name, float *value, float low, float high, const char *format);
bool ui_slider_int(const char *name, int *value, int low, int high, const char *format);
bool ui_combo(const char *name, int *chosen, const char *const *items, int count);
/* True where Enter was pressed; *edited where the text changed. focus puts the keyboard there. */
bool ui_input(const char *name, const char *hint, char *text, size_t capacity, float width, bool focus, bool *edited);
bool ui_input_active(void);                                    /* the last item */
void ui_focus(const char *window);                             /* the keyboard's */
bool ui_popup_begin(const char *name, float right, float top); /* its upper right corner */
void ui_popup_open(const char *name);                          /* within the window that has it; of a menu within the menu bar */
bool ui_popup_any(void);                                       /* one is open, menus and combos among them */
void ui_popup_end(void);
bool ui_table_begin(const char *name, int columns);
void ui_table_next(void);
void ui_table_end(void);

/* On the picture, below every window. */
void ui_draw_text(float x, float y, uint32_t rgba, const char *text);
void ui_draw_box(float x, float y, float w, float h, uint32_t rgba, bool filled, float rounding);
void ui_draw_line(float x0, float y0, float x1, float y1, uint32_t rgba, float thickness);
void ui_draw_dot(float x, float y, float radius, uint32_t rgba, uint32_t outline);

#ifdef __cplusplus
}
#endif
#endif
