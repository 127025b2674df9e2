#include "api/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/precision.h"
#include "api/trust.h"
#include "base/mem.h"
#include "base/names.h"
#include "ocl/backend.h"
#include "ref/ref.h"
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

static const char *fallback_at(size_t index)
{
    static const char *const names[] = {"none", "reference"};
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

/* The one place that knows which backends there are. */
static int open_backend(struct csg_engine *engine, const struct csg_engine_params *params, struct csg_error *err)
{
    if (params->device && strcmp(params->device, "reference") == 0)
        return csg_ref_backend_create(&engine->backend, err);
    const struct csg_ocl_params ocl = {
        .device = params->device, .cache_dir = engine->cache_dir, .device_class = params->device_class, .log = &engine->log};
    return csg_ocl_backend_create(&engine->backend, &ocl, err);
}

/* A device that computes wrongly is not used; the reference has nothing to be tested against. */
static int trust_backend(struct csg_engine *engine, const struct csg_engine_params *params, struct csg_error *err)
{
    struct csg_error why = {0};
    if (!engine->backend->class_->counts_itself)
        return CSG_OK;
    int status = csg_trust(engine->backend, engine->cache_dir, engine->model->vision.width / engine->model->vision.heads,
                           &engine->log, &why);
    if (status && err)
        *err = why;
    if (status == CSG_ERROR_SELF_TEST && params->fallback && strcmp(params->fallback, "reference") == 0) {
        enum csg_precision precision = engine->backend->precision;
        snprintf(engine->fallback_reason, sizeof engine->fallback_reason, "%s", why.sentence);
        csg_log(&engine->log, CSG_LOG_WARNING, "%s; the C reference computes instead, which is slow", why.sentence);
        csg_backend_destroy(&engine->backend);
        status = csg_ref_backend_create(&engine->backend, err);
        if (status == CSG_OK)
            engine->backend->precision = precision;
    }
    return status;
}

/* Texts kept on disk are those of the same device, driver, kernels and precision. The reference computes all that it says. */
static int open_ensemble(struct csg_engine *engine, const char *templates, bool given_only, struct csg_error *err)
{
    struct csg_engine_info info;
    char fingerprint[65] = "", identity[100];
    csg_engine_info(engine, &info);
    const char *cache = engine->backend->class_->counts_itself ? engine->cache_dir : NULL;
    int status = cache ? csg_ocl_fingerprint(engine->backend, fingerprint, err) : CSG_OK;
    snprintf(identity, sizeof identity, "%s %s", fingerprint, info.precision);
    const struct csg_ensemble_params params = {.backend = engine->backend,
                                               .model = engine->model,
                                               .log = &engine->log,
                                               .templates = templates,
                                               .cache_dir = cache,
                                               .identity = identity,
                                               .given_only = given_only};
    return status ? status : csg_ensemble_create(&engine->ensemble, &params, err);
}

int csg_engine_create(struct csg_engine **out, const struct csg_engine_params *params, struct csg_error *err)
{
    static const struct csg_engine_params defaults = {0};
    size_t ignored, precision = 0, parts = 0;
    *out = NULL;
    if (!params)
        params = &defaults;
    struct csg_engine *engine = csg_calloc(1, sizeof *engine);
    if (!engine)
        return csg_fail_memory(err);
    engine->log = (struct csg_log){params->log, params->log_user};
    atomic_init(&engine->interrupted, 0);
    engine->cache_dir = !params->cache_dir ? csg_cache_folder() : *params->cache_dir ? csg_strdup(params->cache_dir) : NULL;
    bool measure = params->precision && strcmp(params->precision, CSG_PRECISION_AUTO) == 0;
    int status = csg_name_find(&precision, params->precision, "precision", csg_precision_choice, err);
    if (status == CSG_OK)
        status = csg_name_find(&ignored, params->device_class, "device class", class_at, err);
    if (status == CSG_OK)
        status = csg_name_find(&ignored, params->fallback, "fallback", fallback_at, err);
    if (status == CSG_OK)
        status = csg_name_find(&parts, params->towers, "kind of towers", towers_at, err);
    if (status == CSG_OK)
        status = csg_model_open(&engine->model, params->model ? params->model : "demo-model", &engine->log, err);
    if (status == CSG_OK)
        status = open_backend(engine, params, err);
    if (status == CSG_OK) {
        engine->backend->precision = measure ? CSG_PRECISION_F32 : (enum csg_precision)precision;
        status = csg_weights_fit(engine->model, engine->backend, err); /* before kernels are compiled for nothing */
    }
    if (status == CSG_OK)
        status = trust_backend(engine, params, err);
    if (status == CSG_OK) {
        engine->backend->interrupted = &engine->interrupted;
        if (measure && towers[parts].image) /* texts alone are not worth it, and stay in f32 */
            status = csg_precision_measure(engine, err);
    }
    if (status == CSG_OK && towers[parts].image)
        status = csg_vision_create(&engine->vision, engine->backend, engine->model, err);
    if (status == CSG_OK)
        status = open_ensemble(engine, params->templates, !towers[parts].text, err);
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
    free(engine->cache_dir);
    free(engine);
    *out = NULL;
}

void csg_engine_interrupt(struct csg_engine *engine)
{
    atomic_store(&engine->interrupted, 1);
}

struct csg_context csg_engine_context(struct csg_engine *engine)
{
    return (struct csg_context){engine->backend, engine->model, engine->vision, engine->ensemble, &engine->log};
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
    *info = (struct csg_engine_info){.model_path = model->path,
                                     .model_name = model->name,
                                     .device = engine->backend->device,
                                     .platform = engine->backend->platform,
                                     .driver = engine->backend->driver,
                                     .device_class = engine->backend->device_class,
                                     .precision = csg_precision_name(engine->backend->precision),
                                     .fallback_reason = engine->fallback_reason[0] ? engine->fallback_reason : NULL,
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
    int status = csg_backend_finish(engine->backend, err);
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
    char *folder = csg_data_folder();
    int status = CSG_OK;
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
