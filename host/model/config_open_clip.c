/* open_clip_config.json. */
#include <string.h>

#include "model/config.h"

/* What would change the arithmetic and is not implemented, by section and key. */
enum refusal {
    IF_SET, /* null, false, 0 and "" are allowed */
    UNLESS  /* another string than `allowed` */
};
static const struct {
    const char *section, *key;
    enum refusal when;
    const char *allowed, *what;
} refused[] = {
    {"vision_cfg", "timm_model_name", IF_SET, NULL, "timm image towers are not supported"},
    {"vision_cfg", "attentional_pool", IF_SET, NULL, "attentional pooling is not supported"},
    {"vision_cfg", "attn_pooler_queries", IF_SET, NULL, "attentional pooling is not supported"},
    {"vision_cfg", "pool_type", UNLESS, "tok", "image towers that do not pool at the class token are not supported"},
    {"vision_cfg", "global_average_pool", IF_SET, NULL, "image towers that do not pool at the class token are not supported"},
    {"vision_cfg", "final_ln_after_pool", IF_SET, NULL, "a final layer norm after pooling is not supported"},
    {"vision_cfg", "no_ln_pre", IF_SET, NULL, "image towers without ln_pre are not supported"},
    {"vision_cfg", "ls_init_value", IF_SET, NULL, "layer scale is not supported"},
    {"vision_cfg", "input_patchnorm", IF_SET, NULL, "patch norm is not supported"},
    {"vision_cfg", "pos_embed_type", UNLESS, "learnable", "fixed position embeddings are not supported"},
    {"vision_cfg", "act_kwargs", IF_SET, NULL, "changed activations are not supported"},
    {"vision_cfg", "norm_kwargs", IF_SET, NULL, "changed layer norms are not supported"},
    {"vision_cfg", "block_type", UNLESS, "default", "changed blocks are not supported"},
    {"vision_cfg", "qk_norm", IF_SET, NULL, "normalised queries and keys are not supported"},
    {"vision_cfg", "scaled_cosine_attn", IF_SET, NULL, "cosine attention is not supported"},
    {"text_cfg", "hf_model_name", IF_SET, NULL, "Hugging Face text towers are not supported"},
    {"text_cfg", "hf_tokenizer_name", IF_SET, NULL, "other tokenizers than CLIP's (as SigLIP's) are not supported"},
    {"text_cfg", "no_causal_mask", IF_SET, NULL, "text towers without a causal mask (as SigLIP's) are not supported"},
    {"text_cfg", "pool_type", UNLESS, "argmax", "text towers that do not pool at the end token are not supported"},
    {"text_cfg", "embed_cls", IF_SET, NULL, "text towers with a class token (as CoCa's) are not supported"},
    {"text_cfg", "proj_type", UNLESS, "linear", "other text projections than a matrix are not supported"},
    {"text_cfg", "proj_bias", IF_SET, NULL, "text projections with a bias (as SigLIP's) are not supported"},
    {"text_cfg", "ls_init_value", IF_SET, NULL, "layer scale is not supported"},
    {"text_cfg", "act_kwargs", IF_SET, NULL, "changed activations are not supported"},
    {"text_cfg", "norm_kwargs", IF_SET, NULL, "changed layer norms are not supported"},
    {"text_cfg", "text_mask", UNLESS, "first", "changed text masks are not supported"},
    {"text_cfg", "qk_norm", IF_SET, NULL, "normalised queries and keys are not supported"},
    {"text_cfg", "scaled_cosine_attn", IF_SET, NULL, "cosine attention is not supported"},
    {NULL, "init_logit_bias", IF_SET, NULL, "SigLIP models are not supported"},
    {NULL, "multimodal_cfg", IF_SET, NULL, "CoCa models are not supported"},
    {NULL, "audio_cfg", IF_SET, NULL, "audio models are not supported"},
};

static bool is_set(const json_t *value)
{
    if (!value || json_is_null(value) || json_is_false(value))
        return false;
    if (json_is_number(value))
        return json_number_value(value) != 0.0;
    if (json_is_string(value))
        return json_string_length(value) > 0;
    if (json_is_object(value))
        return json_object_size(value) > 0;
    return true;
}

static int check_supported(const struct csg_source *from, json_t *cfg)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        json_t *section = refused[i].section ? json_object_get(cfg, refused[i].section) : cfg;
        json_t *value = json_object_get(section, refused[i].key);
        const char *text = json_string_value(value);
        bool bad = false;
        switch (refused[i].when) {
        case IF_SET:
            bad = is_set(value);
            break;
        case UNLESS:
            bad = is_set(value) && (!text || strcmp(text, refused[i].allowed) != 0);
            break;
        }
        if (bad)
            return csg_fail(from->err, CSG_ERROR_MODEL, "%s: %s (%s%s%s)", from->path, refused[i].what,
                            refused[i].section ? refused[i].section : "", refused[i].section ? "." : "", refused[i].key);
    }
    return CSG_OK;
}

/* The blocks of a ResNet's four stages. Its attention pool is the one layer that the tower's other sizes tell of. */
static int read_resnet(const struct csg_source *from, json_t *vision, struct csg_model *m)
{
    json_t *layers = json_object_get(vision, "layers");
    for (size_t i = 0; i < 4; i++) {
        json_t *value = json_array_get(layers, i);
        json_int_t blocks = json_is_integer(value) ? json_integer_value(value) : 0;
        if (json_array_size(layers) != 4 || blocks < 1 || blocks > 256)
            return csg_fail(from->err, CSG_ERROR_MODEL, "%s: layers is not four whole numbers from 1 to 256", from->path);
        m->resnet.stages[i] = (size_t)blocks;
    }
    int status = csg_config_size(from, vision, "width", 2, CSG_RESNET_WIDEST, SIZE_MAX, &m->resnet.width);
    m->architecture = CSG_RESNET;
    m->patch_px = CSG_RESNET_SHRINKS;
    m->vision.layers = 1;
    m->vision.width = m->resnet.width * CSG_RESNET_SHRINKS;
    return status;
}

static int read_vit(const struct csg_source *from, json_t *vision, struct csg_model *m)
{
    int status = csg_config_size(from, vision, "layers", 1, 256, SIZE_MAX, &m->vision.layers);
    if (!status)
        status = csg_config_size(from, vision, "width", 1, 16384, SIZE_MAX, &m->vision.width);
    return status ? status : csg_config_size(from, vision, "patch_size", 1, 256, SIZE_MAX, &m->patch_px);
}

static int read_vision(const struct csg_source *from, json_t *vision, struct csg_model *m)
{
    size_t head_width;
    int status = csg_config_square(from, vision, "image_size", 0, &m->image_px);
    if (!status && json_is_array(json_object_get(vision, "layers")))
        status = read_resnet(from, vision, m);
    else if (!status)
        status = read_vit(from, vision, m);
    if (!status)
        status = csg_config_size(from, vision, "head_width", 1, 1024, 64, &head_width);
    if (status)
        return status;
    if (m->vision.width % head_width)
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s: heads of %zu do not divide the image tower's width of %zu", from->path,
                        head_width, m->vision.width);
    m->vision.heads = m->vision.width / head_width;
    return CSG_OK;
}

static int read_text(const struct csg_source *from, json_t *text, struct csg_model *m)
{
    int status = csg_config_size(from, text, "context_length", 3, 4096, 0, &m->context);
    if (!status)
        status = csg_config_size(from, text, "vocab_size", 1, (size_t)1 << 24, 0, &m->vocab_size);
    if (!status)
        status = csg_config_size(from, text, "width", 1, 16384, SIZE_MAX, &m->text.width);
    if (!status)
        status = csg_config_size(from, text, "heads", 1, 1024, SIZE_MAX, &m->text.heads);
    if (!status)
        status = csg_config_size(from, text, "layers", 1, 256, SIZE_MAX, &m->text.layers);
    return status;
}

static int read_config(const struct csg_source *from, json_t *root, struct csg_model *m)
{
    json_t *cfg = json_object_get(root, "model_cfg"), *quick = json_object_get(cfg, "quick_gelu");
    json_t *vision = json_object_get(cfg, "vision_cfg"), *text = json_object_get(cfg, "text_cfg");
    json_t *colours = json_object_get(root, "preprocess_cfg");
    if (!json_is_object(cfg))
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s has no model_cfg", from->path);
    int status = check_supported(from, cfg);
    if (status)
        return status;
    if (!json_is_object(vision) || !json_is_object(text))
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s has no %s", from->path,
                        json_is_object(vision) ? "text_cfg" : "vision_cfg");
    if (quick && !json_is_boolean(quick) && !json_is_null(quick))
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s: quick_gelu is neither true nor false", from->path);
    m->quick_gelu = json_is_true(quick);
    status = csg_config_size(from, cfg, "embed_dim", 1, 16384, 0, &m->embed_dim);
    if (!status)
        status = read_vision(from, vision, m);
    if (!status)
        status = read_text(from, text, m);
    if (!status)
        status = csg_config_colours(from, colours, "mean", CSG_MEAN_RANGE, m->mean);
    if (!status)
        status = csg_config_colours(from, colours, "std", CSG_STD_RANGE, m->std);
    if (!status)
        status = csg_config_check(from, m);
    return status;
}

int csg_config_open_clip(struct csg_model *model, const char *path, struct csg_error *err)
{
    struct csg_source from = {path, err};
    json_t *root;
    csg_config_defaults(model);
    int status = csg_config_load(&from, &root);
    if (!status)
        status = read_config(&from, root, model);
    json_decref(root);
    return status;
}
