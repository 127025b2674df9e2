#include <string.h>

#include "ref/ref.h"

int csg_ref_patches(struct csg_backend *backend, const struct csg_patches_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const uint8_t *in = CSG_REF_AT(a->in, uint8_t);
    float *out = CSG_REF_AT(a->out, float);
    size_t patch = a->patch_px, grid_w = a->w_px / patch, grid_h = a->h_px / patch;

    memset(out, 0, 3 * patch * patch * sizeof *out);
    for (size_t cell = 0; cell < grid_w * grid_h; cell++) {
        float *row = out + (1 + cell) * a->out_stride;
        size_t top = cell / grid_w * patch, left = cell % grid_w * patch;
        for (size_t c = 0; c < 3; c++) {
            for (size_t y = 0; y < patch; y++) {
                for (size_t x = 0; x < patch; x++) {
                    size_t at = (top + y) * a->w_px + left + x;
                    double pixel = in[at * 3 + c], weight = a->mask.buffer ? (double)CSG_REF_AT(a->mask, float)[at] : 1.0;
                    *row++ = (float)((pixel / 255.0 - (double)a->mean[c]) / (double)a->std[c] * weight);
                }
            }
        }
    }
    return CSG_OK;
}
