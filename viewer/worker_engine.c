#include "worker_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static bool engine_device_failed(int status)
{
    return status == CSG_ERROR_NO_DEVICE || status == CSG_ERROR_BUILD || status == CSG_ERROR_MEMORY ||
           status == CSG_ERROR_SELF_TEST || status == CSG_ERROR_DEVICE_LOST;
}

static int open_one(struct csg_engine **out, const struct keeper *keeper, const struct engine_spec *spec, const char *device,
                    struct csg_error *err)
{
    const struct csg_engine_params params = {.model = view_or_null(spec->model),
                                             .device = device,
                                             .precision = view_or_null(spec->precision),
                                             .templates = view_or_null(spec->templates),
                                             .towers = keeper->towers,
                                             .log = keeper->log,
                                             .log_user = keeper->log_user};
    return csg_engine_create(out, &params, err);
}

static bool has_failed(const struct keeper *keeper, const char *device)
{
    for (size_t i = 0; i < keeper->n_failed; i++)
        if (strcmp(keeper->failed[i], device) == 0)
            return true;
    return false;
}

/* The usable devices in order, but for those that have failed, then the reference. */
static int open_next(struct csg_engine **out, const struct keeper *keeper, const struct engine_spec *spec, size_t *n_usable,
                     struct csg_error *err)
{
    struct csg_device_info *devices = NULL;
    size_t count = 0;
    if (csg_devices_list(&devices, &count, NULL) != CSG_OK)
        count = 0;
    int status = CSG_ERROR_NO_DEVICE;
    *n_usable = 0;
    for (size_t i = 0; i < count && engine_device_failed(status); i++) {
        char index[16];
        if (!devices[i].usable)
            continue;
        ++*n_usable;
        if (has_failed(keeper, devices[i].name) || strcmp(spec->fallback, "reference") == 0)
            continue;
        view_format(index, sizeof index, "%u", devices[i].index);
        status = open_one(out, keeper, spec, index, err);
    }
    csg_devices_free(&devices);
    if (engine_device_failed(status))
        status = open_one(out, keeper, spec, "reference", err);
    return status;
}

/* Opens what spec asks for, or what else there is. */
static int open_any(struct csg_engine **out, struct keeper *keeper, const struct engine_spec *spec, struct csg_error *err)
{
    size_t n_usable = 0;
    struct csg_error first = {0};
    int status = keeper->n_failed ? CSG_ERROR_DEVICE_LOST : open_one(out, keeper, spec, view_or_null(spec->device), &first);
    keeper->trouble[0] = 0;
    if (!engine_device_failed(status) || (!keeper->n_failed && strcmp(spec->fallback, "none") == 0)) {
        if (status)
            *err = first;
        return status;
    }
    status = open_next(out, keeper, spec, &n_usable, err);
    if (status)
        return status;
    struct csg_engine_info info;
    csg_engine_info(*out, &info);
    if (keeper->n_failed)
        view_format(keeper->trouble, sizeof keeper->trouble, "%.120s failed; the work goes on with: %.120s",
                    keeper->failed[keeper->n_failed - 1], info.device);
    else if (!n_usable)
        view_format(keeper->trouble, sizeof keeper->trouble,
                    "There is no OpenCL device to work with, so the slow C reference does it: %.500s", first.sentence);
    else
        view_format(keeper->trouble, sizeof keeper->trouble, "%.500s; the work goes on with: %.120s", first.sentence,
                    info.device);
    return CSG_OK;
}

static void leave_alone(struct keeper *keeper)
{
    struct csg_engine_info info;
    enum { MOST = sizeof keeper->failed / sizeof *keeper->failed };
    csg_engine_info(keeper->engine, &info);
    if (keeper->n_failed < MOST)
        view_copy(keeper->failed[keeper->n_failed++], sizeof *keeper->failed, info.device);
    csg_engine_destroy(&keeper->engine); /* after a fatal error nothing else can be done with it */
}

int keeper_ensure(struct keeper *keeper, const struct engine_spec *spec, bool failed, bool *opened, struct csg_error *err)
{
    struct csg_engine *engine = NULL;
    bool same = memcmp(spec, &keeper->spec, sizeof *spec) == 0;
    *opened = false;
    if (keeper->engine && !failed && same)
        return CSG_OK;
    if (!failed && keeper->refusal.status && memcmp(spec, &keeper->refused, sizeof *spec) == 0) {
        *err = keeper->refusal;
        return err->status;
    }
    if (failed)
        leave_alone(keeper);
    else if (!same)
        keeper->n_failed = 0; /* who asks for a device anew gets it */
    int status = open_any(&engine, keeper, spec, err);
    keeper->refused = *spec;
    keeper->refusal = status ? *err : (struct csg_error){0};
    if (status)
        return status;
    csg_engine_destroy(&keeper->engine);
    keeper->engine = engine;
    keeper->spec = *spec;
    *opened = true;
    return CSG_OK;
}

bool keeper_can_move(const struct keeper *keeper, int status)
{
    struct csg_engine_info info;
    if (!engine_device_failed(status) || !keeper->engine || strcmp(keeper->spec.fallback, "none") == 0)
        return false;
    csg_engine_info(keeper->engine, &info);
    return strcmp(info.device, "reference") != 0;
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
