/* Where pictures lie: one file, a folder, a pattern. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "image/image.h"

static const char *const endings[] = {".png", ".jpg", ".jpeg", ".bmp", ".tga", ".gif", ".psd", ".ppm", ".pgm", ".pbm", ".pnm"};

static bool ends_with(const char *name, const char *ending)
{
    size_t length = strlen(name), tail = strlen(ending);
    if (length <= tail)
        return false;
    for (size_t i = 0; i < tail; i++)
        if (tolower((unsigned char)name[length - tail + i]) != ending[i])
            return false;
    return true;
}

static bool is_picture(const char *name)
{
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (name[0] != '.' && ends_with(name, endings[i]))
            return true;
    return false;
}

/* Of the folder's files, those that are pictures by their ending, as paths. */
static int list_folder(struct csg_picture_list *out, const char *folder, struct csg_error *err)
{
    char **names;
    size_t count;
    int status = csg_list_files(&names, &count, folder, "", CSG_ERROR_INPUT, err);
    if (status)
        return status;
    out->paths = csg_calloc(count + 1, sizeof *out->paths);
    if (!out->paths)
        status = csg_fail_memory(err);
    for (size_t i = 0; status == CSG_OK && i < count; i++) {
        if (!is_picture(names[i]))
            continue;
        out->paths[out->count] = csg_path_join(folder, names[i]);
        status = out->paths[out->count] ? CSG_OK : csg_fail_memory(err);
        out->count += status == CSG_OK;
    }
    csg_names_free(&names, count);
    return status;
}

static int list_one(struct csg_picture_list *out, const char *path, struct csg_error *err)
{
    out->paths = csg_calloc(1, sizeof *out->paths);
    if (out->paths)
        out->paths[0] = csg_strdup(path);
    out->count = out->paths && out->paths[0];
    return out->count ? CSG_OK : csg_fail_memory(err);
}

int csg_picture_list_load(struct csg_picture_list *out, const char *source, struct csg_error *err)
{
    *out = (struct csg_picture_list){0};
    if (!source)
        return csg_fail(err, CSG_ERROR_USAGE, "a list of pictures needs a source, not NULL");
    bool folder = csg_is_folder(source);
    out->many = folder || (strpbrk(source, "*?[") && !csg_is_file(source));
    int status = !out->many ? list_one(out, source, err)
                 : folder   ? list_folder(out, source, err)
                            : csg_match_files(&out->paths, &out->count, source, err);
    if (status == CSG_OK && !out->count)
        status = csg_fail(err, CSG_ERROR_INPUT, folder ? "there is no picture in %s" : "no file matches %s", source);
    if (status)
        csg_picture_list_free(out);
    return status;
}

void csg_picture_list_free(struct csg_picture_list *list)
{
    csg_names_free(&list->paths, list->count);
    *list = (struct csg_picture_list){0};
}
