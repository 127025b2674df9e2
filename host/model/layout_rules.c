#include "model/layout_rules.h"

#include <stddef.h>

#define MODEL(member) offsetof(struct csg_model, member)
#define BLOCK(member) offsetof(struct csg_block, member)

static const struct csg_rule openai_vision[] = {
    {"conv1.weight", MODEL(patch_weight), {S_WIDTH, S_THREE, S_PATCH, S_PATCH}, 0, 0},
    {"class_embedding", MODEL(class_embedding), {S_WIDTH}, 0, 0},
    {"positional_embedding", MODEL(vision_position), {S_PLACES, S_WIDTH}, 0, 0},
    {"ln_pre.weight", MODEL(ln_pre.weight), {S_WIDTH}, 0, 0},
    {"ln_pre.bias", MODEL(ln_pre.bias), {S_WIDTH}, 0, 0},
    {"ln_post.weight", MODEL(ln_post.weight), {S_WIDTH}, 0, 0},
    {"ln_post.bias", MODEL(ln_post.bias), {S_WIDTH}, 0, 0},
    {"proj", MODEL(vision_proj), {S_WIDTH, S_EMBED}, 0, 0},
};
static const struct csg_rule openai_explain[] = {
    {"proj_explain", MODEL(vision_explain), {S_WIDTH, S_EMBED}, 0, 0}, /* no published code has a name for it */
};
static const struct csg_rule openai_text[] = {
    {"token_embedding.weight", MODEL(token_embedding), {S_VOCAB, S_WIDTH}, 0, 0},
    {"positional_embedding", MODEL(text_position), {S_CONTEXT, S_WIDTH}, 0, 0},
    {"ln_final.weight", MODEL(ln_final.weight), {S_WIDTH}, 0, 0},
    {"ln_final.bias", MODEL(ln_final.bias), {S_WIDTH}, 0, 0},
    {"text_projection", MODEL(text_proj), {S_WIDTH, S_EMBED}, 0, 0},
};
static const struct csg_rule openai_block[] = {
    {"ln_1.weight", BLOCK(ln_1.weight), {S_WIDTH}, 0, 0},
    {"ln_1.bias", BLOCK(ln_1.bias), {S_WIDTH}, 0, 0},
    {"attn.in_proj_weight", BLOCK(q_weight), {S_WIDTH, S_WIDTH}, 3, 0},
    {"attn.in_proj_weight", BLOCK(k_weight), {S_WIDTH, S_WIDTH}, 3, 1},
    {"attn.in_proj_weight", BLOCK(v_weight), {S_WIDTH, S_WIDTH}, 3, 2},
    {"attn.in_proj_bias", BLOCK(q_bias), {S_WIDTH}, 3, 0},
    {"attn.in_proj_bias", BLOCK(k_bias), {S_WIDTH}, 3, 1},
    {"attn.in_proj_bias", BLOCK(v_bias), {S_WIDTH}, 3, 2},
    {"attn.out_proj.weight", BLOCK(out_weight), {S_WIDTH, S_WIDTH}, 0, 0},
    {"attn.out_proj.bias", BLOCK(out_bias), {S_WIDTH}, 0, 0},
    {"ln_2.weight", BLOCK(ln_2.weight), {S_WIDTH}, 0, 0},
    {"ln_2.bias", BLOCK(ln_2.bias), {S_WIDTH}, 0, 0},
    {"mlp.c_fc.weight", BLOCK(fc_weight), {S_MLP, S_WIDTH}, 0, 0},
    {"mlp.c_fc.bias", BLOCK(fc_bias), {S_MLP}, 0, 0},
    {"mlp.c_proj.weight", BLOCK(proj_weight), {S_WIDTH, S_MLP}, 0, 0},
    {"mlp.c_proj.bias", BLOCK(proj_bias), {S_WIDTH}, 0, 0},
};
#define RULES(array) array, sizeof array / sizeof array[0]
#define NONE NULL, 0
#define OPENAI_VISION                                                                                                            \
    {                                                                                                                            \
        "visual.", "visual.transformer.resblocks.", RULES(openai_vision), RULES(openai_explain)                                  \
    }

static const struct csg_rule hf_vision[] = {
    {"vision_model.embeddings.patch_embedding.weight", MODEL(patch_weight), {S_WIDTH, S_THREE, S_PATCH, S_PATCH}, 0, 0},
    {"vision_model.embeddings.class_embedding", MODEL(class_embedding), {S_WIDTH}, 0, 0},
    {"vision_model.embeddings.position_embedding.weight", MODEL(vision_position), {S_PLACES, S_WIDTH}, 0, 0},
    {"vision_model.pre_layrnorm.weight", MODEL(ln_pre.weight), {S_WIDTH}, 0, 0}, /* published with that name */
    {"vision_model.pre_layrnorm.bias", MODEL(ln_pre.bias), {S_WIDTH}, 0, 0},
    {"vision_model.post_layernorm.weight", MODEL(ln_post.weight), {S_WIDTH}, 0, 0},
    {"vision_model.post_layernorm.bias", MODEL(ln_post.bias), {S_WIDTH}, 0, 0},
    {"visual_projection.weight", MODEL(vision_proj), {S_EMBED, S_WIDTH}, 0, 0},
};
static const struct csg_rule hf_text[] = {
    {"text_model.embeddings.token_embedding.weight", MODEL(token_embedding), {S_VOCAB, S_WIDTH}, 0, 0},
    {"text_model.embeddings.position_embedding.weight", MODEL(text_position), {S_CONTEXT, S_WIDTH}, 0, 0},
    {"text_model.final_layer_norm.weight", MODEL(ln_final.weight), {S_WIDTH}, 0, 0},
    {"text_model.final_layer_norm.bias", MODEL(ln_final.bias), {S_WIDTH}, 0, 0},
    {"text_projection.weight", MODEL(text_proj), {S_EMBED, S_WIDTH}, 0, 0},
};
static const struct csg_rule hf_block[] = {
    {"layer_norm1.weight", BLOCK(ln_1.weight), {S_WIDTH}, 0, 0},
    {"layer_norm1.bias", BLOCK(ln_1.bias), {S_WIDTH}, 0, 0},
    {"self_attn.q_proj.weight", BLOCK(q_weight), {S_WIDTH, S_WIDTH}, 0, 0},
    {"self_attn.q_proj.bias", BLOCK(q_bias), {S_WIDTH}, 0, 0},
    {"self_attn.k_proj.weight", BLOCK(k_weight), {S_WIDTH, S_WIDTH}, 0, 0},
    {"self_attn.k_proj.bias", BLOCK(k_bias), {S_WIDTH}, 0, 0},
    {"self_attn.v_proj.weight", BLOCK(v_weight), {S_WIDTH, S_WIDTH}, 0, 0},
    {"self_attn.v_proj.bias", BLOCK(v_bias), {S_WIDTH}, 0, 0},
    {"self_attn.out_proj.weight", BLOCK(out_weight), {S_WIDTH, S_WIDTH}, 0, 0},
    {"self_attn.out_proj.bias", BLOCK(out_bias), {S_WIDTH}, 0, 0},
    {"layer_norm2.weight", BLOCK(ln_2.weight), {S_WIDTH}, 0, 0},
    {"layer_norm2.bias", BLOCK(ln_2.bias), {S_WIDTH}, 0, 0},
    {"mlp.fc1.weight", BLOCK(fc_weight), {S_MLP, S_WIDTH}, 0, 0},
    {"mlp.fc1.bias", BLOCK(fc_bias), {S_MLP}, 0, 0},
    {"mlp.fc2.weight", BLOCK(proj_weight), {S_WIDTH, S_MLP}, 0, 0},
    {"mlp.fc2.bias", BLOCK(proj_bias), {S_WIDTH}, 0, 0},
};

const struct csg_layout csg_layouts[] = {
    {"OpenAI's",
     "text_projection",
     true,
     OPENAI_VISION,
     {"", "transformer.resblocks.", RULES(openai_text), NONE},
     RULES(openai_block)},
    {"open_clip's with a text tower of its own",
     "text.text_projection",
     true,
     OPENAI_VISION,
     {"text.", "text.transformer.resblocks.", RULES(openai_text), NONE},
     RULES(openai_block)},
    {"Hugging Face's",
     "vision_model.embeddings.class_embedding",
     false,
     {"", "vision_model.encoder.layers.", RULES(hf_vision), NONE},
     {"", "text_model.encoder.layers.", RULES(hf_text), NONE},
     RULES(hf_block)},
    {NULL, NULL, false, {NULL, NULL, NULL, 0, NONE}, {NULL, NULL, NULL, 0, NONE}, NULL, 0},
};

const struct csg_refusal csg_refusals[] = {
    {"visual.trunk.patch_embed.proj.weight", "timm image towers are not supported"},
    {"text.transformer.embeddings.word_embeddings.weight", "Hugging Face text towers in open_clip's models are not supported"},
    {"vision_model.head.probe", "SigLIP models are not supported"},
    {NULL, NULL},
};

const char *const csg_skipped[] = {"*.position_ids",   "*.num_batches_tracked", "*attn_mask",
                                   "input_resolution", "context_length",        "vocab_size",
                                   "logit_scale",      "*.input_resolution",    NULL};
