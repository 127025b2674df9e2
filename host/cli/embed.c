#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "pictures.h"

/* Features, a row a text or a picture that could be read. */
struct embed_job {
    const struct cli_args *args;
    float *features;
    size_t rows, embed_dim;
};

static int write_features(const struct embed_job *job, struct csg_error *err)
{
    const size_t dims[2] = {job->rows, job->embed_dim};
    return csg_npy_write(job->args->npy, job->features, dims, 2, job->args->overwrite, err);
}

static int embed_texts(struct embed_job *job, struct csg_error *err)
{
    struct csg_engine *engine = NULL;
    struct csg_engine_info info;
    int status = cli_engine(&engine, job->args, err);
    if (status == CSG_OK) {
        cli_warn_unknown(engine, job->args, 0);
        csg_engine_info(engine, &info);
        job->rows = job->args->n_words;
        job->embed_dim = info.embed_dim;
        job->features = calloc(job->rows, info.embed_dim * sizeof *job->features);
        status = job->features ? csg_embed_texts(engine, job->args->words, job->rows, job->features, err)
                               : cli_fail(err, CSG_ERROR, "out of memory");
    }
    if (status == CSG_OK)
        status = write_features(job, err);
    if (status == CSG_OK && job->args->json)
        status = cli_print_json(json_pack("{s:o, s:[I, I]}", "npy", cli_json_string(job->args->npy), "shape",
                                          (json_int_t)job->rows, (json_int_t)job->embed_dim),
                                err);
    cli_engine_close(&engine);
    return status;
}

static int opened(void *user, struct csg_engine *engine, bool quiet, struct csg_error *err)
{
    struct embed_job *job = user;
    struct csg_engine_info info;
    (void)quiet;
    (void)err;
    csg_engine_info(engine, &info);
    job->embed_dim = info.embed_dim;
    return CSG_OK;
}

static int compute(void *user, struct csg_engine *engine, struct cli_picture *const *pictures,
                   const struct csg_image *const *images, size_t n, struct csg_error *err)
{
    const struct embed_job *job = user;
    float *features = calloc(n, job->embed_dim * sizeof *features);
    int status = features ? csg_embed_images(engine, images, n, features, err) : cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; status == CSG_OK && i < n; i++) {
        size_t bytes = job->embed_dim * sizeof *features;
        pictures[i]->made = malloc(bytes);
        if (pictures[i]->made)
            memcpy(pictures[i]->made, features + i * job->embed_dim, bytes);
        else
            status = cli_fail(err, CSG_ERROR, "out of memory");
    }
    free(features);
    return status;
}

/* The next row, for pictures come in order. Room doubles at powers of two. */
static int collect(void *user, const struct cli_picture *picture, struct csg_error *err)
{
    struct embed_job *job = user;
    size_t bytes = job->embed_dim * sizeof *job->features;
    if ((job->rows & (job->rows - 1)) == 0) {
        float *larger = realloc(job->features, (job->rows ? 2 * job->rows : 1) * bytes);
        if (!larger)
            return cli_fail(err, CSG_ERROR, "out of memory");
        job->features = larger;
    }
    memcpy(job->features + job->rows++ * job->embed_dim, picture->made, bytes);
    return CSG_OK;
}

static int describe(void *user, const struct cli_picture *picture, json_t **out, struct csg_error *err)
{
    const struct embed_job *job = user;
    (void)picture;
    *out = json_pack("{s:I}", "row", (json_int_t)job->rows - 1);
    return *out ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
}

static int end(void *user, struct csg_engine *engine, struct csg_error *err)
{
    (void)engine;
    return write_features(user, err);
}

static void release(void *user, struct cli_picture *picture)
{
    (void)user;
    free(picture->made);
    picture->made = NULL;
}

int cli_embed(const struct cli_args *args, struct csg_error *err)
{
    struct embed_job job = {.args = args};
    const struct cli_task task = {.user = &job,
                                  .every_word = true,
                                  .opened = opened,
                                  .compute = compute,
                                  .collect = collect,
                                  .describe = describe,
                                  .end = end,
                                  .release = release};
    if (args->text == args->image)
        return cli_fail(err, CSG_ERROR_USAGE, "embed wants either --text TEXT... or --image FILE...");
    if (!args->n_words)
        return cli_fail(err, CSG_ERROR_USAGE, "there is nothing to embed");
    if (!args->npy)
        return cli_fail(err, CSG_ERROR_USAGE, "embed wants --npy FILE to write to");
    int status = csg_check_output(args->npy, args->overwrite, err);
    if (status == CSG_OK)
        status = args->text ? embed_texts(&job, err) : cli_pictures(&task, args, err);
    free(job.features);
    return status;
}
