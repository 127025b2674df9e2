#include "task/bench.h"

/* Rows of so many floats, read and written. */
static void add_rows(struct csg_work *work, double rows, double width)
{
    work->bytes += 2.0 * sizeof(float) * rows * width;
}

double csg_encode_work(const struct csg_model *model, const struct csg_net_plan *plan, size_t w_px, size_t h_px,
                       struct csg_work work[CSG_OP_COUNT])
{
    double n = 1.0 + (double)(w_px / model->patch_px) * (double)(h_px / model->patch_px), w = (double)model->vision.width;
    double mlp = (double)model->vision.mlp_width, pixels = 3.0 * (double)w_px * (double)h_px, embed = (double)model->embed_dim;
    struct csg_work *norm = work + CSG_OP_layernorm, *gemm = work + CSG_OP_gemm, *attend = work + CSG_OP_attend;
    work[CSG_OP_patches].bytes = (1.0 + sizeof(float)) * pixels;
    work[CSG_OP_normalize].bytes = 2.0 * sizeof(float) * n * embed;
    gemm->flop = 2.0 * pixels * w + 2.0 * n * w * embed;
    add_rows(norm, 2.0 * n, w); /* before the first block and after the last one */
    for (size_t b = 0; b < model->vision.layers; b++) {
        bool dual = plan->streams == CSG_STREAMS_DUAL && b + 1 >= plan->first_block;
        /* Of the original path the last block's keys and values are needed whole, all else of CLS. */
        bool cls = dual && b + 1 == model->vision.layers;
        double rows = cls ? 1.0 : n, others = dual ? n : 0.0, pair = 4.0 * w;
        gemm->flop += 2.0 * w * w * (2.0 * n + rows) + 2.0 * w * w * (rows + others) + 4.0 * w * mlp * rows;
        work[CSG_OP_attention].flop += pair * n * (cls ? others : rows + others);
        add_rows(norm, n + rows, w);
        if (cls) {
            attend->flop = pair * n;
            attend->bytes = 2.0 * sizeof(float) * w * (n + 1.0);
            add_rows(work + CSG_OP_gather, 1.0, w);
        }
    }
    return gemm->flop + work[CSG_OP_attention].flop + attend->flop;
}
