/* Writes what is shown to a video file, in a thread of its own: an encoder must not hold up the window. */
#ifndef CSG_VIEWER_RECORD_H
#define CSG_VIEWER_RECORD_H

#include "base.h"

struct recorder;
/* The file must not be there yet; it is there when the recorder has finished, until then it is path.csg-part. Sizes are made even. */
int recorder_create(struct recorder **out, const char *path, int w, int h, struct csg_error *err);
/* Takes a copy of rgb [h, w, 3] with its time; where the encoder has not finished the last one, the picture is left out. */
void recorder_add(struct recorder *recorder, const uint8_t *rgb, int w, int h, double now_ms);
/* Closes the file; *pictures is how many it holds. */
int recorder_finish(struct recorder **recorder, uint64_t *pictures, struct csg_error *err);
const char *recorder_path(const struct recorder *recorder);

#endif
