/* (p / 255 - mean) / std: each of the three steps rounds, division within 2.5 ulp, and p / 255 may be a product with a
 * rounded 1 / 255; so may the last step. The terms before the subtraction carry their errors to the result divided by std:
 * (p / 255 + mean) / std * 8 u, and 2 u for the mask's product. */
#include <math.h>

#include "check/conf.h"

enum { IN, MASK };

struct patches_case {
    size_t w, h, patch, pad;
    bool mask;
};
static const struct patches_case cases[] = {
    {32, 32, 8, 0, false},
    {1, 1, 1, 0, false},
    {7, 7, 7, 1, false},
    {224, 224, 16, 0, false},
    {224, 224, 32, 5, false},
    {56, 112, 14, 3, false},
    {51, 34, 17, 0, false},
    {80, 16, 16, 13, false},
    {48, 32, 16, 3, true},
    {28, 42, 14, 0, true},
    /* the largest that the project promises */
    {128, 128, 2, 1, false},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct patches_case *p = &cases[index];
    struct csg_patches_args *a = &c->args.patches;
    size_t width = 3 * p->patch * p->patch, cells = (p->w / p->patch) * (p->h / p->patch);
    a->w_px = p->w;
    a->h_px = p->h;
    a->patch_px = p->patch;
    a->out_stride = width + p->pad;
    for (size_t i = 0; i < 3; i++) {
        a->mean[i] = (float[]){0.48145466f, 0.4578275f, 0.40821073f}[i];
        a->std[i] = (float[]){0.26862954f, 0.26130258f, 0.27577711f}[i];
    }
    conf_add(c, "in", CONF_IN, CONF_U8, &a->in, p->h, 3 * p->w, 0, 5);
    if (p->mask)
        conf_add(c, "mask", CONF_IN, CONF_F32, &a->mask, p->h, p->w, 0, 3);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, 1 + cells, width, a->out_stride, 11);
    conf_label(c, "%zu x %zu px, patch %zu, stride + %zu%s", p->w, p->h, p->patch, p->pad, p->mask ? ", a mask" : "");
}

static void fill(struct conf_case *c, size_t index)
{
    const struct csg_patches_args *a = &c->args.patches;
    size_t patch = cases[index].patch, across = a->w_px / patch;
    bool mask = cases[index].mask;
    size_t out = mask ? MASK + 1 : MASK;
    conf_fill_bytes(c, IN);
    if (mask)
        conf_fill(c, MASK, CONF_NORMAL);
    for (size_t row = 1; row < c->operands[out].rows; row++) {
        size_t top = (row - 1) / across * patch, left = (row - 1) % across * patch;
        double *bound = conf_bound(c, out, row);
        for (size_t i = 0; i < 3 * patch * patch; i++) {
            size_t channel = i / (patch * patch), y = i / patch % patch, x = i % patch;
            double pixel = conf_bytes(c, IN, top + y)[3 * (left + x) + channel] / 255.0;
            double weight = mask ? fabs((double)conf_row(c, MASK, top + y)[left + x]) : 1.0;
            bound[i] =
                CONF_U * (mask ? 10.0 : 8.0) * weight * (pixel + (double)a->mean[channel]) / (double)a->std[channel] + CONF_FLOOR;
        }
    }
}

const struct csg_test csg_test_patches = {sizeof cases / sizeof *cases, shape, fill};
