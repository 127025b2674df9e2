#include "task/map.h"

#include <stdlib.h>

#include "api/device.h"
#include "base/mem.h"
#include "task/method.h"
#include "task/texts.h"

const char *csg_method_name(size_t index)
{
    const struct csg_method *method = csg_method_at(index);
    return method ? method->name : NULL;
}

const char *csg_method_summary(size_t index)
{
    const struct csg_method *method = csg_method_at(index);
    return method ? method->summary : NULL;
}

bool csg_method_fits(const struct csg_engine *engine, size_t index)
{
    const struct csg_method *method = csg_method_at(index);
    return method && csg_method_fits_model(method, engine->model);
}

int csg_map(struct csg_engine *engine, const struct csg_image *image, const char *const *texts, size_t n_texts,
            const struct csg_map_params *params, struct csg_result **out, struct csg_error *err)
{
    return csg_map_many(engine, &image, 1, texts, n_texts, params, out, err);
}

int csg_map_many(struct csg_engine *engine, const struct csg_image *const *images, size_t n_images, const char *const *texts,
                 size_t n_texts, const struct csg_map_params *params, struct csg_result **results, struct csg_error *err)
{
    struct csg_full_result **full = csg_calloc(n_images, sizeof *full);
    struct csg_context context;
    int status = full ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK)
        do {
            context = csg_engine_context(engine);
            status = csg_task_map(&context, images, n_images, texts, n_texts, params, full, err);
        } while (csg_engine_moves(engine, &status, err));
    for (size_t i = 0; i < n_images; i++)
        results[i] = status ? NULL : &full[i]->result;
    free(full);
    return csg_engine_end(engine, status);
}

int csg_map_texts(struct csg_label_set *out, const char *const *texts, size_t n_texts, const struct csg_map_params *params,
                  struct csg_error *err)
{
    static const struct csg_map_params defaults = {0};
    const struct csg_method *method;
    struct csg_text_set *set = NULL;
    *out = (struct csg_label_set){0};
    if (!params)
        params = &defaults;
    int status = csg_method_find(&method, params->method, err);
    if (status == CSG_OK)
        status = csg_text_set_create(&set, texts, n_texts, method, params->labels, params->redundant, err);
    if (status == CSG_OK && set->mode == CSG_MODE_EMPTY)
        status = csg_strings_add(&set->set, "", err);
    if (status == CSG_OK) {
        *out = (struct csg_label_set){set->set.items, set->set.count};
        set->set = (struct csg_strings){0};
    }
    csg_text_set_destroy(&set);
    return status;
}

int csg_map_tokens(struct csg_engine *engine, const struct csg_image *image, const char *sentence,
                   const struct csg_map_params *params, struct csg_result **out, struct csg_error *err)
{
    struct csg_full_result *full = NULL;
    struct csg_context context;
    int status;
    do {
        context = csg_engine_context(engine);
        status = csg_task_tokens(&context, image, sentence, params, &full, err);
    } while (csg_engine_moves(engine, &status, err));
    *out = full ? &full->result : NULL;
    return csg_engine_end(engine, status);
}

void csg_result_destroy(struct csg_result **result)
{
    if (result && *result) {
        struct csg_full_result *full = (struct csg_full_result *)(void *)*result;
        csg_full_result_destroy(&full);
        *result = NULL;
    }
}

static int check_text(const struct csg_result *result, size_t text, struct csg_error *err)
{
    if (text >= result->n_texts)
        return csg_fail(err, CSG_ERROR_USAGE, "there is no text %zu in a result of %zu", text, result->n_texts);
    return CSG_OK;
}

int csg_result_map(struct csg_engine *engine, const struct csg_result *result, size_t text, int width_px, int height_px,
                   float *map, struct csg_error *err)
{
    size_t w = (size_t)result->map_w, h = (size_t)result->map_h;
    int status = check_text(result, text, err);
    if (status)
        return status;
    if (width_px < 0 || height_px < 0)
        return csg_fail(err, CSG_ERROR_USAGE, "a map cannot be %d x %d pixels", width_px, height_px);
    size_t out_w = (size_t)(width_px ? width_px : result->image_width_px);
    size_t out_h = (size_t)(height_px ? height_px : result->image_height_px);
    do
        status = csg_task_bilinear(engine->backend, result->grid_map + text * w * h, 1, w, h, map, out_w, out_h, err);
    while (csg_engine_moves(engine, &status, err));
    return csg_engine_end(engine, status);
}

int csg_result_points(struct csg_engine *engine, struct csg_result *result, size_t text, double threshold,
                      const int (**points)[2], const uint8_t **labels, size_t *count, struct csg_error *err)
{
    struct csg_full_result *full = (struct csg_full_result *)(void *)result;
    int status = check_text(result, text, err);
    if (status == CSG_OK && !(threshold >= 0 && threshold <= 1))
        status = csg_fail(err, CSG_ERROR_USAGE, "the threshold %g is not between 0 and 1", threshold);
    if (status)
        return status;
    do
        status = csg_task_points(engine->backend, full, text, threshold > 0 ? threshold : 0.8, count, err);
    while (csg_engine_moves(engine, &status, err));
    if (status)
        return csg_engine_end(engine, status);
    *points = (const int(*)[2])full->points;
    *labels = full->labels;
    return CSG_OK;
}
