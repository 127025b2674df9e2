/* CLIP's pattern, which cuts a cleaned text into words. Private to host/model. */
#ifndef CSG_MODEL_WORDS_H
#define CSG_MODEL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum csg_word_kind { CSG_WORD_TEXT, CSG_WORD_START, CSG_WORD_END };
struct csg_word {
    enum csg_word_kind kind;
    size_t at, bytes;
};
/* Finds the next word at or behind *at and moves *at behind it; false where there is none. The text is checked UTF-8. */
bool csg_next_word(const char *text, size_t bytes, size_t *at, struct csg_word *word);

#endif
