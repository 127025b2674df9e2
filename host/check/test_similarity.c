/* A sum of K products: u (2 + 2 sqrt K) sum|i t|, and the rounding of both results. */
#include <math.h>

#include "check/conf.h"

enum { TOKENS, TEXTS, OUT };

struct similarity_case {
    size_t rows, texts, width, tokens_pad, texts_pad;
    enum conf_dist tokens, text;
};
static const struct similarity_case cases[] = {
    {17, 5, 64, 0, 0, 0, 0},
    {1, 1, 1, 0, 0, 0, 0},
    {2, 3, 5, 1, 1, 0, 0},
    {50, 59, 128, 0, 0, 0, 0},
    {197, 59, 512, 0, 0, 0, 0},
    {197, 1, 512, 0, 0, 0, 0},
    {1025, 80, 512, 0, 0, 0, 0},
    {65, 33, 127, 5, 3, 0, 0},
    {64, 16, 63, 0, 0, 0, 0},
    {63, 17, 65, 0, 1, 0, 0},
    {31, 15, 129, 3, 0, 0, 0},
    {33, 31, 32, 0, 0, CONF_TINY, CONF_TINY},
    {19, 7, 61, 0, 0, CONF_LARGE, CONF_LARGE},
    {13, 11, 48, 0, 0, CONF_CONSTANT, 0},
    {16, 32, 16, 0, 0, CONF_ONE_HOT, 0},
    {15, 64, 37, 0, 0, CONF_NEAR_TIE, 0},
    {50, 1000, 96, 0, 0, 0, 0},
    /* the largest that the project promises */
    {4097, 61, 64, 1, 3, 0, 0},
    {197, 1000, 64, 0, 0, 0, 0},
};

static void shape(struct conf_case *c, size_t index)
{
    const struct similarity_case *p = &cases[index];
    struct csg_similarity_args *a = &c->args.similarity;
    a->rows = p->rows;
    a->n_texts = p->texts;
    a->width = p->width;
    a->tokens_stride = p->width + p->tokens_pad;
    a->texts_stride = p->width + p->texts_pad;
    conf_add(c, "tokens", CONF_IN, CONF_F32, &a->tokens, p->rows, p->width, a->tokens_stride, 3);
    conf_add(c, "texts", CONF_IN, CONF_F32, &a->texts, p->texts, p->width, a->texts_stride, 5);
    conf_add(c, "out", CONF_OUT, CONF_F32, &a->out, p->rows, p->texts, 0, 7);
    conf_label(c, "%zu tokens, %zu texts of %zu, strides + %zu + %zu, %s by %s", p->rows, p->texts, p->width, p->tokens_pad,
               p->texts_pad, conf_dist_name(p->tokens), conf_dist_name(p->text));
}

static void fill(struct conf_case *c, size_t index)
{
    const struct similarity_case *p = &cases[index];
    conf_fill(c, TOKENS, p->tokens);
    conf_fill(c, TEXTS, p->text);
    for (size_t r = 0; r < p->rows; r++) {
        const float *token = conf_row(c, TOKENS, r);
        for (size_t t = 0; t < p->texts; t++) {
            const float *text = conf_row(c, TEXTS, t);
            double sum = 0.0;
            for (size_t i = 0; i < p->width; i++)
                sum += fabs((double)token[i] * (double)text[i]);
            conf_bound(c, OUT, r)[t] = conf_sum_error(c, p->width) * sum + (double)(2 * p->width + 2) * CONF_FLOOR;
        }
    }
}

const struct csg_test csg_test_similarity = {sizeof cases / sizeof *cases, shape, fill};
