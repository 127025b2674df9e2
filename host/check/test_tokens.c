/* One addition, correctly rounded on both sides. */
#include <math.h>

#include "check/conf.h"

enum { IDS, PLACES, TABLE, POS, OUT };

struct tokens_case {
    size_t rows, width, vocab, context;
    enum conf_dist dist;
};
static const struct tokens_case cases[] = {
    {17, 33, 50, 16, CONF_NORMAL},
    {1, 1, 1, 1, CONF_NORMAL},
    {77, 512, 1000, 77, CONF_NORMAL},
    {64, 128, 97, 77, CONF_LARGE},
    {65, 64, 31, 10, CONF_TINY},
    {1025, 63, 211, 77, CONF_NORMAL},
    {31, 65, 5, 77, CONF_NEAR_TIE},
    /* the largest that the project promises */
    {4097, 65, 100, 77, CONF_NORMAL},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct tokens_case *p = &cases[index];
    struct csg_tokens_args *a = &c->args.tokens;
    a->rows = p->rows;
    a->width = p->width;
    conf_add(c, "ids", CONF_IN, CONF_I32, &a->ids, 1, p->rows, 0, 1);
    conf_add(c, "places", CONF_IN, CONF_I32, &a->places, 1, p->rows, 0, 2);
    conf_add(c, "table", CONF_IN, CONF_F32, &a->table, p->vocab, p->width, 0, 3);
    conf_add(c, "pos", CONF_IN, CONF_F32, &a->pos, p->context, p->width, 0, 5);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->rows, p->width, 0, 7);
    conf_label(c, "%zu tokens of %zu, width %zu, %s", p->rows, p->vocab, p->width, conf_dist_name(p->dist));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct tokens_case *p = &cases[index];
    struct csg_rng rng = conf_rng(c, IDS);
    conf_fill(c, TABLE, p->dist);
    conf_fill(c, POS, p->dist);
    for (size_t i = 0; i < p->rows; i++) {
        /* the first and the last id too */
        size_t id = i == 0 ? p->vocab - 1 : i == 1 ? 0 : conf_below(&rng, p->vocab), place = conf_below(&rng, p->context);
        conf_ints(c, IDS)[i] = (int32_t)id;
        conf_ints(c, PLACES)[i] = (int32_t)place;
        for (size_t j = 0; j < p->width; j++) {
            double sum = (double)conf_row(c, TABLE, id)[j] + (double)conf_row(c, POS, place)[j];
            conf_bound(c, OUT, i)[j] = 2.0 * CONF_U * fabs(sum) + CONF_FLOOR;
        }
    }
}

const struct csg_test csg_test_tokens = {sizeof cases / sizeof *cases, shape, fill};
