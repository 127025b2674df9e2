/* One case on one backend, and the comparison of two runs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check/conf.h"

void conf_memory_destroy(struct conf_memory *memory)
{
    for (size_t i = 0; i < CONF_OPERANDS; i++) {
        free(memory->data[i]);
        memory->data[i] = NULL;
    }
}

static int launch(struct csg_backend *backend, const struct conf_case *c, struct csg_error *err)
{
    switch (c->op) {
#define CSG_OP(name)                                                                                                             \
    case CSG_OP_##name:                                                                                                          \
        return csg_##name(backend, &c->args.name, err);
#include "ops/op_list.h"
#undef CSG_OP
    case CSG_OP_COUNT:
        break;
    }
    return csg_fail(err, CSG_ERROR_USAGE, "no such operator");
}

const char *conf_fault_name(enum conf_fault fault)
{
    static const char *const names[CONF_FAULTS] = {
        "none",           "a wrong element",   "a NaN", "a write past the end", "a changed input", "a skipped launch",
        "a wrong stride", "a dropped last key"};
    return names[fault];
}

static size_t find_operand(const struct conf_case *c, enum conf_role role)
{
    for (size_t i = 0; i < c->n_operands; i++)
        if (c->operands[i].role == role)
            return i;
    return c->n_operands;
}

bool conf_fault_fits(const struct conf_case *c, enum conf_fault fault)
{
    size_t in = find_operand(c, CONF_IN), out = find_operand(c, CONF_OUT);
    if (c->not_finite || out == c->n_operands)
        return false;
    switch (fault) {
    case CONF_FAULT_NAN:
        return c->operands[out].type == CONF_F32;
    case CONF_FAULT_INPUT: /* a bit too low for an operand of 16 */
        return in < c->n_operands && !c->operands[in].dtype;
    case CONF_FAULT_ELEMENT:
        return !c->operands[out].dtype;
    case CONF_FAULT_STRIDE:
        return c->operands[out].rows > 1;
    case CONF_FAULT_LAST_KEY:
        return c->op == CSG_OP_attention && c->args.attention.sequences == 1 && !c->args.attention.causal &&
               c->args.attention.tokens > 1;
    case CONF_FAULT_NONE:
    case CONF_FAULT_PAST_END:
    case CONF_FAULT_SKIP:
    case CONF_FAULTS:
        break;
    }
    return true;
}

/* The rows but for the last again, as a sequence that ends one token earlier. */
static int drop_last_key(struct csg_backend *backend, struct conf_case *c, struct csg_error *err)
{
    struct csg_attention_args args = c->args.attention;
    int32_t shorter[2] = {0, (int32_t)args.tokens - 1};
    args.tokens = args.longest = args.tokens - 1;
    int status = csg_buffer_from(backend, shorter, sizeof shorter, &args.seq.buffer, err);
    args.seq.at = 0;
    if (status == CSG_OK)
        status = csg_attention(backend, &args, err);
    if (status == CSG_OK)
        status = csg_backend_finish(backend, err);
    csg_buffer_destroy(&args.seq.buffer);
    return status;
}

/* A changed copy of the operand's memory: what a faulty kernel would have left there. */
static void spoil(const struct conf_operand *o, uint8_t *data, enum conf_fault fault)
{
    size_t bytes = conf_type_bytes(o->type), last = o->at + (o->rows - 1) * o->stride + o->width - 1;
    size_t middle = o->at + o->rows / 2 * o->stride + o->width / 2;
    if (fault == CONF_FAULT_STRIDE) {
        for (size_t r = o->rows - 1; r > 0; r--)
            memmove(data + (o->at + r * (o->stride + 1)) * bytes, data + (o->at + r * o->stride) * bytes, o->width * bytes);
    } else if (fault == CONF_FAULT_NAN) {
        float nan = nanf("");
        memcpy(data + middle * bytes, &nan, bytes);
    } else if (fault == CONF_FAULT_PAST_END) {
        memset(data + (last + 1) * bytes, 0, bytes);
    } else if (fault == CONF_FAULT_INPUT || o->type != CONF_F32) {
        data[middle * bytes] ^= fault == CONF_FAULT_INPUT ? 1 : 2;
    } else {
        float *values = (float *)(void *)data;
        double squares = 0.0;
        for (size_t r = 0; r < o->rows; r++)
            for (size_t i = 0; i < o->width; i++)
                squares += pow((double)values[o->at + r * o->stride + i], 2.0);
        values[middle] += (float)(1e-3 * sqrt(squares / (double)(o->rows * o->width)));
    }
}

/* Where the operands of a running case are. */
struct place {
    struct csg_buffer *own[CONF_OPERANDS], *shared;
    struct csg_weight *weight;
    size_t at_bytes[CONF_OPERANDS];
};

static struct csg_buffer *buffer_of(const struct place *place, size_t operand)
{
    return place->shared ? place->shared : place->own[operand];
}

static size_t bytes_of(const struct conf_operand *o)
{
    return o->elements * conf_type_bytes(o->type);
}

/* Of what an operand's elements are on the backend. */
static size_t element_bytes(const struct conf_operand *o)
{
    return o->dtype ? csg_dtype_bytes(*o->dtype) : conf_type_bytes(o->type);
}

/* Guards keep their upper half, which no number rounds to. */
static void narrow(uint16_t *halves, const uint8_t *data, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float value;
        uint32_t bits;
        memcpy(&bits, data + i * sizeof bits, sizeof bits);
        memcpy(&value, &bits, sizeof value);
        halves[i] = isnan(value) ? (uint16_t)(bits >> 16) : csg_f32_to_bf16(value);
    }
}

static void widen(uint8_t *data, const uint16_t *halves, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)halves[i] << 16;
        bits |= bits == (CONF_GUARD & ~0xFFFFu) ? CONF_GUARD & 0xFFFFu : halves[i] == 0xFFFFu ? 0xFFFFu : 0u;
        memcpy(data + i * sizeof bits, &bits, sizeof bits);
    }
}

/* `data` is as the case has it. */
static int write_operand(const struct place *place, const struct conf_case *c, size_t which, const void *data,
                         struct csg_error *err)
{
    const struct conf_operand *o = &c->operands[which];
    if (element_bytes(o) == conf_type_bytes(o->type))
        return csg_buffer_write(buffer_of(place, which), place->at_bytes[which], data, bytes_of(o), err);
    uint16_t *halves = csg_calloc(o->elements, sizeof *halves);
    if (!halves)
        return csg_fail_memory(err);
    narrow(halves, data, o->elements);
    int status = csg_buffer_write(buffer_of(place, which), place->at_bytes[which], halves, o->elements * sizeof *halves, err);
    free(halves);
    return status;
}

static int read_operand(const struct place *place, const struct conf_case *c, size_t which, void *data, struct csg_error *err)
{
    const struct conf_operand *o = &c->operands[which];
    if (element_bytes(o) == conf_type_bytes(o->type))
        return csg_buffer_read(buffer_of(place, which), place->at_bytes[which], data, bytes_of(o), err);
    uint16_t *halves = csg_calloc(o->elements, sizeof *halves);
    if (!halves)
        return csg_fail_memory(err);
    int status = csg_buffer_read(buffer_of(place, which), place->at_bytes[which], halves, o->elements * sizeof *halves, err);
    widen(data, halves, o->elements);
    free(halves);
    return status;
}

static int put_weight(struct place *place, struct conf_case *c, struct csg_backend *backend, struct csg_error *err)
{
    enum csg_precision before = backend->precision;
    if (c->weight.n == 0)
        return CSG_OK;
    backend->precision = c->weight.precision;
    int status = csg_weight_create(backend, c->weight.parts, c->weight.n_parts, c->weight.k, &place->weight, err);
    backend->precision = before;
    if (c->op == CSG_OP_gemm)
        c->args.gemm.weight = place->weight;
    for (size_t i = 0; i < c->n_operands && status == CSG_OK; i++)
        if (c->operands[i].dtype)
            *c->operands[i].dtype = place->weight->operand;
    return status;
}

static int put(struct place *place, struct conf_case *c, struct csg_backend *backend, struct csg_error *err)
{
    size_t end = c->behind_bytes;
    int status = put_weight(place, c, backend, err);
    for (size_t i = 0; i < c->n_operands && c->behind_bytes; i++) {
        place->at_bytes[i] = end;
        end += (bytes_of(&c->operands[i]) + 3) / 4 * 4;
    }
    if (status == CSG_OK && c->behind_bytes)
        status = csg_buffer_create(backend, end, &place->shared, err);
    for (size_t i = 0; i < c->n_operands && status == CSG_OK; i++) {
        struct conf_operand *o = &c->operands[i];
        if (!place->shared)
            status = csg_buffer_create(backend, o->elements * element_bytes(o), &place->own[i], err);
        if (status == CSG_OK)
            status = write_operand(place, c, i, o->data, err);
        for (size_t v = 0; v < 2; v++)
            if (o->views[v])
                *o->views[v] = csg_view(buffer_of(place, i), o->at + place->at_bytes[i] / element_bytes(o));
    }
    return status;
}

static void take_away(struct place *place)
{
    csg_weight_destroy(&place->weight);
    csg_buffer_destroy(&place->shared);
    for (size_t i = 0; i < CONF_OPERANDS; i++)
        csg_buffer_destroy(&place->own[i]);
}

static int inject(const struct place *place, struct conf_case *c, struct csg_backend *backend, enum conf_fault fault,
                  struct csg_error *err)
{
    if (fault == CONF_FAULT_NONE || fault == CONF_FAULT_SKIP)
        return CSG_OK;
    if (fault == CONF_FAULT_LAST_KEY)
        return drop_last_key(backend, c, err);
    size_t which = find_operand(c, fault == CONF_FAULT_INPUT ? CONF_IN : CONF_OUT);
    const struct conf_operand *o = &c->operands[which];
    uint8_t *data = csg_calloc(bytes_of(o), 1);
    if (!data)
        return csg_fail_memory(err);
    int status = read_operand(place, c, which, data, err);
    if (status == CSG_OK) {
        spoil(o, data, fault);
        status = write_operand(place, c, which, data, err);
    }
    free(data);
    return status;
}

int conf_run(struct conf_memory *out, struct conf_case *c, struct csg_backend *backend, enum conf_fault fault,
             struct csg_error *err)
{
    struct place place = {0};
    *out = (struct conf_memory){0};
    int status = put(&place, c, backend, err);
    backend->skip[c->op] = fault == CONF_FAULT_SKIP;
    double before_ms = backend->event_ms[c->op];
    if (status == CSG_OK)
        status = launch(backend, c, err);
    backend->skip[c->op] = false;
    if (status == CSG_OK)
        status = csg_backend_finish(backend, err);
    out->event_ms = backend->event_ms[c->op] - before_ms;
    if (status == CSG_OK)
        status = inject(&place, c, backend, fault, err);
    for (size_t i = 0; i < c->n_operands && status == CSG_OK; i++) {
        size_t bytes = bytes_of(&c->operands[i]);
        out->data[i] = csg_calloc(bytes, 1);
        status = out->data[i] ? read_operand(&place, c, i, out->data[i], err) : csg_fail_memory(err);
    }
    take_away(&place);
    if (status)
        conf_memory_destroy(out);
    return status;
}

int conf_time(double *ms, size_t count, struct conf_case *c, struct csg_backend *backend, struct csg_error *err)
{
    struct place place = {0};
    int status = put(&place, c, backend, err);
    /* the first launch compiles and warms up */
    for (size_t i = 0; i <= count && status == CSG_OK; i++) {
        double before_ms = backend->event_ms[c->op];
        status = launch(backend, c, err);
        if (status == CSG_OK)
            status = csg_backend_finish(backend, err);
        if (i > 0)
            ms[i - 1] = backend->event_ms[c->op] - before_ms;
    }
    take_away(&place);
    return status;
}

/* Whether the element belongs to a row of an output, and which one it is. */
static bool written(const struct conf_operand *o, size_t element, size_t *row, size_t *column)
{
    if (o->role == CONF_IN || element < o->at)
        return false;
    *row = (element - o->at) / o->stride;
    *column = (element - o->at) % o->stride;
    return *row < o->rows && *column < o->width;
}

static double value_of(const struct conf_operand *o, const uint8_t *at)
{
    float f;
    int32_t i;
    switch (o->type) {
    case CONF_U8:
        return *at;
    case CONF_I32:
        memcpy(&i, at, sizeof i);
        return i;
    case CONF_F32:
        break;
    }
    memcpy(&f, at, sizeof f);
    return (double)f;
}

static bool untouched(const struct conf_operand *o, const uint8_t *at)
{
    uint32_t bits = 0;
    if (o->type == CONF_F32)
        memcpy(&bits, at, sizeof bits);
    return o->role == CONF_OUT && bits == UINT32_MAX;
}

/* error / bound; infinite where nothing excuses the difference */
static double ratio_of(double want, double got, double bound)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0.0 : INFINITY;
    if (want == got)
        return 0.0;
    double error = fabs(want - got);
    return isfinite(error) && bound > 0.0 ? error / bound : INFINITY;
}

static void compare_operand(struct conf_verdict *v, const struct conf_case *c, size_t which, const uint8_t *reference,
                            const uint8_t *device)
{
    const struct conf_operand *o = &c->operands[which];
    const uint8_t *before = o->data;
    size_t bytes = conf_type_bytes(o->type), row = 0, column = 0;
    for (size_t i = 0; i < o->elements; i++) {
        const uint8_t *want = reference + i * bytes, *got = device + i * bytes;
        if (!written(o, i, &row, &column)) {
            bool theirs = memcmp(got, before + i * bytes, bytes) != 0, ours = memcmp(want, before + i * bytes, bytes) != 0;
            if ((theirs || ours) && v->passed) {
                const char *what = o->role == CONF_IN ? "an input or its surroundings" : "a guard element";
                snprintf(v->sentence, sizeof v->sentence,
                         "%s: %s was written to by %s, %lld elements behind the first row's first", o->name, what,
                         ours ? "the reference" : "the device", (long long)i - (long long)o->at);
                v->passed = false;
                v->ratio = INFINITY;
            }
            continue;
        }
        double w = value_of(o, want), g = value_of(o, got), bound = o->bound[row * o->width + column];
        double ratio = ratio_of(w, g, bound);
        if (untouched(o, want) || untouched(o, got) || (isnan(w) && !c->not_finite))
            ratio = INFINITY;
        if (ratio > 1.0 && !(v->ratio >= ratio))
            snprintf(v->sentence, sizeof v->sentence, "%s[%zu, %zu]: reference %.9g, device %.9g%s, error %.3g, bound %.3g",
                     o->name, row, column, w, g, untouched(o, got) ? " (never written)" : "", fabs(w - g), bound);
        if (ratio > v->ratio) {
            v->ratio = ratio;
            v->error = fabs(w - g);
            v->bound = bound;
        }
        v->passed = v->passed && ratio <= 1.0;
    }
}

void conf_compare(struct conf_verdict *out, const struct conf_case *c, const struct conf_memory *reference,
                  const struct conf_memory *device)
{
    *out = (struct conf_verdict){.passed = true};
    for (size_t i = 0; i < c->n_operands; i++)
        compare_operand(out, c, i, reference->data[i], device->data[i]);
}

int conf_check(struct conf_verdict *out, enum csg_op op, size_t index, uint64_t seed, struct csg_backend *reference,
               struct csg_backend *device, struct csg_error *err)
{
    struct conf_case c;
    struct conf_memory want = {0}, got = {0};
    int status = conf_case_create(&c, op, index, seed, CONF_GUARDED, err);
    if (status)
        return status;
    status = conf_run(&want, &c, reference, CONF_FAULT_NONE, err);
    if (status == CSG_OK)
        status = conf_run(&got, &c, device, CONF_FAULT_NONE, err);
    if (status == CSG_OK)
        conf_compare(out, &c, &want, &got);
    conf_memory_destroy(&want);
    conf_memory_destroy(&got);
    conf_case_destroy(&c);
    return status;
}
