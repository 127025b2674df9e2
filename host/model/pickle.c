#include "model/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The names that a pickle may use, and what calling them gives. */
enum effect { STORAGE, TENSOR, FIRST, DICT, IGNORED, CLASS };
static const struct {
    const char *module, *name;
    enum effect effect;
    const char *type; /* of storages, as safetensors calls it */
    size_t bytes;
} names[] = {
    {"torch._utils", "_rebuild_tensor_v2", TENSOR, NULL, 0},
    {"torch._utils", "_rebuild_parameter", FIRST, NULL, 0},
    {"torch.jit._pickle", "restore_type_tag", FIRST, NULL, 0},
    {"torch.jit._pickle", "build_intlist", IGNORED, NULL, 0},
    {"torch.jit._pickle", "build_doublelist", IGNORED, NULL, 0},
    {"torch.jit._pickle", "build_boollist", IGNORED, NULL, 0},
    {"torch.jit._pickle", "build_tensorlist", IGNORED, NULL, 0},
    {"collections", "OrderedDict", DICT, NULL, 0},
    {"torch", "FloatStorage", STORAGE, "F32", 4},
    {"torch", "HalfStorage", STORAGE, "F16", 2},
    {"torch", "BFloat16Storage", STORAGE, "BF16", 2},
    {"torch", "DoubleStorage", STORAGE, "F64", 8},
    {"torch", "LongStorage", STORAGE, "I64", 8},
    {"torch", "IntStorage", STORAGE, "I32", 4},
    {"torch", "ShortStorage", STORAGE, "I16", 2},
    {"torch", "CharStorage", STORAGE, "I8", 1},
    {"torch", "ByteStorage", STORAGE, "U8", 1},
    {"torch", "BoolStorage", STORAGE, "BOOL", 1},
    {NULL, NULL, CLASS, NULL, 0}, /* any of TorchScript's own, __torch__.*: a bag of attributes */
};
#define N_NAMES (sizeof names / sizeof names[0])
#define CLASS_ROW (N_NAMES - 1)

struct reader {
    struct csg_pickle *out;
    const uint8_t *data;
    size_t bytes, at;
    csg_pickle_ref *stack, *memo; /* [bytes + 1] each: no instruction pushes more than one value */
    size_t *marks;                /* depths of the stack */
    size_t depth, n_marks, memo_used;
    size_t value_room, link_room;
    const char *what;
    struct csg_error *err;
};

static int damaged(struct reader *r, const char *why)
{
    return csg_fail(r->err, CSG_ERROR_MODEL, "%s is damaged: %s at byte %zu", r->what, why, r->at);
}

static const uint8_t *take(struct reader *r, size_t bytes)
{
    if (bytes > r->bytes - r->at)
        return NULL;
    r->at += bytes;
    return r->data + r->at - bytes;
}

/* A number of 1, 2, 4 or 8 bytes, little-endian. */
static bool take_number(struct reader *r, size_t bytes, uint64_t *out)
{
    const uint8_t *from = take(r, bytes);
    *out = 0;
    for (size_t i = bytes; from && i > 0; i--)
        *out = *out << 8 | from[i - 1];
    return from != NULL;
}

/* `array` with room for one more than `used`; NULL, with the array as it was, where memory is short. */
static void *grow(void *array, size_t *room, size_t used, size_t size)
{
    if (used < *room)
        return array;
    void *larger = csg_realloc(array, *room ? *room * 2 : 64, size);
    if (larger)
        *room = *room ? *room * 2 : 64;
    return larger;
}

/* A new value on the stack. */
static int push(struct reader *r, struct csg_pickle_value value)
{
    struct csg_pickle *p = r->out;
    struct csg_pickle_value *values = grow(p->values, &r->value_room, p->n_values, sizeof *values);
    if (!values)
        return csg_fail_memory(r->err);
    p->values = values;
    value.first = value.last = CSG_PICKLE_NONE;
    value.state = CSG_PICKLE_NONE;
    p->values[p->n_values] = value;
    r->stack[r->depth++] = (csg_pickle_ref)p->n_values++;
    return CSG_OK;
}

static int push_kind(struct reader *r, enum csg_pickle_kind kind, int64_t number)
{
    return push(r, (struct csg_pickle_value){.kind = kind, .number = number});
}

/* The lowest place of the stack that may be popped now. */
static size_t base_of(const struct reader *r)
{
    return r->n_marks ? r->marks[r->n_marks - 1] : 0;
}

static int append(struct reader *r, csg_pickle_ref to, csg_pickle_ref value)
{
    struct csg_pickle *p = r->out;
    struct csg_pickle_link *links = grow(p->links, &r->link_room, p->n_links, sizeof *links);
    if (!links)
        return csg_fail_memory(r->err);
    p->links = links;
    uint32_t link = (uint32_t)p->n_links++;
    p->links[link] = (struct csg_pickle_link){value, CSG_PICKLE_NONE};
    struct csg_pickle_value *container = &p->values[to];
    if (container->last == CSG_PICKLE_NONE)
        container->first = link;
    else
        p->links[container->last].next = link;
    container->last = link;
    container->count++;
    return CSG_OK;
}

/* The `count` values on top become the items of a new tuple. */
static int make_tuple(struct reader *r, size_t count)
{
    size_t from = r->depth - count;
    if (r->depth - base_of(r) < count)
        return damaged(r, "a tuple of too few values");
    int status = push_kind(r, CSG_PICKLE_TUPLE, 0);
    csg_pickle_ref tuple = status ? 0 : r->stack[r->depth - 1];
    for (size_t i = 0; i < count && !status; i++)
        status = append(r, tuple, r->stack[from + i]);
    r->depth = from;
    if (!status)
        r->stack[r->depth++] = tuple;
    return status;
}

/* The values above `from` go into the container below them. */
static int fill(struct reader *r, size_t from, enum csg_pickle_kind kind)
{
    size_t base = base_of(r), count = r->depth - from;
    int status = CSG_OK;
    if (from <= base || r->out->values[r->stack[from - 1]].kind != kind || (kind == CSG_PICKLE_DICT && count % 2))
        return damaged(r, "items without a container for them");
    for (size_t i = 0; i < count && !status; i++)
        status = append(r, r->stack[from - 1], r->stack[from + i]);
    r->depth = from;
    return status;
}

static int pop_mark(struct reader *r, size_t *from)
{
    if (!r->n_marks)
        return damaged(r, "an end without a beginning");
    *from = r->marks[--r->n_marks];
    return CSG_OK;
}

static bool equals(const char *text, size_t bytes, const char *other)
{
    return strlen(other) == bytes && memcmp(text, other, bytes) == 0;
}

/* A class or function by module and name: only those of the table. */
static int push_name(struct reader *r, const char *module, size_t module_bytes, const char *name, size_t name_bytes)
{
    static const char own[] = "__torch__";
    size_t row = 0;
    while (row < CLASS_ROW && !(equals(module, module_bytes, names[row].module) && equals(name, name_bytes, names[row].name)))
        row++;
    size_t length = sizeof own - 1;
    bool is_own = module_bytes >= length && memcmp(module, own, length) == 0 && (module_bytes == length || module[length] == '.');
    if (row == CLASS_ROW && !is_own)
        return csg_fail(r->err, CSG_ERROR_MODEL, "%s asks for %.*s.%.*s, which is not a part of tensors: it is not read", r->what,
                        (int)(module_bytes < 80 ? module_bytes : 80), module, (int)(name_bytes < 80 ? name_bytes : 80), name);
    return push(r, (struct csg_pickle_value){.kind = CSG_PICKLE_NAME, .number = (int64_t)row, .text = name, .bytes = name_bytes});
}

static int read_global(struct reader *r)
{
    const char *lines[2];
    size_t lengths[2];
    for (size_t i = 0; i < 2; i++) {
        lines[i] = (const char *)r->data + r->at;
        const char *end = r->at < r->bytes ? memchr(lines[i], '\n', r->bytes - r->at) : NULL;
        if (!end)
            return damaged(r, "a name without an end");
        lengths[i] = (size_t)(end - lines[i]);
        r->at += lengths[i] + 1;
    }
    return push_name(r, lines[0], lengths[0], lines[1], lengths[1]);
}

/* Protocol 4 has module and name on the stack. */
static int stack_global(struct reader *r)
{
    if (r->depth - base_of(r) < 2)
        return damaged(r, "a name without its parts");
    const struct csg_pickle_value module = r->out->values[r->stack[r->depth - 2]];
    const struct csg_pickle_value name = r->out->values[r->stack[r->depth - 1]];
    if (module.kind != CSG_PICKLE_TEXT || name.kind != CSG_PICKLE_TEXT)
        return damaged(r, "a name that is no text");
    r->depth -= 2;
    return push_name(r, module.text, module.bytes, name.text, name.bytes);
}

/* "Calls" the name below the tuple of arguments: gives what the table says it gives. */
static int reduce(struct reader *r)
{
    struct csg_pickle *p = r->out;
    if (r->depth - base_of(r) < 2)
        return damaged(r, "a call of nothing");
    const struct csg_pickle_value name = p->values[r->stack[r->depth - 2]];
    csg_pickle_ref tuple = r->stack[r->depth - 1];
    const struct csg_pickle_value arguments = p->values[tuple];
    if (name.kind != CSG_PICKLE_NAME || arguments.kind != CSG_PICKLE_TUPLE)
        return damaged(r, "a call of what is no name");
    r->depth -= 2;
    switch (names[name.number].effect) {
    case TENSOR: {
        /* The tuple stays as it is, since the memo may name it: the tensor shares its items. */
        int status = push_kind(r, CSG_PICKLE_TENSOR, 0);
        if (!status) {
            struct csg_pickle_value *tensor = &p->values[r->stack[r->depth - 1]];
            tensor->first = arguments.first;
            tensor->last = arguments.last;
            tensor->count = arguments.count;
        }
        return status;
    }
    case FIRST:
        if (!arguments.count)
            return damaged(r, "a call without arguments");
        r->stack[r->depth++] = p->links[arguments.first].value;
        return CSG_OK;
    case DICT:
        if (arguments.count)
            return damaged(r, "a dictionary made of a list");
        return push_kind(r, CSG_PICKLE_DICT, 0);
    case IGNORED:
        return push_kind(r, CSG_PICKLE_OPAQUE, 0);
    case STORAGE:
    case CLASS:
        break;
    }
    return damaged(r, "a call of a class");
}

static int new_object(struct reader *r)
{
    if (r->depth - base_of(r) < 2)
        return damaged(r, "an object of nothing");
    const struct csg_pickle_value *name = &r->out->values[r->stack[r->depth - 2]];
    if (name->kind != CSG_PICKLE_NAME || name->number != (int64_t)CLASS_ROW)
        return damaged(r, "an object that is not TorchScript's");
    r->depth -= 2;
    return push_kind(r, CSG_PICKLE_OBJECT, 0);
}

static int build(struct reader *r)
{
    if (r->depth - base_of(r) < 2)
        return damaged(r, "a state of nothing");
    struct csg_pickle_value *object = &r->out->values[r->stack[r->depth - 2]];
    csg_pickle_ref state = r->stack[--r->depth];
    /* An ordered dictionary may carry attributes of its own, as a state dict does: they are no tensors. */
    if (object->kind == CSG_PICKLE_OBJECT)
        object->state = state;
    else if (object->kind != CSG_PICKLE_DICT)
        return damaged(r, "a state of what is no object");
    return CSG_OK;
}

static int persistent(struct reader *r)
{
    if (r->depth == base_of(r) || r->out->values[r->stack[r->depth - 1]].kind != CSG_PICKLE_TUPLE)
        return damaged(r, "a storage without a key");
    const struct csg_pickle_value id = r->out->values[r->stack[--r->depth]];
    int status = push_kind(r, CSG_PICKLE_STORAGE, 0);
    if (status)
        return status;
    struct csg_pickle_value *storage = &r->out->values[r->stack[r->depth - 1]];
    storage->first = id.first;
    storage->last = id.last;
    storage->count = id.count;
    return CSG_OK;
}

static int put(struct reader *r, uint64_t place)
{
    if (r->depth == base_of(r) || place > r->bytes)
        return damaged(r, "a note of nothing");
    r->memo[place] = r->stack[r->depth - 1];
    return CSG_OK;
}

static int get(struct reader *r, uint64_t place)
{
    if (place > r->bytes || r->memo[place] == CSG_PICKLE_NONE)
        return damaged(r, "a note that was never made");
    r->stack[r->depth++] = r->memo[place];
    return CSG_OK;
}

static int push_text(struct reader *r, size_t length_bytes)
{
    uint64_t length;
    const uint8_t *text = take_number(r, length_bytes, &length) && length <= r->bytes ? take(r, (size_t)length) : NULL;
    if (!text)
        return damaged(r, "a text that is cut off");
    return push(r, (struct csg_pickle_value){.kind = CSG_PICKLE_TEXT, .text = (const char *)text, .bytes = (size_t)length});
}

/* LONG1: a whole number of any width; those beyond 64 bits are of no use here. */
static int push_long(struct reader *r)
{
    uint64_t length, value = 0;
    const uint8_t *from = take_number(r, 1, &length) ? take(r, (size_t)length) : NULL;
    if (!from || length > 8)
        return damaged(r, "a number that is cut off or too large");
    for (size_t i = 8; i > 0; i--)
        value = value << 8 | (i <= length ? from[i - 1] : length && from[length - 1] & 0x80 ? 0xFFu : 0u);
    int64_t number;
    memcpy(&number, &value, sizeof number);
    return push_kind(r, CSG_PICKLE_INT, number);
}

static int push_int(struct reader *r, size_t bytes)
{
    uint64_t value;
    if (!take_number(r, bytes, &value))
        return damaged(r, "a number that is cut off");
    if (bytes == 4 && value > INT32_MAX) /* the only width with a sign */
        return push_kind(r, CSG_PICKLE_INT, (int64_t)value - ((int64_t)1 << 32));
    return push_kind(r, CSG_PICKLE_INT, (int64_t)value);
}

/* One instruction; *done at the end of the program. */
static int step(struct reader *r, bool *done)
{
    const uint8_t *code = take(r, 1);
    uint64_t number;
    size_t from = 0, base = base_of(r);
    int status;
    if (!code)
        return damaged(r, "it ends without an end");
    switch (*code) {
    case 0x80: /* PROTO */
        return take_number(r, 1, &number) && number <= 5 ? CSG_OK : damaged(r, "an unknown protocol");
    case 0x95: /* FRAME */
        return take_number(r, 8, &number) ? CSG_OK : damaged(r, "a frame that is cut off");
    case '.': /* STOP */
        *done = true;
        return r->depth == 1 && !r->n_marks ? CSG_OK : damaged(r, "an end with values left");
    case '(': /* MARK */
        r->marks[r->n_marks++] = r->depth;
        return CSG_OK;
    case 'N': /* NONE */
        return push_kind(r, CSG_PICKLE_OPAQUE, 0);
    case 0x88: /* NEWTRUE, NEWFALSE */
    case 0x89:
        return push_kind(r, CSG_PICKLE_BOOL, *code == 0x88);
    case 'K': /* BININT1, BININT2, BININT */
        return push_int(r, 1);
    case 'M':
        return push_int(r, 2);
    case 'J':
        return push_int(r, 4);
    case 0x8a: /* LONG1 */
        return push_long(r);
    case 'G': /* BINFLOAT */
        return take(r, 8) ? push_kind(r, CSG_PICKLE_OPAQUE, 0) : damaged(r, "a number that is cut off");
    case 0x8c: /* SHORT_BINUNICODE, BINUNICODE */
        return push_text(r, 1);
    case 'X':
        return push_text(r, 4);
    case ')': /* EMPTY_TUPLE, EMPTY_LIST */
    case ']':
        return push_kind(r, CSG_PICKLE_TUPLE, 0);
    case '}': /* EMPTY_DICT */
        return push_kind(r, CSG_PICKLE_DICT, 0);
    case 't': /* TUPLE */
        status = pop_mark(r, &from);
        return status ? status : make_tuple(r, r->depth - from);
    case 0x85: /* TUPLE1 to TUPLE3 */
    case 0x86:
    case 0x87:
        return make_tuple(r, *code - 0x84u);
    case 'e': /* APPENDS, SETITEMS */
    case 'u':
        status = pop_mark(r, &from);
        return status ? status : fill(r, from, *code == 'e' ? CSG_PICKLE_TUPLE : CSG_PICKLE_DICT);
    case 'a': /* APPEND */
        return r->depth - base < 2 ? damaged(r, "an item of nothing") : fill(r, r->depth - 1, CSG_PICKLE_TUPLE);
    case 's': /* SETITEM */
        return r->depth - base < 3 ? damaged(r, "an item of nothing") : fill(r, r->depth - 2, CSG_PICKLE_DICT);
    case 'c': /* GLOBAL, STACK_GLOBAL */
        return read_global(r);
    case 0x93:
        return stack_global(r);
    case 'R': /* REDUCE */
        return reduce(r);
    case 0x81: /* NEWOBJ */
        return new_object(r);
    case 'b': /* BUILD */
        return build(r);
    case 'Q': /* BINPERSID */
        return persistent(r);
    case 'q': /* BINPUT, LONG_BINPUT, MEMOIZE */
        return take_number(r, 1, &number) ? put(r, number) : damaged(r, "a note that is cut off");
    case 'r':
        return take_number(r, 4, &number) ? put(r, number) : damaged(r, "a note that is cut off");
    case 0x94:
        return put(r, r->memo_used++);
    case 'h': /* BINGET, LONG_BINGET */
        return take_number(r, 1, &number) ? get(r, number) : damaged(r, "a note that is cut off");
    case 'j':
        return take_number(r, 4, &number) ? get(r, number) : damaged(r, "a note that is cut off");
    default:
        return csg_fail(r->err, CSG_ERROR_MODEL,
                        "%s has the instruction 0x%02x at byte %zu, which tensors do not need: it is not read", r->what, *code,
                        r->at - 1);
    }
}

int csg_pickle_read(struct csg_pickle *out, const uint8_t *data, size_t bytes, const char *what, struct csg_error *err)
{
    struct reader r = {.out = out, .data = data, .bytes = bytes, .what = what, .err = err};
    bool done = false;
    *out = (struct csg_pickle){0};
    if (bytes > CSG_PICKLE_LIMIT)
        return csg_fail(err, CSG_ERROR_MODEL, "%s has %zu bytes, more than %d", what, bytes, CSG_PICKLE_LIMIT);
    r.stack = csg_calloc(bytes + 1, sizeof *r.stack);
    r.memo = csg_calloc(bytes + 1, sizeof *r.memo);
    r.marks = csg_calloc(bytes + 1, sizeof *r.marks);
    int status = r.stack && r.memo && r.marks ? CSG_OK : csg_fail_memory(err);
    if (!status)
        memset(r.memo, 0xFF, (bytes + 1) * sizeof *r.memo); /* CSG_PICKLE_NONE */
    while (!status && !done)
        status = step(&r, &done);
    if (!status)
        out->root = r.stack[0];
    free(r.stack);
    free(r.memo);
    free(r.marks);
    if (status)
        csg_pickle_free(out);
    return status;
}

void csg_pickle_free(struct csg_pickle *pickle)
{
    free(pickle->values);
    free(pickle->links);
    *pickle = (struct csg_pickle){0};
}

const struct csg_pickle_value *csg_pickle_item(const struct csg_pickle *pickle, const struct csg_pickle_value *of, size_t index)
{
    uint32_t link = of->first;
    if (index >= of->count)
        return NULL;
    while (index--)
        link = pickle->links[link].next;
    return &pickle->values[pickle->links[link].value];
}

bool csg_pickle_is(const struct csg_pickle_value *value, const char *text)
{
    return value && value->kind == CSG_PICKLE_TEXT && equals(value->text, value->bytes, text);
}

bool csg_pickle_storage_type(const struct csg_pickle_value *name, const char **type, size_t *bytes)
{
    if (!name || name->kind != CSG_PICKLE_NAME || names[name->number].effect != STORAGE)
        return false;
    *type = names[name->number].type;
    *bytes = names[name->number].bytes;
    return true;
}
