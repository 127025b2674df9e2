#include "task/walk.h"

#include <stdlib.h>

#include "api/engine.h"
#include "base/mem.h"

struct pictures {
    const struct csg_walk_params *params;
    size_t unreadable;
    char *problem; /* of the first that could not be read */
};

static bool mine(void *user, size_t index)
{
    const struct csg_walk_params *params = ((const struct pictures *)user)->params;
    return params->mine(params->user, index);
}

static int load(void *user, size_t index, void **loaded, size_t *bytes, struct csg_error *err)
{
    struct csg_image *image = NULL;
    int status = csg_image_load(&image, ((const struct pictures *)user)->params->paths[index], err);
    if (status == CSG_OK)
        *bytes = 3 * (size_t)csg_image_width_px(image) * (size_t)csg_image_height_px(image);
    *loaded = image;
    return status;
}

static void drop(void *user, void *loaded)
{
    struct csg_image *image = loaded;
    (void)user;
    csg_image_destroy(&image);
}

static int compute(void *user, size_t engine, const size_t *indices, void *const *loaded, size_t n, struct csg_error *err)
{
    const struct csg_walk_params *params = ((const struct pictures *)user)->params;
    const struct csg_image **images = csg_calloc(n, sizeof *images);
    if (!images)
        return csg_fail_memory(err);
    for (size_t i = 0; i < n; i++)
        images[i] = loaded[i];
    int status = params->compute(params->user, engine, indices, images, n, err);
    free(images);
    return status;
}

static int finish(void *user, size_t index, struct csg_error *err)
{
    const struct csg_walk_params *params = ((const struct pictures *)user)->params;
    return params->finish ? params->finish(params->user, index, err) : CSG_OK;
}

static int done(void *user, const struct csg_walk_picture *picture, struct csg_error *err)
{
    struct pictures *pictures = user;
    const struct csg_walk_params *params = pictures->params;
    if (picture->problem && !pictures->unreadable++)
        pictures->problem = csg_strdup(picture->problem);
    return params->done ? params->done(params->user, picture, err) : CSG_OK;
}

static bool watch(void *user, const struct csg_walk_state *state)
{
    const struct csg_walk_params *params = ((const struct pictures *)user)->params;
    return params->watch && params->watch(params->user, state);
}

static void interrupt(void *user, size_t engine)
{
    csg_engine_interrupt(((const struct pictures *)user)->params->engines[engine]);
}

int csg_walk(const struct csg_walk_params *params, struct csg_error *err)
{
    struct pictures pictures = {.params = params};
    const struct csg_walk_work work = {.n_engines = params->n_engines,
                                       .count = params->n_paths,
                                       .batch = params->batch,
                                       .user = &pictures,
                                       .mine = params->mine ? mine : NULL,
                                       .load = load,
                                       .drop = drop,
                                       .compute = compute,
                                       .finish = finish,
                                       .done = done,
                                       .watch = watch,
                                       .interrupt = interrupt};
    if (!params->n_engines || !params->n_paths || !params->compute)
        return csg_fail(err, CSG_ERROR_USAGE, "many pictures need an engine, a path and what to compute");
    int status = csg_task_walk(&work, err);
    for (size_t i = 0; status && i < params->n_engines; i++) /* those that were not at work have not seen it */
        csg_engine_end(params->engines[i], CSG_ERROR_INTERRUPTED);
    if (status == CSG_OK && pictures.unreadable == params->n_paths)
        status = csg_fail(err, CSG_ERROR_INPUT, "none of %zu pictures could be read: %s", params->n_paths,
                          pictures.problem ? pictures.problem : "memory is short");
    free(pictures.problem);
    return status;
}
