/* Text as an array of code points, and the character classes that the tokenizer asks for. Private to host/model. */
#ifndef CSG_MODEL_RUNES_H
#define CSG_MODEL_RUNES_H

#include "base/status.h"

struct csg_runes {
    int32_t *at;
    size_t count, capacity;
};
void csg_runes_free(struct csg_runes *runes);
/* Makes room for `count` in all; false where memory is short. */
bool csg_runes_reserve(struct csg_runes *runes, size_t count);
bool csg_runes_add(struct csg_runes *runes, int32_t point);
void csg_runes_swap(struct csg_runes *a, struct csg_runes *b);

/* Reads strict UTF-8. CSG_ERROR_INPUT names the first wrong byte. */
int csg_runes_decode(struct csg_runes *out, const char *text, size_t bytes, struct csg_error *err);
/* The UTF-8 string; to be freed; NULL where memory is short. */
char *csg_runes_encode(const struct csg_runes *runes);
bool csg_is_utf8(const char *text, size_t bytes, size_t *wrong_at);

/* The code point at *at of checked UTF-8; moves *at behind it. */
int32_t csg_next_rune(const char *text, size_t bytes, size_t *at);

bool csg_rune_is_space(int32_t point);
bool csg_rune_is_letter(int32_t point); /* \p{L} */
bool csg_rune_is_number(int32_t point); /* \p{N} */

/* Unicode's canonical composition, in linear time for any input. */
bool csg_runes_nfc(struct csg_runes *runes);
/* Full lower case as Python's str.lower: U+0130 becomes two, a sigma at a word's end its final form. */
bool csg_runes_lower(struct csg_runes *runes);

/* Decodes HTML references as browsers do: with and without ; and as a prefix of a longer word. */
bool csg_runes_unescape(struct csg_runes *runes);
/* Decodes the unambiguous ones: whole names with ; and names in capitals. */
bool csg_runes_unescape_strictly(struct csg_runes *runes);
/* What a number in a reference stands for: -1 for nothing. Bytes 0x80..0x9F are Windows-1252's. */
int32_t csg_reference_rune(uint32_t number);

/* Undoes the usual damage of copied text: references, control characters, curly quotes, ligatures, full-width forms, line ends, NFC. */
bool csg_runes_repair(struct csg_runes *runes);

#endif
