/* The window itself: its events, and waking it from other threads. */
#ifndef CSG_VIEWER_WINDOW_H
#define CSG_VIEWER_WINDOW_H

#include "app.h"

int window_open(struct app *app, struct csg_error *err);
void window_close(struct app *app);
/* Any thread. */
void window_wake(void);
void window_fullscreen(struct app *app, bool on);
void window_title(struct app *app);
void window_title_text(const struct app *app, char *title, size_t capacity);
/* The widgets and the text for a display's scale: at the start, and where the window moves to another display. */
void window_scale(struct app *app, double content_scale);
/* Finds and loads fonts; again where new characters are needed. */
void window_fonts(struct app *app);
/* Waits for events at most so long. */
void window_wait(struct app *app, double seconds);

#endif
