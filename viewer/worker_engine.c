#include "worker_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

bool engine_device_failed(int status)
{
    return status == CSG_ERROR_NO_DEVICE || status == CSG_ERROR_BUILD || status == CSG_ERROR_MEMORY ||
           status == CSG_ERROR_SELF_TEST || status == CSG_ERROR_DEVICE_LOST;
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static int open_one(struct csg_engine **out, const struct engine_spec *spec, const char *device, csg_log_fn log, void *log_user,
                    struct csg_error *err)
{
    const struct csg_engine_params params = {.model = or_null(spec->model),
                                             .device = device,
                                             .precision = or_null(spec->precision),
                                             .templates = or_null(spec->templates),
                                             .log = log,
                                             .log_user = log_user};
    return csg_engine_create(out, &params, err);
}

/* The usable devices in order, then the reference. */
static int open_next(struct csg_engine **out, const struct engine_spec *spec, const char *avoid, csg_log_fn log, void *log_user,
                     size_t *n_usable, struct csg_error *err)
{
    struct csg_device_info *devices = NULL;
    size_t count = 0;
    int status = csg_devices_list(&devices, &count, NULL);
    if (status)
        count = 0;
    status = CSG_ERROR_NO_DEVICE;
    *n_usable = 0;
    for (size_t i = 0; i < count && status; i++) {
        char index[16];
        if (!devices[i].usable)
            continue;
        ++*n_usable;
        if (avoid && strcmp(devices[i].name, avoid) == 0)
            continue;
        view_format(index, sizeof index, "%u", devices[i].index);
        status = open_one(out, spec, index, log, log_user, err);
        if (status && !engine_device_failed(status))
            break;
    }
    csg_devices_free(&devices);
    if (engine_device_failed(status))
        status = open_one(out, spec, "reference", log, log_user, err);
    return status;
}

int engine_open(struct csg_engine **out, const struct engine_spec *spec, const char *avoid, csg_log_fn log, void *log_user,
                char *trouble, size_t capacity, struct csg_error *err)
{
    size_t n_usable = 0;
    struct csg_error first = {0};
    int status = CSG_ERROR_DEVICE_LOST;
    trouble[0] = 0;
    *out = NULL;
    if (!avoid)
        status = open_one(out, spec, or_null(spec->device), log, log_user, &first);
    if (!engine_device_failed(status)) {
        if (status)
            *err = first;
        return status;
    }
    status = open_next(out, spec, avoid, log, log_user, &n_usable, err);
    if (status) {
        if (engine_device_failed(status))
            *err = first;
        return status;
    }
    struct csg_engine_info info;
    csg_engine_info(*out, &info);
    if (!n_usable)
        view_format(trouble, capacity,
                    "There is no OpenCL device, so the slow C reference computes. Install one: pocl-opencl-icd (any CPU), "
                    "mesa-opencl-icd, intel-opencl-icd, or the driver of your GPU. (%.300s)",
                    first.sentence);
    else if (avoid)
        view_format(trouble, capacity, "%.120s failed; the work goes on with: %.120s", avoid, info.device);
    else
        view_format(trouble, capacity, "%.500s; the work goes on with: %.120s", first.sentence, info.device);
    return CSG_OK;
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
