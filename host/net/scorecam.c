#include "net/scorecam.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/scratch.h"

#define BEST 300 /* channels a text */
#define LOGIT_SCALE 100
#define TOKENS 1024 /* of masked pictures that are encoded together, or one picture: more is no faster and takes memory */

struct run {
    struct csg_scorecam *s;
    struct csg_backend *backend;
    const struct csg_net_seen *seen;
    const struct csg_scorecam_tower *masked;
    size_t cells, pixels, width, embed, n, best, together;
    struct csg_view patches; /* of the last block's output [cells, W] */
    float *texts;            /* [n, embed] */
    float *features;         /* [together, embed] of masked pictures */
    double *scores;          /* [n, W]; 0 where a channel is not among a text's best */
    uint8_t *wanted;         /* [n, W] */
};

void csg_scorecam_free(struct csg_scorecam *s)
{
    struct csg_buffer **buffers[] = {&s->channels, &s->mask, &s->map, &s->masks, &s->weights, &s->product, &s->relevance};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        csg_buffer_destroy(buffers[i]);
}

struct ranked {
    float value;
    size_t at;
};

static int by_value(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value < y->value || x->value > y->value)
        return x->value > y->value ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

int csg_scorecam_best(size_t *index, size_t k, const float *values, size_t n, struct csg_error *err)
{
    struct ranked *ranked = csg_calloc(n, sizeof *ranked);
    if (!ranked)
        return csg_fail_memory(err);
    for (size_t i = 0; i < n; i++)
        ranked[i] = (struct ranked){values[i], i};
    qsort(ranked, n, sizeof *ranked, by_value);
    for (size_t i = 0; i < k; i++)
        index[i] = ranked[i].at;
    free(ranked);
    return CSG_OK;
}

static int prepare(const struct run *r, struct csg_error *err)
{
    const struct {
        struct csg_buffer **buffer;
        size_t rows, width;
    } wanted[] = {
        {&r->s->channels, r->width, 2 * r->cells + 2}, {&r->s->mask, 1, 1 + r->pixels},  {&r->s->map, 1, r->pixels + 2},
        {&r->s->masks, r->together, r->pixels},        {&r->s->weights, r->n, r->width}, {&r->s->product, r->cells, r->n},
        {&r->s->relevance, 1 + r->cells, r->n}};
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < sizeof wanted / sizeof *wanted; i++)
        status = csg_scratch_f32(r->backend, wanted[i].buffer, wanted[i].rows, wanted[i].width, err);
    return status;
}

/* Which channels each text wants, by the gradients of its cosine. */
static int choose(struct run *r, struct csg_view dz, struct csg_error *err)
{
    float *gradients = csg_calloc(r->n, r->width * sizeof *gradients);
    size_t *index = csg_calloc(r->best, sizeof *index);
    int status = gradients && index
                     ? csg_buffer_read(dz.buffer, dz.at * sizeof(float), gradients, r->n * r->width * sizeof *gradients, err)
                     : csg_fail_memory(err);
    for (size_t t = 0; status == CSG_OK && t < r->n; t++) {
        status = csg_scorecam_best(index, r->best, gradients + t * r->width, r->width, err);
        for (size_t i = 0; status == CSG_OK && i < r->best; i++)
            r->wanted[t * r->width + index[i]] = 1;
    }
    free(gradients);
    free(index);
    return status;
}

/* The channels behind each other, [W, cells]: min-max has that by the way. The row before the patches is CLS, which it leaves out. */
static int list_channels(const struct run *r, struct csg_error *err)
{
    const struct csg_minmax_args args = {.s = csg_view(r->patches.buffer, r->patches.at - r->width),
                                         .similarity = csg_view(r->s->channels, 0),
                                         .map = csg_view(r->s->channels, r->width * r->cells),
                                         .range = csg_view(r->s->channels, 2 * r->width * r->cells),
                                         .cells = r->cells,
                                         .n_texts = r->width};
    return csg_minmax(r->backend, &args, err);
}

/* A channel, upsampled and brought to 0..1, is mask number `at`. */
static int make_mask(const struct run *r, size_t channel, size_t at, struct csg_error *err)
{
    const struct csg_corners_args up = {.in = csg_view(r->s->channels, channel * r->cells),
                                        .out = csg_view(r->s->mask, 1),
                                        .n = 1,
                                        .in_w = r->seen->grid_w,
                                        .in_h = r->seen->grid_h,
                                        .out_w = r->seen->w_px,
                                        .out_h = r->seen->h_px};
    const struct csg_minmax_args minmax = {.s = csg_view(r->s->mask, 0),
                                           .similarity = csg_view(r->s->map, 0),
                                           .map = csg_view(r->s->masks, at * r->pixels),
                                           .range = csg_view(r->s->map, r->pixels),
                                           .cells = r->pixels,
                                           .n_texts = 1};
    int status = csg_corners(r->backend, &up, err);
    return status ? status : csg_minmax(r->backend, &minmax, err);
}

/* The cosine of a masked picture with the texts that want its channel. */
static void score(struct run *r, size_t channel, const float *feature)
{
    for (size_t t = 0; t < r->n; t++) {
        double sum = 0;
        for (size_t c = 0; c < r->embed; c++)
            sum += (double)feature[c] * (double)r->texts[t * r->embed + c];
        if (r->wanted[t * r->width + channel])
            r->scores[t * r->width + channel] = LOGIT_SCALE * sum;
    }
}

static bool is_wanted(const struct run *r, size_t channel)
{
    bool any = false;
    for (size_t t = 0; t < r->n; t++)
        any = any || r->wanted[t * r->width + channel];
    return any;
}

/* As many as are encoded together, from the channel *next on; *next is the first that is left. */
static int score_some(struct run *r, size_t *next, struct csg_error *err)
{
    size_t first = *next, count = 0;
    int status = CSG_OK;
    for (; status == CSG_OK && count < r->together && *next < r->width; ++*next)
        if (is_wanted(r, *next))
            status = make_mask(r, *next, count++, err);
    if (status == CSG_OK && count)
        status = r->masked->encode(r->masked->tower, csg_view(r->s->masks, 0), count, r->features, err);
    for (size_t c = first, at = 0; status == CSG_OK && c < *next; c++)
        if (is_wanted(r, c))
            score(r, c, r->features + at++ * r->embed);
    return status;
}

static int score_all(struct run *r, struct csg_error *err)
{
    const float nothing = 0;
    int status = csg_buffer_write(r->s->mask, 0, &nothing, sizeof nothing, err);
    for (size_t next = 0; status == CSG_OK && next < r->width;)
        status = score_some(r, &next, err);
    return status;
}

/* softmax over all channels, in place of the scores. */
static int upload_weights(const struct run *r, struct csg_error *err)
{
    float *weights = csg_calloc(r->n, r->width * sizeof *weights);
    if (!weights)
        return csg_fail_memory(err);
    for (size_t t = 0; t < r->n; t++) {
        const double *scores = r->scores + t * r->width;
        double most = -INFINITY, sum = 0;
        for (size_t c = 0; c < r->width; c++)
            most = fmax(most, scores[c]);
        for (size_t c = 0; c < r->width; c++)
            sum += exp(scores[c] - most);
        for (size_t c = 0; c < r->width; c++)
            weights[t * r->width + c] = (float)(exp(scores[c] - most) / sum);
    }
    int status = csg_buffer_write(r->s->weights, 0, weights, r->n * r->width * sizeof *weights, err);
    free(weights);
    return status;
}

static int combine(const struct run *r, struct csg_error *err)
{
    const struct csg_similarity_args product = {.tokens = r->patches,
                                                .texts = csg_view(r->s->weights, 0),
                                                .out = csg_view(r->s->product, 0),
                                                .tokens_stride = r->width,
                                                .texts_stride = r->width,
                                                .rows = r->cells,
                                                .n_texts = r->n,
                                                .width = r->width};
    const struct csg_gate_args gate = {.s = product.out, .out = csg_view(r->s->relevance, r->n), .rows = r->cells, .n = r->n};
    int status = upload_weights(r, err);
    if (status == CSG_OK)
        status = csg_similarity(r->backend, &product, err);
    return status ? status : csg_gate(r->backend, &gate, err);
}

int csg_scorecam_relevance(struct csg_scorecam *scorecam, struct csg_gradient *gradient, const struct csg_net_tower *tower,
                           const struct csg_net_head *head, const struct csg_net_seen *seen,
                           const struct csg_scorecam_tower *masked, struct csg_view texts, size_t n, struct csg_view *relevance,
                           struct csg_error *err)
{
    size_t width = tower->width, last = tower->layers * seen->rows * width;
    struct csg_view cls = csg_view(seen->inputs, last), dz;
    struct run run = {.s = scorecam,
                      .backend = tower->backend,
                      .seen = seen,
                      .masked = masked,
                      .cells = seen->rows - 1,
                      .pixels = seen->w_px * seen->h_px,
                      .width = width,
                      .embed = head->embed,
                      .n = n,
                      .best = width < BEST ? width : BEST,
                      .together = seen->rows < TOKENS ? TOKENS / seen->rows : 1,
                      .patches = csg_view(seen->inputs, last + width),
                      .texts = csg_calloc(n, head->embed * sizeof(float)),
                      .scores = csg_calloc(n, width * sizeof(double)),
                      .wanted = csg_calloc(n, width)};
    run.features = csg_calloc(run.together, head->embed * sizeof(float));
    int status = run.texts && run.scores && run.wanted && run.features ? prepare(&run, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_buffer_read(texts.buffer, texts.at * sizeof(float), run.texts, n * head->embed * sizeof *run.texts, err);
    if (status == CSG_OK)
        status = csg_gradient_output(gradient, cls, texts, n, &dz, err);
    if (status == CSG_OK)
        status = choose(&run, dz, err);
    if (status == CSG_OK)
        status = list_channels(&run, err);
    if (status == CSG_OK)
        status = score_all(&run, err);
    if (status == CSG_OK)
        status = combine(&run, err);
    free(run.texts);
    free(run.scores);
    free(run.features);
    free(run.wanted);
    *relevance = csg_view(scorecam->relevance, 0);
    return status;
}
