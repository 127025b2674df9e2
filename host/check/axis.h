/* How far off a coordinate of a bilinear resize may be: scale = in / out within 2.5 ulp, a product, a sum, with or without
 * fused multiply-add; so 10 u of the coordinate plus one. Linear interpolation is continuous, so that a coordinate
 * on the other side of a sample does no more harm than its error times the steepest slope, at most the range of
 * the values. The interpolation itself has three roundings in each direction. */
#ifndef CSG_CHECK_AXIS_H
#define CSG_CHECK_AXIS_H

#include "check/conf.h"

static inline double conf_bilinear_error(size_t in_h, size_t in_w, double range, double magnitude)
{
    return CONF_U * (10.0 * (double)(in_h + in_w + 2) * range + 8.0 * magnitude) + 8.0 * CONF_FLOOR;
}

#endif
