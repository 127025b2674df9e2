/* One line of text: UTF-8, kerning, the ellipsis. */
#include "image/caption.h"

#include <math.h>
#include <string.h>

#include "image/font.h"

#define ELLIPSIS 0x2026
#define INVALID 0xfffd

/* The next code point of valid UTF-8, or INVALID for one byte that is none. */
static uint32_t next_code(const char **text)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)*text;
    unsigned length = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    uint32_t code = length == 1 ? p[0] : length ? p[0] & (0x7fu >> length) : INVALID;
    for (unsigned i = 1; i < length; i++) {
        if (p[i] >> 6 != 2) { /* the NUL at the end too */
            length = 0;
            break;
        }
        code = code << 6 | (p[i] & 0x3f);
    }
    bool bad = !length || code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000);
    *text += bad ? 1 : length;
    return bad ? INVALID : code;
}

/* Marks without a width of their own: joiners, directions, variants. */
static bool is_invisible(uint32_t code)
{
    return (code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) || (code >= 0xfe00 && code <= 0xfe0f) ||
           code == 0xad || code == 0xfeff;
}

/* A pen that walks along the text. */
struct pen {
    const struct csg_font *font;
    const char *rest;
    double x_px;   /* where the next glyph begins */
    double at_px;  /* where the glyph of the last step began */
    int glyph;     /* of the last step */
    bool anything; /* a glyph came before: there is something to kern with */
};

static void step_glyph(struct pen *pen, int glyph)
{
    pen->at_px = pen->x_px + (pen->anything ? csg_font_kern_px(pen->font, pen->glyph, glyph) : 0);
    pen->x_px = pen->at_px + csg_font_advance_px(pen->font, glyph);
    pen->glyph = glyph;
    pen->anything = true;
}

/* false at the end of the text */
static bool step(struct pen *pen)
{
    while (*pen->rest) {
        uint32_t code = next_code(&pen->rest);
        if (is_invisible(code))
            continue;
        if (code < 0x20 || code == 0x7f)
            code = ' ';
        step_glyph(pen, csg_font_glyph(pen->font, code));
        return true;
    }
    return false;
}

static double width_of(const struct csg_font *font, const char *text)
{
    struct pen pen = {.font = font, .rest = text};
    while (step(&pen))
        ;
    return pen.x_px;
}

/* Where the text must end, in pixels, so that an ellipsis after it stays within max_width_px. */
static double cut_at(const struct csg_font *font, const char *text, double max_width_px)
{
    double room = max_width_px - csg_font_advance_px(font, csg_font_glyph(font, ELLIPSIS)), end = 0;
    struct pen pen = {.font = font, .rest = text};
    while (step(&pen) && pen.x_px <= room)
        if (pen.glyph != csg_font_glyph(font, ' ')) /* no blank before the ellipsis */
            end = pen.x_px;
    return end;
}

int csg_caption_width_px(const char *text, int height_px)
{
    struct csg_font font;
    return csg_font_open(&font, height_px, NULL) == CSG_OK ? (int)fmin(ceil(width_of(&font, text)), 1e9) : 0;
}

int csg_caption_draw(struct csg_image *image, const char *text, int x_px, int y_px, int height_px, int max_width_px,
                     const uint8_t rgb[3], struct csg_error *err)
{
    struct csg_font opened, *font = &opened;
    int status = csg_font_open(font, height_px, err);
    if (status == CSG_OK)
        status = csg_font_prepare(font, err);
    if (status)
        return status;
    bool whole = width_of(font, text) <= max_width_px;
    double end = whole ? HUGE_VAL : cut_at(font, text, max_width_px);
    struct pen pen = {.font = font, .rest = text};
    while (status == CSG_OK && (whole || pen.x_px < end) && step(&pen) && pen.x_px <= end)
        status = csg_font_draw(font, image, pen.glyph, x_px + pen.at_px, y_px, rgb, err);
    int dots = csg_font_glyph(font, ELLIPSIS);
    if (status == CSG_OK && !whole && csg_font_advance_px(font, dots) <= max_width_px)
        status = csg_font_draw(font, image, dots, x_px + end, y_px, rgb, err);
    csg_font_close(font);
    return status;
}
