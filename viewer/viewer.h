/* The live viewer, as the command line starts it. */
#ifndef CSG_VIEWER_VIEWER_H
#define CSG_VIEWER_VIEWER_H

#include <clip_surgeon/clip_surgeon.h>

struct view_options {
    const char *source;       /* a picture, folder, video, "camera...", "FORMAT:..." of libavdevice; NULL: the demo picture */
    const char *const *texts; /* [n_texts] */
    size_t n_texts;
    const char *model, *device, *precision, *templates; /* as in csg_engine_params; may be NULL */
    const char *fallback; /* where a device fails: "next" or NULL: the next one, at last the C reference; "reference"; "none" */
    const char *method, *compare, *labels, *redundant, *fit, *colormap; /* NULL: as remembered from the last time */
    int size_px;                                                        /* 0: as remembered */
    unsigned first_block;                                               /* 0: as remembered */
    double opacity, threshold;                                          /* negative: as remembered */
    const char *script;                                                 /* a file of commands, or NULL */
    const char *window;                                                 /* WIDTHxHEIGHT, or NULL: as remembered */
    bool list_cameras;                                                  /* print them and end */
    bool quiet;                                                         /* no line on stderr for what the window shows */
    /* Writes the JSON report of a result to a file that is not there yet. */
    int (*write_report)(struct csg_engine *engine, const struct csg_result *result, char *const *files, size_t n_files,
                        const char *path, struct csg_error *err);
};

/* Opens the window and returns when it is closed. CSG_ERROR: no window could be opened. A script that fails: CSG_ERROR_USAGE. */
int view_run(const struct view_options *options, struct csg_error *err);

#endif
