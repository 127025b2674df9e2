/* The neighbours of pixel-adaptive refinement. */
#ifndef CSG_REF_NEIGHBOUR_H
#define CSG_REF_NEIGHBOUR_H

#include <stddef.h>

static inline size_t csg_ref_moved(size_t at, size_t side, int step, size_t d)
{
    if (step < 0)
        return at > d ? at - d : 0;
    return step > 0 && side - 1 - at > d ? at + d : step > 0 ? side - 1 : at;
}

/* The place of neighbour n of 16 in a picture of w x h: eight directions row by row, at the first distance, then at the second. */
static inline size_t csg_ref_neighbour(size_t n, size_t x, size_t y, size_t w, size_t h, const size_t dilations_px[2])
{
    size_t place = n % 8 + (n % 8 > 3), d = dilations_px[n / 8];
    return csg_ref_moved(y, h, (int)(place / 3) - 1, d) * w + csg_ref_moved(x, w, (int)(place % 3) - 1, d);
}

#endif
