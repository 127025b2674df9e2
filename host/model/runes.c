#include "model/runes.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "base/mem.h"

void csg_runes_free(struct csg_runes *runes)
{
    free(runes->at);
    *runes = (struct csg_runes){0};
}

bool csg_runes_reserve(struct csg_runes *runes, size_t count)
{
    if (count <= runes->capacity)
        return true;
    size_t capacity = runes->capacity + runes->capacity / 2 + 16;
    if (capacity < count)
        capacity = count;
    int32_t *at = csg_realloc(runes->at, capacity, sizeof *at);
    if (!at)
        return false;
    runes->at = at;
    runes->capacity = capacity;
    return true;
}

bool csg_runes_add(struct csg_runes *runes, int32_t point)
{
    if (!csg_runes_reserve(runes, runes->count + 1))
        return false;
    runes->at[runes->count++] = point;
    return true;
}

void csg_runes_swap(struct csg_runes *a, struct csg_runes *b)
{
    struct csg_runes held = *a;
    *a = *b;
    *b = held;
}

int32_t csg_next_rune(const char *text, size_t bytes, size_t *at)
{
    utf8proc_int32_t point = 0;
    utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text + *at, (utf8proc_ssize_t)(bytes - *at), &point);
    *at += used > 0 ? (size_t)used : 1;
    return used > 0 ? point : 0xFFFD;
}

bool csg_is_utf8(const char *text, size_t bytes, size_t *wrong_at)
{
    for (size_t at = 0; at < bytes;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(bytes - at), &point);
        if (used <= 0) {
            *wrong_at = at;
            return false;
        }
        at += (size_t)used;
    }
    return true;
}

int csg_runes_decode(struct csg_runes *out, const char *text, size_t bytes, struct csg_error *err)
{
    size_t wrong_at = 0;
    *out = (struct csg_runes){0};
    if (!csg_is_utf8(text, bytes, &wrong_at))
        return csg_fail(err, CSG_ERROR_INPUT, "the text is not UTF-8 at byte %zu", wrong_at);
    if (!csg_runes_reserve(out, bytes))
        return csg_fail_memory(err);
    for (size_t at = 0; at < bytes;)
        out->at[out->count++] = csg_next_rune(text, bytes, &at);
    return CSG_OK;
}

char *csg_runes_encode(const struct csg_runes *runes)
{
    size_t bytes, used = 0;
    if (!csg_mul(runes->count, 4, &bytes) || bytes + 1 == 0)
        return NULL;
    utf8proc_uint8_t *text = csg_calloc(bytes + 1, 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < runes->count; i++)
        used += (size_t)utf8proc_encode_char(runes->at[i], text + used);
    text[used] = 0;
    return (char *)text;
}

bool csg_rune_is_space(int32_t c)
{
    if (c < 0x85)
        return c == ' ' || (c >= 9 && c <= 13);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

bool csg_rune_is_letter(int32_t point)
{
    if (point < 0x80)
        return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z');
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return true;
    default:
        return false;
    }
}

bool csg_rune_is_number(int32_t point)
{
    if (point < 0x80)
        return point >= '0' && point <= '9';
    utf8proc_category_t category = utf8proc_category(point);
    return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_NO;
}
