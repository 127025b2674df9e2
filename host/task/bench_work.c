#include "task/bench.h"

struct csg_encode_work csg_encode_work(const struct csg_model *model, const struct csg_net_plan *plan, size_t w_px, size_t h_px)
{
    double n = 1.0 + (double)(w_px / model->patch_px) * (double)(h_px / model->patch_px), w = (double)model->vision.width;
    double mlp = (double)model->vision.mlp_width, patch = 3.0 * (double)model->patch_px * (double)model->patch_px;
    struct csg_encode_work work = {.gemm = 2.0 * (n - 1.0) * patch * w + 2.0 * n * w * (double)model->embed_dim};
    for (size_t b = 0; b < model->vision.layers; b++) {
        bool dual = plan->streams == CSG_STREAMS_DUAL && b + 1 >= plan->first_block;
        /* Of the original path the last block's keys and values are needed whole, all else of CLS. */
        double rows = dual && b + 1 == model->vision.layers ? 1.0 : n;
        work.gemm += 2.0 * w * w * (2.0 * n + rows) + 2.0 * w * w * (rows + (dual ? n : 0.0)) + 4.0 * w * mlp * rows;
        work.attention += 4.0 * w * n * (rows + (dual ? n : 0.0));
    }
    return work;
}
