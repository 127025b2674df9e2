#include "api/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/precision.h"
#include "api/trust.h"
#include "base/mem.h"
#include "ocl/backend.h"
#include "ref/ref.h"

#define REFERENCE "reference"

static const struct {
    const char *name;
    bool devices, reference; /* which may go on, in this order */
} fallbacks[] = {{"none", false, false}, {"next", true, true}, {REFERENCE, false, true}};

const char *csg_fallback_name(size_t index)
{
    return index < sizeof fallbacks / sizeof *fallbacks ? fallbacks[index].name : NULL;
}

static bool of_the_device(int status)
{
    return status == CSG_ERROR_NO_DEVICE || status == CSG_ERROR_BUILD || status == CSG_ERROR_MEMORY ||
           status == CSG_ERROR_SELF_TEST || status == CSG_ERROR_DEVICE_LOST;
}

/* ------------------------------------------------------------------------------------------ one device */

/* The one place that knows which backends there are. */
static int open_backend(struct csg_engine *engine, const char *device, struct csg_error *err)
{
    if (device && strcmp(device, REFERENCE) == 0)
        return csg_ref_backend_create(&engine->backend, err);
    const struct csg_ocl_params ocl = {
        .device = device, .cache_dir = engine->cache_dir, .device_class = engine->wish.device_class, .log = &engine->log};
    return csg_ocl_backend_create(&engine->backend, &ocl, err);
}

/* A device that computes wrongly is not used; the reference has nothing to be tested against. */
static int trust_backend(struct csg_engine *engine, struct csg_error *err)
{
    const struct csg_model *model = engine->model;
    if (!engine->backend->class_->counts_itself)
        return CSG_OK;
    return csg_trust(engine->backend, engine->cache_dir, model->vision.width / model->vision.heads, &engine->log, err);
}

/* Texts kept on disk are those of the same device, driver, kernels and precision. The reference computes all that it says. */
static int take_ensemble(struct csg_engine *engine, struct csg_error *err)
{
    char fingerprint[65] = "", identity[100];
    const char *cache = engine->backend->class_->counts_itself ? engine->cache_dir : NULL;
    int status = cache ? csg_ocl_fingerprint(engine->backend, fingerprint, err) : CSG_OK;
    snprintf(identity, sizeof identity, "%s %s", fingerprint, csg_precision_name(engine->backend->precision));
    return status ? status : csg_ensemble_move(engine->ensemble, engine->backend, cache, identity, err);
}

static int make_origin(struct csg_origin **out, const struct csg_engine *engine, const char *reason, struct csg_error *err)
{
    const struct csg_backend *backend = engine->backend;
    struct csg_origin *origin = *out = csg_calloc(1, sizeof *origin);
    if (!origin)
        return csg_fail_memory(err);
    origin->before = engine->origin;
    origin->precision = backend->precision;
    memcpy(origin->device, backend->device, sizeof origin->device);
    memcpy(origin->platform, backend->platform, sizeof origin->platform);
    memcpy(origin->driver, backend->driver, sizeof origin->driver);
    memcpy(origin->device_class, backend->device_class, sizeof origin->device_class);
    snprintf(origin->fallback_reason, sizeof origin->fallback_reason, "%s", reason);
    return CSG_OK;
}

static int open_parts(struct csg_engine *engine, const char *device, struct csg_error *err)
{
    bool measure = engine->wish.measure && !engine->origin;
    int status = open_backend(engine, device, err);
    if (status == CSG_OK) {
        engine->backend->precision = engine->origin ? engine->origin->precision : engine->wish.precision;
        status = csg_weights_fit(engine->model, engine->backend, err); /* before kernels are compiled for nothing */
    }
    if (status == CSG_OK)
        status = trust_backend(engine, err);
    if (status == CSG_OK) {
        engine->backend->interrupted = &engine->interrupted;
        if (measure && engine->wish.image_tower) /* texts alone are not worth it, and stay in f32 */
            status = csg_precision_measure(engine, err);
    }
    if (status == CSG_OK && engine->wish.image_tower)
        status = csg_vision_create(&engine->vision, engine->backend, engine->model, err);
    return status;
}

/* What was open before is closed when the other one is open, so that an engine always has something to say no with. */
static int open_on(struct csg_engine *engine, const char *device, const char *reason, struct csg_error *err)
{
    struct csg_backend *backend = engine->backend;
    struct csg_vision *vision = engine->vision;
    struct csg_origin *origin = NULL;
    engine->backend = NULL;
    engine->vision = NULL;
    int status = open_parts(engine, device, err);
    if (status == CSG_OK)
        status = make_origin(&origin, engine, reason, err);
    if (status == CSG_OK)
        status = take_ensemble(engine, err);
    csg_vision_destroy(status ? &engine->vision : &vision);
    csg_backend_destroy(status ? &engine->backend : &backend);
    if (status) {
        free(origin);
        engine->backend = backend;
        engine->vision = vision;
    } else {
        engine->origin = origin;
    }
    return status;
}

/* ------------------------------------------------------------------------------------------ another one */

/* The next that is to be tried: every other device once, then the reference. NULL: there is none. */
static const char *next_device(struct csg_wish *wish, char index[16])
{
    unsigned other;
    if (fallbacks[wish->fallback].devices && csg_ocl_other(wish->device, wish->others, &other)) {
        wish->others++;
        snprintf(index, 16, "%u", other);
        return index;
    }
    if (!fallbacks[wish->fallback].reference || wish->reference_tried)
        return NULL;
    wish->reference_tried = true;
    return REFERENCE;
}

static bool on_reference(const struct csg_engine *engine)
{
    if (engine->backend)
        return !engine->backend->class_->counts_itself;
    return engine->wish.device && strcmp(engine->wish.device, REFERENCE) == 0;
}

static void tell(const struct csg_engine *engine, const char *reason)
{
    if (on_reference(engine))
        csg_log(&engine->log, CSG_LOG_WARNING, "%s; the C reference computes instead, which is slow", reason);
    else
        csg_log(&engine->log, CSG_LOG_WARNING, "%s; the work goes on with %s", reason, engine->backend->device);
}

bool csg_engine_moves(struct csg_engine *engine, int *status, struct csg_error *err)
{
    const char *reason = err ? err->sentence : "the device failed", *device;
    char index[16];
    if (!of_the_device(*status) || on_reference(engine))
        return false;
    while ((device = next_device(&engine->wish, index))) {
        struct csg_error why = {0};
        int opened = open_on(engine, device, reason, &why);
        if (opened == CSG_OK) {
            tell(engine, reason);
            *status = CSG_OK;
            if (err)
                *err = (struct csg_error){0};
            return true;
        }
        if (!of_the_device(opened)) {
            *status = opened;
            if (err)
                *err = why;
            return false;
        }
        csg_log(&engine->log, CSG_LOG_WARNING, "%s", why.sentence);
    }
    return false;
}

int csg_engine_open(struct csg_engine *engine, struct csg_error *err)
{
    int status = open_on(engine, engine->wish.device, "", err);
    csg_engine_moves(engine, &status, err);
    return status;
}
