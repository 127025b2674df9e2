#include <math.h>

#include "ref/ref.h"

int csg_ref_blend(struct csg_backend *backend, const struct csg_blend_args *a, struct csg_error *err)
{
    (void)backend, (void)err;
    const uint8_t *image = CSG_REF_AT(a->image, uint8_t), *table = CSG_REF_AT(a->table, uint8_t);
    const float *map = CSG_REF_AT(a->map, float);
    uint8_t *out = CSG_REF_AT(a->out, uint8_t);
    /* The published drawing is 0.4 * image + 0.6 * heat in double, truncated. The float nearest to 0.6 is not the double
     * nearest to it, and the difference pushes sums that are whole numbers below them: take the decimal that is meant. */
    double millionths = rint((double)a->opacity * 1e6);
    double of_heat = millionths / 1e6, of_image = (1e6 - millionths) / 1e6;

    for (size_t i = 0; i < a->cells; i++) {
        float m = map[i] > 0.0f ? map[i] : 0.0f;
        m = m < 1.0f ? m : 1.0f;
        const uint8_t *heat = table + 3 * (size_t)(255.0f * m); /* a float product, as published */
        for (size_t c = 0; c < 3; c++)
            out[3 * i + c] = (uint8_t)(of_image * image[3 * i + c] + of_heat * heat[c]);
    }
    return CSG_OK;
}
