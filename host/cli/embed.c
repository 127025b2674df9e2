#include <stdlib.h>

#include "cli.h"

static int embed_pictures(struct csg_engine *engine, const struct cli_args *args, float *features, size_t embed_dim,
                          struct csg_error *err)
{
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < args->n_words; i++) {
        struct csg_image *image = NULL;
        status = csg_image_load(&image, args->words[i], err);
        if (status == CSG_OK)
            status = csg_embed_image(engine, image, features + i * embed_dim, err);
        csg_image_destroy(&image);
    }
    return status;
}

int cli_embed(const struct cli_args *args, struct csg_error *err)
{
    if (args->text == args->image)
        return cli_fail(err, CSG_ERROR_USAGE, "embed wants either --text TEXT... or --image FILE...");
    if (!args->n_words)
        return cli_fail(err, CSG_ERROR_USAGE, "there is nothing to embed");
    if (!args->npy)
        return cli_fail(err, CSG_ERROR_USAGE, "embed wants --npy FILE to write to");
    struct csg_engine *engine = NULL;
    float *features = NULL;
    int status = cli_engine(&engine, args, err);
    if (status == CSG_OK) {
        struct csg_engine_info info;
        csg_engine_info(engine, &info);
        features = calloc(args->n_words, info.embed_dim * sizeof *features);
        const size_t dims[2] = {args->n_words, info.embed_dim};
        if (!features)
            status = cli_fail(err, CSG_ERROR, "out of memory");
        else if (args->text)
            status = csg_embed_texts(engine, args->words, args->n_words, features, err);
        else
            status = embed_pictures(engine, args, features, info.embed_dim, err);
        if (status == CSG_OK)
            status = csg_npy_write(args->npy, features, dims, 2, args->overwrite, err);
    }
    free(features);
    cli_engine_close(&engine);
    return status;
}
