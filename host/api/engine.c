#include "api/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/device.h"
#include "api/precision.h"
#include "base/mem.h"
#include "base/names.h"
#include "task/method.h"

const char *csg_version(void)
{
    return CSG_VERSION;
}

static const char *class_at(size_t index)
{
    static const char *const names[] = {"cpu", "gpu"};
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

static const struct {
    const char *name;
    bool text, image;
} towers[] = {{"both", true, true}, {"text", true, false}, {"image", false, true}};

static const char *towers_at(size_t index)
{
    return index < sizeof towers / sizeof *towers ? towers[index].name : NULL;
}

static int read_wish(struct csg_engine *engine, const struct csg_engine_params *params, size_t *parts, struct csg_error *err)
{
    struct csg_wish *wish = &engine->wish;
    size_t precision = 0, class_ = 0;
    int status = csg_name_find(&precision, params->precision, "precision", csg_precision_choice, err);
    if (status == CSG_OK)
        status = csg_name_find(&class_, params->device_class, "device class", class_at, err);
    if (status == CSG_OK)
        status = csg_name_find(&wish->fallback, params->fallback, "fallback", csg_fallback_name, err);
    if (status == CSG_OK)
        status = csg_name_find(parts, params->towers, "kind of towers", towers_at, err);
    if (status == CSG_OK && params->device && !(wish->device = csg_strdup(params->device)))
        status = csg_fail_memory(err);
    wish->measure = precision == CSG_PRECISION_COUNT;
    wish->precision = wish->measure ? CSG_PRECISION_F32 : (enum csg_precision)precision;
    wish->device_class = params->device_class ? class_at(class_) : NULL;
    wish->image_tower = towers[*parts].image;
    return status;
}

int csg_engine_create(struct csg_engine **out, const struct csg_engine_params *params, struct csg_error *err)
{
    static const struct csg_engine_params defaults = {0};
    size_t parts = 0;
    *out = NULL;
    if (!params)
        params = &defaults;
    struct csg_engine *engine = csg_calloc(1, sizeof *engine);
    if (!engine)
        return csg_fail_memory(err);
    engine->log = (struct csg_log){params->log, params->log_user};
    atomic_init(&engine->interrupted, 0);
    atomic_init(&engine->origin, NULL);
    int status = csg_cache_folder(&engine->cache_dir, params->cache_dir, err);
    if (status == CSG_OK)
        status = read_wish(engine, params, &parts, err);
    if (status == CSG_OK)
        status = csg_model_open(&engine->model, params->model ? params->model : "demo-model", &engine->log, err);
    if (status == CSG_OK) {
        const struct csg_ensemble_params ensemble = {
            .model = engine->model, .log = &engine->log, .templates = params->templates, .given_only = !towers[parts].text};
        status = csg_ensemble_create(&engine->ensemble, &ensemble, err);
    }
    if (status == CSG_OK)
        status = csg_engine_open(engine, err);
    if (status) {
        csg_engine_destroy(&engine);
        return status;
    }
    *out = engine;
    return CSG_OK;
}

void csg_engine_destroy(struct csg_engine **out)
{
    struct csg_engine *engine = out ? *out : NULL;
    if (!engine)
        return;
    csg_ensemble_destroy(&engine->ensemble);
    csg_vision_destroy(&engine->vision);
    csg_backend_destroy(&engine->backend);
    csg_model_close(&engine->model);
    for (struct csg_origin *origin = engine->origin, *before; origin; origin = before) {
        before = origin->before;
        free(origin);
    }
    free(engine->wish.device);
    free(engine->cache_dir);
    free(engine);
    *out = NULL;
}

void csg_engine_interrupt(struct csg_engine *engine)
{
    atomic_store(&engine->interrupted, 1);
}

static bool context_moves(struct csg_context *context, int *status, struct csg_error *err)
{
    struct csg_engine *engine = context->owner;
    if (!csg_engine_moves(engine, status, err))
        return false;
    context->backend = engine->backend;
    context->vision = engine->vision;
    return true;
}

struct csg_context csg_engine_context(struct csg_engine *engine)
{
    return (struct csg_context){.backend = engine->backend,
                                .model = engine->model,
                                .vision = engine->vision,
                                .ensemble = engine->ensemble,
                                .log = &engine->log,
                                .interrupted = &engine->interrupted,
                                .moves = context_moves,
                                .owner = engine};
}

int csg_engine_end(struct csg_engine *engine, int status)
{
    if (status == CSG_ERROR_INTERRUPTED)
        atomic_store(&engine->interrupted, 0);
    return status;
}

int csg_engine_model_sha256(struct csg_engine *engine, const char **hex, struct csg_error *err)
{
    int status = engine->sha256[0] ? CSG_OK : csg_model_sha256_kept(engine->model, engine->cache_dir, engine->sha256, err);
    *hex = status ? NULL : engine->sha256;
    return status;
}

void csg_engine_info(const struct csg_engine *engine, struct csg_engine_info *info)
{
    const struct csg_model *model = engine->model;
    const struct csg_origin *origin = engine->origin;
    *info = (struct csg_engine_info){.model_path = model->path,
                                     .model_name = model->name,
                                     .device = origin->device,
                                     .platform = origin->platform,
                                     .driver = origin->driver,
                                     .device_class = origin->device_class,
                                     .precision = csg_precision_name(origin->precision),
                                     .fallback_reason = origin->fallback_reason[0] ? origin->fallback_reason : NULL,
                                     .image_size_px = (int)model->image_px,
                                     .patch_px = (int)model->patch_px,
                                     .layers = model->vision.layers,
                                     .width = model->vision.width,
                                     .heads = model->vision.heads,
                                     .embed_dim = model->embed_dim,
                                     .context = model->context,
                                     .first_block_default = csg_first_block_default(model->vision.layers),
                                     .architecture = csg_model_architecture(model)};
}

int csg_engine_stats(struct csg_engine *engine, const struct csg_op_stat **stats, size_t *count, struct csg_error *err)
{
    int status;
    do
        status = csg_backend_finish(engine->backend, err);
    while (csg_engine_moves(engine, &status, err));
    for (size_t i = 0; status == CSG_OK && i < CSG_OP_COUNT; i++)
        engine->stats[i] =
            (struct csg_op_stat){csg_op_name((enum csg_op)i), engine->backend->launches[i], engine->backend->event_ms[i]};
    *stats = engine->stats;
    *count = status ? 0 : CSG_OP_COUNT;
    return status;
}

void csg_engine_stats_reset(struct csg_engine *engine)
{
    csg_backend_finish(engine->backend, NULL);
    memset(engine->backend->launches, 0, sizeof engine->backend->launches);
    memset(engine->backend->event_ms, 0, sizeof engine->backend->event_ms);
}

int csg_data_dir(char *path, size_t capacity_bytes, struct csg_error *err)
{
    char *folder = NULL;
    int status = csg_data_folder(&folder, err);
    if (status)
        return status;
    if (!folder)
        status =
            csg_fail(err, CSG_ERROR_INPUT, "the folder with the project's data is nowhere to be found; CSG_DATA_DIR can name it");
    else if (strlen(folder) >= capacity_bytes)
        status = csg_fail(err, CSG_ERROR_USAGE, "the name of the data folder is longer than %zu bytes", capacity_bytes);
    else
        memcpy(path, folder, strlen(folder) + 1);
    free(folder);
    return status;
}

int csg_unknown_words(struct csg_engine *engine, const char *text, char *words, size_t capacity, struct csg_error *err)
{
    return csg_model_unknown_words(engine->model, text, words, capacity, err);
}
