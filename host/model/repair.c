/* The part of ftfy's repairs that CLIP's tokenizer relies on: everything but re-decoding text of a wrong encoding. */
#include <string.h>
#include <utf8proc.h>

#include "model/runes.h"

/* References nested deeper ("&amp;amp;amp;...") are hostile; a pass for each level would be quadratic. */
#define MAX_PASSES 16

struct ligature {
    int32_t from, to[3];
};
static const struct ligature ligatures[] = {
    {0x132, {'I', 'J'}},    {0x133, {'i', 'j'}},  {0x149, {0x2BC, 'n'}}, {0x1C4, {'D', 0x17D}},     {0x1C5, {'D', 0x17E}},
    {0x1C6, {'d', 0x17E}},  {0x1C7, {'L', 'J'}},  {0x1C8, {'L', 'j'}},   {0x1C9, {'l', 'j'}},       {0x1CA, {'N', 'J'}},
    {0x1CB, {'N', 'j'}},    {0x1CC, {'n', 'j'}},  {0x1F1, {'D', 'Z'}},   {0x1F2, {'D', 'z'}},       {0x1F3, {'d', 'z'}},
    {0xFB00, {'f', 'f'}},   {0xFB01, {'f', 'i'}}, {0xFB02, {'f', 'l'}},  {0xFB03, {'f', 'f', 'i'}}, {0xFB04, {'f', 'f', 'l'}},
    {0xFB05, {0x17F, 't'}}, {0xFB06, {'s', 't'}},
};

static bool add_ligature(struct csg_runes *out, int32_t c, bool *was_one)
{
    *was_one = false;
    for (size_t i = 0; c >= 0x132 && i < sizeof ligatures / sizeof ligatures[0]; i++) {
        if (ligatures[i].from != c)
            continue;
        *was_one = true;
        for (int j = 0; j < 3 && ligatures[i].to[j]; j++)
            if (!csg_runes_add(out, ligatures[i].to[j]))
                return false;
        return true;
    }
    return true;
}

/* The usual width of a full-width or half-width form. */
static int32_t usual_width(int32_t c)
{
    utf8proc_int32_t form[4];
    int last = UTF8PROC_BOUNDCLASS_START;
    if (c == 0x3000)
        return ' ';
    if (c < 0xFF01 || c > 0xFFEF)
        return c;
    /* Two steps lead from U+FFE3 to a space and a mark, which usual_width cannot say: see narrow. */
    utf8proc_ssize_t got = utf8proc_decompose_char(c, form, 4, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &last);
    return got == 1 ? form[0] : c;
}

static int32_t straight(int32_t c)
{
    if (c == 0x2BC || (c >= 0x2018 && c <= 0x201B))
        return '\'';
    if (c >= 0x201C && c <= 0x201F)
        return '"';
    if (c == '\r' || c == 0x2028 || c == 0x2029)
        return '\n';
    return c;
}

static bool is_dropped(int32_t c)
{
    return c < 9 || c == 0xB || (c >= 0xE && c < 0x20) || c == 0x7F || (c >= 0x206A && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xFFF9 && c <= 0xFFFC);
}

/* Length of the terminal escape (ESC [ digits letter) at `at`, or 0. */
static size_t escape_length(const struct csg_runes *in, size_t at)
{
    size_t i = at + 2;
    if (in->at[at] != 0x1B || i > in->count || in->at[at + 1] != '[')
        return 0;
    while (i < in->count && (in->at[i] == ';' || utf8proc_category(in->at[i]) == UTF8PROC_CATEGORY_ND))
        i++;
    if (i < in->count && ((in->at[i] >= 'a' && in->at[i] <= 'z') || (in->at[i] >= 'A' && in->at[i] <= 'Z')))
        return i + 1 - at;
    return 0;
}

/* Ligatures opened, then widths, quotes and line ends made usual. */
static bool fix_characters(struct csg_runes *out, const struct csg_runes *in)
{
    for (size_t i = 0; i < in->count; i++) {
        int32_t c = in->at[i];
        bool was_ligature;
        size_t first = out->count;
        if (c >= 0x80 && c <= 0x9F)
            c = csg_reference_rune((uint32_t)c);
        if (!add_ligature(out, c, &was_ligature))
            return false;
        if (c == 0xFFE3 && !(csg_runes_add(out, ' ') && csg_runes_add(out, 0x304)))
            return false;
        if (!was_ligature && c != 0xFFE3 && !csg_runes_add(out, usual_width(c)))
            return false;
        for (size_t j = first; j < out->count; j++)
            out->at[j] = straight(out->at[j]);
        if (c == '\r' && i + 1 < in->count && in->at[i + 1] == '\n')
            i++;
    }
    return true;
}

static void drop_controls(struct csg_runes *runes)
{
    size_t kept = 0;
    for (size_t i = 0; i < runes->count;) {
        size_t escape = escape_length(runes, i);
        if (escape) {
            i += escape;
            continue;
        }
        runes->at[kept++] = runes->at[i++];
    }
    runes->count = kept;
    kept = 0;
    for (size_t i = 0; i < runes->count; i++)
        if (!is_dropped(runes->at[i]))
            runes->at[kept++] = runes->at[i];
    runes->count = kept;
}

static bool repair_once(struct csg_runes *runes, bool references)
{
    struct csg_runes out = {0};
    bool done = (!references || csg_runes_unescape_strictly(runes)) && csg_runes_reserve(&out, runes->count) &&
                fix_characters(&out, runes);
    if (done) {
        csg_runes_swap(&out, runes);
        drop_controls(runes);
        done = csg_runes_nfc(runes);
    }
    csg_runes_free(&out);
    return done;
}

/* One repair can make another necessary, so that passes follow until nothing changes. */
static bool repair_until_stable(struct csg_runes *runes, bool references)
{
    struct csg_runes before = {0};
    bool done = true;
    for (int pass = 0; done && runes->count && pass < MAX_PASSES; pass++) {
        done = csg_runes_reserve(&before, runes->count);
        if (!done)
            break;
        memcpy(before.at, runes->at, runes->count * sizeof *runes->at);
        before.count = runes->count;
        done = repair_once(runes, references);
        if (done && runes->count && before.count == runes->count &&
            memcmp(before.at, runes->at, before.count * sizeof *before.at) == 0)
            break;
    }
    csg_runes_free(&before);
    return done;
}

/* A line with a < is taken for real HTML, whose references are meant; so are all lines after it. */
static size_t begin_of_markup(const struct csg_runes *runes)
{
    size_t line = 0;
    for (size_t i = 0; i < runes->count; i++) {
        if (runes->at[i] == '<')
            return line;
        if (runes->at[i] == '\n')
            line = i + 1;
    }
    return runes->count;
}

bool csg_runes_repair(struct csg_runes *runes)
{
    struct csg_runes tail = {0};
    bool done = false;
    if (runes->count == 0)
        return true;
    size_t markup = begin_of_markup(runes);
    size_t rest = runes->count - markup;
    if (!csg_runes_reserve(&tail, rest + 1))
        goto end;
    memcpy(tail.at, runes->at + markup, rest * sizeof *tail.at);
    tail.count = rest;
    runes->count = markup;
    if (!repair_until_stable(runes, true) || !repair_until_stable(&tail, false) ||
        !csg_runes_reserve(runes, runes->count + tail.count + 1))
        goto end;
    memcpy(runes->at + runes->count, tail.at, tail.count * sizeof *tail.at);
    runes->count += tail.count;
    done = true;
end:
    csg_runes_free(&tail);
    return done;
}
