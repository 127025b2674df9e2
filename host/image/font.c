/* The one file with stb_truetype. */
#include "image/font.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* What stb_truetype needs for a glyph comes from one block: it asserts that it gets memory, or draws half a glyph without. */
#define MEMORY_BYTES ((size_t)1 << 20) /* an accented letter of CSG_FONT_MAX_PX takes a quarter */
struct csg_font_memory {
    size_t used;
    _Alignas(16) unsigned char bytes[MEMORY_BYTES];
};

static void *take(struct csg_font_memory *memory, size_t bytes)
{
    size_t rounded = (bytes + 15) / 16 * 16;
    if (rounded > MEMORY_BYTES - memory->used)
        return NULL;
    memory->used += rounded;
    return memory->bytes + memory->used - rounded;
}
#define STBTT_malloc(size, user) take(user, size)
#define STBTT_free(at, user) ((void)(at), (void)(user))

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

_Static_assert(sizeof(stbtt_fontinfo) <= sizeof((struct csg_font *)NULL)->info, "font.h has too little room");

static const stbtt_fontinfo *info_of(const struct csg_font *font)
{
    return (const void *)font->info;
}

int csg_font_open(struct csg_font *font, int height_px, struct csg_error *err)
{
    stbtt_fontinfo *info = (void *)font->info;
    int ascent, descent, gap;
    font->memory = NULL;
    if (height_px < 1 || height_px > CSG_FONT_MAX_PX)
        return csg_fail(err, CSG_ERROR_USAGE, "a line of text is 1 to %d pixels high, not %d", CSG_FONT_MAX_PX, height_px);
    if (!stbtt_InitFont(info, csg_font_data, 0))
        return csg_fail(err, CSG_ERROR, "the font of the captions is broken");
    stbtt_GetFontVMetrics(info, &ascent, &descent, &gap);
    font->scale = stbtt_ScaleForPixelHeight(info, (float)height_px);
    font->baseline_px = (int)lroundf((float)ascent * font->scale);
    return CSG_OK;
}

int csg_font_prepare(struct csg_font *font, struct csg_error *err)
{
    font->memory = csg_calloc(1, sizeof *font->memory);
    ((stbtt_fontinfo *)(void *)font->info)->userdata = font->memory;
    return font->memory ? CSG_OK : csg_fail_memory(err);
}

void csg_font_close(struct csg_font *font)
{
    free(font->memory);
    font->memory = NULL;
}

int csg_font_glyph(const struct csg_font *font, uint32_t code)
{
    int glyph = code <= 0x10ffff ? stbtt_FindGlyphIndex(info_of(font), (int)code) : 0;
    return glyph ? glyph : stbtt_FindGlyphIndex(info_of(font), REPLACEMENT);
}

double csg_font_advance_px(const struct csg_font *font, int glyph)
{
    int advance, bearing;
    stbtt_GetGlyphHMetrics(info_of(font), glyph, &advance, &bearing);
    return (double)advance * (double)font->scale;
}

double csg_font_kern_px(const struct csg_font *font, int left, int right)
{
    return (double)stbtt_GetGlyphKernAdvance(info_of(font), left, right) * (double)font->scale;
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
    stbtt_GetGlyphBitmapBoxSubpixel(info_of(font), glyph, font->scale, font->scale, fraction, 0, &left, &top, &right, &bottom);
    int width = right - left, height = bottom - top;
    if (width < 1 || height < 1)
        return CSG_OK;
    uint8_t *cover = csg_calloc((size_t)width, (size_t)height);
    if (!cover)
        return csg_fail_memory(err);
    font->memory->used = 0;
    stbtt_MakeGlyphBitmapSubpixel(info_of(font), cover, width, height, width, font->scale, font->scale, fraction, 0, glyph);
    blend(image, cover, (int)whole + left, y_px + font->baseline_px + top, width, height, rgb);
    free(cover);
    return CSG_OK;
}
