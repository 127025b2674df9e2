#include "api/device.h"
#include "task/encode.h"

int csg_embed_texts(struct csg_engine *engine, const char *const *texts, size_t n_texts, float *features, struct csg_error *err)
{
    int status;
    do
        status = csg_ensemble_features(engine->ensemble, texts, n_texts, features, err);
    while (csg_engine_moves(engine, &status, err));
    return csg_engine_end(engine, status);
}

int csg_take_features(struct csg_engine *engine, const char *const *texts, size_t n_texts, const float *features,
                      struct csg_error *err)
{
    return csg_ensemble_take(engine->ensemble, texts, n_texts, features, err);
}

int csg_embed_image(struct csg_engine *engine, const struct csg_image *image, float *feature, struct csg_error *err)
{
    return csg_embed_images(engine, &image, 1, feature, err);
}

int csg_engine_embed(struct csg_engine *engine, const struct csg_image *const *images, size_t n_images, int size_px,
                     float *features, struct csg_error *err)
{
    const struct csg_context context = csg_engine_context(engine);
    const struct csg_model *model = engine->model;
    const struct csg_net_plan plan = {.streams = CSG_STREAMS_NONE};
    struct csg_input_size size = {0};
    int status = n_images ? csg_input_size(&size, model, images[0], "stretch", size_px, err) : CSG_OK;
    size_t side = (size_t)size.w_px / model->patch_px, stride = (1 + side * side) * model->embed_dim;
    size_t together = context.vision && !csg_vision_together(context.vision, &plan) ? 1 : n_images;
    for (size_t from = 0; status == CSG_OK && from < n_images; from += together) {
        struct csg_view tokens;
        status = csg_encode_pictures(&context, images + from, together, &size, &plan, &tokens, err);
        for (size_t i = 0; status == CSG_OK && i < together; i++)
            status = csg_buffer_read(tokens.buffer, (tokens.at + i * stride) * sizeof(float),
                                     features + (from + i) * model->embed_dim, model->embed_dim * sizeof *features, err);
    }
    return status;
}

int csg_embed_images(struct csg_engine *engine, const struct csg_image *const *images, size_t n_images, float *features,
                     struct csg_error *err)
{
    int status;
    do
        status = csg_engine_embed(engine, images, n_images, 0, features, err);
    while (csg_engine_moves(engine, &status, err));
    return csg_engine_end(engine, status);
}
