/* From a picture to image tokens: the size that the encoder sees, Pillow's resize, the image tower. */
#ifndef CSG_TASK_ENCODE_H
#define CSG_TASK_ENCODE_H

#include "task/context.h"
#include "task/method.h"

/* Patches of one picture at most: attention grows with the square. */
#define CSG_MAX_CELLS 65536

struct csg_input_size {
    const char *fit;
    int w_px, h_px;
    int window_px, stride_px; /* window_px 0: the picture is encoded as a whole */
    int levels;               /* sizes that are encoded, from the model's own to this one; 0: this one alone */
};
/* fit NULL: the first row of the table. size_px 0: the model's own. No windows, one level. CSG_ERROR_USAGE. */
int csg_input_size(struct csg_input_size *out, const struct csg_model *model, const struct csg_image *image, const char *fit,
                   int size_px, struct csg_error *err);

/* stride_px 0: half of the window, in whole patches. CSG_ERROR_USAGE: not whole patches, or the method looks at one encoding as a whole. */
int csg_input_windows(struct csg_input_size *size, const struct csg_model *model, const struct csg_method *method, int window_px,
                      int stride_px, struct csg_error *err);

/* Levels of a pyramid whose last one is size_px (as for csg_input_size). CSG_ERROR_USAGE: there are not so many sizes, or the method looks
 * at one encoding as a whole. */
int csg_input_pyramid(struct csg_input_size *size, const struct csg_model *model, const struct csg_method *method, int size_px,
                      int levels, struct csg_error *err);

/* Resizes and encodes `count` pictures together (1, unless csg_vision_together, without windows and levels); *tokens as
 * csg_vision_encode, or the means over windows and levels. They are complete when a later read or finish returns, and then the backend's stage_ms tell how long
 * it took. */
int csg_encode_pictures(const struct csg_context *context, const struct csg_image *const *images, size_t count,
                        const struct csg_input_size *size, const struct csg_net_plan *plan, struct csg_view *tokens,
                        struct csg_error *err);

#endif
