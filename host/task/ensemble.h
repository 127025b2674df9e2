/* Texts to features: templates, tokenizer, text tower, and what was computed before. */
#ifndef CSG_TASK_ENSEMBLE_H
#define CSG_TASK_ENSEMBLE_H

#include "model/labels.h"
#include "model/tokenizer.h"
#include "net/text.h"

struct csg_ensemble;

struct csg_ensemble_params {
    struct csg_backend *backend; /* NULL: csg_ensemble_move names it */
    const struct csg_model *model;
    const struct csg_log *log;
    const char *templates; /* as csg_templates_load */
    bool given_only;       /* no text tower: only texts that were given (csg_ensemble_take) or are kept can be asked for */
};
/* Backend, model and log must outlive it. The text tower goes to the backend when the first text is computed. */
int csg_ensemble_create(struct csg_ensemble **out, const struct csg_ensemble_params *params, struct csg_error *err);
/* From here on the backend computes. What another one has computed is forgotten, unless there is no text tower to compute it again. cache_dir,
 * which must outlive it: where features are kept; NULL: nowhere. identity: of what computes, see csg_kept_create. */
int csg_ensemble_move(struct csg_ensemble *ensemble, struct csg_backend *backend, const char *cache_dir, const char *identity,
                      struct csg_error *err);
void csg_ensemble_destroy(struct csg_ensemble **ensemble);
/* Remembers features [n_texts, embed_dim] that were computed elsewhere. */
int csg_ensemble_take(struct csg_ensemble *ensemble, const char *const *texts, size_t n_texts, const float *features,
                      struct csg_error *err);
/* Writes [n_texts, embed_dim]. Each text is computed once in the life of the ensemble, or taken from what is kept on disk. CSG_ERROR_USAGE: see given_only. */
int csg_ensemble_features(struct csg_ensemble *ensemble, const char *const *texts, size_t n_texts, float *features,
                          struct csg_error *err);
/* The same without looking at what is known, or adding to it. */
int csg_ensemble_compute(struct csg_ensemble *ensemble, const char *const *texts, size_t n_texts, float *features,
                         struct csg_error *err);
/* Whether it has a text tower to compute with. */
bool csg_ensemble_computes(const struct csg_ensemble *ensemble);
size_t csg_ensemble_templates(const struct csg_ensemble *ensemble);
/* The features of every token of a sentence, without templates, each as if the sentence ended there (the mask is causal): "[start]",
 * its tokens, "[end]". names gets what they are, as cleaned; *features is [names->count, embed_dim], to be freed. */
int csg_ensemble_tokens(struct csg_ensemble *ensemble, const char *sentence, struct csg_strings *names, float **features,
                        struct csg_error *err);

#endif
