/* What stands in for source_av.c and record.c where libav was left out: pictures and folders alone. */
#include "record.h"
#include "source_av.h"

#include <string.h>

#define MISSING "this clip-surgeon was built without libav (-Dlibav=enabled)"

void av_setup(void)
{
}

size_t av_camera_list(struct camera *cameras, size_t capacity)
{
    (void)cameras;
    (void)capacity;
    return 0;
}

bool av_input_is_device(const char *spec)
{
    return strcmp(spec, "camera") == 0 || strncmp(spec, "camera:", 7) == 0;
}

int av_input_open(struct av_input **out, const char *spec, atomic_bool *quit, struct csg_error *err)
{
    (void)quit;
    *out = NULL;
    return view_fail(err, CSG_ERROR_INPUT, "%.300s is no picture, and for videos and cameras " MISSING, spec);
}

void av_input_close(struct av_input **input)
{
    (void)input;
}

void av_input_info(const struct av_input *input, struct av_input_info *info)
{
    (void)input;
    *info = (struct av_input_info){0};
}

int av_input_next(struct av_input *input, struct csg_image **image, double *time_s, struct csg_error *err)
{
    (void)input;
    (void)time_s;
    *image = NULL;
    return view_fail(err, CSG_ERROR_INPUT, MISSING);
}

int av_input_seek(struct av_input *input, double time_s, struct csg_error *err)
{
    (void)input;
    (void)time_s;
    return view_fail(err, CSG_ERROR_INPUT, MISSING);
}

int recorder_create(struct recorder **out, const char *path, int w, int h, struct csg_error *err)
{
    (void)w;
    (void)h;
    *out = NULL;
    return view_fail(err, CSG_ERROR, "%.300s cannot be recorded: " MISSING, path);
}

void recorder_add(struct recorder *recorder, const uint8_t *rgb, int w, int h, double now_ms)
{
    (void)recorder;
    (void)rgb;
    (void)w;
    (void)h;
    (void)now_ms;
}

int recorder_finish(struct recorder **recorder, uint64_t *pictures, struct csg_error *err)
{
    (void)recorder;
    *pictures = 0;
    return view_fail(err, CSG_ERROR, MISSING);
}

const char *recorder_path(const struct recorder *recorder)
{
    (void)recorder;
    return "";
}
