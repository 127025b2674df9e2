#include "model/shards.h"

#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "model/json.h"

#define FILE_LIMIT ((size_t)32 << 20)
#define MAX_VALUES 1000000u
#define MAX_SHARDS 1000

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_name(const char *name, const char *tensor, const char *path, struct csg_error *err)
{
    if (name && name[0] && name[0] != '.' && !strchr(name, '/') && !strchr(name, '\\'))
        return CSG_OK;
    return csg_fail(err, CSG_ERROR_MODEL, "%s: the tensor %.80s is in '%.80s', which is not a file beside it", path, tensor,
                    name ? name : "(no string)");
}

static int collect(struct csg_shards *out, json_t *map, const char *path, struct csg_error *err)
{
    const char *tensor;
    json_t *value;
    size_t n = 0, total = json_object_size(map);
    const char **all = csg_calloc(total, sizeof *all); /* owned by the document */
    int status = all ? CSG_OK : csg_fail_memory(err);
    json_object_foreach(map, tensor, value)
    {
        if (!status)
            status = check_name(json_string_value(value), tensor, path, err);
        if (!status)
            all[n++] = json_string_value(value);
    }
    if (!status && n == 0)
        status = csg_fail(err, CSG_ERROR_MODEL, "%s has no weight_map", path);
    if (status)
        goto end;
    qsort(all, n, sizeof *all, by_text);
    size_t kept = 1;
    for (size_t i = 1; i < n; i++)
        if (strcmp(all[i], all[kept - 1]) != 0)
            all[kept++] = all[i];
    if (kept > MAX_SHARDS) {
        status = csg_fail(err, CSG_ERROR_MODEL, "%s names %zu files, more than %d", path, kept, MAX_SHARDS);
        goto end;
    }
    out->names = csg_calloc(kept, sizeof *out->names);
    if (!out->names)
        status = csg_fail_memory(err);
    for (; !status && out->count < kept; out->count++)
        if (!(out->names[out->count] = csg_strdup(all[out->count]))) {
            status = csg_fail_memory(err);
            break;
        }
end:
    free(all);
    return status;
}

int csg_shards_read(struct csg_shards *out, const char *path, struct csg_error *err)
{
    char *text = NULL;
    size_t bytes;
    json_t *root = NULL;
    *out = (struct csg_shards){0};
    int status = csg_read_file(&text, &bytes, path, FILE_LIMIT, CSG_ERROR_MODEL, err);
    if (!status)
        status = csg_json_object(&root, text, bytes, 4, MAX_VALUES, path, err);
    if (!status)
        status = collect(out, json_object_get(root, "weight_map"), path, err);
    json_decref(root);
    free(text);
    if (status)
        csg_shards_free(out);
    return status;
}

void csg_shards_free(struct csg_shards *shards)
{
    csg_names_free(&shards->names, shards->count);
    shards->count = 0;
}
