#include "worker_engine.h"

#include <stdio.h>
#include <string.h>

#include "names.h"

bool keeper_moved(struct keeper *keeper)
{
    struct csg_engine_info info;
    csg_engine_info(keeper->engine, &info);
    if (info.fallback_reason == keeper->reason)
        return false;
    keeper->reason = info.fallback_reason;
    view_format(keeper->trouble, sizeof keeper->trouble, "%.500s; the work goes on with: %.120s", info.fallback_reason,
                info.device);
    return true;
}

int keeper_ensure(struct keeper *keeper, const struct engine_spec *spec, bool *opened, struct csg_error *err)
{
    struct csg_engine *engine = NULL;
    *opened = false;
    if (keeper->engine && memcmp(spec, &keeper->spec, sizeof *spec) == 0)
        return CSG_OK;
    if (keeper->refusal.status && memcmp(spec, &keeper->refused, sizeof *spec) == 0) {
        *err = keeper->refusal;
        return err->status;
    }
    const struct csg_engine_params params = {.model = view_or_null(spec->model),
                                             .device = view_or_null(spec->device),
                                             .precision = view_or_null(spec->precision),
                                             .templates = view_or_null(spec->templates),
                                             .fallback = spec->fallback[0] ? spec->fallback : "next",
                                             .towers = keeper->towers,
                                             .log = keeper->log,
                                             .log_user = keeper->log_user};
    int status = csg_engine_create(&engine, &params, err);
    keeper->refused = *spec;
    keeper->refusal = status ? *err : (struct csg_error){0};
    if (status)
        return status;
    csg_engine_destroy(&keeper->engine);
    keeper->engine = engine;
    keeper->spec = *spec;
    keeper->reason = NULL;
    keeper->trouble[0] = 0;
    keeper_moved(keeper);
    *opened = true;
    return CSG_OK;
}

void keeper_close(struct keeper *keeper)
{
    csg_engine_destroy(&keeper->engine);
}

static int export_pictures(struct csg_engine *engine, const struct export_request *r, char **files, struct csg_error *err)
{
    const struct csg_draw_params draw = {.colormap = r->colormap, .opacity = r->opacity > 0 ? r->opacity : -1, .legend = true};
    struct csg_image *picture = NULL;
    int status = csg_draw_overlay(engine, r->outcome->result, r->outcome->job.frame->image, r->text, &draw, &picture, err);
    if (status == CSG_OK)
        status = csg_image_write_png(picture, files[0], false, err);
    csg_image_destroy(&picture);
    return status;
}

static int export_points(struct csg_engine *engine, const struct export_request *r, const char *path, struct csg_error *err)
{
    const int(*points)[2];
    const uint8_t *labels;
    size_t count;
    int status = csg_result_points(engine, r->outcome->result, r->text, r->point_threshold, &points, &labels, &count, err);
    if (status)
        return status;
    return name_write_points(path, r->outcome->job.texts[r->text], points, labels, count, err);
}

int engine_export(struct csg_engine *engine, const struct export_request *r, char *sentence, size_t capacity,
                  struct csg_error *err)
{
    const struct csg_result *result = r->outcome->result;
    const size_t dims[3] = {result->n_texts, (size_t)result->grid_h, (size_t)result->grid_w};
    static const char *const endings[] = {"_map.png", "_map.npy", "_points.json", "_map.json"};
    enum { N_FILES = 4 };
    char paths[N_FILES][VIEW_PATH];
    char *files[N_FILES];
    int status = name_free_set(paths, endings, N_FILES, r->folder, r->outcome->job.frame->name, err);
    for (int i = 0; i < N_FILES; i++)
        files[i] = paths[i];
    if (status == CSG_OK)
        status = export_pictures(engine, r, files, err);
    if (status == CSG_OK)
        status = csg_npy_write(files[1], result->similarity, dims, 3, false, err);
    if (status == CSG_OK)
        status = export_points(engine, r, files[2], err);
    if (status == CSG_OK && r->write_report)
        status = r->write_report(engine, result, files, N_FILES - 1, files[3], err);
    if (status == CSG_OK)
        view_format(sentence, capacity, "Exported picture, NPY, points and report: %s ...", files[0]);
    return status;
}
