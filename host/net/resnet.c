/* CLIP's ResNet: convolutions with batch norms folded in, average pools where others stride, an attention pool at the end. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/convolution.h"
#include "net/pool.h"
#include "net/scratch.h"
#include "net/vision.h"

struct bottleneck {
    struct csg_net_conv conv[3], down;
    bool shrinks, projects; /* by two; what is added goes through `down` */
};

struct resnet {
    struct csg_vision base;
    struct csg_backend *backend;
    const struct csg_model *model;
    struct csg_net_conv stem[3];
    struct bottleneck *blocks;
    struct csg_net_pool *pool;
    struct csg_buffer *x, *a, *b, *added, *unfolded; /* the pictures between convolutions */
};

#define NONE csg_view(NULL, 0)

static void destroy(struct csg_vision *base)
{
    struct resnet *net = (struct resnet *)base;
    for (size_t i = 0; i < 3; i++)
        csg_net_conv_free(&net->stem[i]);
    for (size_t i = 0; net->blocks && i < net->model->resnet.n_blocks; i++) {
        for (size_t j = 0; j < 3; j++)
            csg_net_conv_free(&net->blocks[i].conv[j]);
        csg_net_conv_free(&net->blocks[i].down);
    }
    csg_net_pool_destroy(&net->pool);
    struct csg_buffer **buffers[] = {&net->x, &net->a, &net->b, &net->added, &net->unfolded};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        csg_buffer_destroy(buffers[i]);
    free(net->blocks);
    free(net);
}

static int create_block(struct resnet *net, struct bottleneck *block, const struct csg_bottleneck *from, struct csg_error *err)
{
    int status = CSG_OK;
    block->shrinks = from->stride > 1;
    block->projects = from->down.weight.data != NULL;
    for (size_t i = 0; i < 3 && status == CSG_OK; i++)
        status = csg_net_conv_create(&block->conv[i], net->backend, &from->conv[i], err);
    if (status == CSG_OK && block->projects)
        status = csg_net_conv_create(&block->down, net->backend, &from->down, err);
    csg_model_release(net->model); /* else the file and the device's copy of it would be in memory together */
    return status;
}

static int halve(struct resnet *net, const struct csg_net_picture *in, size_t channels, struct csg_view out,
                 struct csg_error *err)
{
    const struct csg_avgpool_args args = {.in = in->x, .out = out, .w = in->w, .h = in->h, .channels = channels, .side = 2};
    return csg_avgpool(net->backend, &args, err);
}

/* From the picture's pixels, in `a`, to the first stage's input at `x`. */
static int stem(struct resnet *net, struct csg_view rgb, size_t w_px, size_t h_px, struct csg_view x, struct csg_error *err)
{
    /* The pixels of a picture are its patches of one; the row of zeros before them is not needed. */
    struct csg_patches_args pixels = {
        .in = rgb, .out = csg_view(net->a, 0), .out_stride = 3, .w_px = w_px, .h_px = h_px, .patch_px = 1};
    memcpy(pixels.mean, net->model->mean, sizeof pixels.mean);
    memcpy(pixels.std, net->model->std, sizeof pixels.std);
    struct csg_net_picture in = {csg_view(net->a, 3), w_px, h_px};
    struct csg_buffer *to[3] = {net->b, net->a, net->b};
    int status = csg_patches(net->backend, &pixels, err);
    for (size_t i = 0; i < 3 && status == CSG_OK; i++) {
        struct csg_view y = csg_view(to[i], 0);
        status = csg_net_conv_run(&net->stem[i], net->backend, &in, i ? 1 : 2, NONE, CSG_ACT_RELU, y, &net->unfolded, err);
        in = (struct csg_net_picture){y, w_px / 2, h_px / 2};
    }
    return status ? status : halve(net, &in, net->model->resnet.width, x, err);
}

/* x = ReLU(conv3(conv2(conv1(x))) + x), the sum's second part through `down` where the first has other sizes. */
static int run_block(struct resnet *net, const struct bottleneck *block, struct csg_net_picture *x, struct csg_error *err)
{
    struct csg_net_picture a = {csg_view(net->a, 0), x->w, x->h}, b = {csg_view(net->b, 0), x->w, x->h}, added = *x;
    size_t planes = block->conv[0].weight->n;
    int status = csg_net_conv_run(&block->conv[0], net->backend, x, 1, NONE, CSG_ACT_RELU, a.x, &net->unfolded, err);
    if (status == CSG_OK)
        status = csg_net_conv_run(&block->conv[1], net->backend, &a, 1, NONE, CSG_ACT_RELU, b.x, &net->unfolded, err);
    if (status == CSG_OK && block->shrinks) {
        status = halve(net, &b, planes, a.x, err);
        if (status == CSG_OK)
            status = halve(net, x, block->conv[0].from, b.x, err);
        added = (struct csg_net_picture){b.x, x->w / 2, x->h / 2};
        b = (struct csg_net_picture){a.x, x->w / 2, x->h / 2}; /* what conv3 reads */
    }
    if (status == CSG_OK && block->projects) {
        status = csg_net_conv_run(&block->down, net->backend, &added, 1, NONE, CSG_ACT_NONE, csg_view(net->added, 0),
                                  &net->unfolded, err);
        added.x = csg_view(net->added, 0);
    }
    if (status == CSG_OK)
        status = csg_net_conv_run(&block->conv[2], net->backend, &b, 1, added.x, CSG_ACT_NONE, x->x, &net->unfolded, err);
    x->w = b.w;
    x->h = b.h;
    const struct csg_gate_args relu = {.s = x->x, .out = x->x, .rows = x->w * x->h, .n = block->conv[2].weight->n};
    return status ? status : csg_gate(net->backend, &relu, err);
}

/* After a block of many pixels: see csg_net_pace. */
static int pace(struct resnet *net, const struct csg_net_picture *x, struct csg_error *err)
{
    const size_t few = 1024;
    return x->w * x->h > few ? csg_backend_finish(net->backend, err) : CSG_OK;
}

/* No picture between two convolutions has more elements than the stem's last, or than the pixels. */
static int prepare_scratch(struct resnet *net, size_t w_px, size_t h_px, struct csg_error *err)
{
    size_t width = net->model->resnet.width, rows = (w_px / 2) * (h_px / 2) + CSG_RESNET_SHRINKS;
    struct csg_buffer **buffers[] = {&net->x, &net->a, &net->b, &net->added};
    int status = CSG_OK;
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers && status == CSG_OK; i++)
        status = csg_scratch_f32(net->backend, buffers[i], rows, width < 12 ? 12 : width, err);
    return status;
}

static int encode(struct csg_vision *base, const struct csg_view *rgb, size_t count, size_t w_px, size_t h_px,
                  const struct csg_net_plan *plan, struct csg_view *tokens, struct csg_error *err)
{
    struct resnet *net = (struct resnet *)base;
    (void)count; /* 1 */
    int status = prepare_scratch(net, w_px, h_px, err);
    /* Before the last stage's pixels there is room for CLS. */
    struct csg_net_picture x = {csg_view(net->x, net->model->vision.width), w_px / 4, h_px / 4};
    if (status == CSG_OK)
        status = stem(net, rgb[0], w_px, h_px, x.x, err);
    for (size_t i = 0; i < net->model->resnet.n_blocks && status == CSG_OK; i++) {
        status = run_block(net, &net->blocks[i], &x, err);
        if (status == CSG_OK)
            status = pace(net, &x, err);
    }
    return status ? status : csg_net_pool_run(net->pool, csg_view(net->x, 0), x.w, x.h, plan, tokens, err);
}

static const struct csg_vision_class resnet_class = {.destroy = destroy, .encode = encode};

int csg_resnet_create(struct csg_vision **out, struct csg_backend *backend, const struct csg_model *model, struct csg_error *err)
{
    struct resnet *net = csg_calloc(1, sizeof *net);
    *out = NULL;
    if (!net)
        return csg_fail_memory(err);
    net->base.class_ = &resnet_class;
    net->backend = backend;
    net->model = model;
    net->blocks = csg_calloc(model->resnet.n_blocks, sizeof *net->blocks);
    int status = net->blocks ? CSG_OK : csg_fail_memory(err);
    for (size_t i = 0; i < 3 && status == CSG_OK; i++)
        status = csg_net_conv_create(&net->stem[i], backend, &model->resnet.stem[i], err);
    for (size_t i = 0; i < model->resnet.n_blocks && status == CSG_OK; i++)
        status = create_block(net, &net->blocks[i], &model->resnet.blocks[i], err);
    if (status == CSG_OK)
        status = csg_net_pool_create(&net->pool, backend, model, err);
    if (status)
        destroy(&net->base);
    else
        *out = &net->base;
    return status;
}
