/* What the readers of configurations share. */
#include "model/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)1 << 20)

int csg_config_load(const struct csg_source *from, json_t **root)
{
    char *text = NULL;
    size_t bytes;
    *root = NULL;
    int status = csg_read_file(&text, &bytes, from->path, FILE_LIMIT, CSG_ERROR_MODEL, from->err);
    if (!status)
        status = csg_json_object(root, text, bytes, 32, 100000, from->path, from->err);
    free(text);
    return status;
}

int csg_config_size(const struct csg_source *from, json_t *section, const char *key, size_t low, size_t high, size_t fallback,
                    size_t *out)
{
    json_t *value = json_object_get(section, key);
    if ((!value || json_is_null(value)) && fallback != SIZE_MAX) {
        *out = fallback;
        return CSG_OK;
    }
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    if (number < 0 || (uint64_t)number < low || (uint64_t)number > high)
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s: %s is not a whole number from %zu to %zu", from->path, key, low, high);
    *out = (size_t)number;
    return CSG_OK;
}

int csg_config_square(const struct csg_source *from, json_t *section, const char *key, size_t fallback, size_t *out)
{
    json_t *value = json_object_get(section, key);
    if (!json_is_array(value))
        return csg_config_size(from, section, key, 1, 4096, fallback, out);
    json_t *h = json_array_get(value, 0), *w = json_array_get(value, 1);
    if (json_array_size(value) != 2 || !json_is_integer(h) || !json_is_integer(w) || !json_equal(h, w) ||
        json_integer_value(h) < 1 || json_integer_value(h) > 4096)
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s: %s is not one side or two equal sides from 1 to 4096", from->path, key);
    *out = (size_t)json_integer_value(h);
    return CSG_OK;
}

int csg_config_colours(const struct csg_source *from, json_t *section, const char *key, double low, double high, float out[3])
{
    json_t *value = json_object_get(section, key);
    if (!value || json_is_null(value))
        return CSG_OK;
    for (size_t i = 0; i < 3; i++) {
        json_t *number = json_array_get(value, i);
        double x = json_number_value(number);
        if (json_array_size(value) != 3 || !json_is_number(number) || !isfinite(x) || x < low || x > high)
            return csg_fail(from->err, CSG_ERROR_MODEL, "%s: %s is not three numbers from %g to %g", from->path, key, low, high);
        out[i] = (float)x;
    }
    return CSG_OK;
}

int csg_config_check(const struct csg_source *from, const struct csg_model *model)
{
    if (model->vision.width % model->vision.heads)
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s: %zu heads do not divide the image tower's width of %zu", from->path,
                        model->vision.heads, model->vision.width);
    if (model->text.width % model->text.heads)
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s: %zu heads do not divide the text tower's width of %zu", from->path,
                        model->text.heads, model->text.width);
    if (model->image_px % model->patch_px)
        return csg_fail(from->err, CSG_ERROR_MODEL, "%s: patches of %zu do not divide the image_size of %zu", from->path,
                        model->patch_px, model->image_px);
    return CSG_OK;
}

void csg_config_defaults(struct csg_model *model)
{
    static const float mean[3] = {0.48145466f, 0.4578275f, 0.40821073f}, std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    memcpy(model->mean, mean, sizeof mean);
    memcpy(model->std, std, sizeof std);
    model->layer_norm_eps = 1e-5f;
}

int csg_config_openai(struct csg_model *model, const char *path, struct csg_error *err)
{
    (void)path;
    (void)err;
    csg_config_defaults(model);
    model->quick_gelu = true;
    return CSG_OK;
}
