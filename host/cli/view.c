#include <stdio.h>
#include <string.h>

#include "cli.h"

#ifdef CSG_HAVE_VIEWER
#include "report.h"
#include "viewer.h"

int cli_view(const struct cli_args *args, struct csg_error *err)
{
    struct csg_map_params params;
    double opacity = -1, threshold = -1;
    int status = cli_map_params(&params, args, err);
    if (status == CSG_OK)
        status = cli_number(&opacity, args->opacity, "--opacity", 0, 1, err);
    if (status == CSG_OK)
        status = cli_number(&threshold, args->threshold, "--threshold", 0, 1, err);
    if (status)
        return status;
    const struct view_options options = {.source = args->n_words ? args->words[0] : NULL,
                                         .texts = args->n_words ? args->words + 1 : NULL,
                                         .n_texts = args->n_words ? args->n_words - 1 : 0,
                                         .model = args->model,
                                         .device = args->device,
                                         .precision = args->precision ? args->precision : "auto",
                                         .fallback = args->fallback,
                                         .templates = args->templates,
                                         .method = args->method,
                                         .compare = args->compare,
                                         .labels = args->labels,
                                         .redundant = args->redundant,
                                         .fit = args->fit,
                                         .colormap = args->colormap,
                                         .size_px = params.size_px,
                                         .first_block = params.first_block,
                                         .opacity = opacity,
                                         .threshold = threshold,
                                         .script = args->script,
                                         .window = args->window,
                                         .list_cameras = args->cameras,
                                         .quiet = args->quiet,
                                         .write_report = cli_report_write};
    return view_run(&options, err);
}
#else
int cli_view(const struct cli_args *args, struct csg_error *err)
{
    (void)args;
    return cli_fail(err, CSG_ERROR_USAGE,
                    "this clip-surgeon was built without the viewer; it needs GLFW, epoxy, Dear ImGui, libav "
                    "and fontconfig, and -Dviewer=enabled says what is missing");
}
#endif
