/* Text features on disk: CACHE/texts/KEY.f32, as base/record.h says. KEY is the SHA-256 of all that a feature depends on: the checkpoint,
 * the text tower's form, the vocabulary, the templates, what computes and how, and the text. */
#ifndef CSG_TASK_KEPT_H
#define CSG_TASK_KEPT_H

#include "model/labels.h"
#include "model/model.h"

struct csg_kept;

/* cache_dir: the cache folder. identity: what computes, and how: another one may compute other figures. */
int csg_kept_create(struct csg_kept **out, const char *cache_dir, const char *identity, const struct csg_model *model,
                    const struct csg_strings *templates, struct csg_error *err);
void csg_kept_destroy(struct csg_kept **kept);
/* Writes [embed_dim] and returns true where the text is there, whole and finite. */
bool csg_kept_load(const struct csg_kept *kept, const char *text, float *feature);
/* What cannot be kept is computed again. */
void csg_kept_store(const struct csg_kept *kept, const char *text, const float *feature);
/* Keeps the folder small; to be called after a round of storing. */
void csg_kept_trim(const struct csg_kept *kept);

#endif
