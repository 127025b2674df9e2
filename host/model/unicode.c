/* Normalization and lower case over utf8proc's tables. */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "model/runes.h"

static unsigned combining_class(int32_t point)
{
    return (unsigned)utf8proc_get_property(point)->combining_class & 0xFF;
}

/* Sorts a run of combining marks stably by class. utf8proc's own sort is quadratic, which a hostile text would use. */
static void sort_marks(int32_t *at, int32_t *spare, size_t count)
{
    if (count <= 16) {
        for (size_t i = 1; i < count; i++) {
            int32_t point = at[i];
            size_t j = i;
            for (; j > 0 && combining_class(at[j - 1]) > combining_class(point); j--)
                at[j] = at[j - 1];
            at[j] = point;
        }
        return;
    }
    size_t start[257] = {0};
    for (size_t i = 0; i < count; i++)
        start[combining_class(at[i]) + 1]++;
    for (size_t i = 0; i < 256; i++)
        start[i + 1] += start[i];
    for (size_t i = 0; i < count; i++)
        spare[start[combining_class(at[i])]++] = at[i];
    memcpy(at, spare, count * sizeof *at);
}

static bool decompose(struct csg_runes *out, const struct csg_runes *in)
{
    for (size_t i = 0; i < in->count; i++) {
        int last = UTF8PROC_BOUNDCLASS_START;
        if (!csg_runes_reserve(out, out->count + 8))
            return false;
        utf8proc_ssize_t got = utf8proc_decompose_char(in->at[i], out->at + out->count, 8, UTF8PROC_DECOMPOSE, &last);
        if (got > 8) {
            if (!csg_runes_reserve(out, out->count + (size_t)got))
                return false;
            got = utf8proc_decompose_char(in->at[i], out->at + out->count, got, UTF8PROC_DECOMPOSE, &last);
        }
        if (got < 0)
            return false;
        out->count += (size_t)got;
    }
    return true;
}

bool csg_runes_nfc(struct csg_runes *runes)
{
    bool done = false, plain = true;
    struct csg_runes parts = {0};
    int32_t *spare = NULL;
    for (size_t i = 0; i < runes->count && plain; i++)
        plain = runes->at[i] < 0x300; /* nothing below combines with anything */
    if (plain)
        return true;
    if (!decompose(&parts, runes))
        goto end;
    spare = csg_calloc(parts.count, sizeof *spare);
    if (!spare)
        goto end;
    for (size_t i = 0; i < parts.count;) {
        size_t j = i;
        while (j < parts.count && combining_class(parts.at[j]))
            j++;
        if (j > i + 1)
            sort_marks(parts.at + i, spare, j - i);
        i = j > i ? j : i + 1;
    }
    utf8proc_ssize_t count =
        utf8proc_normalize_utf32(parts.at, (utf8proc_ssize_t)parts.count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (count < 0)
        goto end;
    parts.count = (size_t)count;
    csg_runes_swap(&parts, runes);
    done = true;
end:
    free(spare);
    csg_runes_free(&parts);
    return done;
}

/* Unicode's Case_Ignorable: what may stand between a sigma and the letter that decides its form. */
static bool is_case_ignorable(int32_t c)
{
    static const int32_t punctuation[] = {0x27,   0x2E,   0x3A,   0xB7,   0x387,  0x55F,  0x5F4,  0x2018, 0x2019,
                                          0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
        return true;
    default:
        for (size_t i = 0; i < sizeof punctuation / sizeof punctuation[0]; i++)
            if (punctuation[i] == c)
                return true;
        return false;
    }
}

/* Unicode's Cased, for characters that are not ignorable. */
static bool is_cased(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
        return true;
    default:
        return c == 0xAA || c == 0xBA || (c >= 0x2160 && c <= 0x217F) || (c >= 0x24B6 && c <= 0x24E9) ||
               (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
    }
}

static bool is_final_sigma(const struct csg_runes *runes, size_t at)
{
    size_t i = at;
    while (i > 0 && is_case_ignorable(runes->at[i - 1]))
        i--;
    if (i == 0 || !is_cased(runes->at[i - 1]))
        return false;
    for (i = at + 1; i < runes->count && is_case_ignorable(runes->at[i]);)
        i++;
    return i == runes->count || !is_cased(runes->at[i]);
}

bool csg_runes_lower(struct csg_runes *runes)
{
    struct csg_runes out = {0};
    bool done = csg_runes_reserve(&out, runes->count);
    for (size_t i = 0; done && i < runes->count; i++) {
        int32_t c = runes->at[i];
        if (c == 0x130)
            done = csg_runes_add(&out, 'i') && csg_runes_add(&out, 0x307);
        else if (c == 0x3A3)
            done = csg_runes_add(&out, is_final_sigma(runes, i) ? 0x3C2 : 0x3C3);
        else
            done = csg_runes_add(&out, utf8proc_tolower(c));
    }
    if (done)
        csg_runes_swap(&out, runes);
    csg_runes_free(&out);
    return done;
}
