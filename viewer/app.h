/* The state of the window. Everything here belongs to the one thread that draws. */
#ifndef CSG_VIEWER_APP_H
#define CSG_VIEWER_APP_H

#include "scene.h"
#include "settings.h"
#include "source.h"
#include "texts.h"
#include "viewer.h"
#include "worker.h"

struct GLFWwindow;
struct recorder;
struct script;

struct chip {
    char text[VIEW_TEXT], unknown[128];
    bool on;
    uint8_t rgb[3];
};

/* Maps as they are drawn: of one method, one layer a text of the outcome; their difference; the likeness of one patch. */
struct shown_maps {
    size_t n;
    int grid_w, grid_h;
    float *values;                                    /* [n, grid_h, grid_w] in 0..1, after smoothing and lock */
    float *raw, *plain;                               /* what is drawn in its own unit, and min-max maps; smoothed in time */
    double low[VIEW_MAX_TEXTS], high[VIEW_MAX_TEXTS]; /* the raw range that 0..1 is */
    char texts[VIEW_MAX_TEXTS][VIEW_TEXT];
    char method[32];
};

/* A raw range that stays while others come and go. */
struct locked_range {
    char text[VIEW_TEXT], method[32];
    double low, high;
};

/* What hangs at the patch that was clicked. */
struct patch_answer {
    bool open, similarity; /* similarity: the map of the patch against all others is shown */
    int column, row;
    size_t count;
    char texts[8][VIEW_TEXT];
    double cosines[8], excess[8]; /* excess: over the mean of the picture, which they are ordered by */
};

struct rates {
    double picture_hz, map_hz, draw_hz, picture_latency_ms, map_latency_ms, map_ms, draw_ms;
    double last_picture_ms, last_map_ms, last_draw_ms;
    uint64_t pictures, maps, draws;
};

struct app {
    const struct view_options *options;
    struct GLFWwindow *window;
    struct settings settings, saved;
    struct history history;
    struct engine_spec engine;
    struct worker *worker;
    struct worker_state worker_state;
    struct texts *texts;
    struct text_state text_state;
    struct text_spec wanted; /* what the thread of the texts was last asked for */
    bool wanted_asked, wanted_answered;
    struct encoded *encoded; /* the newest that is good */
    struct source *source;
    struct source_state source_state;
    char source_spec[VIEW_PATH];
    uint64_t source_serial;
    struct frame *frame; /* the picture that is shown */
    struct scene *scene;
    struct chip chips[VIEW_MAX_TEXTS];
    size_t n_chips;
    int selected; /* of chips; -1: the draft */
    char draft[VIEW_TEXT];
    char draft_applied[VIEW_TEXT]; /* the draft that is asked for */
    double draft_changed_ms;
    bool draft_pending, focus_prompt, prompt_active;
    char draft_unknown[128];
    struct outcome *outcome; /* the newest that is good */
    struct shown_maps maps[SCENE_SLOTS];
    double difference_max;
    struct locked_range locked[2 * VIEW_MAX_TEXTS];
    size_t n_locked;
    uint64_t answered_serial, answered_frame; /* of the newest outcome, good or not */
    struct job asked;                         /* what the worker was last asked for; it holds no references */
    uint64_t job_serial;
    struct features *features;
    char features_key[VIEW_PATH];
    bool features_asked;
    struct patch_answer patch;
    char banner[VIEW_PATH]; /* what went wrong; stays until it is closed or repaired */
    char toast[VIEW_PATH];  /* what went well */
    double toast_until_ms;
    struct recorder *recorder;
    struct script *script;
    unsigned keys; /* pressed so far, for the script */
    struct rates rates;
    bool help, fullscreen, quit, one_to_one, cameras_open, wiping;
    bool navigation, in_menus;                  /* the keyboard is in the panel, in the menus */
    bool focus_panel, open_menus, open_history; /* in the next frame */
    char font_extra[4096];
    bool font_stale;
    int windowed[4];
    float banner_h;         /* what the banner takes of the canvas, window units */
    float scale;            /* of text and widgets */
    int window_w, window_h; /* window units */
    int pixels_w, pixels_h; /* framebuffer */
    double canvas[4];       /* x, y, w, h in window units: where the picture may go */
    float wake_frames;      /* to be drawn although nothing comes in */
    char data_dir[VIEW_PATH];
    double started_ms;
};

/* app.c: what actions and panels do */
void app_say(struct app *app, const char *format, ...) VIEW_PRINTF(2, 3);
void app_trouble(struct app *app, const char *format, ...) VIEW_PRINTF(2, 3);
void app_open_source(struct app *app, const char *spec);
/* Empty: the demo's. Another one than before has its own size and first block. */
void app_use_model(struct app *app, const char *model);
void app_drop(struct app *app, const char *path);
int app_add_chip(struct app *app, const char *text); /* its index, or -1 */
void app_remove_chip(struct app *app, int index);
void app_solo_chip(struct app *app, int index);
void app_commit_draft(struct app *app);
void app_need_glyphs(struct app *app, const char *text);
/* Asks the worker for what is wanted now, where that is not what was asked last. */
void app_request(struct app *app);
/* Takes what the threads have; true where there is something new to draw. */
bool app_receive(struct app *app);
/* Layer of the text of the selected chip or the draft in the shown maps; -1: none. */
int app_layer(const struct app *app);
const char *app_selected_text(const struct app *app);
/* Whether the model that is open can do a row of the table of methods; without a model: true. */
bool app_method_fits(const struct app *app, size_t index);
/* Whether the newest outcome is the answer to what is wanted now. */
bool app_settled(const struct app *app);

/* maps.c: from outcomes to layers */
void maps_update(struct app *app, struct outcome *outcome);
void maps_rescale(struct app *app); /* lock or smoothing changed */
void maps_free(struct app *app);
double maps_value(const struct shown_maps *maps, const float *from, int layer, double u, double v);
double maps_threshold(const struct app *app, int slot, int layer);
void maps_show_patch(struct app *app, int column, int row);
void maps_answer_patch(struct app *app, int column, int row);
void maps_features_arrived(struct app *app);

/* canvas.c: where pictures go, and the drawing of them */
struct pane {
    struct scene_rect rect;
    enum scene_slot slot;
    int layer;
    char caption[VIEW_TEXT + 64];
};
size_t canvas_panes(const struct app *app, struct pane panes[VIEW_MAX_TEXTS]); /* of the window, in pixels */
double canvas_pixels(const struct app *app);                                   /* of the framebuffer, a window unit */
double canvas_legend_height(const struct app *app); /* window units below each picture; 0: no legends */
void canvas_draw(struct app *app);                  /* into the window, below the widgets */
void canvas_decorate(struct app *app);              /* captions, points, read-out, legend */
/* What the ends of the colours stand for in a pane; false: it has no legend. */
bool canvas_legend(const struct app *app, const struct pane *pane, const char **unit, char low[32], char high[32]);
/* What the window tells of the place under the mouse, which is at x, y in window units; false: nothing. */
bool canvas_read_out(const struct app *app, double *x, double *y, char *text, size_t capacity);
void canvas_style(const struct app *app, const struct pane *pane, struct scene_style *style);
/* The natural size of what is shown, and the pixels of it. */
void canvas_natural_size(const struct app *app, int *w, int *h);
int canvas_render(struct app *app, int w, int h, bool overlay, uint8_t **rgb, struct csg_error *err);
/* The pane and the place in the picture (0..1) under a point of the window. */
bool canvas_pick(const struct app *app, double x, double y, struct pane *pane, double *u, double *v);
void canvas_mouse(struct app *app, double x, double y, bool pressed, bool released, bool shift);
void canvas_place_wipe(struct app *app, double x);

/* keep.c */
int keep_screenshot(struct app *app, const char *path, bool overlay, struct csg_error *err);
int keep_window(struct app *app, const char *path, struct csg_error *err); /* after drawing, before the swap */
void keep_export(struct app *app, const char *folder);

/* panels.c, bars.c */
void panels_draw(struct app *app);
void bars_draw(struct app *app);

/* actions.c */
struct action {
    const char *name, *key, *menu, *label;
    void (*run)(struct app *app);
    bool (*on)(const struct app *app);
};
extern const struct action actions[]; /* ends with a NULL name */
bool action_key(struct app *app, const char *key);
bool action_run(struct app *app, const char *name);
void action_aliases(char *text, size_t capacity); /* the further keys, as a sentence */

#endif
