/* The picture and its heat maps on the GPU. The shader interpolates the grid map by itself, as the library does: samplers
 * have 8-bit fractions. */
#ifndef CSG_VIEWER_SCENE_H
#define CSG_VIEWER_SCENE_H

#include "base.h"

struct scene;

enum scene_slot { SCENE_MAPS, SCENE_OTHER, SCENE_DIFFERENCE, SCENE_PATCH, SCENE_SLOTS };
enum scene_mode { SCENE_PLAIN, SCENE_HEAT, SCENE_COLOURS };

struct scene_style {
    enum scene_mode mode;
    double opacity;                     /* 0..1 */
    double threshold;                   /* cells below it show the picture alone; 0: none */
    int contours;                       /* lines at i / (contours + 1); 0: none */
    uint8_t colours[VIEW_MAX_TEXTS][3]; /* of SCENE_COLOURS, one a layer */
};

/* Where a picture goes: pixels of the target, y down; clip is [x0, x1) of what may be touched. */
struct scene_rect {
    double x, y, w, h, clip_x0, clip_x1;
};

int scene_create(struct scene **out, struct csg_error *err);
void scene_destroy(struct scene **scene);
void scene_set_picture(struct scene *scene, const struct csg_image *image);
void scene_set_table(struct scene *scene, const uint8_t rgb[768]);
void scene_set_maps(struct scene *scene, enum scene_slot slot, size_t n, int grid_w, int grid_h, const float *maps);
bool scene_has(const struct scene *scene, enum scene_slot slot, int layer);
/* Into the bound framebuffer, target_h pixels high. */
void scene_draw(const struct scene *scene, const struct scene_rect *rect, int target_h, enum scene_slot slot, int layer,
                const struct scene_style *style);

/* A framebuffer of its own for pictures that are kept. rgb [h, w, 3] is read back from it, top row first. */
int scene_offscreen_begin(struct scene *scene, int w, int h, struct csg_error *err);
void scene_offscreen_end(struct scene *scene, uint8_t *rgb);
/* The window's own pixels. */
void scene_read_window(int w, int h, uint8_t *rgb);
const char *scene_renderer(void);

#endif
