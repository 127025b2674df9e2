#include "model/layout.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Sides of shapes. Those that are 0 so far are taken from the first tensor that has them. */
enum side { S_NONE, S_WIDTH, S_MLP, S_EMBED, S_PATCH, S_THREE, S_PLACES, S_CONTEXT, S_VOCAB, S_COUNT };

struct rule {
    const char *name;
    size_t at; /* of the struct csg_tensor in struct csg_model or struct csg_block */
    enum side sides[4];
    unsigned parts, part; /* the tensor holds `parts` of that shape along its first side, and this is number `part`; 0: whole */
};
#define MODEL(member) offsetof(struct csg_model, member)
#define BLOCK(member) offsetof(struct csg_block, member)

/* What belongs to one tower: rules by model and by block, under prefixes. */
struct tower_rules {
    const char *prefix, *blocks; /* the number of the block stands between `blocks` and the name */
    const struct rule *rules;
    size_t n_rules;
};
struct layout {
    const char *name, *mark; /* a tensor that only this layout has */
    bool proj_transposed;
    struct tower_rules vision, text;
    const struct rule *block_rules;
    size_t n_block_rules;
};

static const struct rule openai_vision[] = {
    {"conv1.weight", MODEL(patch_weight), {S_WIDTH, S_THREE, S_PATCH, S_PATCH}, 0, 0},
    {"class_embedding", MODEL(class_embedding), {S_WIDTH}, 0, 0},
    {"positional_embedding", MODEL(vision_position), {S_PLACES, S_WIDTH}, 0, 0},
    {"ln_pre.weight", MODEL(ln_pre.weight), {S_WIDTH}, 0, 0},
    {"ln_pre.bias", MODEL(ln_pre.bias), {S_WIDTH}, 0, 0},
    {"ln_post.weight", MODEL(ln_post.weight), {S_WIDTH}, 0, 0},
    {"ln_post.bias", MODEL(ln_post.bias), {S_WIDTH}, 0, 0},
    {"proj", MODEL(vision_proj), {S_WIDTH, S_EMBED}, 0, 0},
};
static const struct rule openai_text[] = {
    {"token_embedding.weight", MODEL(token_embedding), {S_VOCAB, S_WIDTH}, 0, 0},
    {"positional_embedding", MODEL(text_position), {S_CONTEXT, S_WIDTH}, 0, 0},
    {"ln_final.weight", MODEL(ln_final.weight), {S_WIDTH}, 0, 0},
    {"ln_final.bias", MODEL(ln_final.bias), {S_WIDTH}, 0, 0},
    {"text_projection", MODEL(text_proj), {S_WIDTH, S_EMBED}, 0, 0},
};
static const struct rule openai_block[] = {
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
#define OPENAI_VISION                                                                                                            \
    {                                                                                                                            \
        "visual.", "visual.transformer.resblocks.", RULES(openai_vision)                                                         \
    }

static const struct layout layouts[] = {
    {"OpenAI's", "text_projection", true, OPENAI_VISION, {"", "transformer.resblocks.", RULES(openai_text)}, RULES(openai_block)},
    {"open_clip's with a text tower of its own",
     "text.text_projection",
     true,
     OPENAI_VISION,
     {"text.", "text.transformer.resblocks.", RULES(openai_text)},
     RULES(openai_block)},
};

/* Skipped without a word: constants and what only training uses. A leading * stands for any prefix. */
static const char *const skipped[] = {"*.position_ids", "*attn_mask",  "input_resolution",  "context_length",
                                      "vocab_size",     "logit_scale", "*.input_resolution"};

struct shape_text {
    char text[96];
};

static struct shape_text describe(const size_t *dims, size_t n)
{
    struct shape_text out = {"["};
    size_t used = 1;
    for (size_t i = 0; i < n && used < sizeof out.text - 24; i++)
        used += (size_t)snprintf(out.text + used, sizeof out.text - used, i ? ", %zu" : "%zu", dims[i]);
    snprintf(out.text + used, sizeof out.text - used, "]");
    return out;
}

/* Finds the tensor of a rule and puts it in its place. */
static int take(struct csg_tensor *place, const struct rule *rule, size_t *sizes[S_COUNT], struct csg_safetensors *tensors,
                const char *name, struct csg_error *err)
{
    size_t wanted[4] = {0}, n = 0, parts = rule->parts ? rule->parts : 1;
    struct csg_stored *stored = csg_safetensors_find(tensors, name);
    if (!stored)
        return csg_fail(err, CSG_ERROR_MODEL, "the checkpoint lacks the tensor %s", name);
    if (!stored->readable)
        return csg_fail(err, CSG_ERROR_MODEL, "the tensor %s is of type %s with %zu sides, not F32, F16 or BF16 with at most 4",
                        name, stored->type, stored->tensor.n_dims);
    bool fits = true;
    for (; n < 4 && rule->sides[n] != S_NONE; n++) {
        size_t *size = sizes[rule->sides[n]], has = n < stored->tensor.n_dims ? stored->tensor.dims[n] : 0;
        if (*size == 0 && n < stored->tensor.n_dims)
            *size = has / (n == 0 ? parts : 1);
        if (!csg_mul(*size, n == 0 ? parts : 1, &wanted[n]))
            wanted[n] = SIZE_MAX;
        fits = fits && wanted[n] == has && has > 0;
    }
    if (!fits || n != stored->tensor.n_dims)
        return csg_fail(err, CSG_ERROR_MODEL, "the tensor %s has shape %s, not %s", name,
                        describe(stored->tensor.dims, stored->tensor.n_dims).text, describe(wanted, n).text);
    stored->used = true;
    *place = stored->tensor;
    place->dims[0] /= parts;
    place->elements /= parts;
    place->data += rule->part * place->elements * csg_dtype_bytes(place->dtype);
    return CSG_OK;
}

static int take_all(void *base, const struct rule *rules, size_t n_rules, const char *prefix, size_t *sizes[S_COUNT],
                    struct csg_safetensors *tensors, struct csg_error *err)
{
    int status = CSG_OK;
    for (size_t i = 0; i < n_rules && !status; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", prefix, rules[i].name);
        status = take((struct csg_tensor *)(void *)((char *)base + rules[i].at), &rules[i], sizes, tensors, name, err);
    }
    return status;
}

static int take_tower(struct csg_model *m, struct csg_tower *tower, const struct tower_rules *rules, const struct layout *layout,
                      size_t *sizes[S_COUNT], struct csg_safetensors *tensors, struct csg_error *err)
{
    char prefix[120];
    sizes[S_WIDTH] = &tower->width;
    sizes[S_MLP] = &tower->mlp_width;
    int status = take_all(m, rules->rules, rules->n_rules, rules->prefix, sizes, tensors, err);
    if (status)
        return status;
    tower->blocks = csg_calloc(tower->layers, sizeof *tower->blocks);
    if (!tower->blocks)
        return csg_fail_memory(err);
    for (size_t i = 0; i < tower->layers && !status; i++) {
        snprintf(prefix, sizeof prefix, "%s%zu.", rules->blocks, i);
        status = take_all(&tower->blocks[i], layout->block_rules, layout->n_block_rules, prefix, sizes, tensors, err);
    }
    snprintf(prefix, sizeof prefix, "%s%zu.%s", rules->blocks, tower->layers, layout->block_rules[0].name);
    if (!status && csg_safetensors_find(tensors, prefix))
        status = csg_fail(err, CSG_ERROR_MODEL, "the checkpoint has the tensor %s, but the configuration says %zu layers", prefix,
                          tower->layers);
    return status;
}

/* The side of the square grid of which there are `places` with the class token. */
static int find_grid(struct csg_model *m, size_t places, struct csg_error *err)
{
    size_t grid = 1;
    while (grid < 4096 && grid * grid + 1 < places)
        grid++;
    if (grid * grid + 1 != places)
        return csg_fail(err, CSG_ERROR_MODEL, "the image tower's %zu places are not a square grid and a class token", places);
    m->grid = grid;
    if (m->image_px == 0)
        m->image_px = grid * m->patch_px;
    return CSG_OK;
}

int csg_layout_apply(struct csg_model *model, struct csg_safetensors *tensors, struct csg_error *err)
{
    const struct layout *layout = NULL;
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0] && !layout; i++)
        if (csg_safetensors_find(tensors, layouts[i].mark))
            layout = &layouts[i];
    if (!layout)
        layout = &layouts[0]; /* whose first missing tensor is told */
    size_t three = 3, side = model->image_px / model->patch_px, places = side ? side * side + 1 : 0;
    size_t *sizes[S_COUNT] = {[S_EMBED] = &model->embed_dim, [S_PATCH] = &model->patch_px,  [S_THREE] = &three,
                              [S_PLACES] = &places,          [S_CONTEXT] = &model->context, [S_VOCAB] = &model->vocab_size};
    model->proj_transposed = layout->proj_transposed;
    int status = take_tower(model, &model->vision, &layout->vision, layout, sizes, tensors, err);
    if (!status)
        status = find_grid(model, places, err);
    if (!status)
        status = take_tower(model, &model->text, &layout->text, layout, sizes, tensors, err);
    if (!status && (model->context < 3 || model->context > 65536 || model->vocab_size > INT32_MAX))
        status = csg_fail(err, CSG_ERROR_MODEL, "a text tower of %zu places and %zu tokens is not supported", model->context,
                          model->vocab_size);
    return status;
}

static bool is_skipped(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof skipped / sizeof skipped[0]; i++) {
        const char *pattern = skipped[i];
        if (strcmp(name, pattern) == 0)
            return true;
        size_t tail = strlen(pattern) - 1;
        if (pattern[0] == '*' && length >= tail && strcmp(name + length - tail, pattern + 1) == 0)
            return true;
    }
    return false;
}

void csg_layout_tell_surplus(const struct csg_safetensors *tensors, const struct csg_log *log)
{
    char names[200] = "";
    size_t count = 0, used = 0;
    for (size_t i = 0; i < tensors->count; i++) {
        const struct csg_stored *item = &tensors->items[i];
        if (item->used || is_skipped(item->name))
            continue;
        if (count++ < 3 && used < sizeof names - 1) {
            int n = snprintf(names + used, sizeof names - used, "%s%.50s", used ? ", " : "", item->name);
            used += n > 0 ? (size_t)n : 0;
        }
    }
    if (count)
        csg_log(log, CSG_LOG_WARNING, "%zu tensor%s of the checkpoint %s not used: %s%s", count, count == 1 ? "" : "s",
                count == 1 ? "is" : "are", names, count > 3 ? ", ..." : "");
}
