#include <stdlib.h>

#include "api/device.h"
#include "base/mem.h"
#include "image/mask.h"
#include "model/labels.h"
#include "task/encode.h"
#include "task/metrics.h"
#include "task/segment.h"

int csg_label_set_load(struct csg_label_set *out, const char *name, struct csg_error *err)
{
    struct csg_strings strings = {0};
    *out = (struct csg_label_set){0};
    if (!name)
        return csg_fail(err, CSG_ERROR_USAGE, "a label set needs a name, not NULL");
    int status = csg_labels_load(&strings, name, err);
    if (status == CSG_OK)
        *out = (struct csg_label_set){strings.items, strings.count};
    return status;
}

void csg_label_set_free(struct csg_label_set *set)
{
    struct csg_strings strings = {set->labels, set->count};
    csg_strings_free(&strings);
    *set = (struct csg_label_set){0};
}

int csg_result_classes(struct csg_engine *engine, const struct csg_result *result, double scale, double background,
                       uint16_t *index, struct csg_error *err)
{
    if (result->n_texts >= UINT16_MAX)
        return csg_fail(err, CSG_ERROR_USAGE, "%zu classes are more than an index can name", result->n_texts);
    int status;
    do
        status =
            csg_task_segment(engine->backend, result->similarity, result->n_texts, (size_t)result->map_w, (size_t)result->map_h,
                             (size_t)result->image_width_px, (size_t)result->image_height_px, scale > 0 ? scale : 40,
                             background > 0   ? background
                             : background < 0 ? 0
                                              : 0.1,
                             index, err);
    while (csg_engine_moves(engine, &status, err));
    return csg_engine_end(engine, status);
}

int csg_classes_write_png(const uint16_t *index, int width_px, int height_px, const char *path, bool overwrite,
                          struct csg_error *err)
{
    if (width_px < 1 || height_px < 1)
        return csg_fail(err, CSG_ERROR_USAGE, "a picture cannot be %d x %d pixels", width_px, height_px);
    for (size_t i = 0; i < (size_t)width_px * (size_t)height_px; i++)
        if (index[i] > 255)
            return csg_fail(err, CSG_ERROR_USAGE, "a palette has 256 colours, but there is a class %u", (unsigned)index[i]);
    return csg_mask_write(index, width_px, height_px, path, overwrite, err);
}

void csg_class_colour(unsigned index, uint8_t rgb[3])
{
    csg_mask_colour(index, rgb);
}

int csg_classify(struct csg_engine *engine, const struct csg_image *image, const char *const *labels, size_t n_labels,
                 int size_px, bool feature_surgery, float *scores, float *cosines, struct csg_error *err)
{
    size_t embed = engine->model->embed_dim;
    if (n_labels < 2)
        return csg_fail(err, CSG_ERROR_USAGE, "to classify needs at least two labels");
    float *features = csg_calloc(n_labels, embed * sizeof *features), *feature = csg_calloc(embed, sizeof *feature);
    float *own = csg_calloc(n_labels, sizeof *own);
    int status = features && feature && own ? CSG_OK : csg_fail_memory(err);
    if (status == CSG_OK)
        do { /* labels and picture on one device */
            status = csg_ensemble_features(engine->ensemble, labels, n_labels, features, err);
            if (status == CSG_OK)
                status = csg_engine_embed(engine, &image, 1, size_px, feature, err);
        } while (csg_engine_moves(engine, &status, err));
    for (size_t t = 0; status == CSG_OK && t < n_labels; t++) {
        double sum = 0;
        for (size_t c = 0; c < embed; c++)
            sum += (double)feature[c] * (double)features[t * embed + c];
        own[t] = (float)sum;
        if (cosines)
            cosines[t] = own[t];
    }
    if (status == CSG_OK)
        csg_class_scores(scores, own, n_labels, feature_surgery, (double)engine->model->logit_scale);
    free(features);
    free(feature);
    free(own);
    return csg_engine_end(engine, status);
}
