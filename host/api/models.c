#include <stdio.h>

#include "api/precision.h"
#include "model/model.h"

int csg_model_info(const char *name, struct csg_model_info *info, struct csg_error *err)
{
    struct csg_model *model;
    *info = (struct csg_model_info){0};
    int status = csg_model_open(&model, name, NULL, err);
    if (status)
        return status;
    *info = (struct csg_model_info){.parameters = csg_model_parameters(model),
                                    .image_size_px = (int)model->image_px,
                                    .patch_px = (int)model->patch_px,
                                    .architecture = csg_model_architecture(model),
                                    .layers = model->vision.layers,
                                    .width = model->vision.width,
                                    .heads = model->vision.heads,
                                    .mlp_width = model->vision.mlp_width,
                                    .text_layers = model->text.layers,
                                    .text_width = model->text.width,
                                    .text_heads = model->text.heads,
                                    .context = model->context,
                                    .vocab = model->vocab_size,
                                    .embed_dim = model->embed_dim,
                                    .quick_gelu = model->quick_gelu,
                                    .logit_scale = model->logit_scale};
    info->f32_bytes = csg_weights_bytes(model, CSG_PRECISION_F32);
    info->f16_bytes = csg_weights_bytes(model, CSG_PRECISION_F16);
    info->bf16_bytes = csg_weights_bytes(model, CSG_PRECISION_BF16);
    for (size_t i = 0; i < 4; i++)
        info->stages[i] = model->resnet.stages[i];
    for (size_t i = 0; i < 3; i++) {
        info->mean[i] = model->mean[i];
        info->std[i] = model->std[i];
    }
    for (size_t i = 0; i < model->n_files; i++)
        info->bytes += model->files[i].bytes;
    snprintf(info->path, sizeof info->path, "%s", model->path);
    snprintf(info->weights, sizeof info->weights, "%s", model->weights_path);
    status = csg_model_sha256(model, info->sha256, err);
    csg_model_close(&model);
    return status;
}
