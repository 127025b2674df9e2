/* Glyphs of the embedded font at one size. Inside host/image only. */
#ifndef CSG_IMAGE_FONT_H
#define CSG_IMAGE_FONT_H

#include "image/image.h"

#define CSG_FONT_MAX_PX 1024

struct csg_font_memory;
struct csg_font {
    _Alignas(16) unsigned char info[192]; /* stb_truetype's, whose header is font.c's alone */
    struct csg_font_memory *memory;       /* to draw with */
    float scale;
    int baseline_px;
};
/* height_px of the line box, 1..CSG_FONT_MAX_PX, else CSG_ERROR_USAGE. Measures without memory. */
int csg_font_open(struct csg_font *font, int height_px, struct csg_error *err);
/* Before the first csg_font_draw; to be given to csg_font_close. */
int csg_font_prepare(struct csg_font *font, struct csg_error *err);
void csg_font_close(struct csg_font *font);

/* The glyph of a code point, or the one that stands for what the font lacks. */
int csg_font_glyph(const struct csg_font *font, uint32_t code);
double csg_font_advance_px(const struct csg_font *font, int glyph);
/* What is added to the distance of two neighbours. */
double csg_font_kern_px(const struct csg_font *font, int left, int right);
/* (x, y): the pen in the line box whose top is y. Clipped to the image. */
int csg_font_draw(const struct csg_font *font, struct csg_image *image, int glyph, double x_px, int y_px, const uint8_t rgb[3],
                  struct csg_error *err);

#endif
