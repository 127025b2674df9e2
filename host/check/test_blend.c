/* The row of the table is the same: floor of one correctly rounded product. The sum of two products is exact up to 4 u * 255 and
 * what an opacity between two decimals adds (0.6 as a float is off by 2^-25), so that its floor may fall one lower or higher
 * where the sum comes that near to a whole number, and nowhere else. */
#include <math.h>

#include "check/conf.h"

enum { IMAGE, MAP, TABLE, OUT };

struct blend_case {
    size_t cells;
    float opacity;
    bool in_place;
    enum { RANDOM, STEPS, OUTSIDE } map; /* steps: every k / 255 and its neighbours; outside: beyond 0..1 too */
};
static const struct blend_case cases[] = {
    {65, 0.6f, false, RANDOM},   {1, 0.6f, false, RANDOM},    {768, 0.6f, false, STEPS},    {768, 1.0f, false, STEPS},
    {1000, 0.0f, false, RANDOM}, {76800, 0.6f, true, RANDOM}, {197, 0.25f, false, OUTSIDE}, {4099, 0.5f, true, STEPS},
    {63, 0.333f, true, OUTSIDE}, {64, 0.9f, false, RANDOM},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct blend_case *p = &cases[index];
    struct csg_blend_args *a = &c->args.blend;
    a->cells = p->cells;
    a->opacity = p->opacity;
    struct conf_operand *image =
        conf_add(c, "image", p->in_place ? CONF_INOUT : CONF_IN, CONF_U8, &a->image, p->cells, 3, 0, p->in_place ? 9 : 3);
    conf_add(c, "map", CONF_IN, CONF_F32, &a->map, 1, p->cells, 0, 5);
    conf_add(c, "table", CONF_IN, CONF_U8, &a->table, 256, 3, 0, 7);
    if (p->in_place)
        image->views[1] = &a->out;
    else
        conf_add(c, "out", CONF_OUT, CONF_U8, &a->out, p->cells, 3, 0, 1);
    conf_label(c, "%zu cells, opacity %g, map %s%s", p->cells, (double)p->opacity,
               p->map == STEPS     ? "at the steps"
               : p->map == OUTSIDE ? "beyond 0..1"
                                   : "random",
               p->in_place ? ", in place" : "");
}

static float map_value(const struct blend_case *p, size_t i, struct csg_rng *rng)
{
    float step = (float)(i / 3 % 256) / 255.0f;
    if (p->map == RANDOM)
        return csg_rng_uniform(rng);
    if (p->map == OUTSIDE)
        return 3.0f * csg_rng_uniform(rng) - 1.0f;
    return i % 3 == 0 ? step : nextafterf(step, i % 3 == 1 ? -1.0f : 2.0f);
}

static void fill(struct conf_case *c, size_t index)
{
    const struct blend_case *p = &cases[index];
    struct csg_rng rng = conf_rng(c, MAP);
    conf_fill_bytes(c, IMAGE);
    conf_fill_bytes(c, TABLE);
    for (size_t i = 0; i < p->cells; i++) {
        float m = map_value(p, i, &rng);
        conf_row(c, MAP, 0)[i] = m;
        m = fminf(fmaxf(m, 0.0f), 1.0f);
        const uint8_t *heat = conf_bytes(c, TABLE, (size_t)(255.0f * m)), *image = conf_bytes(c, IMAGE, i);
        for (size_t j = 0; j < 3; j++) {
            double sum = (1.0 - (double)p->opacity) * image[j] + (double)p->opacity * heat[j];
            conf_bound(c, p->in_place ? IMAGE : OUT, i)[j] = fabs(sum - rint(sum)) <= 255.0 * 8.0 * CONF_U ? 1.0 : 0.0;
        }
    }
}

const struct csg_test csg_test_blend = {sizeof cases / sizeof *cases, shape, fill};
