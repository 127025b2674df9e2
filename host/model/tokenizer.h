/* CLIP's byte-pair tokenizer and text cleaning. Untrusted text, untrusted vocabulary. */
#ifndef CSG_MODEL_TOKENIZER_H
#define CSG_MODEL_TOKENIZER_H

#include "base/status.h"

struct csg_tokenizer;

/* Takes vocab.json and merges.txt of the model's folder where both exist, else its tokenizer.json, else CLIP's own from the data folder. An id that is not
 * below vocab_size is CSG_ERROR_MODEL. */
int csg_tokenizer_create(struct csg_tokenizer **out, const char *model_folder, size_t vocab_size, struct csg_error *err);
/* SHA-256 of the files that csg_tokenizer_create would read. */
int csg_tokenizer_sha256(const char *model_folder, char hex[65], struct csg_error *err);
void csg_tokenizer_destroy(struct csg_tokenizer **tokenizer);

/* Cleans and tokenizes: ids gets start, tokens, end, at most `context` in all, and *count says how many. Where the text was cut the
 * last id is still end, and *cut_bytes is the offset in the cleaned text where it was cut; else it is SIZE_MAX.
 * Invalid UTF-8 is CSG_ERROR_INPUT. */
int csg_tokenize(const struct csg_tokenizer *tokenizer, const char *text, size_t context, int32_t *ids, size_t *count,
                 size_t *cut_bytes, struct csg_error *err);
/* The cleaned text (fixed, unescaped, stripped, collapsed, lower case); to be freed. */
int csg_clean_text(const char *text, char **cleaned, struct csg_error *err);

#endif
