#include "model/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/json.h"

#define HEADER_LIMIT ((uint64_t)100 << 20)
#define MAX_DEPTH 4         /* file, tensor, shape; one to spare for metadata */
#define MAX_VALUES 1000000u /* a large model has ten thousand */
#define MAX_DIMS 64

static const struct {
    const char *name;
    size_t bytes;
    bool readable;
    enum csg_dtype dtype;
} types[] = {
    {"F32", 4, true, CSG_F32},   {"F16", 2, true, CSG_F16},      {"BF16", 2, true, CSG_BF16},    {"F64", 8, false, CSG_F32},
    {"I64", 8, false, CSG_F32},  {"I32", 4, false, CSG_F32},     {"I16", 2, false, CSG_F32},     {"I8", 1, false, CSG_F32},
    {"U64", 8, false, CSG_F32},  {"U32", 4, false, CSG_F32},     {"U16", 2, false, CSG_F32},     {"U8", 1, false, CSG_F32},
    {"BOOL", 1, false, CSG_F32}, {"F8_E5M2", 1, false, CSG_F32}, {"F8_E4M3", 1, false, CSG_F32},
};

static bool to_size(json_t *value, size_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 || (uintmax_t)json_integer_value(value) > SIZE_MAX)
        return false;
    *out = (size_t)json_integer_value(value);
    return true;
}

/* Reads the shape; *elements is its product. */
static int read_shape(struct csg_stored *item, json_t *shape, size_t *elements, const char *path, struct csg_error *err)
{
    size_t n = json_array_size(shape); /* 0 where it is no array */
    if (!json_is_array(shape) || n > MAX_DIMS)
        return csg_fail(err, CSG_ERROR_MODEL, "%s: the tensor %s has no valid shape", path, item->name);
    *elements = 1;
    for (size_t i = 0; i < n; i++) {
        size_t side;
        if (!to_size(json_array_get(shape, i), &side) || !csg_mul(*elements, side, elements))
            return csg_fail(err, CSG_ERROR_MODEL, "%s: side %zu of the tensor %s is not a size", path, i, item->name);
        if (i < 4)
            item->tensor.dims[i] = side;
    }
    item->tensor.n_dims = n;
    item->tensor.elements = *elements;
    return CSG_OK;
}

static int read_entry(struct csg_stored *item, json_t *entry, const uint8_t *data, size_t data_bytes, const char *path,
                      struct csg_error *err)
{
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    json_t *offsets = json_object_get(entry, "data_offsets");
    size_t elements, bytes;
    if (!type || strlen(type) >= sizeof item->type)
        return csg_fail(err, CSG_ERROR_MODEL, "%s: the tensor %s has no valid dtype", path, item->name);
    memcpy(item->type, type, strlen(type) + 1);
    int status = read_shape(item, json_object_get(entry, "shape"), &elements, path, err);
    if (status)
        return status;
    if (json_array_size(offsets) != 2 || !to_size(json_array_get(offsets, 0), &item->begin) ||
        !to_size(json_array_get(offsets, 1), &item->end) || item->begin > item->end)
        return csg_fail(err, CSG_ERROR_MODEL, "%s: the tensor %s has no valid data_offsets", path, item->name);
    if (item->end > data_bytes)
        return csg_fail(err, CSG_ERROR_MODEL, "%s: the tensor %s ends at byte %zu of the data, of which there are only %zu", path,
                        item->name, item->end, data_bytes);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(type, types[i].name) != 0)
            continue;
        if (!csg_mul(elements, types[i].bytes, &bytes) || bytes != item->end - item->begin)
            return csg_fail(err, CSG_ERROR_MODEL, "%s: the tensor %s has %zu elements of %s but %zu bytes", path, item->name,
                            elements, type, item->end - item->begin);
        item->readable = types[i].readable && item->tensor.n_dims <= 4;
        item->tensor.dtype = types[i].dtype;
        item->tensor.data = data + item->begin;
        break;
    }
    return CSG_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct csg_stored *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* The tensors from `first` on, which are those of one file, stand behind each other and fill its data: the format has no gaps, and a header
 * whose length is wrong by a little shows itself here. */
static int check_places(struct csg_tensors *t, size_t first, size_t data_bytes, const char *path, struct csg_error *err)
{
    size_t at = 0;
    if (t->count > first)
        qsort(t->items + first, t->count - first, sizeof *t->items, by_place);
    for (size_t i = first; i < t->count; i++) {
        const struct csg_stored *item = t->items + i;
        if (item->begin < at)
            return csg_fail(err, CSG_ERROR_MODEL, "%s: the tensors %s and %s overlap", path, item[-1].name, item->name);
        if (item->begin > at)
            return csg_fail(err, CSG_ERROR_MODEL, "%s: %zu bytes before the tensor %s belong to none", path, item->begin - at,
                            item->name);
        at = item->end;
    }
    if (at != data_bytes)
        return csg_fail(err, CSG_ERROR_MODEL, "%s: the tensors end at byte %zu of the data, which has %zu", path, at, data_bytes);
    return CSG_OK;
}

static int read_entries(struct csg_tensors *out, json_t *header, const uint8_t *data, size_t data_bytes, const char *path,
                        struct csg_error *err)
{
    const char *name;
    json_t *entry;
    size_t first = out->count;
    json_object_foreach(header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        struct csg_stored *item = csg_tensors_add(out, name);
        int status = item ? read_entry(item, entry, data, data_bytes, path, err) : csg_fail_memory(err);
        if (status)
            return status;
    }
    return check_places(out, first, data_bytes, path, err);
}

int csg_safetensors_read(struct csg_tensors *out, const struct csg_mapped *file, const char *path, struct csg_error *err)
{
    json_t *header = NULL;
    uint64_t length = 0;
    if (file->bytes < 8)
        return csg_fail(err, CSG_ERROR_MODEL, "%s is too short to be a safetensors file", path);
    for (int i = 7; i >= 0; i--)
        length = length << 8 | file->data[i];
    if (length > HEADER_LIMIT || length > file->bytes - 8)
        return csg_fail(err, CSG_ERROR_MODEL, "%s is truncated or no safetensors file: its header would have %llu bytes", path,
                        (unsigned long long)length);
    size_t start = 8 + (size_t)length;
    int status = csg_json_object(&header, (const char *)file->data + 8, (size_t)length, MAX_DEPTH, MAX_VALUES, path, err);
    if (!status)
        status = read_entries(out, header, file->data + start, file->bytes - start, path, err);
    json_decref(header);
    return status;
}
