/* What is kept in the cache folder, and its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/record.h"
#include "base/store.h"

static const struct {
    const char *name, *holds;
} parts[] = {{"programs", "compiled kernels"},        {"texts", "text features"},           {"hashes", "hashes of weights files"},
             {"precision", "the fastest precisions"}, {"self-test", "verdicts on devices"}, {"tuned", "ways that `tune` chose"}};
#define N_PARTS (sizeof parts / sizeof *parts)

static const char *part_at(size_t index)
{
    return index < N_PARTS ? parts[index].name : NULL;
}

/* The folder that is asked for, to be freed. */
static int find_folder(char **out, const char *cache_dir, struct csg_error *err)
{
    int status = csg_cache_folder(out, cache_dir, err);
    if (status || *out)
        return status;
    return csg_fail(err, CSG_ERROR, "there is no cache folder: neither XDG_CACHE_HOME nor HOME names one");
}

int csg_cache_list(const char *cache_dir, struct csg_cache_row **rows, size_t *count, struct csg_error *err)
{
    char *folder = NULL;
    *rows = NULL;
    *count = 0;
    int status = find_folder(&folder, cache_dir, err);
    struct csg_cache_row *list = status == CSG_OK ? csg_calloc(N_PARTS, sizeof *list) : NULL;
    if (status == CSG_OK && !list)
        status = csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < N_PARTS; i++) {
        char *path = csg_path_join(folder, parts[i].name);
        if (!path)
            status = csg_fail_memory(err);
        list[i] = (struct csg_cache_row){.name = parts[i].name, .holds = parts[i].holds};
        if (path && csg_is_folder(path))
            status = csg_record_count(path, &list[i].files, &list[i].bytes, err);
        snprintf(list[i].path, sizeof list[i].path, "%s", path ? path : "");
        free(path);
    }
    free(folder);
    if (status) {
        free(list);
        return status;
    }
    *rows = list;
    *count = N_PARTS;
    return CSG_OK;
}

void csg_cache_free(struct csg_cache_row **rows)
{
    free(*rows);
    *rows = NULL;
}

int csg_cache_clear(const char *cache_dir, const char *name, struct csg_error *err)
{
    char *folder = NULL;
    size_t only = 0;
    int status = name ? csg_name_find(&only, name, "part of the cache", part_at, err) : CSG_OK;
    if (status == CSG_OK)
        status = find_folder(&folder, cache_dir, err);
    for (size_t i = 0; status == CSG_OK && i < N_PARTS; i++) {
        if (name && i != only)
            continue;
        char *path = csg_path_join(folder, parts[i].name);
        status = path ? csg_remove_tree(path, err) : csg_fail_memory(err);
        free(path);
    }
    free(folder);
    return status;
}
