#include "api/engine.h"
#include "task/encode.h"

int csg_embed_texts(struct csg_engine *engine, const char *const *texts, size_t n_texts, float *features, struct csg_error *err)
{
    return csg_engine_end(engine, csg_ensemble_features(engine->ensemble, texts, n_texts, features, err));
}

int csg_take_features(struct csg_engine *engine, const char *const *texts, size_t n_texts, const float *features,
                      struct csg_error *err)
{
    return csg_ensemble_take(engine->ensemble, texts, n_texts, features, err);
}

int csg_embed_image(struct csg_engine *engine, const struct csg_image *image, float *feature, struct csg_error *err)
{
    const struct csg_context context = csg_engine_context(engine);
    int size_px = (int)engine->model->image_px;
    const struct csg_net_plan plan = {.streams = CSG_STREAMS_NONE};
    const struct csg_input_size size = {.w_px = size_px, .h_px = size_px};
    struct csg_view tokens;
    int status = csg_encode_picture(&context, image, &size, &plan, &tokens, NULL, NULL, err);
    if (status == CSG_OK)
        status =
            csg_buffer_read(tokens.buffer, tokens.at * sizeof(float), feature, engine->model->embed_dim * sizeof *feature, err);
    return csg_engine_end(engine, status);
}
