/* What the window remembers from one time to the next. One table: the file, the script's `set` and the limits follow. */
#ifndef CSG_VIEWER_SETTINGS_H
#define CSG_VIEWER_SETTINGS_H

#include "base.h"

enum view_layout { LAYOUT_ONE, LAYOUT_COLOURS, LAYOUT_WIPE, LAYOUT_SIDE, LAYOUT_GRID, LAYOUT_DIFFERENCE, N_LAYOUTS };

struct settings {
    char method[32], other[32], labels[VIEW_PATH], redundant[16], fit[16], colormap[32];
    char model[VIEW_PATH]; /* that size_px and first_block were chosen for */
    int size_px, first_block, layout, contours, window_w, window_h;
    float opacity, threshold, quantile, smoothing, wipe, point_threshold;
    bool use_quantile, lock, points, panel, stats, legend, overlay, loop, read_out;
};

enum setting_kind { SETTING_TEXT, SETTING_INT, SETTING_FLOAT, SETTING_BOOL };
struct setting {
    const char *name;
    enum setting_kind kind;
    size_t at, capacity; /* capacity of a text */
    double low, high;
};
extern const struct setting settings_table[]; /* ends with a NULL name */
extern const char *const layout_names[];      /* [N_LAYOUTS] */

void settings_default(struct settings *settings);
/* Sets by name from text, clamped; CSG_ERROR_USAGE: no such name, or no such value. */
int settings_set(struct settings *settings, const char *name, const char *value, struct csg_error *err);
/* What is set, as text; false: no such name. */
bool settings_tell(const struct settings *settings, const char *name, char *value, size_t capacity);
/* A missing or damaged file leaves the defaults. */
void settings_load(struct settings *settings);
int settings_save(const struct settings *settings, struct csg_error *err);

/* The prompts of former times, newest first. */
#define HISTORY_MAX 50
struct history {
    char texts[HISTORY_MAX][VIEW_TEXT];
    size_t count;
};
void history_load(struct history *history);
void history_add(struct history *history, const char *text);
int history_save(const struct history *history, struct csg_error *err);

/* What the viewer lets its user choose, the default first; NULL past the end. */
const char *view_precision_name(size_t index);

#endif
