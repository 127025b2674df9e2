/* Colour maps: a row of a table each. */
#ifndef CSG_IMAGE_COLORMAP_H
#define CSG_IMAGE_COLORMAP_H

#include "base/status.h"

struct csg_colormap {
    const char *name;
    const uint8_t (*rgb)[3]; /* [256] */
};
/* NULL past the end. Row 0 is the default. */
const struct csg_colormap *csg_colormap_at(size_t index);
/* name NULL: the default. CSG_ERROR_USAGE names the known ones. */
int csg_colormap_find(const struct csg_colormap **out, const char *name, struct csg_error *err);

#endif
