/* Captions, legends and contact sheets, drawn with stb_truetype and the font in assets/. */
#ifndef CSG_IMAGE_CAPTION_H
#define CSG_IMAGE_CAPTION_H

#include "image/colormap.h"
#include "image/image.h"

/* Draws one line of UTF-8 text into the image, cut with an ellipsis to max_width_px; (x, y) is the left top of the line box.
 * Code points that the font lacks become its replacement glyph. rgb: the colour. height_px: of the line box. */
int csg_caption_draw(struct csg_image *image, const char *text, int x_px, int y_px, int height_px, int max_width_px,
                     const uint8_t rgb[3], struct csg_error *err);
/* The width of that line, uncut; 0 where the height is out of range. */
int csg_caption_width_px(const char *text, int height_px);
/* A copy of the picture with a strip below it: the text, and a colour bar from raw_min to raw_max with both figures. */
int csg_legend_draw(struct csg_image **out, const struct csg_image *image, const char *text, const struct csg_colormap *map,
                    float raw_min, float raw_max, struct csg_error *err);

#endif
