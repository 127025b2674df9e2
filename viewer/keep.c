#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "names.h"

static int write_rgb(const uint8_t *rgb, int w, int h, const char *path, struct csg_error *err)
{
    struct csg_image *image = NULL;
    int status = csg_image_from_rgb(&image, rgb, w, h, 0, err);
    if (status == CSG_OK)
        status = csg_image_write_png(image, path, false, err);
    csg_image_destroy(&image);
    return status;
}

int keep_screenshot(struct app *app, const char *path, bool overlay, struct csg_error *err)
{
    static const char *const endings[] = {"_view.png"};
    char chosen[1][VIEW_PATH];
    uint8_t *rgb = NULL;
    int w, h, status = CSG_OK;
    if (!app->frame)
        return view_fail(err, CSG_ERROR, "there is no picture to keep yet");
    if (path)
        view_copy(chosen[0], VIEW_PATH, path);
    else
        status = name_free_set(chosen, endings, 1, "", app->frame->name, err);
    canvas_natural_size(app, &w, &h);
    if (status == CSG_OK)
        status = canvas_render(app, w, h, overlay, &rgb, err);
    if (status == CSG_OK)
        status = write_rgb(rgb, w, h, chosen[0], err);
    free(rgb);
    if (status == CSG_OK)
        app_say(app, "Saved %.300s", chosen[0]);
    return status;
}

int keep_window(struct app *app, const char *path, struct csg_error *err)
{
    uint8_t *rgb = malloc(3 * (size_t)app->pixels_w * (size_t)app->pixels_h);
    if (!rgb)
        return view_fail_memory(err);
    scene_read_window(app->pixels_w, app->pixels_h, rgb);
    int status = write_rgb(rgb, app->pixels_w, app->pixels_h, path, err);
    free(rgb);
    return status;
}

void keep_export(struct app *app, const char *folder)
{
    int layer = app_layer(app);
    if (!app->outcome || !app->outcome->result || layer < 0 || (size_t)layer >= app->outcome->job.n_texts) {
        app_trouble(app, "there is no map to export yet");
        return;
    }
    struct export_request request = {.outcome = app->outcome,
                                     .text = (size_t)layer,
                                     .opacity = (double)app->settings.opacity,
                                     .point_threshold = (double)app->settings.point_threshold,
                                     .write_report = app->options->write_report};
    view_copy(request.colormap, sizeof request.colormap, app->settings.colormap);
    view_copy(request.folder, sizeof request.folder, folder);
    if (!worker_ask_export(app->worker, &request))
        app_trouble(app, "an export is still under way");
}
