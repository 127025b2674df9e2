/* config.json and preprocessor_config.json of Hugging Face's CLIPModel. Keys that a file leaves out have the defaults of that
 * library, which writes only what differs from them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/config.h"

/* Other models than CLIP, by model_type; any other type is refused without a reason of its own. */
static const struct {
    const char *type, *what;
} refused[] = {
    {"siglip", "SigLIP models have no class token, pool by attention and use another tokenizer: they are not supported"},
    {"siglip2", "SigLIP models have no class token, pool by attention and use another tokenizer: they are not supported"},
    {"clip_vision_model", "an image tower alone has no texts to look for: it is not supported"},
    {"clip_text_model", "a text tower alone sees no picture: it is not supported"},
};

static int check_type(const struct csg_source *from, json_t *root)
{
    json_t *value = json_object_get(root, "model_type");
    const char *type = json_string_value(value);
    if (!value || json_is_null(value) || (type && strcmp(type, "clip") == 0))
        return CSG_OK;
    for (size_t i = 0; type && i < sizeof refused / sizeof refused[0]; i++)
        if (strcmp(type, refused[i].type) == 0)
            return csg_fail(from->err, CSG_ERROR_MODEL, "%s: %s (model_type %s)", from->path, refused[i].what, type);
    return csg_fail(from->err, CSG_ERROR_MODEL, "%s: model_type is %.60s, not clip", from->path, type ? type : "no string");
}

/* The section of one tower. Old files have it a second time under NAME_dict, which that library lets replace the other. */
static int find_section(const struct csg_source *from, json_t *root, const char *name, json_t **out)
{
    char other[32];
    snprintf(other, sizeof other, "%s_dict", name);
    *out = json_object_get(root, other);
    if (!*out || json_is_null(*out))
        *out = json_object_get(root, name);
    if (*out && !json_is_null(*out) && !json_is_object(*out))
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s: %s is no object", from->path, name);
    return CSG_OK;
}

/* A value that both towers have and that stands in each section or, in flat files, beside them. */
static json_t *find_shared(json_t *root, json_t *section, const char *key)
{
    json_t *value = json_object_get(section, key);
    if (!value || json_is_null(value))
        value = json_object_get(root, key);
    return value && json_is_null(value) ? NULL : value;
}

static int read_activation(const struct csg_source *from, json_t *root, json_t *section, bool *quick)
{
    json_t *value = find_shared(root, section, "hidden_act");
    const char *name = value ? json_string_value(value) : "quick_gelu";
    *quick = name && strcmp(name, "quick_gelu") == 0;
    if (*quick || (name && strcmp(name, "gelu") == 0))
        return CSG_OK;
    return csg_fail(from->err, CSG_ERROR_MODEL, "%s: hidden_act is %.40s, not quick_gelu or gelu", from->path,
                    name ? name : "no string");
}

static int read_eps(const struct csg_source *from, json_t *root, json_t *section, float *eps)
{
    json_t *value = find_shared(root, section, "layer_norm_eps");
    double number = value ? json_number_value(value) : 1e-5;
    if ((value && !json_is_number(value)) || !isfinite(number) || number < 0.0 || number > 1.0)
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s: layer_norm_eps is not a number from 0 to 1", from->path);
    *eps = (float)number;
    return CSG_OK;
}

static int read_tower(const struct csg_source *from, json_t *section, size_t width, size_t heads, struct csg_tower *tower)
{
    int status = csg_config_size(from, section, "hidden_size", 1, 16384, width, &tower->width);
    if (!status)
        status = csg_config_size(from, section, "num_hidden_layers", 1, 256, 12, &tower->layers);
    if (!status)
        status = csg_config_size(from, section, "num_attention_heads", 1, 1024, heads, &tower->heads);
    return status;
}

static int read_config(const struct csg_source *from, json_t *root, struct csg_model *m)
{
    json_t *vision, *text;
    size_t channels;
    bool quick[2];
    float eps[2];
    int status = check_type(from, root);
    if (!status)
        status = find_section(from, root, "vision_config", &vision);
    if (!status)
        status = find_section(from, root, "text_config", &text);
    if (status)
        return status;
    for (size_t i = 0; i < 2 && !status; i++) {
        json_t *section = i ? text : vision;
        status = read_activation(from, root, section, &quick[i]);
        if (!status)
            status = read_eps(from, root, section, &eps[i]);
    }
    if (status)
        return status;
    if (quick[0] != quick[1] || eps[0] != eps[1])
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s: towers with different %s are not supported", from->path,
                        quick[0] != quick[1] ? "hidden_act" : "layer_norm_eps");
    m->quick_gelu = quick[0];
    m->layer_norm_eps = eps[0];
    status = read_tower(from, vision, 768, 12, &m->vision);
    if (!status)
        status = read_tower(from, text, 512, 8, &m->text);
    if (!status)
        status = csg_config_size(from, root, "projection_dim", 1, 16384, 512, &m->embed_dim);
    if (!status)
        status = csg_config_square(from, vision, "image_size", 224, &m->image_px);
    if (!status)
        status = csg_config_square(from, vision, "patch_size", 32, &m->patch_px);
    if (!status)
        status = csg_config_size(from, vision, "num_channels", 3, 3, 3, &channels);
    if (!status)
        status = csg_config_size(from, text, "max_position_embeddings", 3, 4096, 77, &m->context);
    if (!status)
        status = csg_config_size(from, text, "vocab_size", 1, (size_t)1 << 24, 49408, &m->vocab_size);
    return status ? status : csg_config_check(from, m);
}

/* Mean and deviation; a file that turns the normalisation off leaves pixels from 0 to 1. */
static int read_preprocessor(struct csg_model *m, const char *config, struct csg_error *err)
{
    static const char name[] = "preprocessor_config.json";
    const char *slash = strrchr(config, '/');
    char *folder = slash ? csg_strndup(config, (size_t)(slash - config)) : csg_strdup("."), *path = NULL;
    json_t *root = NULL;
    int status = CSG_OK;
    if (folder)
        path = csg_path_join(folder, name);
    if (!path)
        status = csg_fail_memory(err);
    struct csg_source from = {path, err};
    if (!status && csg_is_file(path))
        status = csg_config_load(&from, &root);
    if (!status && root && json_is_false(json_object_get(root, "do_normalize"))) {
        memset(m->mean, 0, sizeof m->mean);
        m->std[0] = m->std[1] = m->std[2] = 1.0f;
    } else if (!status) {
        status = csg_config_colours(&from, root, "image_mean", CSG_MEAN_RANGE, m->mean);
        if (!status)
            status = csg_config_colours(&from, root, "image_std", CSG_STD_RANGE, m->std);
    }
    json_decref(root);
    free(path);
    free(folder);
    return status;
}

int csg_config_hugging_face(struct csg_model *model, const char *path, struct csg_error *err)
{
    struct csg_source from = {path, err};
    json_t *root;
    csg_config_defaults(model);
    int status = csg_config_load(&from, &root);
    if (!status)
        status = read_config(&from, root, model);
    if (!status)
        status = read_preprocessor(model, path, err);
    json_decref(root);
    return status;
}
