/* <|startoftext|>|<|endoftext|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+ without regard to case. */
#include "model/words.h"

#include <string.h>

#include "model/runes.h"

/* Length of `pattern` (in lower case) at the text, or 0. The one character beyond ASCII that equals a letter of the patterns is the
 * long s, which lower case does not change. */
static size_t match(const char *text, size_t bytes, const char *pattern)
{
    size_t at = 0;
    for (; *pattern; pattern++) {
        if (at >= bytes)
            return 0;
        if (*pattern == 's' && bytes - at >= 2 && memcmp(text + at, "\xC5\xBF", 2) == 0)
            at += 2;
        else if (text[at] == *pattern)
            at++;
        else
            return 0;
    }
    return at;
}

static size_t match_special(const char *text, size_t bytes, enum csg_word_kind *kind)
{
    size_t length = match(text, bytes, "<|startoftext|>");
    if (length) {
        if (length == 15) /* spelt with a long s it is a word like any other */
            *kind = CSG_WORD_START;
        return length;
    }
    length = match(text, bytes, "<|endoftext|>");
    if (length)
        *kind = CSG_WORD_END;
    return length;
}

static size_t match_contraction(const char *text, size_t bytes)
{
    static const char *const contractions[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < sizeof contractions / sizeof contractions[0]; i++) {
        size_t length = match(text, bytes, contractions[i]);
        if (length)
            return length;
    }
    return 0;
}

enum rune_class { SPACE, LETTER, NUMBER, OTHER };

static enum rune_class class_of(int32_t point)
{
    /* U+0345 is a mark that folds to a letter: in the published pattern, which ignores case, no class takes it. */
    if (csg_rune_is_space(point) || point == 0x345)
        return SPACE;
    if (csg_rune_is_letter(point))
        return LETTER;
    return csg_rune_is_number(point) ? NUMBER : OTHER;
}

bool csg_next_word(const char *text, size_t bytes, size_t *at, struct csg_word *word)
{
    while (*at < bytes) {
        size_t next = *at, length = 0;
        *word = (struct csg_word){CSG_WORD_TEXT, *at, 0};
        if (text[*at] == '<')
            length = match_special(text + *at, bytes - *at, &word->kind);
        else if (text[*at] == '\'')
            length = match_contraction(text + *at, bytes - *at);
        enum rune_class first = class_of(csg_next_rune(text, bytes, &next));
        if (length) {
            next = *at + length;
        } else if (first == SPACE) {
            *at = next;
            continue;
        } else if (first != NUMBER) {
            for (size_t end = next; end < bytes && class_of(csg_next_rune(text, bytes, &end)) == first;)
                next = end;
        }
        word->bytes = next - *at;
        *at = next;
        return true;
    }
    return false;
}
