/* Integers only: bit-exact. */
#include <math.h>

#include "check/conf.h"

enum { IN, FIRST, COUNT, WEIGHTS, OUT };

struct resize_case {
    size_t w, h, out;
    bool vertical, wild; /* wild: weights that leave 0..255 on both sides */
};
static const struct resize_case cases[] = {
    {33, 17, 16, false, false},   {33, 17, 16, true, false},   {1, 1, 1, false, false},    {1, 7, 5, false, false},
    {7, 1, 31, true, false},      {640, 9, 224, false, false}, {9, 480, 224, true, false}, {13, 11, 224, false, false},
    {224, 224, 64, true, false},  {65, 64, 63, false, true},   {37, 41, 17, true, true},   {1920, 3, 64, false, false},
    {100, 200, 197, true, false},
};

static double support_of(size_t in, size_t out)
{
    double scale = (double)in / (double)out;
    return 2.0 * (scale > 1.0 ? scale : 1.0);
}

static void shape(struct conf_case *c, size_t index)
{
    const struct resize_case *p = &cases[index];
    struct csg_resize_args *a = &c->args.resize;
    size_t in = p->vertical ? p->h : p->w, taps = (size_t)ceil(support_of(in, p->out)) * 2 + 1;
    a->in_w_px = p->w;
    a->in_h_px = p->h;
    a->out_px = p->out;
    a->taps = taps;
    a->vertical = p->vertical;
    conf_add(c, "in", CONF_IN, CONF_U8, &a->in, p->h, 3 * p->w, 0, 5);
    conf_add(c, "first", CONF_IN, CONF_I32, &a->first, 1, p->out, 0, 3);
    conf_add(c, "count", CONF_IN, CONF_I32, &a->count, 1, p->out, 0, 1);
    conf_add(c, "weights", CONF_IN, CONF_I32, &a->weights, 1, p->out * taps, 0, 7);
    conf_add(c, "out", CONF_OUT, CONF_U8, &a->out, p->vertical ? p->out : p->h, 3 * (p->vertical ? p->w : p->out), 0, 13);
    conf_label(c, "%zu x %zu, %s to %zu, %zu taps%s", p->w, p->h, p->vertical ? "height" : "width", p->out, taps,
               p->wild ? ", clipping" : "");
}

static double cubic(double x)
{
    x = fabs(x);
    if (x < 1.0)
        return (1.5 * x - 2.5) * x * x + 1.0;
    return x < 2.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : 0.0;
}

/* Windows of a cubic kernel at the borders too; what lies behind a window's count stays -1 and must not be read into a sum. */
static void window(struct conf_case *c, const struct resize_case *p, size_t i, struct csg_rng *rng)
{
    size_t taps = c->args.resize.taps, in = p->vertical ? p->h : p->w;
    double scale = (double)in / (double)p->out, support = support_of(in, p->out), center = ((double)i + 0.5) * scale;
    double from = fmax(0.0, floor(center - support + 0.5)), to = fmin((double)in, floor(center + support + 0.5)), sum = 0.0;
    int32_t *w = conf_ints(c, WEIGHTS) + i * taps;
    size_t count = (size_t)(to - from);
    for (size_t j = 0; j < count; j++)
        sum += cubic((from + (double)j + 0.5 - center) * 2.0 / support);
    for (size_t j = 0; j < count; j++) {
        double exact = cubic((from + (double)j + 0.5 - center) * 2.0 / support) / sum;
        w[j] = p->wild ? (int32_t)conf_below(rng, 1 << 21) - (1 << 20) : (int32_t)lrint(exact * 0x1p22);
    }
    conf_ints(c, FIRST)[i] = (int32_t)from;
    conf_ints(c, COUNT)[i] = (int32_t)count;
}

static void fill(struct conf_case *c, size_t index)
{
    struct csg_rng rng = conf_rng(c, WEIGHTS);
    conf_fill_bytes(c, IN);
    for (size_t i = 0; i < cases[index].out; i++)
        window(c, &cases[index], i, &rng);
}

const struct csg_test csg_test_resize = {sizeof cases / sizeof *cases, shape, fill};
