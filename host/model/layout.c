#include "model/layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/layout_rules.h"

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

static int misshapen(const char *name, const struct csg_tensor *tensor, const size_t *dims, size_t n_dims, struct csg_error *err)
{
    return csg_fail(err, CSG_ERROR_MODEL, "the tensor %s has shape %s, not %s", name, describe(tensor->dims, tensor->n_dims).text,
                    describe(dims, n_dims).text);
}

/* The readable tensor of that name. */
static int find(struct csg_stored **out, struct csg_tensors *tensors, const char *name, struct csg_error *err)
{
    *out = csg_tensors_find(tensors, name);
    if (!*out)
        return csg_fail(err, CSG_ERROR_MODEL, "the checkpoint lacks the tensor %s", name);
    if (!(*out)->readable)
        return csg_fail(err, CSG_ERROR_MODEL, "the tensor %s is of type %s with %zu sides, not F32, F16 or BF16 with at most 4",
                        name, (*out)->type, (*out)->tensor.n_dims);
    return CSG_OK;
}

int csg_layout_take(struct csg_tensor *place, struct csg_tensors *tensors, const char *name, const size_t *dims, size_t n_dims,
                    struct csg_error *err)
{
    struct csg_stored *stored;
    int status = find(&stored, tensors, name, err);
    if (status)
        return status;
    bool fits = stored->tensor.n_dims == n_dims;
    for (size_t i = 0; i < n_dims && fits; i++)
        fits = stored->tensor.dims[i] == dims[i] && dims[i] > 0;
    if (!fits)
        return misshapen(name, &stored->tensor, dims, n_dims, err);
    stored->used = true;
    *place = stored->tensor;
    return CSG_OK;
}

/* Finds the tensor of a rule and puts it in its place. */
static int take(struct csg_tensor *place, const struct csg_rule *rule, size_t *sizes[S_COUNT], struct csg_tensors *tensors,
                const char *name, struct csg_error *err)
{
    size_t wanted[4] = {0}, n = 0, parts = rule->parts ? rule->parts : 1;
    struct csg_stored *stored;
    int status = find(&stored, tensors, name, err);
    if (status)
        return status;
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
        return misshapen(name, &stored->tensor, wanted, n, err);
    stored->used = true;
    *place = stored->tensor;
    place->dims[0] /= parts;
    place->elements /= parts;
    place->data += rule->part * place->elements * csg_dtype_bytes(place->dtype);
    return CSG_OK;
}

static int take_all(void *base, const struct csg_rule *rules, size_t n_rules, bool optional, const char *prefix,
                    size_t *sizes[S_COUNT], struct csg_tensors *tensors, struct csg_error *err)
{
    int status = CSG_OK;
    for (size_t i = 0; i < n_rules && !status; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", prefix, rules[i].name);
        if (optional && !csg_tensors_find(tensors, name))
            continue;
        status = take((struct csg_tensor *)(void *)((char *)base + rules[i].at), &rules[i], sizes, tensors, name, err);
    }
    return status;
}

/* Depth and heads where no configuration says them: as many blocks as there are, and heads 64 wide, which is so in all models that
 * come without a configuration. */
static int complete_tower(struct csg_tower *tower, const struct csg_tower_rules *rules, const struct csg_layout *layout,
                          const struct csg_tensors *tensors, struct csg_error *err)
{
    char name[160];
    bool more = tower->layers == 0;
    while (more) {
        snprintf(name, sizeof name, "%s%zu.%s", rules->blocks, tower->layers, layout->block_rules[0].name);
        more = csg_tensors_find(tensors, name) != NULL;
        tower->layers += more;
    }
    if (tower->layers == 0)
        return csg_fail(err, CSG_ERROR_MODEL, "the checkpoint lacks the tensor %s", name);
    if (tower->heads == 0 && tower->width % 64)
        return csg_fail(err, CSG_ERROR_MODEL, "heads of 64 do not divide the tower's width of %zu", tower->width);
    if (tower->heads == 0)
        tower->heads = tower->width / 64;
    return CSG_OK;
}

static int take_tower(struct csg_model *m, struct csg_tower *tower, const struct csg_tower_rules *rules,
                      const struct csg_layout *layout, size_t *sizes[S_COUNT], struct csg_tensors *tensors, struct csg_error *err)
{
    char prefix[120];
    sizes[S_WIDTH] = &tower->width;
    sizes[S_MLP] = &tower->mlp_width;
    int status = take_all(m, rules->rules, rules->n_rules, false, rules->prefix, sizes, tensors, err);
    if (!status)
        status = take_all(m, rules->optional, rules->n_optional, true, rules->prefix, sizes, tensors, err);
    if (!status)
        status = complete_tower(tower, rules, layout, tensors, err);
    if (status)
        return status;
    tower->blocks = csg_calloc(tower->layers, sizeof *tower->blocks);
    if (!tower->blocks)
        return csg_fail_memory(err);
    for (size_t i = 0; i < tower->layers && !status; i++) {
        snprintf(prefix, sizeof prefix, "%s%zu.", rules->blocks, i);
        status = take_all(&tower->blocks[i], layout->block_rules, layout->n_block_rules, false, prefix, sizes, tensors, err);
    }
    snprintf(prefix, sizeof prefix, "%s%zu.%s", rules->blocks, tower->layers, layout->block_rules[0].name);
    if (!status && csg_tensors_find(tensors, prefix))
        status = csg_fail(err, CSG_ERROR_MODEL, "the checkpoint has the tensor %s, but the configuration says %zu layers", prefix,
                          tower->layers);
    return status;
}

int csg_layout_grid(struct csg_model *m, size_t places, struct csg_error *err)
{
    size_t grid = 1; /* larger ones fail below */
    while (grid < 4096 && grid * grid + 1 < places)
        grid++;
    if (grid * grid + 1 != places)
        return csg_fail(err, CSG_ERROR_MODEL, "the image tower's %zu places are not a square grid and a class token", places);
    m->grid = grid;
    if (m->image_px == 0)
        m->image_px = grid * m->patch_px;
    if (m->patch_px > 256 || m->image_px > 4096)
        return csg_fail(err, CSG_ERROR_MODEL, "pictures of %zu pixels in patches of %zu are not supported", m->image_px,
                        m->patch_px);
    return CSG_OK;
}

static int take_vit(struct csg_model *model, const struct csg_layout *layout, size_t *sizes[S_COUNT], struct csg_tensors *tensors,
                    struct csg_error *err)
{
    size_t side = model->patch_px ? model->image_px / model->patch_px : 0, places = side ? side * side + 1 : 0;
    if (model->architecture != CSG_VIT)
        return csg_fail(err, CSG_ERROR_MODEL, "the checkpoint lacks the tensor %s", CSG_RESNET_MARK);
    sizes[S_PLACES] = &places; /* cppcheck-suppress autoVariables ; taken back below */
    int status = take_tower(model, &model->vision, &layout->vision, layout, sizes, tensors, err);
    sizes[S_PLACES] = NULL;
    return status ? status : csg_layout_grid(model, places, err);
}

static int take_resnet(struct csg_model *model, const struct csg_layout *layout, size_t *sizes[S_COUNT],
                       struct csg_tensors *tensors, struct csg_error *err)
{
    (void)layout;
    (void)sizes;
    return csg_layout_resnet(model, tensors, err);
}

/* The kinds of image towers, by a tensor that only they have; the last one takes the rest. */
static const struct {
    const char *mark;
    int (*take)(struct csg_model *model, const struct csg_layout *layout, size_t *sizes[S_COUNT], struct csg_tensors *tensors,
                struct csg_error *err);
} images[] = {{CSG_RESNET_MARK, take_resnet}, {NULL, take_vit}};

/* Checkpoints hold its logarithm. */
static int take_logit_scale(struct csg_model *model, struct csg_tensors *tensors, struct csg_error *err)
{
    struct csg_stored *stored = csg_tensors_find(tensors, "logit_scale");
    float logarithm = NAN;
    model->logit_scale = 100;
    if (!stored || !stored->readable || stored->tensor.elements != 1)
        return CSG_OK;
    csg_tensor_to_f32(&stored->tensor, &logarithm);
    if (!(fabsf(logarithm) < 10))
        return csg_fail(err, CSG_ERROR_MODEL, "the tensor logit_scale holds %g, which is not the logarithm of a scale of cosines",
                        (double)logarithm);
    model->logit_scale = expf(logarithm);
    return CSG_OK;
}

int csg_layout_apply(struct csg_model *model, struct csg_tensors *tensors, struct csg_error *err)
{
    const struct csg_layout *layout = csg_layouts;
    size_t image = 0, three = 3;
    for (const struct csg_refusal *r = csg_refusals; r->mark; r++)
        if (csg_tensors_find(tensors, r->mark))
            return csg_fail(err, CSG_ERROR_MODEL, "%s: %s (it has the tensor %s)", model->path, r->what, r->mark);
    while (layout->name && !csg_tensors_find(tensors, layout->mark))
        layout++;
    if (!layout->name)
        layout = csg_layouts; /* whose first missing tensor is told */
    while (images[image].mark && !csg_tensors_find(tensors, images[image].mark))
        image++;
    size_t *sizes[S_COUNT] = {[S_EMBED] = &model->embed_dim,
                              [S_PATCH] = &model->patch_px,
                              [S_THREE] = &three,
                              [S_CONTEXT] = &model->context,
                              [S_VOCAB] = &model->vocab_size};
    model->proj_transposed = layout->proj_transposed;
    int status = images[image].take(model, layout, sizes, tensors, err);
    if (!status)
        status = take_tower(model, &model->text, &layout->text, layout, sizes, tensors, err);
    if (!status && (model->context < 3 || model->context > 65536 || model->vocab_size > INT32_MAX))
        status = csg_fail(err, CSG_ERROR_MODEL, "a text tower of %zu places and %zu tokens is not supported", model->context,
                          model->vocab_size);
    return status ? status : take_logit_scale(model, tensors, err);
}

static bool is_skipped(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; csg_skipped[i]; i++) {
        const char *pattern = csg_skipped[i];
        if (strcmp(name, pattern) == 0)
            return true;
        size_t tail = strlen(pattern) - 1;
        if (pattern[0] == '*' && length >= tail && strcmp(name + length - tail, pattern + 1) == 0)
            return true;
    }
    return false;
}

void csg_layout_tell_surplus(const struct csg_tensors *tensors, const struct csg_log *log)
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
