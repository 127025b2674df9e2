#include "api/precision.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/record.h"
#include "ocl/backend.h"
#include "task/map.h"

#define LEAST_R 0.999
#define TIMES 3

const char *csg_precision_choice(size_t index)
{
    return index == CSG_PRECISION_COUNT ? CSG_PRECISION_AUTO : csg_precision_name(index);
}

uint64_t csg_weights_bytes(const struct csg_model *model, enum csg_precision precision)
{
    uint64_t all = csg_model_parameters(model), matrices = csg_model_matrix_elements(model);
    return (all - matrices) * sizeof(float) + matrices * csg_dtype_bytes(csg_precisions[precision].dtype);
}

int csg_weights_fit(const struct csg_model *model, const struct csg_backend *backend, struct csg_error *err)
{
    uint64_t need = csg_weights_bytes(model, backend->precision), have = backend->memory_bytes;
    if (have == 0 || need <= have)
        return CSG_OK;
    char fits[200] = "no precision of this model fits; a smaller model may";
    for (size_t p = CSG_PRECISION_COUNT; p-- > 0;) /* the first of the table that fits */
        if (csg_weights_bytes(model, (enum csg_precision)p) <= have)
            snprintf(fits, sizeof fits, "in %s it would fit, with %llu MB", csg_precision_name(p),
                     (unsigned long long)(csg_weights_bytes(model, (enum csg_precision)p) / 1000000));
    return csg_fail(err, CSG_ERROR_MEMORY, "%s has %llu MB, the weights of %s need %llu MB in %s: %llu MB are missing; %s",
                    backend->device, (unsigned long long)(have / 1000000), model->name, (unsigned long long)(need / 1000000),
                    csg_precision_name(backend->precision), (unsigned long long)((need - have + 999999) / 1000000), fits);
}

/* ------------------------------------------------------------------------------------------ what was measured before */

/* CACHE/precision: a name under a hash of the device, its kernels and the model's files. */
static const struct csg_record_kind choices = {"CSGPREC2", ".txt", 4096};

static int key_of(const struct csg_engine *engine, char key[CSG_SHA256_HEX], struct csg_error *err)
{
    char files[64];
    struct csg_sha256 *hash = NULL;
    uint64_t bytes = 0;
    for (size_t i = 0; i < engine->model->n_files; i++)
        bytes += engine->model->files[i].bytes;
    snprintf(files, sizeof files, "%llu", (unsigned long long)bytes);
    int status = csg_ocl_fingerprint(engine->backend, key, err);
    if (status == CSG_OK)
        status = csg_sha256_create(&hash, err);
    const char *const parts[] = {key, engine->model->weights_path, files};
    for (size_t i = 0; status == CSG_OK && i < sizeof parts / sizeof *parts; i++)
        status = csg_sha256_update(hash, parts[i], strlen(parts[i]) + 1, err);
    if (status == CSG_OK)
        status = csg_sha256_finish(&hash, key, err);
    csg_sha256_destroy(&hash);
    return status;
}

static bool remembered(const char *folder, const char *key, enum csg_precision *precision)
{
    size_t bytes = 0;
    bool found = false;
    unsigned char *name = csg_record_load(&choices, folder, key, &bytes, NULL);
    for (size_t p = 0; name && p < CSG_PRECISION_COUNT; p++)
        if (strlen(csg_precision_name(p)) == bytes && memcmp(name, csg_precision_name(p), bytes) == 0) {
            *precision = (enum csg_precision)p;
            found = true;
        }
    free(name);
    return found;
}

/* ------------------------------------------------------------------------------------------ measuring */

static const char *const texts[] = {"a round thing", "the ground", "something red"};
#define N_TEXTS (sizeof texts / sizeof *texts)

/* Stripes, a disc and a slope: nothing that is the same everywhere. */
static int known_picture(struct csg_image **out, int side, struct csg_error *err)
{
    uint8_t *rgb = csg_calloc((size_t)side * (size_t)side, 3);
    if (!rgb)
        return csg_fail_memory(err);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            uint8_t *at = rgb + 3 * ((size_t)y * (size_t)side + (size_t)x);
            int dx = 3 * x - side, dy = 3 * y - side;
            bool disc = dx * dx + dy * dy < side * side / 3, stripe = x * 8 / side % 2 != 0 && 2 * y > side;
            at[0] = (uint8_t)(disc ? 220 : 255 * x / side);
            at[1] = (uint8_t)(stripe ? 180 : 60);
            at[2] = (uint8_t)(disc ? 30 : 255 * y / side);
        }
    int status = csg_image_from_rgb(out, rgb, side, side, 0, err);
    free(rgb);
    return status;
}

/* The maps [N_TEXTS, cells] of the known picture in the backend's precision, and the least time of an encoding. */
static int known_maps(struct csg_engine *engine, const struct csg_image *picture, float *maps, double *ms, struct csg_error *err)
{
    struct csg_context context = {.backend = engine->backend, .model = engine->model, .log = &engine->log};
    const struct csg_ensemble_params ensemble = {
        .backend = engine->backend, .model = engine->model, .log = &engine->log, .templates = "none"};
    struct csg_full_result *result = NULL;
    int status = csg_weights_fit(engine->model, engine->backend, err);
    if (status == CSG_OK)
        status = csg_vision_create(&context.vision, engine->backend, engine->model, err);
    if (status == CSG_OK)
        status = csg_ensemble_create(&context.ensemble, &ensemble, err);
    *ms = INFINITY;
    for (size_t i = 0; i <= TIMES && status == CSG_OK; i++) {
        csg_full_result_destroy(&result);
        double start_ms = csg_now_ms();
        status = csg_task_map(&context, &picture, 1, texts, N_TEXTS, NULL, &result, err);
        if (i > 0) /* the first compiles, and encodes the texts */
            *ms = fmin(*ms, csg_now_ms() - start_ms);
    }
    if (status == CSG_OK) {
        const struct csg_result *r = &result->result;
        memcpy(maps, r->grid_map, N_TEXTS * (size_t)r->grid_w * (size_t)r->grid_h * sizeof *maps);
    }
    csg_full_result_destroy(&result);
    csg_ensemble_destroy(&context.ensemble);
    csg_vision_destroy(&context.vision);
    return status;
}

static double correlation(const float *a, const float *b, size_t n)
{
    double a_mean = 0, b_mean = 0, aa = 0, ab = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        a_mean += (double)a[i] / (double)n;
        b_mean += (double)b[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double x = (double)a[i] - a_mean, y = (double)b[i] - b_mean;
        aa += x * x;
        ab += x * y;
        bb += y * y;
    }
    return ab / sqrt(aa * bb);
}

/* The least r of the texts; negative where one is not a number. */
static double alike(const float *a, const float *b, size_t cells)
{
    double least = 1.0;
    for (size_t t = 0; t < N_TEXTS; t++) {
        double r = correlation(a + t * cells, b + t * cells, cells);
        least = r < least ? r : isnan(r) ? -1.0 : least;
    }
    return least;
}

static int measure(struct csg_engine *engine, enum csg_precision *best, struct csg_error *err)
{
    struct csg_image *picture = NULL;
    size_t cells = engine->model->grid * engine->model->grid;
    float *want = csg_calloc(2 * N_TEXTS, cells * sizeof *want), *got = want + N_TEXTS * cells;
    double least_ms, ms;
    int status = want ? known_picture(&picture, (int)engine->model->image_px, err) : csg_fail_memory(err);
    *best = engine->backend->precision = CSG_PRECISION_F32;
    if (status == CSG_OK)
        status = known_maps(engine, picture, want, &least_ms, err);
    for (size_t p = CSG_PRECISION_F32 + 1; status == CSG_OK && p < CSG_PRECISION_COUNT; p++) {
        struct csg_error why = {0};
        engine->backend->precision = (enum csg_precision)p;
        int tried = known_maps(engine, picture, got, &ms, &why);
        if (tried == CSG_ERROR_INTERRUPTED || tried == CSG_ERROR_DEVICE_LOST) {
            status = csg_fail(err, (enum csg_status)tried, "%s", why.sentence);
        } else if (tried) {
            csg_log(&engine->log, CSG_LOG_DEBUG, "%s: %s", csg_precision_name(p), why.sentence);
        } else {
            double r = alike(want, got, cells);
            csg_log(&engine->log, CSG_LOG_DEBUG, "%s: %.1f ms (%.1f ms so far), r %.6f", csg_precision_name(p), ms, least_ms, r);
            if (r >= LEAST_R && ms < least_ms) {
                *best = (enum csg_precision)p;
                least_ms = ms;
            }
        }
    }
    csg_image_destroy(&picture);
    free(want);
    return status;
}

int csg_precision_measure(struct csg_engine *engine, struct csg_error *err)
{
    enum csg_precision best = CSG_PRECISION_F32;
    char key[CSG_SHA256_HEX];
    /* On the reference all of them take the same time. */
    if (strcmp(engine->backend->device_class, "reference") == 0)
        return CSG_OK;
    char *folder = engine->cache_dir ? csg_path_join(engine->cache_dir, "precision") : NULL;
    int status = folder ? key_of(engine, key, err) : CSG_OK;
    if (status == CSG_OK && (!folder || !remembered(folder, key, &best))) {
        status = measure(engine, &best, err);
        if (status == CSG_OK && folder) /* without room the next start measures again */
            csg_record_store(&choices, folder, key, csg_precision_name(best), strlen(csg_precision_name(best)), NULL);
    }
    engine->backend->precision = best;
    free(folder);
    return status;
}
