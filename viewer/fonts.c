#include "fonts.h"

#include <fontconfig/fontconfig.h>
#include <string.h>

/* Outlines that ImGui can read: no bitmaps, no Type 1. */
static bool readable(FcPattern *font)
{
    FcChar8 *format = NULL;
    return FcPatternGetString(font, FC_FONTFORMAT, 0, &format) == FcResultMatch &&
           (strcmp((const char *)format, "TrueType") == 0 || strcmp((const char *)format, "CFF") == 0);
}

/* All fonts of the system, the best sans serif first. */
static FcFontSet *sorted_fonts(void)
{
    FcPattern *pattern = FcNameParse((const FcChar8 *)"sans");
    FcResult code;
    if (!pattern)
        return NULL;
    FcPatternAddBool(pattern, FC_OUTLINE, FcTrue);
    FcPatternAddBool(pattern, FC_COLOR, FcFalse);
    FcConfigSubstitute(NULL, pattern, FcMatchPattern);
    FcDefaultSubstitute(pattern);
    FcFontSet *fonts = FcFontSort(NULL, pattern, FcTrue, NULL, &code);
    FcPatternDestroy(pattern);
    return fonts;
}

static FcCharSet *characters_of(const char *text)
{
    FcCharSet *set = FcCharSetCreate();
    const FcChar8 *at = (const FcChar8 *)text;
    int left = (int)strlen(text);
    while (set && left > 0) {
        FcChar32 character;
        int bytes = FcUtf8ToUcs4(at, &character, left);
        if (bytes <= 0)
            break;
        FcCharSetAddChar(set, character);
        at += bytes;
        left -= bytes;
    }
    return set;
}

void fonts_close(void)
{
    FcFini();
}

/* The first font, and each that has characters of `missing` which none before it has; takes them off. */
static size_t choose(char (*files)[VIEW_PATH], size_t capacity, const FcFontSet *fonts, FcCharSet **missing)
{
    size_t count = 0;
    for (int i = 0; fonts && i < fonts->nfont && count < capacity; i++) {
        FcPattern *font = fonts->fonts[i];
        FcChar8 *file = NULL;
        FcCharSet *has = NULL;
        if (!readable(font) || FcPatternGetString(font, FC_FILE, 0, &file) != FcResultMatch ||
            FcPatternGetCharSet(font, FC_CHARSET, 0, &has) != FcResultMatch || (count && !FcCharSetIntersectCount(*missing, has)))
            continue;
        view_copy(files[count++], VIEW_PATH, (const char *)file);
        FcCharSet *left = FcCharSetSubtract(*missing, has);
        if (!left)
            break;
        FcCharSetDestroy(*missing);
        *missing = left;
    }
    return count;
}

size_t fonts_find(char (*files)[VIEW_PATH], size_t capacity, const char *extra, const char *data_dir)
{
    size_t count = 0;
    FcFontSet *fonts = FcInit() ? sorted_fonts() : NULL;
    FcCharSet *missing = fonts ? characters_of(extra) : NULL;
    if (missing) {
        count = choose(files, capacity, fonts, &missing);
        FcCharSetDestroy(missing);
    }
    if (fonts)
        FcFontSetDestroy(fonts);
    if (!count && data_dir[0]) /* a machine without fonts: the one that the pictures' captions are set in */
        view_format(files[count++], VIEW_PATH, "%.900s/fonts/DejaVuSans-subset.ttf", data_dir);
    return count;
}
