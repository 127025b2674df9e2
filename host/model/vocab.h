/* The vocabulary of a byte-pair encoding: symbols, their ids and the merges. Private to host/model. */
#ifndef CSG_MODEL_VOCAB_H
#define CSG_MODEL_VOCAB_H

#include "base/status.h"

#define CSG_NO_SYMBOL UINT32_MAX

struct csg_symbol {
    int32_t id;           /* -1: not in the vocabulary; then `left` and `right` stand for it */
    uint32_t left, right; /* CSG_NO_SYMBOL for a byte */
    uint32_t bytes;       /* of text that it covers */
};

struct csg_merge {
    uint32_t left, right; /* left CSG_NO_SYMBOL: a free slot */
    uint32_t rank, merged;
};

struct csg_vocab {
    struct csg_symbol *symbols;
    size_t n_symbols;
    uint32_t byte[2][256];    /* the symbol of a byte: inside a word, at its end */
    struct csg_merge *merges; /* open addressing; merge_slots is a power of two */
    size_t merge_slots;
    int32_t start, end; /* ids */
};

/* vocab_json NULL: ids by CLIP's rule, that is bytes, bytes at a word's end, merges, start, end. */
int csg_vocab_load(struct csg_vocab *out, const char *merges_txt, const char *vocab_json, size_t vocab_size,
                   struct csg_error *err);
/* tokenizer.json, which holds both. */
int csg_vocab_load_tokenizer(struct csg_vocab *out, const char *tokenizer_json, size_t vocab_size, struct csg_error *err);
void csg_vocab_free(struct csg_vocab *vocab);
/* The merge of two neighbours, or NULL. */
const struct csg_merge *csg_vocab_merge(const struct csg_vocab *vocab, uint32_t left, uint32_t right);

#endif
