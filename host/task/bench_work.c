#include "task/bench.h"

#define FLOAT_BYTES ((double)sizeof(float))

/* Rows of so many floats, read and written. */
static void add_rows(struct csg_work *work, double rows, double width)
{
    work->bytes += 2.0 * FLOAT_BYTES * rows * width;
}

/* Rows that are normalised for products. */
static void add_norm(struct csg_work *work, double rows, double width, enum csg_dtype operand)
{
    work->bytes += (FLOAT_BYTES + (double)csg_dtype_bytes(operand)) * rows * width;
}

/* Of one query: keys and values are read. */
static void add_cls_attention(double n, double width, struct csg_work *work)
{
    work[CSG_OP_attend].flop += 4.0 * width * n;
    add_rows(work + CSG_OP_attend, n + 1.0, width);
}

static void vit_work(const struct csg_model *model, const struct csg_net_plan *plan, enum csg_dtype operand, double pixels,
                     double n, struct csg_work *work)
{
    double w = (double)model->vision.width, mlp = (double)model->vision.mlp_width;
    struct csg_work *norm = work + CSG_OP_layernorm, *gemm = work + CSG_OP_gemm;
    gemm->flop = 2.0 * 3.0 * pixels * w + 2.0 * n * w * (double)model->embed_dim;
    add_rows(norm, n, w); /* before the first block */
    add_norm(norm, n, w, operand);
    for (size_t b = 0; b < model->vision.layers; b++) {
        bool dual = plan->streams == CSG_STREAMS_DUAL && b + 1 >= plan->first_block;
        /* Of the original path the last block's keys and values are needed whole, all else of CLS. */
        bool cls = dual && b + 1 == model->vision.layers;
        double rows = cls ? 1.0 : n, others = dual ? n : 0.0;
        gemm->flop += 2.0 * w * w * (2.0 * n + rows) + 2.0 * w * w * (rows + others) + 4.0 * w * mlp * rows;
        work[CSG_OP_attention].flop += 4.0 * w * n * (cls ? others : rows + others);
        add_norm(norm, n + rows, w, operand);
        if (cls) {
            add_cls_attention(n, w, work);
            add_rows(work + CSG_OP_gather, 1.0, w);
        }
    }
}

static void add_conv(const struct csg_conv *conv, double in, double out, struct csg_work *work)
{
    double from = (double)conv->weight.dims[1], taps = (double)(conv->weight.dims[2] * conv->weight.dims[3]);
    work[CSG_OP_gemm].flop += 2.0 * out * (double)conv->weight.elements;
    if (taps > 1.0)
        work[CSG_OP_unfold].bytes += FLOAT_BYTES * from * (in + out * taps);
}

/* An average of 2 x 2 pixels. */
static void add_pool(double pixels, size_t channels, struct csg_work *work)
{
    work[CSG_OP_avgpool].bytes += FLOAT_BYTES * (pixels + pixels / 4.0) * (double)channels;
}

static void resnet_work(const struct csg_model *model, const struct csg_net_plan *plan, enum csg_dtype operand, double pixels,
                        double n, struct csg_work *work)
{
    (void)operand;
    const struct csg_resnet *net = &model->resnet;
    double w = (double)model->vision.width, embed = (double)model->embed_dim, in = pixels;
    bool own_cls = plan->streams == CSG_STREAMS_DUAL && !plan->cls_too;
    pixels /= 4.0;
    for (size_t i = 0; i < 3; i++, in = pixels)
        add_conv(&net->stem[i], in, pixels, work);
    add_pool(pixels, net->width, work);
    pixels /= 4.0;
    for (size_t b = 0; b < net->n_blocks; b++) {
        const struct csg_bottleneck *block = net->blocks + b;
        add_conv(&block->conv[0], pixels, pixels, work);
        add_conv(&block->conv[1], pixels, pixels, work);
        if (block->stride > 1) {
            add_pool(pixels, block->conv[1].weight.dims[0], work);
            add_pool(pixels, block->conv[0].weight.dims[1], work);
            pixels /= 4.0;
        }
        if (block->down.weight.data)
            add_conv(&block->down, pixels, pixels, work);
        add_conv(&block->conv[2], pixels, pixels, work);
        add_rows(work + CSG_OP_gate, pixels, (double)block->conv[2].weight.dims[0]);
    }
    work[CSG_OP_mean].bytes = FLOAT_BYTES * n * w;
    work[CSG_OP_gemm].flop += 2.0 * n * w * 3.0 * w + 2.0 * (own_cls ? n + 1.0 : n) * w * embed;
    work[CSG_OP_attention].flop = 4.0 * w * n * n;
    if (own_cls)
        add_cls_attention(n, w, work);
}

static void (*const works[])(const struct csg_model *, const struct csg_net_plan *, enum csg_dtype, double, double,
                             struct csg_work *) = {[CSG_VIT] = vit_work, [CSG_RESNET] = resnet_work};

double csg_encode_work(const struct csg_model *model, const struct csg_net_plan *plan, enum csg_dtype operand, size_t w_px,
                       size_t h_px, struct csg_work work[CSG_OP_COUNT])
{
    double pixels = (double)w_px * (double)h_px, patch = (double)model->patch_px, n = 1.0 + pixels / (patch * patch), flop = 0.0;
    works[model->architecture](model, plan, operand, pixels, n, work);
    work[CSG_OP_patches].bytes = (1.0 + FLOAT_BYTES) * 3.0 * pixels;
    add_rows(work + CSG_OP_normalize, n, (double)model->embed_dim);
    for (int op = 0; op < CSG_OP_COUNT; op++)
        flop += work[op].flop;
    return flop;
}
