/* One subtraction, correctly rounded on both sides. */
#include <math.h>

#include "check/conf.h"

enum { TEXTS, REDUNDANT, OUT };

struct subtract_case {
    size_t texts, width;
    enum conf_dist dist;
    bool in_place;
};
static const struct subtract_case cases[] = {
    {5, 65, CONF_NORMAL, false},   {1, 1, CONF_NORMAL, false}, {59, 512, CONF_NORMAL, true},  {1, 768, CONF_NORMAL, true},
    {1000, 63, CONF_LARGE, false}, {17, 33, CONF_TINY, false}, {31, 64, CONF_NEAR_TIE, true}, {7, 1023, CONF_ONE_HOT, false},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct subtract_case *p = &cases[index];
    struct csg_subtract_args *a = &c->args.subtract;
    a->n_texts = p->texts;
    a->width = p->width;
    struct conf_operand *texts =
        conf_add(c, "texts", p->in_place ? CONF_INOUT : CONF_IN, CONF_F32, &a->texts, p->texts, p->width, 0, 3);
    conf_add(c, "redundant", CONF_IN, CONF_F32, &a->redundant, 1, p->width, 0, 1);
    if (p->in_place)
        texts->views[1] = &a->out;
    else
        conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->texts, p->width, 0, 5);
    conf_label(c, "%zu texts of %zu, %s%s", p->texts, p->width, conf_dist_name(p->dist), p->in_place ? ", in place" : "");
}

static void fill(struct conf_case *c, size_t index)
{
    const struct subtract_case *p = &cases[index];
    conf_fill(c, TEXTS, p->dist);
    conf_fill(c, REDUNDANT, p->dist);
    for (size_t t = 0; t < p->texts; t++)
        for (size_t i = 0; i < p->width; i++)
            conf_bound(c, p->in_place ? TEXTS : OUT, t)[i] =
                2.0 * CONF_U * fabs((double)conf_row(c, TEXTS, t)[i] - (double)conf_row(c, REDUNDANT, 0)[i]) + CONF_FLOOR;
}

const struct csg_test csg_test_subtract = {sizeof cases / sizeof *cases, shape, fill};
