/* Where the tensors of CLIP's ResNets belong. Every width follows from the stem's. */
#include <stdio.h>

#include "base/mem.h"
#include "model/layout.h"

struct search {
    struct csg_tensors *tensors;
    struct csg_error *err;
};

static int take(const struct search *in, struct csg_tensor *place, const char *prefix, const char *name, const size_t *dims,
                size_t n_dims)
{
    char full[160];
    snprintf(full, sizeof full, "visual.%s%s", prefix, name);
    return csg_layout_take(place, in->tensors, full, dims, n_dims, in->err);
}

/* The convolution `conv` of to x from x side x side and the batch norm `norm`, both under the prefix. */
static int take_conv(const struct search *in, struct csg_conv *out, const char *prefix, const char *conv, const char *norm,
                     size_t to, size_t from, size_t side)
{
    const struct {
        const char *name;
        struct csg_tensor *place;
    } rest[] = {{"weight", &out->gamma}, {"bias", &out->beta}, {"running_mean", &out->mean}, {"running_var", &out->var}};
    const size_t dims[4] = {to, from, side, side};
    char name[64];
    snprintf(name, sizeof name, "%s.weight", conv);
    int status = take(in, &out->weight, prefix, name, dims, 4);
    for (size_t i = 0; i < 4 && !status; i++) {
        snprintf(name, sizeof name, "%s.%s", norm, rest[i].name);
        status = take(in, rest[i].place, prefix, name, dims, 1);
    }
    return status;
}

static int take_bottleneck(const struct search *in, struct csg_bottleneck *block, const char *prefix, size_t from, size_t planes,
                           bool first)
{
    int status = take_conv(in, &block->conv[0], prefix, "conv1", "bn1", planes, from, 1);
    if (!status)
        status = take_conv(in, &block->conv[1], prefix, "conv2", "bn2", planes, planes, 3);
    if (!status)
        status = take_conv(in, &block->conv[2], prefix, "conv3", "bn3", 4 * planes, planes, 1);
    if (!status && first)
        status = take_conv(in, &block->down, prefix, "downsample.0", "downsample.1", 4 * planes, from, 1);
    return status;
}

static bool has_block(const struct csg_tensors *tensors, size_t stage, size_t block)
{
    char name[64];
    snprintf(name, sizeof name, "visual.layer%zu.%zu.conv1.weight", stage + 1, block);
    return csg_tensors_find(tensors, name) != NULL;
}

/* The width, and the blocks of the stages where no configuration says them. */
static int find_sizes(const struct search *in, struct csg_model *m)
{
    struct csg_resnet *r = &m->resnet;
    const struct csg_stored *first = csg_tensors_find(in->tensors, CSG_RESNET_MARK);
    if (m->architecture != CSG_RESNET && m->vision.width)
        return csg_fail(in->err, CSG_ERROR_MODEL, "the checkpoint is a ResNet's (it has the tensor %s), its configuration is not",
                        CSG_RESNET_MARK);
    if (r->width == 0 && first && first->tensor.n_dims == 4)
        r->width = first->tensor.dims[0];
    if (r->width < 2 || r->width > CSG_RESNET_WIDEST || r->width % 2)
        return csg_fail(in->err, CSG_ERROR_MODEL, "a ResNet of width %zu is not supported, only even ones from 2 to %d", r->width,
                        CSG_RESNET_WIDEST);
    for (size_t s = 0; s < 4; s++) {
        size_t told = r->stages[s], there = 0;
        while (there < 257 && has_block(in->tensors, s, there))
            there++;
        if (there == 0 || there > 256 || (told && told != there))
            return csg_fail(in->err, CSG_ERROR_MODEL, "stage %zu of the ResNet has %zu blocks in the checkpoint, not %s", s + 1,
                            there, told ? "as many as the configuration says" : "from 1 to 256");
        r->stages[s] = there;
        r->n_blocks += there;
    }
    m->architecture = CSG_RESNET;
    m->patch_px = CSG_RESNET_SHRINKS;
    m->vision.layers = 1;
    m->vision.width = r->width * CSG_RESNET_SHRINKS;
    if (m->vision.heads == 0)
        m->vision.heads = m->vision.width / 64; /* in all models that come without a configuration */
    return CSG_OK;
}

static int take_stages(const struct search *in, struct csg_resnet *r)
{
    size_t from = r->width, at = 0;
    int status = CSG_OK;
    r->blocks = csg_calloc(r->n_blocks, sizeof *r->blocks);
    if (!r->blocks)
        return csg_fail_memory(in->err);
    for (size_t s = 0; s < 4; s++)
        for (size_t b = 0; b < r->stages[s] && !status; b++, at++) {
            size_t planes = r->width << s;
            char prefix[64];
            snprintf(prefix, sizeof prefix, "layer%zu.%zu.", s + 1, b);
            r->blocks[at].stride = s > 0 && b == 0 ? 2 : 1;
            status = take_bottleneck(in, &r->blocks[at], prefix, from, planes, b == 0);
            from = 4 * planes;
        }
    return status;
}

static int take_pool(const struct search *in, struct csg_model *m)
{
    struct csg_block *pool = &m->resnet.pool;
    size_t width = m->vision.width, side = m->image_px / CSG_RESNET_SHRINKS;
    const struct csg_stored *position = csg_tensors_find(in->tensors, "visual.attnpool.positional_embedding"),
                            *out = csg_tensors_find(in->tensors, "visual.attnpool.c_proj.weight");
    size_t places = side ? side * side + 1 : position && position->tensor.n_dims ? position->tensor.dims[0] : 0;
    if (m->embed_dim == 0 && out && out->tensor.n_dims)
        m->embed_dim = out->tensor.dims[0];
    const struct {
        const char *name;
        struct csg_tensor *place;
        size_t dims[2], n_dims;
    } all[] = {{"positional_embedding", &m->vision_position, {places, width}, 2},
               {"q_proj.weight", &pool->q_weight, {width, width}, 2},
               {"q_proj.bias", &pool->q_bias, {width}, 1},
               {"k_proj.weight", &pool->k_weight, {width, width}, 2},
               {"k_proj.bias", &pool->k_bias, {width}, 1},
               {"v_proj.weight", &pool->v_weight, {width, width}, 2},
               {"v_proj.bias", &pool->v_bias, {width}, 1},
               {"c_proj.weight", &pool->out_weight, {m->embed_dim, width}, 2},
               {"c_proj.bias", &pool->out_bias, {m->embed_dim}, 1}};
    int status = CSG_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && !status; i++)
        status = take(in, all[i].place, "attnpool.", all[i].name, all[i].dims, all[i].n_dims);
    return status ? status : csg_layout_grid(m, places, in->err);
}

int csg_layout_resnet(struct csg_model *model, struct csg_tensors *tensors, struct csg_error *err)
{
    static const char *const convs[3] = {"conv1", "conv2", "conv3"}, *const norms[3] = {"bn1", "bn2", "bn3"};
    const struct search in = {tensors, err};
    struct csg_resnet *r = &model->resnet;
    int status = find_sizes(&in, model);
    const size_t widths[4] = {3, r->width / 2, r->width / 2, r->width};
    for (size_t i = 0; i < 3 && !status; i++)
        status = take_conv(&in, &r->stem[i], "", convs[i], norms[i], widths[i + 1], widths[i], 3);
    if (!status)
        status = take_stages(&in, r);
    return status ? status : take_pool(&in, model);
}
