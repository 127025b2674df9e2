#include <string.h>

#include "ref/axis.h"
#include "ref/ref.h"

int csg_ref_position(struct csg_backend *backend, const struct csg_position_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const float *pos = CSG_REF_AT(a->pos, float), *cls = CSG_REF_AT(a->cls, float);
    float *out = CSG_REF_AT(a->out, float);
    size_t width = a->width;

    for (size_t c = 0; c < width; c++)
        out[c] = (float)((double)pos[c] + (double)cls[c]);
    pos += width;
    out += width;
    if (a->grid_w == a->in_grid && a->grid_h == a->in_grid) {
        memcpy(out, pos, a->in_grid * a->in_grid * width * sizeof *out);
        return CSG_OK;
    }
    for (size_t y = 0; y < a->grid_h; y++) {
        struct csg_ref_axis v = csg_ref_axis(a->in_grid, a->grid_h, y);
        for (size_t x = 0; x < a->grid_w; x++) {
            struct csg_ref_axis h = csg_ref_axis(a->in_grid, a->grid_w, x);
            const float *p00 = pos + (v.a * a->in_grid + h.a) * width, *p01 = pos + (v.a * a->in_grid + h.b) * width;
            const float *p10 = pos + (v.b * a->in_grid + h.a) * width, *p11 = pos + (v.b * a->in_grid + h.b) * width;
            for (size_t c = 0; c < width; c++) {
                double top = h.wa * (double)p00[c] + h.wb * (double)p01[c];
                double bottom = h.wa * (double)p10[c] + h.wb * (double)p11[c];
                *out++ = (float)(v.wa * top + v.wb * bottom);
            }
        }
    }
    return CSG_OK;
}
