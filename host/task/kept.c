#include "task/kept.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/record.h"
#include "model/tokenizer.h"

#define MOST_BYTES ((uint64_t)32 << 20) /* about 15,000 features of 512 numbers */

static const struct csg_record_kind features = {"CSGTEXT1", ".f32", (size_t)1 << 20};

struct csg_kept {
    char *folder;
    size_t embed_dim;
    char key[CSG_SHA256_HEX]; /* of all but the text */
};

static int add(struct csg_sha256 *hash, const char *string, struct csg_error *err)
{
    return csg_sha256_update(hash, string, strlen(string) + 1, err);
}

static int base_key(struct csg_kept *kept, const char *cache_dir, const char *identity, const struct csg_model *model,
                    const struct csg_strings *templates, struct csg_error *err)
{
    struct csg_sha256 *hash = NULL;
    char weights[CSG_SHA256_HEX], vocabulary[CSG_SHA256_HEX], form[200];
    const struct csg_tower *t = &model->text;
    snprintf(form, sizeof form, "%zu %zu %zu %zu %zu %zu %zu %d %d %.9g", t->width, t->layers, t->heads, t->mlp_width,
             model->context, model->vocab_size, model->embed_dim, model->quick_gelu, model->proj_transposed,
             (double)model->layer_norm_eps);
    int status = csg_model_sha256_kept(model, cache_dir, weights, err);
    if (status == CSG_OK)
        status = csg_tokenizer_sha256(model->path, vocabulary, err);
    if (status == CSG_OK)
        status = csg_sha256_create(&hash, err);
    const char *const parts[] = {features.format, CSG_VERSION, identity, weights, vocabulary, form};
    for (size_t i = 0; status == CSG_OK && i < sizeof parts / sizeof *parts; i++)
        status = add(hash, parts[i], err);
    for (size_t i = 0; status == CSG_OK && i < templates->count; i++)
        status = add(hash, templates->items[i], err);
    if (status == CSG_OK)
        status = csg_sha256_finish(&hash, kept->key, err);
    csg_sha256_destroy(&hash);
    return status;
}

int csg_kept_create(struct csg_kept **out, const char *cache_dir, const char *identity, const struct csg_model *model,
                    const struct csg_strings *templates, struct csg_error *err)
{
    struct csg_kept *kept = csg_calloc(1, sizeof *kept);
    *out = NULL;
    if (!kept)
        return csg_fail_memory(err);
    kept->embed_dim = model->embed_dim;
    kept->folder = csg_path_join(cache_dir, "texts");
    int status = kept->folder ? base_key(kept, cache_dir, identity, model, templates, err) : csg_fail_memory(err);
    if (status)
        csg_kept_destroy(&kept);
    else
        *out = kept;
    return status;
}

void csg_kept_destroy(struct csg_kept **out)
{
    if (out && *out) {
        free((*out)->folder);
        free(*out);
        *out = NULL;
    }
}

static bool text_key(const struct csg_kept *kept, const char *text, char key[CSG_SHA256_HEX])
{
    struct csg_sha256 *hash = NULL;
    int status = csg_sha256_create(&hash, NULL);
    if (status == CSG_OK)
        status = add(hash, kept->key, NULL);
    if (status == CSG_OK)
        status = add(hash, text, NULL);
    if (status == CSG_OK)
        status = csg_sha256_finish(&hash, key, NULL);
    csg_sha256_destroy(&hash);
    return status == CSG_OK;
}

bool csg_kept_load(const struct csg_kept *kept, const char *text, float *feature)
{
    char key[CSG_SHA256_HEX];
    size_t bytes = 0;
    unsigned char *data = text_key(kept, text, key) ? csg_record_load(&features, kept->folder, key, &bytes, NULL) : NULL;
    bool good = data && bytes == kept->embed_dim * sizeof *feature;
    if (good)
        memcpy(feature, data, bytes);
    for (size_t i = 0; good && i < kept->embed_dim; i++)
        good = isfinite(feature[i]);
    free(data);
    return good;
}

void csg_kept_store(const struct csg_kept *kept, const char *text, const float *feature)
{
    char key[CSG_SHA256_HEX];
    for (size_t i = 0; i < kept->embed_dim; i++)
        if (!isfinite(feature[i]))
            return;
    if (text_key(kept, text, key))
        csg_record_store(&features, kept->folder, key, feature, kept->embed_dim * sizeof *feature, NULL);
}

void csg_kept_trim(const struct csg_kept *kept)
{
    csg_record_trim(&features, kept->folder, MOST_BYTES);
}
