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

/* One file that covers the characters, or most of them. */
static bool match(char *file, size_t capacity, FcCharSet *characters)
{
    FcPattern *pattern = FcNameParse((const FcChar8 *)"sans");
    FcResult code;
    FcChar8 *found = NULL;
    bool good = false;
    if (!pattern)
        return false;
    FcPatternAddBool(pattern, FC_OUTLINE, FcTrue);
    FcPatternAddBool(pattern, FC_COLOR, FcFalse);
    if (characters)
        FcPatternAddCharSet(pattern, FC_CHARSET, characters);
    FcConfigSubstitute(NULL, pattern, FcMatchPattern);
    FcDefaultSubstitute(pattern);
    FcPattern *best = FcFontMatch(NULL, pattern, &code);
    if (best && readable(best) && FcPatternGetString(best, FC_FILE, 0, &found) == FcResultMatch) {
        view_copy(file, capacity, (const char *)found);
        good = true;
    }
    if (best)
        FcPatternDestroy(best);
    FcPatternDestroy(pattern);
    return good;
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

size_t fonts_find(char (*files)[VIEW_PATH], size_t capacity, const char *extra, const char *data_dir)
{
    size_t count = 0;
    if (FcInit()) {
        if (match(files[count], VIEW_PATH, NULL))
            count++;
        FcCharSet *set = extra[0] ? characters_of(extra) : NULL;
        if (set && count < capacity && match(files[count], VIEW_PATH, set) && (!count || strcmp(files[0], files[count]) != 0))
            count++;
        if (set)
            FcCharSetDestroy(set);
    }
    if (!count && data_dir[0]) /* a machine without fonts: the one that the pictures' captions are set in */
        view_format(files[count++], VIEW_PATH, "%.900s/fonts/DejaVuSans-subset.ttf", data_dir);
    return count;
}
