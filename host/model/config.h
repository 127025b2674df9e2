/* The configurations that stand beside the weights. Private to host/model. */
#ifndef CSG_MODEL_CONFIG_H
#define CSG_MODEL_CONFIG_H

#include "model/json.h"
#include "model/model.h"

/* Each fills the sizes, the activation and the normalisation of `model`. Sizes that it leaves to the tensors are 0: embed_dim,
 * image_px, context, vocab_size, and for OpenAI's all. CSG_ERROR_MODEL where a file is damaged or asks for what is not supported. */

/* open_clip_config.json at `path`. */
int csg_config_open_clip(struct csg_model *model, const char *path, struct csg_error *err);
/* config.json of a CLIPModel at `path`, and preprocessor_config.json beside it where there is one. */
int csg_config_hugging_face(struct csg_model *model, const char *path, struct csg_error *err);
/* What OpenAI's archives do not say, since all of them have it in common. `path` is not read. */
int csg_config_openai(struct csg_model *model, const char *path, struct csg_error *err);

/* What the readers share: a file under way and where its failures go. */
struct csg_source {
    const char *path;
    struct csg_error *err;
};
/* Reads the file into *root, to be given to json_decref; on failure it is NULL. */
int csg_config_load(const struct csg_source *from, json_t **root);
/* A whole number from low to high; absent it is `fallback`, or a failure where that is SIZE_MAX. */
int csg_config_size(const struct csg_source *from, json_t *section, const char *key, size_t low, size_t high, size_t fallback,
                    size_t *out);
/* One side, or an array of two equal sides, from 1 to 4096. */
int csg_config_square(const struct csg_source *from, json_t *section, const char *key, size_t fallback, size_t *out);
/* Three numbers, or nothing, which leaves `out` as it is. */
int csg_config_colours(const struct csg_source *from, json_t *section, const char *key, double low, double high, float out[3]);
#define CSG_MEAN_RANGE -16.0, 16.0
#define CSG_STD_RANGE 1e-4, 1e4
/* Heads that divide the width, patches that divide the picture. */
int csg_config_check(const struct csg_source *from, const struct csg_model *model);
/* CLIP's own mean and deviation and layer norms. */
void csg_config_defaults(struct csg_model *model);

#endif
