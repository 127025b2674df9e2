#include "model/torch_archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/archive.h"
#include "model/pickle.h"

#define MAX_DEPTH 16
#define MAX_VISITS 1000000 /* attributes; shared objects count again */
#define MAX_NAME 256

struct walk {
    struct csg_tensors *out;
    struct csg_archive *archive;
    const struct csg_pickle *pickle;
    const char *path;
    struct csg_error *err;
    char folder[MAX_NAME]; /* of the archive, with its slash */
    char name[MAX_NAME];
    size_t visits;
};

static bool to_size(const struct csg_pickle_value *value, size_t *out)
{
    if (!value || value->kind != CSG_PICKLE_INT || value->number < 0 || (uint64_t)value->number > SIZE_MAX)
        return false;
    *out = (size_t)value->number;
    return true;
}

static int refuse(const struct walk *w, const char *why)
{
    return csg_fail(w->err, CSG_ERROR_MODEL, "%s: the tensor %s %s", w->path, w->name, why);
}

/* Shape and strides of _rebuild_tensor_v2's arguments; *elements is the product. */
static int read_shape(const struct walk *w, const struct csg_pickle_value *tensor, struct csg_stored *item, size_t *elements)
{
    const struct csg_pickle_value *sides = csg_pickle_item(w->pickle, tensor, 2);
    const struct csg_pickle_value *strides = csg_pickle_item(w->pickle, tensor, 3);
    if (!sides || !strides || sides->kind != CSG_PICKLE_TUPLE || strides->kind != CSG_PICKLE_TUPLE ||
        sides->count != strides->count || sides->count > 64)
        return refuse(w, "has no valid shape");
    *elements = 1;
    for (size_t i = sides->count; i > 0; i--) {
        size_t side, stride;
        if (!to_size(csg_pickle_item(w->pickle, sides, i - 1), &side) ||
            !to_size(csg_pickle_item(w->pickle, strides, i - 1), &stride))
            return refuse(w, "has a side that is not a size");
        if (side > 1 && stride != *elements)
            return refuse(w, "is not contiguous, which is not supported");
        if (!csg_mul(*elements, side, elements))
            return refuse(w, "is larger than memory");
        if (i <= 4)
            item->tensor.dims[i - 1] = side;
    }
    item->tensor.n_dims = sides->count;
    item->tensor.elements = *elements;
    return CSG_OK;
}

static int read_tensor(struct walk *w, const struct csg_pickle_value *tensor)
{
    const struct csg_pickle_value *storage = csg_pickle_item(w->pickle, tensor, 0);
    const struct csg_pickle_value *key = storage ? csg_pickle_item(w->pickle, storage, 2) : NULL;
    const char *type;
    char file[2 * MAX_NAME];
    size_t element_bytes, elements, at, bytes, held;
    struct csg_mapped data;
    if (!storage || storage->kind != CSG_PICKLE_STORAGE || !csg_pickle_is(csg_pickle_item(w->pickle, storage, 0), "storage") ||
        !csg_pickle_storage_type(csg_pickle_item(w->pickle, storage, 1), &type, &element_bytes) || !key ||
        key->kind != CSG_PICKLE_TEXT || key->bytes == 0 || key->bytes > 32)
        return refuse(w, "has no valid storage");
    for (size_t i = 0; i < key->bytes; i++)
        if (key->text[i] < '0' || key->text[i] > '9')
            return refuse(w, "has a storage that is not a number");
    struct csg_stored *item = csg_tensors_add(w->out, w->name);
    if (!item)
        return csg_fail_memory(w->err);
    int status = read_shape(w, tensor, item, &elements);
    if (status)
        return status;
    snprintf(file, sizeof file, "%sdata/%.*s", w->folder, (int)key->bytes, key->text);
    status = csg_archive_file(w->archive, file, &data, w->err);
    if (status)
        return status;
    if (!to_size(csg_pickle_item(w->pickle, tensor, 1), &at) || !csg_mul(at, element_bytes, &at) ||
        !csg_mul(elements, element_bytes, &bytes) || at > data.bytes || bytes > data.bytes - at)
        return refuse(w, "reaches beyond its storage");
    if (!to_size(csg_pickle_item(w->pickle, storage, 4), &held) || !csg_mul(held, element_bytes, &held) || held > data.bytes)
        return refuse(w, "has a storage that is cut off");
    snprintf(item->type, sizeof item->type, "%s", type);
    const struct {
        const char *type;
        enum csg_dtype dtype;
    } readable[] = {{"F32", CSG_F32}, {"F16", CSG_F16}, {"BF16", CSG_BF16}};
    for (size_t i = 0; i < sizeof readable / sizeof readable[0]; i++)
        if (strcmp(type, readable[i].type) == 0) {
            item->readable = item->tensor.n_dims <= 4;
            item->tensor.dtype = readable[i].dtype;
            item->tensor.data = data.data + at;
        }
    return CSG_OK;
}

/* The tensors below a value, whose name is w->name of `length` bytes. Modules may be shared, even with themselves. */
static int visit(struct walk *w, const struct csg_pickle_value *value, size_t length, int depth)
{
    const struct csg_pickle *p = w->pickle;
    if (++w->visits > MAX_VISITS || depth > MAX_DEPTH)
        return csg_fail(w->err, CSG_ERROR_MODEL, "%s holds modules nested too deep", w->path);
    if (value->kind == CSG_PICKLE_TENSOR)
        return read_tensor(w, value);
    if (value->kind != CSG_PICKLE_OBJECT || value->state == CSG_PICKLE_NONE)
        return CSG_OK; /* numbers and flags, and objects that are no modules */
    const struct csg_pickle_value *state = &p->values[value->state];
    int status = CSG_OK;
    if (state->kind != CSG_PICKLE_DICT)
        return CSG_OK;
    uint32_t link = state->first;
    for (size_t i = 0; i + 1 < state->count && !status; i += 2) {
        const struct csg_pickle_value *key = &p->values[p->links[link].value];
        link = p->links[link].next;
        const struct csg_pickle_value *item = &p->values[p->links[link].value];
        link = p->links[link].next;
        if (key->kind != CSG_PICKLE_TEXT || key->bytes == 0 || memchr(key->text, 0, key->bytes) ||
            key->bytes + length + 2 > MAX_NAME)
            return csg_fail(w->err, CSG_ERROR_MODEL, "%s: an attribute of '%s' has no valid name", w->path, w->name);
        size_t dot = length > 0;
        if (dot)
            w->name[length] = '.';
        memcpy(w->name + length + dot, key->text, key->bytes);
        w->name[length + dot + key->bytes] = 0;
        status = visit(w, item, length + dot + key->bytes, depth + 1);
        w->name[length] = 0;
    }
    return status;
}

static int read_module(struct walk *w, const char *program)
{
    struct csg_pickle pickle = {0};
    struct csg_mapped data;
    int status = csg_archive_file(w->archive, program, &data, w->err);
    if (!status)
        status = csg_pickle_read(&pickle, data.data, data.bytes, w->path, w->err);
    if (status)
        return status;
    w->pickle = &pickle;
    const struct csg_pickle_value *root = &pickle.values[pickle.root];
    if (root->kind == CSG_PICKLE_OBJECT)
        status = visit(w, root, 0, 0);
    else
        status =
            csg_fail(w->err, CSG_ERROR_MODEL,
                     "%s holds tensors without a module, so that nothing says which activation and heads belong to them; save "
                     "them with safetensors as open_clip_model.safetensors beside an open_clip_config.json",
                     w->path);
    w->pickle = NULL;
    csg_pickle_free(&pickle);
    return status;
}

int csg_torch_archive_read(struct csg_tensors *out, const struct csg_mapped *file, const char *path, struct csg_error *err)
{
    static const char suffix[] = "/data.pkl";
    struct walk w = {.out = out, .path = path, .err = err};
    if (file->bytes < 4 || memcmp(file->data, "PK", 2) != 0)
        return csg_fail(
            err, CSG_ERROR_MODEL,
            "%s is no TorchScript archive as OpenAI publishes them; a Python pickle is not opened, since reading one runs "
            "code: convert it to safetensors where it is trusted",
            path);
    int status = csg_archive_open(&w.archive, file, path, err);
    if (status)
        return status;
    const char *program = csg_archive_find(w.archive, suffix);
    size_t length = program ? strlen(program) - (sizeof suffix - 1) + 1 : 0;
    if (!program || length >= sizeof w.folder)
        status = csg_fail(err, CSG_ERROR_MODEL, "%s holds no data.pkl, so it is no TorchScript archive", path);
    if (!status) {
        memcpy(w.folder, program, length);
        status = read_module(&w, program);
    }
    csg_archive_close(&w.archive);
    return status;
}
