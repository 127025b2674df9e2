#include <math.h>

#include "ref/neighbour.h"
#include "ref/ref.h"

/* The contrast of a channel's neighbours to the pixel is taken away from p. */
static void add_channel(const struct csg_contrast_args *a, const uint8_t *in, size_t x, size_t y, size_t c, double *p)
{
    double values[CSG_REFINE_NEIGHBOURS], middle = in[(y * a->w + x) * 3 + c] / 255.0, sum = 2.0 * middle;
    for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++) {
        values[n] = in[csg_ref_neighbour(n, x, y, a->w, a->h, a->dilations_px) * 3 + c] / 255.0;
        sum += values[n];
    }
    double mean = sum / (CSG_REFINE_NEIGHBOURS + 2), squares = 2.0 * (middle - mean) * (middle - mean);
    for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++)
        squares += (values[n] - mean) * (values[n] - mean);
    double deviation = sqrt(squares / (CSG_REFINE_NEIGHBOURS + 1));
    for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++)
        p[n] -= fabs(values[n] - middle) / (1e-8 + 0.1 * deviation) / 3.0;
}

int csg_ref_contrast(struct csg_backend *backend, const struct csg_contrast_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const uint8_t *in = CSG_REF_AT(a->in, uint8_t);
    float *out = CSG_REF_AT(a->out, float);
    for (size_t y = 0; y < a->h; y++) {
        for (size_t x = 0; x < a->w; x++) {
            double p[CSG_REFINE_NEIGHBOURS] = {0}, most = -INFINITY, sum = 0.0;
            for (size_t c = 0; c < 3; c++)
                add_channel(a, in, x, y, c, p);
            for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++)
                most = fmax(most, p[n]);
            for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++)
                sum += exp(p[n] - most);
            for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++)
                out[n * a->w * a->h + y * a->w + x] = (float)(exp(p[n] - most) / sum);
        }
    }
    return CSG_OK;
}
