#include "check/conf.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const struct csg_test *const conf_tests[CSG_OP_COUNT] = {
#define CSG_OP(name) &csg_test_##name,
#include "ops/op_list.h"
#undef CSG_OP
};

enum { GUARD = 67 }; /* elements behind the last row: more than a vector or a row of a tile */

struct conf_block {
    struct conf_block *next;
    max_align_t data[];
};

void *conf_alloc(struct conf_case *c, size_t count, size_t size)
{
    size_t bytes;
    struct conf_block *block = NULL;
    if (csg_mul(count, size, &bytes) && bytes < SIZE_MAX - sizeof *block)
        block = csg_calloc(1, sizeof *block + bytes);
    if (!block)
        longjmp(c->no_memory, 1);
    block->next = c->blocks;
    c->blocks = block;
    return block->data;
}

size_t conf_type_bytes(enum conf_type type)
{
    return type == CONF_U8 ? 1 : 4;
}

const char *conf_dist_name(enum conf_dist dist)
{
    static const char *const names[CONF_DISTS] = {"normal", "tiny", "large", "constant rows", "one-hot", "near tie"};
    return names[dist];
}

struct conf_operand *conf_add(struct conf_case *c, const char *name, enum conf_role role, enum conf_type type,
                              struct csg_view *view, size_t rows, size_t width, size_t stride, size_t at)
{
    struct conf_operand *o = &c->operands[c->n_operands++];
    *o = (struct conf_operand){.name = name,
                               .type = type,
                               .role = role,
                               .rows = rows,
                               .width = width,
                               .stride = stride ? stride : width,
                               .at = at,
                               .views = {view, NULL}};
    o->elements = at + rows * o->stride + GUARD + rows; /* `rows` more: a wrong stride stays inside the buffer */
    return o;
}

void conf_add_reader(struct conf_case *c, size_t k, enum csg_precision precision)
{
    const enum csg_dtype dtype[CONF_PARTS] = {CSG_F32};
    conf_add_weight(c, k, (const size_t[CONF_PARTS]){1}, dtype, (const bool[CONF_PARTS]){false});
    c->weight.precision = precision;
}

void conf_label(struct conf_case *c, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(c->label, sizeof c->label, format, list);
    va_end(list);
}

void conf_add_weight(struct conf_case *c, size_t k, const size_t n[CONF_PARTS], const enum csg_dtype dtype[CONF_PARTS],
                     const bool transposed[CONF_PARTS])
{
    struct conf_weight *w = &c->weight;
    w->k = k;
    for (size_t i = 0; i < CONF_PARTS && n[i]; i++) {
        w->parts[i] = (struct csg_weight_part){.dtype = dtype[i], .n = n[i], .transposed = transposed[i]};
        w->n += n[i];
        w->n_parts++;
    }
}

/* Guards are a NaN of a payload of their own in float32, so that reading them spoils a result, and an index in range. */
static void put_guard(struct conf_operand *o)
{
    const uint32_t guard = CONF_GUARD;
    uint8_t *data = o->data;
    size_t bytes = conf_type_bytes(o->type);
    for (size_t i = 0; i < o->elements; i++) {
        if (o->type == CONF_F32)
            memcpy(data + i * bytes, &guard, bytes);
        else if (o->type == CONF_U8)
            data[i] = 0xA5;
    }
    for (size_t r = 0; r < o->rows; r++)
        memset(data + (o->at + r * o->stride) * bytes, 0xFF, o->width * bytes);
}

static bool is_small(const struct conf_operand *o)
{
    /* q, k and v stand in one row; pictures and tables of bytes go by their size. */
    return o->type == CONF_F32 ? o->rows <= 64 && o->width <= 3 * 128 : o->rows * o->width <= 16384;
}

void conf_case_describe(struct conf_case *c, enum csg_op op, size_t index, uint64_t seed)
{
    *c = (struct conf_case){.op = op, .index = index, .seed = seed};
    conf_tests[op]->shape(c, index);
    c->small = c->weight.n <= 128 && c->weight.k <= 128;
    for (size_t i = 0; i < c->n_operands; i++)
        c->small = c->small && is_small(&c->operands[i]);
}

int conf_case_create(struct conf_case *c, enum csg_op op, size_t index, uint64_t seed, enum conf_make make, struct csg_error *err)
{
    conf_case_describe(c, op, index, seed);
    if (setjmp(c->no_memory)) {
        conf_case_destroy(c);
        return csg_fail_memory(err);
    }
    for (size_t i = 0; i < c->n_operands; i++) {
        struct conf_operand *o = &c->operands[i];
        if (make == CONF_TIGHT)
            o->elements = o->at + (o->rows - 1) * o->stride + o->width;
        o->data = conf_alloc(c, o->elements, conf_type_bytes(o->type));
        put_guard(o);
        if (o->role != CONF_IN)
            o->bound = conf_alloc(c, o->rows * o->width, sizeof *o->bound);
    }
    conf_tests[op]->fill(c, index);
    return CSG_OK;
}

void conf_case_destroy(struct conf_case *c)
{
    while (c->blocks) {
        struct conf_block *next = c->blocks->next;
        free(c->blocks);
        c->blocks = next;
    }
    c->n_operands = 0;
}

struct csg_rng conf_rng(const struct conf_case *c, uint64_t stream)
{
    /* The operator by its name, so that a new operator does not change the others' numbers (FNV-1a). */
    uint64_t key = 0xCBF29CE484222325u;
    for (const char *s = csg_op_name(c->op); *s; s++)
        key = (key ^ (uint8_t)*s) * 0x100000001B3u;
    struct csg_rng rng;
    csg_rng_init(&rng, key ^ (c->seed * 0x9E3779B97F4A7C15u), (uint64_t)c->index << 32 | stream);
    return rng;
}

size_t conf_below(struct csg_rng *rng, size_t limit)
{
    return csg_rng_u32(rng) % limit;
}

float *conf_row(const struct conf_case *c, size_t operand, size_t row)
{
    const struct conf_operand *o = &c->operands[operand];
    return (float *)o->data + o->at + row * o->stride;
}

int32_t *conf_ints(const struct conf_case *c, size_t operand)
{
    const struct conf_operand *o = &c->operands[operand];
    return (int32_t *)o->data + o->at;
}

uint8_t *conf_bytes(const struct conf_case *c, size_t operand, size_t row)
{
    const struct conf_operand *o = &c->operands[operand];
    return (uint8_t *)o->data + o->at + row * o->stride;
}

double *conf_bound(const struct conf_case *c, size_t operand, size_t row)
{
    const struct conf_operand *o = &c->operands[operand];
    return o->bound + row * o->width;
}

static void fill_row(float *row, size_t width, enum conf_dist dist, struct csg_rng *rng)
{
    size_t hot = conf_below(rng, width);
    /* Small whole numbers: their sums are exact, so that the order of summation makes no difference of one sign. */
    float constant = (float)conf_below(rng, 9) - 4.0f;
    for (size_t i = 0; i < width; i++) {
        switch (dist) {
        case CONF_TINY:
            row[i] = 1e-15f * csg_rng_normal(rng);
            break;
        case CONF_LARGE:
            row[i] = 1e6f * csg_rng_normal(rng);
            break;
        case CONF_CONSTANT:
            row[i] = constant;
            break;
        case CONF_ONE_HOT:
            row[i] = i == hot ? 1.0f + csg_rng_uniform(rng) : 0.0f;
            break;
        case CONF_NEAR_TIE:
            row[i] = 1.0f + 1e-6f * csg_rng_normal(rng);
            break;
        case CONF_NORMAL:
        case CONF_DISTS:
            row[i] = csg_rng_normal(rng);
            break;
        }
    }
}

void conf_fill(struct conf_case *c, size_t operand, enum conf_dist dist)
{
    struct csg_rng rng = conf_rng(c, operand);
    c->repeats = c->repeats || dist == CONF_CONSTANT || dist == CONF_ONE_HOT || dist == CONF_NEAR_TIE;
    for (size_t r = 0; r < c->operands[operand].rows; r++)
        fill_row(conf_row(c, operand, r), c->operands[operand].width, dist, &rng);
}

void conf_fill_bytes(struct conf_case *c, size_t operand)
{
    struct csg_rng rng = conf_rng(c, operand);
    for (size_t r = 0; r < c->operands[operand].rows; r++)
        for (size_t i = 0; i < c->operands[operand].width; i++)
            conf_bytes(c, operand, r)[i] = (uint8_t)csg_rng_u32(&rng);
}

/* The elements of a part in the order of storage. A half has 5 bits of exponent, a bfloat16 is the upper half of a float32. */
static void fill_part(uint8_t *out, enum csg_dtype dtype, size_t count, enum conf_dist dist, struct csg_rng *rng)
{
    for (size_t i = 0; i < count; i++) {
        float value = 0.0f;
        uint32_t bits;
        fill_row(&value, 1, dist, rng);
        memcpy(&bits, &value, sizeof bits);
        uint16_t upper = (uint16_t)(bits >> 16), half = (uint16_t)((bits & 0x83FFu) | (11 + bits % 5) << 10);
        if (dtype == CSG_F32)
            memcpy(out + 4 * i, &value, 4);
        else
            memcpy(out + 2 * i, dtype == CSG_F16 ? &half : &upper, 2);
    }
}

void conf_fill_weight(struct conf_case *c, enum conf_dist dist)
{
    struct conf_weight *w = &c->weight;
    struct csg_rng rng = conf_rng(c, CONF_OPERANDS);
    w->full = conf_alloc(c, w->n * w->k, sizeof *w->full);
    float *at = w->full;
    for (size_t p = 0; p < w->n_parts; p++) {
        struct csg_weight_part *part = &w->parts[p];
        size_t bytes = csg_dtype_bytes(part->dtype), count = part->n * w->k;
        /* One byte in: parts come from files, where nothing is aligned. */
        w->storage[p] = conf_alloc(c, count * bytes + 1, 1);
        uint8_t *data = (uint8_t *)w->storage[p] + 1;
        fill_part(data, part->dtype, count, dist, &rng);
        part->data = data;
        for (size_t r = 0; r < part->n; r++)
            for (size_t i = 0; i < w->k; i++) {
                csg_to_f32(at, data + (part->transposed ? i * part->n + r : r * w->k + i) * bytes, part->dtype, 1);
                *at = csg_rounded(*at, csg_precisions[w->precision].dtype);
                at++;
            }
    }
}

void conf_round(struct conf_case *c, size_t operand, enum csg_precision precision)
{
    const struct conf_operand *o = &c->operands[operand];
    for (size_t r = 0; r < o->rows; r++)
        for (size_t i = 0; i < o->width; i++)
            conf_row(c, operand, r)[i] = csg_rounded(conf_row(c, operand, r)[i], csg_precisions[precision].dtype);
}

double conf_operand_error(const struct conf_case *c, size_t operand, double y)
{
    return c->operands[operand].dtype ? (0x1p-8 + 0x1p-12) * fabs(y) : 0.0;
}

double conf_sum_error(const struct conf_case *c, size_t k)
{
    return CONF_U * (2.0 + (c->repeats ? (double)k : 2.0 * sqrt((double)k)));
}

void conf_mean(struct conf_mean *mean, size_t columns, const double *p, const double *d, size_t n, const float *v, size_t stride)
{
    memset(mean, 0, columns * sizeof *mean);
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < columns; i++) {
            double x = (double)v[j * stride + i];
            mean[i].o += p[j] * x;
            mean[i].size += p[j] * fabs(x);
            mean[i].all += fabs(x);
        }
    }
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < columns; i++)
            mean[i].off += p[j] * d[j] * fabs((double)v[j * stride + i] - mean[i].o);
}
