#include "damage.h"

#include <string.h>

#include "base/rng.h"

static struct csg_rng rng;

void damage_seed(uint64_t seed)
{
    csg_rng_init(&rng, seed, 0);
}

size_t below(size_t n)
{
    return n ? csg_rng_u32(&rng) % n : 0;
}

void damage(struct bytes *b, size_t from, size_t reach)
{
    static const char *const tokens[] = {
        "-1", "0", "1e999", "\"", "[", "]", "{", "}", ",", ":", "null", "18446744073709551615", "\\u0000", "\xFF"};
    for (size_t n = 1 + below(4); n > 0 && b->count; n--) {
        size_t left = from < b->count ? b->count - from : 0, length = below(9);
        size_t at = from + below(reach < left ? reach : left);
        if (!left)
            return;
        const char *token = tokens[below(sizeof tokens / sizeof tokens[0])];
        switch (below(5)) {
        case 0:
            b->data[at] = (uint8_t)(b->data[at] ^ 1u << below(8));
            break;
        case 1:
            b->data[at] = (uint8_t)below(256);
            break;
        case 2:
            for (size_t i = 0; token[i] && at + i < b->count; i++)
                b->data[at + i] = (uint8_t)token[i];
            break;
        case 3:
            if (at + length < b->count) {
                memmove(b->data + at, b->data + at + length, b->count - at - length);
                b->count -= length;
            }
            break;
        default:
            if (at + 2 * length < b->count)
                memcpy(b->data + at + length, b->data + at, length);
        }
    }
}
