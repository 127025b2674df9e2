/* Videos and cameras through libav: one stream of RGB pictures, used by one thread. */
#ifndef CSG_VIEWER_SOURCE_AV_H
#define CSG_VIEWER_SOURCE_AV_H

#include "base.h"

struct av_input;

struct av_input_info {
    bool live;
    bool unpaced; /* delivers as fast as it is asked, unlike a camera */
    int width_px, height_px;
    double rate_hz, duration_s;
    char title[VIEW_TEXT];
};

/* spec as in source.h. *quit ends what blocks. */
int av_input_open(struct av_input **out, const char *spec, atomic_bool *quit, struct csg_error *err);
void av_input_close(struct av_input **input);
void av_input_info(const struct av_input *input, struct av_input_info *info);
/* The next picture and its time. *image NULL with CSG_OK: the end. Damaged packets are passed over. */
int av_input_next(struct av_input *input, struct csg_image **image, double *time_s, struct csg_error *err);
/* The next picture will be the first at or after time_s. */
int av_input_seek(struct av_input *input, double time_s, struct csg_error *err);
bool av_input_is_device(const char *spec);

struct camera {
    char format[32], name[VIEW_TEXT], description[VIEW_TEXT];
};
/* Every camera of every capture format that can list; at most capacity. */
size_t av_camera_list(struct camera *cameras, size_t capacity);
/* Quietens libav's own printing. */
void av_setup(void);

#endif
