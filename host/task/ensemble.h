/* Texts to features: templates, tokenizer, text tower, and what was computed before. */
#ifndef CSG_TASK_ENSEMBLE_H
#define CSG_TASK_ENSEMBLE_H

#include "model/labels.h"
#include "model/tokenizer.h"
#include "net/text.h"

struct csg_ensemble;

/* templates: as csg_templates_load. Backend, model and log must outlive it. */
int csg_ensemble_create(struct csg_ensemble **out, struct csg_backend *backend, const struct csg_model *model,
                        const char *templates, const struct csg_log *log, struct csg_error *err);
void csg_ensemble_destroy(struct csg_ensemble **ensemble);
/* Puts the text tower on the device. Without it only texts that were given can be asked for. */
int csg_ensemble_load_tower(struct csg_ensemble *ensemble, struct csg_error *err);
/* Remembers features [n_texts, embed_dim] that were computed elsewhere. */
int csg_ensemble_take(struct csg_ensemble *ensemble, const char *const *texts, size_t n_texts, const float *features,
                      struct csg_error *err);
/* Writes [n_texts, embed_dim]. Each text is computed once in the life of the ensemble. CSG_ERROR_USAGE: there is no tower. */
int csg_ensemble_features(struct csg_ensemble *ensemble, const char *const *texts, size_t n_texts, float *features,
                          struct csg_error *err);
/* The features of every token of a sentence, without templates, each as if the sentence ended there (the mask is causal): "[start]",
 * its tokens, "[end]". names gets what they are, as cleaned; *features is [names->count, embed_dim], to be freed. */
int csg_ensemble_tokens(struct csg_ensemble *ensemble, const char *sentence, struct csg_strings *names, float **features,
                        struct csg_error *err);

#endif
