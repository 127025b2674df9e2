#include "names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Letters, digits and a few signs of the source's name without its ending. */
static void stem_of(char *stem, size_t capacity, const char *source)
{
    const char *name = view_base_name(source), *dot = strrchr(name, '.');
    size_t used = 0, end = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    for (size_t i = 0; i < end && used + 1 < capacity && used < 80; i++) {
        char c = name[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-_.", c);
        stem[used++] = plain ? c : '_';
    }
    stem[used] = 0;
    if (!used)
        view_copy(stem, capacity, "view");
}

int name_free_set(char (*paths)[VIEW_PATH], const char *const *endings, size_t count, const char *folder, const char *source,
                  struct csg_error *err)
{
    char stem[128], number[16] = "";
    stem_of(stem, sizeof stem, source);
    if (strlen(folder) + sizeof stem + 64 > VIEW_PATH)
        return view_fail(err, CSG_ERROR, "the name of the folder is too long");
    for (int i = 1; i < 100000; i++) {
        bool taken = false;
        struct stat info;
        if (i > 1)
            view_format(number, sizeof number, "-%d", i);
        for (size_t k = 0; k < count; k++) {
            view_format(paths[k], VIEW_PATH, "%s%s%s%s%s", folder, folder[0] ? "/" : "", stem, number, endings[k]);
            taken = taken || lstat(paths[k], &info) == 0;
        }
        if (!taken)
            return CSG_OK;
    }
    return view_fail(err, CSG_ERROR, "there are too many files of the name %s", stem);
}

int name_write_json(json_t *document, const char *path, bool overwrite, struct csg_error *err)
{
    char *text = document ? json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    int status = text ? csg_file_write(path, text, strlen(text), overwrite, err) : view_fail_memory(err);
    json_decref(document);
    free(text);
    return status;
}

int name_write_points(const char *path, const char *text, const int (*points)[2], const uint8_t *labels, size_t count,
                      struct csg_error *err)
{
    json_t *coords = json_array(), *marks = json_array(), *name = json_string(text);
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(coords, json_pack("[i, i]", points[i][0], points[i][1]));
        json_array_append_new(marks, json_integer(labels[i]));
    }
    json_t *document = json_pack("{s:[{s:o, s:o, s:o}]}", "texts", "text", name ? name : json_string("(not UTF-8)"),
                                 "point_coords", coords, "point_labels", marks);
    return name_write_json(document, path, false, err);
}

static int make_folder(const char *path, struct csg_error *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return view_fail(err, CSG_ERROR, "the folder %s cannot be made: %s", path, strerror(errno));
    return CSG_OK;
}

int name_user_folder(char *path, size_t capacity, const char *variable, const char *fallback, struct csg_error *err)
{
    char base[VIEW_PATH];
    const char *value = getenv(variable), *home = getenv("HOME");
    int status = CSG_OK;
    if (value && value[0] == '/')
        view_copy(base, sizeof base, value);
    else if (home && home[0] == '/')
        view_format(base, sizeof base, "%s/%s", home, fallback);
    else
        return view_fail(err, CSG_ERROR, "neither %s nor HOME names a folder", variable);
    for (char *p = base + 1; status == CSG_OK && *p; p++)
        if (*p == '/') {
            *p = 0;
            status = make_folder(base, err);
            *p = '/';
        }
    if (status == CSG_OK)
        status = make_folder(base, err);
    view_format(path, capacity, "%s/clip-surgeon", base);
    return status ? status : make_folder(path, err);
}
