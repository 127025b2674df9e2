/* HTML character references. */
#include <string.h>
#include <utf8proc.h>

#include "model/entities_table.h"
#include "model/runes.h"

#define LONGEST_BARE 6   /* the longest name that is valid without ; */
#define LONGEST_NAME 31  /* the longest name of all */
#define LONGEST_MATCH 32 /* characters that are looked at behind & */

static int compare_name(const struct csg_entity *entity, const char *name, size_t length)
{
    int order = strncmp(entity->name, name, length);
    return order ? order : entity->name[length] != 0;
}

static const struct csg_entity *find(const struct csg_entity *table, size_t count, const char *name, size_t length)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_name(&table[middle], name, length);
        if (order == 0)
            return &table[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool add_entity(struct csg_runes *out, const struct csg_entity *entity)
{
    bool done = true;
    for (int i = 0; i < 3 && entity->points[i]; i++)
        done = done && csg_runes_add(out, (int32_t)entity->points[i]);
    return done;
}

int32_t csg_reference_rune(uint32_t n)
{
    static const uint16_t windows[32] = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
                                         0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                         0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
    if (n == 0 || n > 0x10FFFF || (n >= 0xD800 && n <= 0xDFFF))
        return 0xFFFD;
    if (n >= 0x80 && n <= 0x9F)
        return windows[n - 0x80];
    if (n < 9 || n == 0xB || (n >= 0xE && n < 0x20) || n == 0x7F || (n >= 0xFDD0 && n <= 0xFDEF) || (n & 0xFFFE) == 0xFFFE)
        return -1;
    return (int32_t)n;
}

static int digit(int32_t c, unsigned base)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (base == 16 && c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (base == 16 && c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The number behind "&#" at `at`; returns the place behind its last digit, or `at` where there is none. */
static size_t read_number(const struct csg_runes *in, size_t at, uint32_t *number)
{
    size_t i = at + 2, first;
    unsigned base = 10;
    if (i < in->count && (in->at[i] == 'x' || in->at[i] == 'X')) {
        base = 16;
        i++;
    }
    first = i;
    *number = 0;
    for (; i < in->count && digit(in->at[i], base) >= 0; i++)
        if (*number <= 0x10FFFF) /* stays above once it is */
            *number = *number * base + (uint32_t)digit(in->at[i], base);
    return i > first ? i : at;
}

/* Decodes what begins with the & at *at and moves *at behind it; an & that begins nothing is copied alone. */
static bool unescape_one(struct csg_runes *out, const struct csg_runes *in, size_t *at)
{
    char name[LONGEST_MATCH + 1];
    size_t length = 0, i = *at + 1;
    if (i < in->count && in->at[i] == '#') {
        uint32_t number;
        size_t end = read_number(in, *at, &number);
        if (end == *at) {
            *at += 1;
            return csg_runes_add(out, '&');
        }
        *at = end + (end < in->count && in->at[end] == ';');
        int32_t point = csg_reference_rune(number);
        return point < 0 || csg_runes_add(out, point);
    }
    for (; i < in->count && length < LONGEST_MATCH; i++) {
        int32_t c = in->at[i];
        if (c == '\t' || c == '\n' || c == '\f' || c == ' ' || c == '<' || c == '&' || c == '#' || c == ';')
            break;
        name[length++] = c < 0x80 ? (char)c : '\x7f'; /* no name has it */
    }
    const struct csg_entity *entity = NULL;
    bool closed = i < in->count && in->at[i] == ';';
    if (closed)
        entity = find(csg_entities, csg_n_entities, name, length);
    if (entity) {
        *at = i + 1;
        return add_entity(out, entity);
    }
    for (size_t n = length < LONGEST_BARE ? length : LONGEST_BARE; n >= 2; n--) {
        entity = find(csg_entities, csg_n_entities, name, n);
        if (!entity || !(entity->flags & CSG_ENTITY_BARE))
            continue;
        if (!add_entity(out, entity))
            return false;
        *at += 1 + n;
        break;
    }
    if (!entity || !(entity->flags & CSG_ENTITY_BARE)) {
        if (!csg_runes_add(out, '&'))
            return false;
        *at += 1;
    }
    /* The rest of the match is copied: no reference begins inside it. */
    for (i += closed; *at < i; *at += 1)
        if (!csg_runes_add(out, in->at[*at]))
            return false;
    return true;
}

/* "EACUTE" is read as the capital of "eacute". *found is false where the name is no such. */
static bool add_shouted(struct csg_runes *out, const char *name, size_t length, bool *found)
{
    char small[LONGEST_NAME];
    const struct csg_entity *entity = find(csg_shouted_entities, csg_n_shouted_entities, name, length);
    *found = entity;
    if (entity)
        return add_entity(out, entity);
    for (size_t i = 0; i < length; i++) {
        if (name[i] >= 'a' && name[i] <= 'z')
            return true;
        small[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    }
    entity = find(csg_entities, csg_n_entities, small, length);
    *found = entity && (entity->flags & CSG_ENTITY_SHOUTED);
    bool done = true;
    for (int i = 0; *found && i < 3 && entity->points[i]; i++)
        done = done && csg_runes_add(out, utf8proc_toupper((utf8proc_int32_t)entity->points[i]));
    return done;
}

/* A whole reference with ; or nothing. */
static bool unescape_one_strictly(struct csg_runes *out, const struct csg_runes *in, size_t *at)
{
    char name[LONGEST_NAME];
    size_t length = 0, first = *at + 1, i;
    bool number = first < in->count && in->at[first] == '#';
    for (i = first + number; i < in->count && length < 24; i++) {
        int32_t c = in->at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            break;
        name[length++] = (char)c;
    }
    if (length && i < in->count && in->at[i] == ';') {
        uint32_t value;
        bool found = false;
        const struct csg_entity *entity = number ? NULL : find(csg_entities, csg_n_entities, name, length);
        if (number && read_number(in, *at, &value) == i) {
            int32_t point = csg_reference_rune(value);
            if (point != ';') {
                *at = i + 1;
                return point < 0 || csg_runes_add(out, point);
            }
        }
        if (entity ? !add_entity(out, entity) : !number && !add_shouted(out, name, length, &found))
            return false;
        if (entity || found) {
            *at = i + 1;
            return true;
        }
    }
    *at += 1;
    return csg_runes_add(out, '&');
}

static bool unescape(struct csg_runes *runes, bool (*one)(struct csg_runes *, const struct csg_runes *, size_t *))
{
    struct csg_runes out = {0};
    size_t at = 0;
    bool done = true;
    while (at < runes->count && runes->at[at] != '&')
        at++;
    if (at == runes->count)
        return true;
    done = csg_runes_reserve(&out, runes->count);
    for (at = 0; done && at < runes->count;) {
        if (runes->at[at] == '&')
            done = one(&out, runes, &at);
        else
            done = csg_runes_add(&out, runes->at[at++]);
    }
    if (done)
        csg_runes_swap(&out, runes);
    csg_runes_free(&out);
    return done;
}

bool csg_runes_unescape(struct csg_runes *runes)
{
    return unescape(runes, unescape_one);
}

bool csg_runes_unescape_strictly(struct csg_runes *runes)
{
    return unescape(runes, unescape_one_strictly);
}
