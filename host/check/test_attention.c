/* A score t = scale q k is a sum of D products: error u (2 + 2 sqrt D) scale sum|q k| and two roundings of t. exp(t - top) is
 * within 3 ulp (6 u) and feels its argument's errors: the score's, the difference's rounding and that of a change of base
 * (3 u |t - top|). The maximum itself cancels, whichever was taken, and so do the rescalings of a running maximum but for
 * their roundings. So each weight is off by a factor 1 + d_j, and the weighted mean o = sum p v by at most
 * sum p_j d_j |v_j - o|, to which come the roundings of both sums over N keys, u (2 + 2 sqrt N) (sum p |v| + |o|), and the
 * division's and three more, 8 u |o|.
 *
 * In f16 and bf16 q, k and v may be rounded; here they are numbers of the type already. The weights may be rounded too, each by a factor
 * 1 + h, h = 2^-11 and 2^-8, or by 2^-25 of the greatest where f16 has no normal number: sum p h |v| and 2^-25 sum |v| at most, for
 * the greatest weight before it is divided by the sum is 1, and the sum is at least 1. Where the sum is that of rounded weights, which
 * is the better mean, the error is sum p h |v - o|: h |o| more at most. That is so too of weights that are cut off, each by a factor
 * from 1 - 2 h to 1, for a factor of all of them makes no difference. In bf16 the exponential may be off by 2^-13 besides. */
#include <math.h>

#include "check/conf.h"

enum { QKV, SEQ };

struct attention_case {
    size_t lengths[4]; /* of the sequences, up to a zero */
    size_t repeat;     /* the lengths that many times */
    size_t heads, dim, qkv_pad, qk_pad, vv_pad;
    bool qk, vv, causal;
    enum conf_dist dist;
    float factor; /* of the values */
    float apart;  /* added to queries and taken from keys: scores far below zero */
    bool nan;     /* in one query */
    enum csg_precision precision;
};
static const struct attention_case cases[] = {
    {{50}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{1}, 1, 1, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{2}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{15}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{16}, 1, 1, 64, 0, 0, 0, true, false, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{17}, 1, 2, 64, 3, 1, 5, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{31}, 1, 2, 32, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{32}, 1, 2, 64, 0, 0, 0, false, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{33}, 1, 3, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{63}, 1, 1, 64, 1, 1, 1, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{64}, 1, 1, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{65}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{197}, 1, 12, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{197}, 1, 3, 64, 5, 3, 7, true, true, false, CONF_NORMAL, 3, 0, false, CSG_PRECISION_F32},
    {{257}, 1, 2, 80, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{1025}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    /* heads of other sizes */
    {{19}, 1, 2, 16, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{37}, 1, 3, 7, 1, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{37}, 1, 2, 128, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    /* causal, and texts of different lengths */
    {{1}, 1, 2, 64, 0, 0, 0, true, false, true, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{17}, 1, 2, 64, 0, 0, 0, true, false, true, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{77}, 1, 8, 64, 0, 0, 0, true, false, true, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{9, 1, 13, 7}, 1, 2, 64, 1, 1, 0, true, false, true, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{9, 1, 13, 7}, 1, 2, 32, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{16, 33, 1, 64}, 1, 2, 64, 0, 0, 0, true, true, true, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    {{8, 12, 3, 77}, 10, 2, 64, 0, 0, 0, true, false, true, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
    /* distributions: sharp and flat scores, equal tokens, one key that takes all */
    {{61}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 8, 0, false, CSG_PRECISION_F32},
    {{61}, 1, 2, 64, 0, 0, 0, true, true, true, CONF_NORMAL, 30, 0, false, CSG_PRECISION_F32},
    {{61}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_TINY, 1, 0, false, CSG_PRECISION_F32},
    {{53}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_CONSTANT, 1, 0, false, CSG_PRECISION_F32},
    {{53}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_ONE_HOT, 10, 0, false, CSG_PRECISION_F32},
    {{53}, 1, 2, 64, 0, 0, 0, true, true, true, CONF_NEAR_TIE, 1, 0, false, CSG_PRECISION_F32},
    {{67}, 1, 2, 64, 0, 0, 0, true, false, false, CONF_NORMAL, 1, 5, false, CSG_PRECISION_F32},
    {{67}, 1, 2, 64, 0, 0, 0, true, false, true, CONF_NORMAL, 1, 5, false, CSG_PRECISION_F32},
    /* a query that is not a number spoils its own row and head, and v-v never sees it */
    {{37}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, true, CSG_PRECISION_F32},
/* other precisions: around the tiles of matrix units, heads that they take and do not, all that is special */
#define CSG_HALVES(p)                                                                                                            \
    {{1}, 1, 1, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, p},                                                    \
        {{31}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, p},                                               \
        {{33}, 1, 2, 32, 4, 2, 6, true, false, false, CONF_NORMAL, 1, 0, false, p},                                              \
        {{64}, 1, 1, 64, 0, 0, 0, false, true, false, CONF_NORMAL, 3, 0, false, p},                                              \
        {{63}, 1, 1, 128, 0, 0, 0, true, true, true, CONF_NORMAL, 1, 0, false, p},                                               \
        {{53}, 1, 2, 80, 0, 0, 0, true, true, false, CONF_ONE_HOT, 10, 0, false, p},                                             \
        {{37}, 1, 3, 7, 1, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, p},                                                \
        {{9, 1, 13, 7}, 1, 2, 64, 1, 1, 0, true, true, true, CONF_NORMAL, 1, 0, false, p},                                       \
        {{16, 33, 1, 64}, 1, 2, 64, 0, 0, 0, true, true, true, CONF_NORMAL, 1, 0, false, p},                                     \
        {{37}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, true, p},                                                \
        {{67}, 1, 2, 16, 0, 0, 0, true, false, false, CONF_NORMAL, 1, 5, false, p},                                              \
        {{197}, 1, 3, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, p},                                              \
        {{1025}, 1, 1, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, p},
    CSG_HALVES(CSG_PRECISION_F16) CSG_HALVES(CSG_PRECISION_BF16)
    /* the largest that the project promises */
    {{4097}, 1, 1, 16, 1, 0, 3, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_F32},
};

/* qkv, qk and vv as they come from a product in bf16 and go to the next. */
static const struct attention_case operand_cases[] = {
    {{1}, 1, 1, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_BF16},
    {{33}, 1, 2, 32, 4, 2, 6, true, false, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_BF16},
    {{64}, 1, 1, 128, 0, 0, 0, false, true, false, CONF_NORMAL, 3, 0, false, CSG_PRECISION_BF16},
    {{53}, 1, 2, 80, 0, 0, 0, true, true, true, CONF_ONE_HOT, 10, 0, false, CSG_PRECISION_BF16},
    {{37}, 1, 2, 7, 0, 2, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_BF16},
    {{37}, 1, 1, 7, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_BF16},
    {{9, 1, 13, 7}, 1, 2, 64, 2, 0, 0, true, true, true, CONF_NORMAL, 1, 0, false, CSG_PRECISION_BF16},
    {{37}, 1, 2, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, true, CSG_PRECISION_BF16},
    {{67}, 1, 2, 16, 0, 0, 0, true, false, false, CONF_NORMAL, 1, 5, false, CSG_PRECISION_BF16},
    {{197}, 1, 3, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_BF16},
    {{1025}, 1, 1, 64, 0, 0, 0, true, true, false, CONF_NORMAL, 1, 0, false, CSG_PRECISION_BF16},
};
#define PLAIN (sizeof cases / sizeof *cases)
#define OPERANDS (sizeof operand_cases / sizeof *operand_cases)

static const struct attention_case *case_at(size_t index)
{
    return index < PLAIN ? &cases[index] : &operand_cases[index - PLAIN];
}

static size_t sequence_count(const struct attention_case *p)
{
    size_t n = 0;
    while (n < 4 && p->lengths[n])
        n++;
    return n;
}

static void shape(struct conf_case *c, size_t index)
{
    const struct attention_case *p = case_at(index);
    struct csg_attention_args *a = &c->args.attention;
    bool operands = index >= PLAIN;
    size_t n = sequence_count(p), width = p->heads * p->dim;
    for (size_t i = 0; i < n; i++) {
        a->tokens += p->lengths[i] * p->repeat;
        a->longest = p->lengths[i] > a->longest ? p->lengths[i] : a->longest;
    }
    a->sequences = n * p->repeat;
    a->heads = p->heads;
    a->head_dim = p->dim;
    a->scale = (float)(1.0 / sqrt((double)p->dim));
    a->causal = p->causal;
    a->precision = p->precision;
    a->qkv_stride = 3 * width + p->qkv_pad;
    a->qk_stride = width + p->qk_pad;
    a->vv_stride = width + p->vv_pad;
    c->not_finite = p->nan;
    conf_add(c, "qkv", CONF_IN, CONF_F32, &a->qkv, a->tokens, 3 * width, a->qkv_stride, p->qkv_pad && !operands ? 3 : 16);
    conf_add(c, "seq", CONF_IN, CONF_I32, &a->seq, 1, a->sequences + 1, 0, 1);
    if (p->qk)
        conf_add(c, "qk", CONF_OUT, CONF_F32, &a->qk, a->tokens, width, a->qk_stride, p->qk_pad && !operands ? 5 : 16);
    if (p->vv)
        conf_add(c, "vv", CONF_OUT, CONF_F32, &a->vv, a->tokens, width, a->vv_stride, p->vv_pad && !operands ? 9 : 32);
    if (operands) {
        conf_add_reader(c, width, p->precision);
        for (size_t i = 0; i < c->n_operands; i++)
            if (i != SEQ)
                c->operands[i].dtype = &a->type;
    }
    conf_label(c, "%zu tokens in %zu sequence(s), %zu heads of %zu, strides + %zu + %zu + %zu%s%s%s, %s * %g%s%s, %s%s",
               a->tokens, a->sequences, p->heads, p->dim, p->qkv_pad, p->qk_pad, p->vv_pad, p->qk ? ", q-k" : "",
               p->vv ? ", v-v" : "", p->causal ? ", causal" : "", conf_dist_name(p->dist), (double)p->factor,
               p->apart > 0.0f ? ", q and k apart" : "", p->nan ? ", a NaN" : "", csg_precision_name(p->precision),
               operands ? " operands" : "");
}

/* Bounds of one token, head and path: `from` up to `to` are the keys it sees; query, key and value begin at these columns. */
struct place {
    size_t token, from, to, query, key, value, out, column;
};

/* p: the weights, d: their relative errors */
static void weights(const struct conf_case *c, const struct place *at, double *p, double *d)
{
    const float *q = conf_row(c, QKV, at->token) + at->query;
    size_t dim = c->args.attention.head_dim;
    double scale = (double)c->args.attention.scale, product = conf_sum_error(c, dim), top = -INFINITY, sum = 0.0;
    for (size_t j = at->from; j < at->to; j++) {
        const float *k = conf_row(c, QKV, j) + at->key;
        double t = 0.0, s = 0.0;
        for (size_t i = 0; i < dim; i++) {
            t += scale * (double)q[i] * (double)k[i];
            s += scale * fabs((double)q[i] * (double)k[i]);
        }
        p[j] = t;
        d[j] = product * s + 2.0 * CONF_U * fabs(t);
        top = fmax(top, t);
    }
    for (size_t j = at->from; j < at->to; j++) {
        d[j] = expm1(d[j] + CONF_U * (3.0 * fabs(p[j] - top) + 6.0));
        p[j] = exp(p[j] - top);
        sum += p[j];
    }
    for (size_t j = at->from; j < at->to; j++)
        p[j] /= sum;
}

static void bound_token(struct conf_case *c, const struct place *at, double *p, double *d, struct conf_mean *mean)
{
    static const double rounding[] = {
        [CSG_PRECISION_F32] = 0.0, [CSG_PRECISION_F16] = 0x1p-11, [CSG_PRECISION_BF16] = 0x1p-8 + 0x1p-13};
    const struct csg_attention_args *a = &c->args.attention;
    const double least = a->precision == CSG_PRECISION_F16 ? 0x1p-25 : 0.0;
    size_t n = at->to - at->from;
    const double sums = conf_sum_error(c, n);
    weights(c, at, p, d);
    conf_mean(mean, a->head_dim, p + at->from, d + at->from, n, conf_row(c, QKV, at->from) + at->value, a->qkv_stride);
    for (size_t i = 0; i < a->head_dim; i++) {
        const struct conf_mean *m = &mean[i];
        conf_bound(c, at->out, at->token)[at->column + i] =
            conf_operand_error(c, at->out, m->o) + m->off + rounding[a->precision] * (m->size + fabs(m->o)) + least * m->all +
            sums * (m->size + fabs(m->o)) + 8.0 * CONF_U * fabs(m->o) + 4.0 * (double)n * CONF_FLOOR;
    }
}

static void bound_sequence(struct conf_case *c, const struct attention_case *p, size_t from, size_t to)
{
    size_t width = p->heads * p->dim, tokens = c->args.attention.tokens;
    double *weight = conf_alloc(c, tokens, sizeof *weight), *error = conf_alloc(c, tokens, sizeof *error);
    struct conf_mean *mean = conf_alloc(c, p->dim, sizeof *mean);
    for (size_t i = from; i < to; i++) {
        for (size_t h = 0; h < p->heads; h++) {
            size_t column = h * p->dim, value = 2 * width + column;
            struct place at = {i, from, p->causal ? i + 1 : to, column, width + column, value, SEQ + 1, column};
            if (p->qk)
                bound_token(c, &at, weight, error, mean);
            at.query = at.key = value;
            at.out = p->qk ? SEQ + 2 : SEQ + 1;
            if (p->vv)
                bound_token(c, &at, weight, error, mean);
        }
    }
}

static void fill(struct conf_case *c, size_t index)
{
    const struct attention_case *p = case_at(index);
    size_t n = sequence_count(p), width = p->heads * p->dim;
    int32_t *seq = conf_ints(c, SEQ);
    conf_fill(c, QKV, p->dist);
    if (index >= PLAIN)
        conf_fill_weight(c, CONF_NORMAL);
    for (size_t r = 0; r < c->args.attention.tokens; r++)
        for (size_t i = 0; i < 3 * width; i++)
            conf_row(c, QKV, r)[i] = p->factor * conf_row(c, QKV, r)[i] + (i < width       ? p->apart
                                                                           : i < 2 * width ? -p->apart
                                                                                           : 0.0f);
    conf_round(c, QKV, p->precision);
    if (p->nan)
        conf_row(c, QKV, p->lengths[0] / 2)[p->dim + 3] = nanf(""); /* the second head's query */
    seq[0] = 0;
    for (size_t s = 0; s < c->args.attention.sequences; s++) {
        seq[s + 1] = seq[s] + (int32_t)p->lengths[s % n];
        bound_sequence(c, p, (size_t)seq[s], (size_t)seq[s + 1]);
    }
}

const struct csg_test csg_test_attention = {PLAIN + OPERANDS, shape, fill};
