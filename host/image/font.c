/* The one file with stb_truetype. */
#include "image/font.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define STB_TRUETYPE_IMPLEMENTATION
#define STBTT_STATIC
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function" /* not popped: it is judged at the end of the file */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wcast-qual"
#endif
#include <stb_truetype.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#define REPLACEMENT 0xfffd

/* Made of assets/fonts by the build. */
extern const unsigned char csg_font_data[];

struct csg_font {
    stbtt_fontinfo info;
    float scale;
    int baseline_px;
};

int csg_font_create(struct csg_font **out, int height_px, struct csg_error *err)
{
    *out = NULL;
    if (height_px < 1 || height_px > CSG_FONT_MAX_PX)
        return csg_fail(err, CSG_ERROR_USAGE, "a line of text is 1 to %d pixels high, not %d", CSG_FONT_MAX_PX, height_px);
    struct csg_font *font = csg_calloc(1, sizeof *font);
    if (!font)
        return csg_fail_memory(err);
    if (!stbtt_InitFont(&font->info, csg_font_data, 0)) {
        free(font);
        return csg_fail(err, CSG_ERROR, "the font of the captions is broken");
    }
    int ascent, descent, gap;
    stbtt_GetFontVMetrics(&font->info, &ascent, &descent, &gap);
    font->scale = stbtt_ScaleForPixelHeight(&font->info, (float)height_px);
    font->baseline_px = (int)lroundf((float)ascent * font->scale);
    *out = font;
    return CSG_OK;
}

void csg_font_destroy(struct csg_font **font)
{
    if (!font || !*font)
        return;
    free(*font);
    *font = NULL;
}

int csg_font_glyph(const struct csg_font *font, uint32_t code)
{
    int glyph = code <= 0x10ffff ? stbtt_FindGlyphIndex(&font->info, (int)code) : 0;
    return glyph ? glyph : stbtt_FindGlyphIndex(&font->info, REPLACEMENT);
}

double csg_font_advance_px(const struct csg_font *font, int glyph)
{
    int advance, bearing;
    stbtt_GetGlyphHMetrics(&font->info, glyph, &advance, &bearing);
    return (double)advance * (double)font->scale;
}

double csg_font_kern_px(const struct csg_font *font, int left, int right)
{
    return (double)stbtt_GetGlyphKernAdvance(&font->info, left, right) * (double)font->scale;
}

/* Covers the pixels under the glyph with the colour as far as the glyph covers them. */
static void blend(struct csg_image *image, const uint8_t *cover, int left_px, int top_px, int width_px, int height_px,
                  const uint8_t rgb[3])
{
    for (int y = top_px < 0 ? -top_px : 0; y < height_px && top_px + y < image->height_px; y++)
        for (int x = left_px < 0 ? -left_px : 0; x < width_px && left_px + x < image->width_px; x++) {
            unsigned alpha = cover[(size_t)y * (size_t)width_px + (size_t)x];
            uint8_t *pixel = image->rgb + ((size_t)(top_px + y) * (size_t)image->width_px + (size_t)(left_px + x)) * 3;
            for (int c = 0; c < 3; c++)
                pixel[c] = (uint8_t)((pixel[c] * (255 - alpha) + rgb[c] * alpha + 127) / 255);
        }
}

int csg_font_draw(const struct csg_font *font, struct csg_image *image, int glyph, double x_px, int y_px, const uint8_t rgb[3],
                  struct csg_error *err)
{
    /* Letters stand at fractions of a pixel, or their distances look uneven at small sizes. */
    float whole = floorf((float)x_px), fraction = (float)x_px - whole;
    int left, top, right, bottom;
    stbtt_GetGlyphBitmapBoxSubpixel(&font->info, glyph, font->scale, font->scale, fraction, 0, &left, &top, &right, &bottom);
    int width = right - left, height = bottom - top;
    if (width < 1 || height < 1)
        return CSG_OK;
    uint8_t *cover = csg_calloc((size_t)width, (size_t)height);
    if (!cover)
        return csg_fail_memory(err);
    stbtt_MakeGlyphBitmapSubpixel(&font->info, cover, width, height, width, font->scale, font->scale, fraction, 0, glyph);
    blend(image, cover, (int)whole + left, y_px + font->baseline_px + top, width, height, rgb);
    free(cover);
    return CSG_OK;
}
