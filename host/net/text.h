/* The causal text tower. */
#ifndef CSG_NET_TEXT_H
#define CSG_NET_TEXT_H

#include "model/model.h"
#include "ops/backend.h"

struct csg_text;

int csg_text_create(struct csg_text **out, struct csg_backend *backend, const struct csg_model *model, struct csg_error *err);
void csg_text_destroy(struct csg_text **text);

/* Tokenized prompts behind each other. */
struct csg_prompts {
    int32_t *ids;     /* [offsets[count]] */
    int32_t *offsets; /* [count + 1] */
    size_t count;
};

/* Encodes `texts` texts of `templates` prompts each (prompts->count = texts * templates, text after text): each prompt's EOT row,
 * projected and L2-normalised, the mean over the prompts of a text, L2-normalised. Writes [texts, embed_dim] to features.
 * Tokens after EOT are not needed: the mask is causal. */
int csg_text_encode(struct csg_text *text, const struct csg_prompts *prompts, size_t texts, size_t templates, float *features,
                    struct csg_error *err);

#endif
