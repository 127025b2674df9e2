/* w_t = n e_t / sum e with e = exp(2 (s - top)): exp 3 ulp and the rounding of its argument's difference,
 * u (6 + 2 |2 (s - top)|); the sum of n terms u (2 + 2 sqrt n), in the published order twice (softmax, then the mean of p);
 * divisions 2.5 ulp twice and three roundings. That is d_t, relative. out = w s - mean(w s): |w s| (d + 2 u), the mean's own
 * sum, and two roundings of the difference. */
#include <math.h>

#include "check/conf.h"

enum { S, OUT };

struct surgery_case {
    size_t rows, texts;
    enum conf_dist dist;
    float factor, offset;
    bool in_place;
};
static const struct surgery_case cases[] = {
    {17, 5, CONF_NORMAL, 0.1f, 0, false},
    {1, 1, CONF_NORMAL, 1, 0, false},
    {1, 2, CONF_NORMAL, 1, 0, false},
    {3, 1, CONF_NORMAL, 1, 0, false},
    {197, 59, CONF_NORMAL, 0.1f, 0, true},
    {1025, 59, CONF_NORMAL, 0.1f, 0, true},
    {50, 1000, CONF_NORMAL, 0.1f, 0, false},
    {64, 64, CONF_NORMAL, 1, 0, false},
    {65, 63, CONF_NORMAL, 4, 0, false},
    {31, 65, CONF_NORMAL, 0.1f, 0, true},
    {33, 17, CONF_TINY, 1, 0, false},
    {16, 80, CONF_NEAR_TIE, 1, 0, false},
    {19, 15, CONF_CONSTANT, 1, 0, false},
    {13, 31, CONF_ONE_HOT, 1, 0, false},
    {197, 2, CONF_NORMAL, 0.1f, 0, false},
    {7, 257, CONF_NORMAL, 30, 0, false},
    /* exponentials that underflow unless the greatest is taken off */
    {19, 37, CONF_NORMAL, 1, -80, false},
    /* the largest that the project promises */
    {4097, 59, CONF_NORMAL, 0.1f, 0, false},
    {197, 1000, CONF_NORMAL, 0.1f, 0, true},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct surgery_case *p = &cases[index];
    struct csg_surgery_args *a = &c->args.surgery;
    a->rows = p->rows;
    a->n_texts = p->texts;
    struct conf_operand *s = conf_add(c, "s", p->in_place ? CONF_INOUT : CONF_IN, CONF_F32, &a->s, p->rows, p->texts, 0, 3);
    if (p->in_place)
        s->views[1] = &a->out;
    else
        conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->rows, p->texts, 0, 5);
    conf_label(c, "%zu tokens, %zu texts, %s * %g + %g%s", p->rows, p->texts, conf_dist_name(p->dist), (double)p->factor,
               (double)p->offset, p->in_place ? ", in place" : "");
}

static void fill(struct conf_case *c, size_t index)
{
    const struct surgery_case *p = &cases[index];
    size_t n = p->texts;
    double *w = conf_alloc(c, n, sizeof *w), *d = conf_alloc(c, n, sizeof *d), top = -INFINITY, total = 0.0,
           sum = conf_sum_error(c, n);
    conf_fill(c, S, p->dist);
    for (size_t r = 0; r < p->rows; r++)
        for (size_t t = 0; t < n; t++)
            conf_row(c, S, r)[t] = p->offset + p->factor * conf_row(c, S, r)[t];
    for (size_t t = 0; t < n; t++)
        top = fmax(top, (double)conf_row(c, S, 0)[t]);
    for (size_t t = 0; t < n; t++) {
        double at = 2.0 * ((double)conf_row(c, S, 0)[t] - top);
        w[t] = exp(at);
        d[t] = CONF_U * (6.0 + 2.0 * fabs(at) + 13.0) + 2.0 * sum;
        total += w[t];
    }
    for (size_t r = 0; r < p->rows; r++) {
        double mean = 0.0, mean_error = 0.0;
        for (size_t t = 0; t < n; t++) {
            double product = fabs(w[t] * (double)n / total * (double)conf_row(c, S, r)[t]);
            mean += product / (double)n;
            mean_error += product * (d[t] + sum + 8.0 * CONF_U) / (double)n;
        }
        for (size_t t = 0; t < n; t++) {
            double product = fabs(w[t] * (double)n / total * (double)conf_row(c, S, r)[t]);
            conf_bound(c, p->in_place ? S : OUT, r)[t] =
                product * (d[t] + 2.0 * CONF_U) + mean_error + 2.0 * CONF_U * (product + mean) + (double)(4 * n) * CONF_FLOOR;
        }
    }
}

const struct csg_test csg_test_surgery = {sizeof cases / sizeof *cases, shape, fill};
