/* A channel's contrast is a quotient of a whole number and a root, an error of 20 u with all roundings; a weight of the softmax is off by a
 * factor of twice that of the widest, exp's 6 u, those of the sum and of the division. */
#include <math.h>

#include "check/conf.h"

enum { IN, OUT };

struct contrast_case {
    size_t w, h, dilations_px[2];
    int levels; /* of the pixels: 1 is a flat picture */
};
static const struct contrast_case cases[] = {{16, 12, {8, 16}, 256}, {1, 1, {8, 16}, 256}, {40, 37, {8, 16}, 256},
                                             {33, 9, {1, 2}, 2},     {24, 24, {8, 16}, 1}, {112, 112, {8, 16}, 7},
                                             {65, 3, {3, 64}, 256}};

static void shape(struct conf_case *c, size_t index)
{
    const struct contrast_case *p = &cases[index];
    struct csg_contrast_args *a = &c->args.contrast;
    *a = (struct csg_contrast_args){.w = p->w, .h = p->h, .dilations_px = {p->dilations_px[0], p->dilations_px[1]}};
    conf_add(c, "in", CONF_IN, CONF_U8, &a->in, p->h, 3 * p->w, 0, 3);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, CSG_REFINE_NEIGHBOURS, p->w * p->h, 0, 5);
    conf_label(c, "%zu x %zu, %zu and %zu away, %d levels", p->w, p->h, p->dilations_px[0], p->dilations_px[1], p->levels);
}

static size_t moved(size_t at, size_t side, size_t step, size_t d)
{
    return step == 0 ? (at > d ? at - d : 0) : step == 1 ? at : at + d < side ? at + d : side - 1;
}

/* p[n] -= what channel c says of neighbour n */
static void add_channel(struct conf_case *c, const struct contrast_case *p, size_t x, size_t y, size_t channel, double *logits)
{
    double values[CSG_REFINE_NEIGHBOURS], middle = conf_bytes(c, IN, y)[3 * x + channel], sum = 2.0 * middle,
                                          squares = 2.0 * middle * middle;
    for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++) {
        size_t place = n % 8 + (n % 8 > 3), d = p->dilations_px[n / 8];
        values[n] = conf_bytes(c, IN, moved(y, p->h, place / 3, d))[3 * moved(x, p->w, place % 3, d) + channel];
        sum += values[n];
        squares += values[n] * values[n];
    }
    double deviation = sqrt((18.0 * squares - sum * sum) / (18.0 * 17.0));
    for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++)
        logits[n] -= fabs(values[n] - middle) / (255e-8 + 0.1 * deviation) / 3.0;
}

static void fill(struct conf_case *c, size_t index)
{
    const struct contrast_case *p = &cases[index];
    conf_fill_bytes(c, IN);
    for (size_t y = 0; y < p->h; y++)
        for (size_t x = 0; x < 3 * p->w; x++)
            conf_bytes(c, IN, y)[x] = (uint8_t)(conf_bytes(c, IN, y)[x] % p->levels);
    for (size_t y = 0; y < p->h; y++) {
        for (size_t x = 0; x < p->w; x++) {
            double logits[CSG_REFINE_NEIGHBOURS] = {0}, most = -INFINITY, widest = 0.0, sum = 0.0;
            for (size_t channel = 0; channel < 3; channel++)
                add_channel(c, p, x, y, channel, logits);
            for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++) {
                most = fmax(most, logits[n]);
                widest = fmax(widest, -logits[n]);
            }
            for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++)
                sum += exp(logits[n] - most);
            for (size_t n = 0; n < CSG_REFINE_NEIGHBOURS; n++)
                conf_bound(c, OUT, n)[y * p->w + x] =
                    exp(logits[n] - most) / sum * expm1(2.0 * 20.0 * CONF_U * widest + 30.0 * CONF_U) + CONF_FLOOR;
        }
    }
}

const struct csg_test csg_test_contrast = {sizeof cases / sizeof *cases, shape, fill};
