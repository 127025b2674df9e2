/* Where pictures come from: a thread that reads ahead of nothing and publishes the newest picture.
 *
 *   a picture           a folder of pictures       a video file
 *   camera              the first one              camera:INDEX or camera:NAME
 *   FORMAT:NAME         a device of libavdevice, such as v4l2:/dev/video0 or lavfi:testsrc
 *   camera:FORMAT:NAME  the same, taken as live: its end is an unplugged camera, and it is opened again
 * Behind a camera's name options may follow: camera:0,size=1280x720,rate=30,format=mjpeg. */
#ifndef CSG_VIEWER_SOURCE_H
#define CSG_VIEWER_SOURCE_H

#include "base.h"

enum source_kind { SOURCE_PICTURE, SOURCE_FOLDER, SOURCE_VIDEO, SOURCE_CAMERA };

struct source_state {
    enum source_kind kind;
    bool opened, paused, ended, loop;
    char title[VIEW_TEXT];
    int width_px, height_px;
    double rate_hz, position_s, duration_s; /* 0: unknown */
    size_t index, count;                    /* of a folder */
    char trouble[VIEW_PATH];                /* empty: all is well */
};

struct source;
/* Opens in its own thread; trouble shows in the state. */
int source_create(struct source **out, const char *spec, bool loop, void (*wake)(void), struct csg_error *err);
void source_destroy(struct source **source);
/* The newest picture, where it is newer than *serial, which it updates; to be unref'd. */
struct frame *source_take(struct source *source, uint64_t *serial);
void source_state(struct source *source, struct source_state *state);
void source_pause(struct source *source, bool paused);
void source_loop(struct source *source, bool loop);
void source_step(struct source *source, int by);      /* one picture on or back: pauses a video, turns a folder's page */
void source_seek(struct source *source, double by_s); /* a video */

#endif
