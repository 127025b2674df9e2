#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"

#define MAX_ENTRIES 4000000 /* of a folder; data sets have a million pictures */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Room doubles at powers of two. */
static int add_name(char ***names, size_t *count, const char *name, struct csg_error *err)
{
    if ((*count & (*count - 1)) == 0) {
        char **more = csg_realloc(*names, *count ? *count * 2 : 1, sizeof *more);
        if (!more)
            return csg_fail_memory(err);
        *names = more;
    }
    (*names)[*count] = csg_strdup(name);
    if (!(*names)[*count])
        return csg_fail_memory(err);
    ++*count;
    return CSG_OK;
}

/* Keeps the name where it is that of a file, or of what else `is` says, with the suffix. */
static int keep(char ***names, size_t *count, const char *folder, const char *name, const char *suffix, bool (*is)(const char *),
                struct csg_error *err)
{
    size_t length = strlen(name), tail = strlen(suffix);
    if (length <= tail || strcmp(name + length - tail, suffix) != 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return CSG_OK;
    char *path = csg_path_join(folder, name);
    bool wanted = path && is(path);
    if (!path)
        return csg_fail_memory(err);
    free(path);
    return wanted ? add_name(names, count, name, err) : CSG_OK;
}

static int list(char ***names, size_t *count, const char *folder, const char *suffix, bool (*is)(const char *),
                enum csg_status status, struct csg_error *err)
{
    size_t seen = 0;
    int result = CSG_OK;
    *names = NULL;
    *count = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return csg_fail(err, status, "the folder %s cannot be read: %s", folder, strerror(errno));
    for (struct dirent *entry; !result && (entry = readdir(dir));)
        result = ++seen > MAX_ENTRIES ? csg_fail(err, status, "the folder %s has more than %d entries", folder, MAX_ENTRIES)
                                      : keep(names, count, folder, entry->d_name, suffix, is, err);
    closedir(dir);
    if (result)
        csg_names_free(names, *count);
    else if (*count)
        qsort(*names, *count, sizeof **names, by_text);
    *count = result ? 0 : *count;
    return result;
}

int csg_list_files(char ***names, size_t *count, const char *folder, const char *suffix, enum csg_status status,
                   struct csg_error *err)
{
    return list(names, count, folder, suffix, csg_is_file, status, err);
}

int csg_list_folders(char ***names, size_t *count, const char *folder, enum csg_status status, struct csg_error *err)
{
    return list(names, count, folder, "", csg_is_folder, status, err);
}

int csg_match_files(char ***paths, size_t *count, const char *pattern, struct csg_error *err)
{
    glob_t found = {0};
    int result = CSG_OK, code = glob(pattern, GLOB_NOSORT, NULL, &found);
    *paths = NULL;
    *count = 0;
    if (code == GLOB_NOSPACE)
        result = csg_fail_memory(err);
    for (size_t i = 0; code == 0 && !result && i < found.gl_pathc; i++)
        if (csg_is_file(found.gl_pathv[i]))
            result = add_name(paths, count, found.gl_pathv[i], err);
    globfree(&found);
    if (result)
        csg_names_free(paths, *count);
    else if (*count)
        qsort(*paths, *count, sizeof **paths, by_text);
    *count = result ? 0 : *count;
    return result;
}

void csg_names_free(char ***names, size_t count)
{
    for (size_t i = 0; *names && i < count; i++)
        free((*names)[i]);
    free(*names);
    *names = NULL;
}
