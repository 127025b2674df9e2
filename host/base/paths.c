#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/files.h"
#include "base/mem.h"

bool csg_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool csg_is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

char *csg_path_join(const char *folder, const char *name)
{
    size_t a = strlen(folder), b = strlen(name);
    bool slash = a && folder[a - 1] != '/';
    char *path = csg_calloc(1, a + b + 2);
    if (path) {
        memcpy(path, folder, a);
        if (slash)
            path[a] = '/';
        memcpy(path + a + slash, name, b);
    }
    return path;
}

static int make_folders(const char *path, mode_t mode, struct csg_error *err)
{
    char *part = csg_strdup(path);
    if (!part)
        return csg_fail_memory(err);
    int status = CSG_OK;
    for (char *p = part + 1; status == CSG_OK && *part; p++) {
        if (*p && *p != '/')
            continue;
        char kept = *p;
        *p = 0;
        if (mkdir(part, mode) != 0 && errno != EEXIST && !csg_is_folder(part))
            status = csg_fail(err, CSG_ERROR, "the folder %s cannot be made: %s", part, strerror(errno));
        *p = kept;
        if (!kept)
            break;
    }
    if (status == CSG_OK && !csg_is_folder(path))
        status = csg_fail(err, CSG_ERROR, "%s is not a folder", path);
    free(part);
    return status;
}

int csg_make_folders(const char *path, struct csg_error *err)
{
    return make_folders(path, 0700, err);
}

int csg_output_folder(const char *path, struct csg_error *err)
{
    return make_folders(path, 0777, err);
}

static int copy_path(char **out, const char *path, struct csg_error *err)
{
    *out = csg_strdup(path);
    return *out ? CSG_OK : csg_fail_memory(err);
}

int csg_path_append(char **path, const char *name, struct csg_error *err)
{
    char *before = *path;
    *path = before ? csg_path_join(before, name) : NULL;
    bool failed = before && !*path;
    free(before);
    return failed ? csg_fail_memory(err) : CSG_OK;
}

/* $variable/name, where the variable is set and absolute (the XDG specification ignores relative ones), else $HOME/fallback/name. */
static int xdg_folder(char **out, const char *variable, const char *fallback, const char *name, struct csg_error *err)
{
    const char *value = getenv(variable), *home = getenv("HOME");
    bool named = value && value[0] == '/';
    *out = NULL;
    if (!named && (!home || home[0] != '/'))
        return CSG_OK;
    int status = copy_path(out, named ? value : home, err);
    if (status == CSG_OK && !named)
        status = csg_path_append(out, fallback, err);
    return status ? status : csg_path_append(out, name, err);
}

int csg_user_data_folder(char **out, struct csg_error *err)
{
    return xdg_folder(out, "XDG_DATA_HOME", ".local/share", "clip-surgeon", err);
}

int csg_cache_folder(char **out, const char *wanted, struct csg_error *err)
{
    *out = NULL;
    if (wanted)
        return *wanted ? copy_path(out, wanted, err) : CSG_OK;
    return xdg_folder(out, "XDG_CACHE_HOME", ".cache", "clip-surgeon", err);
}

int csg_data_folder(char **out, struct csg_error *err)
{
    const char *named = getenv("CSG_DATA_DIR");
    if (named && *named)
        return copy_path(out, named, err);
    int status = csg_share_folder(out, err);
    return status || *out || !csg_is_folder(CSG_INSTALL_DATA_DIR) ? status : copy_path(out, CSG_INSTALL_DATA_DIR, err);
}

double csg_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}
