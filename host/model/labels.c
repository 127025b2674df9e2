#include "model/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "model/runes.h"

#define FILE_LIMIT ((size_t)1 << 20)
#define MAX_LINES 100000

void csg_strings_free(struct csg_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct csg_strings){0};
}

/* Takes over `item`. Room doubles at powers of two, so that the struct needs no capacity. */
static int add_owned(struct csg_strings *strings, char *item, struct csg_error *err)
{
    if (item && (strings->count & (strings->count - 1)) == 0) {
        char **items = csg_realloc(strings->items, strings->count ? strings->count * 2 : 1, sizeof *items);
        if (!items) {
            free(item);
            return csg_fail_memory(err);
        }
        strings->items = items;
    }
    if (!item)
        return csg_fail_memory(err);
    strings->items[strings->count++] = item;
    return CSG_OK;
}

int csg_strings_add(struct csg_strings *strings, const char *item, struct csg_error *err)
{
    return add_owned(strings, csg_strdup(item), err);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A copy of the n bytes without blanks at its ends. */
static char *stripped(const char *text, size_t n)
{
    while (n && is_blank(text[n - 1]))
        n--;
    while (n && is_blank(*text)) {
        text++;
        n--;
    }
    return csg_strndup(text, n);
}

/* Reads lines that are neither empty nor comments; check (may be NULL) may refuse one. */
static int read_lines(struct csg_strings *out, const char *path, const char *what,
                      int (*check)(const char *line, size_t number, const char *path, struct csg_error *err),
                      struct csg_error *err)
{
    char *text = NULL;
    size_t bytes, wrong_at, number = 0;
    *out = (struct csg_strings){0};
    int status = csg_read_file(&text, &bytes, path, FILE_LIMIT, CSG_ERROR_INPUT, err);
    if (status)
        return status;
    if (!csg_is_utf8(text, bytes, &wrong_at) || memchr(text, 0, bytes)) {
        status = csg_fail(err, CSG_ERROR_INPUT, "%s is not a text in UTF-8", path);
        goto end;
    }
    size_t at = bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (at < bytes && !status) {
        const char *end = memchr(text + at, '\n', bytes - at);
        size_t length = end ? (size_t)(end - text) - at : bytes - at;
        if (++number > MAX_LINES) {
            status = csg_fail(err, CSG_ERROR_INPUT, "%s has more than %d lines", path, MAX_LINES);
            break;
        }
        char *line = stripped(text + at, length);
        at += length + 1;
        if (line && (line[0] == 0 || line[0] == '#')) {
            free(line);
            continue;
        }
        if (line && check)
            status = check(line, number, path, err);
        if (status)
            free(line);
        else
            status = add_owned(out, line, err);
    }
    if (!status && out->count == 0)
        status = csg_fail(err, CSG_ERROR_INPUT, "%s holds no %s", path, what);
end:
    if (status)
        csg_strings_free(out);
    free(text);
    return status;
}

/* The path of a file of the project's data, to be freed; NULL where there is no such folder. */
static int data_path(char **out, const char *file, struct csg_error *err)
{
    int status = csg_data_folder(out, err);
    return status ? status : csg_path_append(out, file, err);
}

/* Refuses a name that is neither a set of the project's nor a file, and lists the sets. */
static int refuse_labels(const char *name, const char *folder, struct csg_error *err)
{
    char **files = NULL, list[400] = "";
    size_t count = 0, used = 0;
    if (!folder || csg_list_files(&files, &count, folder, ".txt", CSG_ERROR_INPUT, NULL) != CSG_OK)
        count = 0;
    for (size_t i = 0; i < count && used < sizeof list - 1; i++) {
        int n = snprintf(list + used, sizeof list - used, "%s%.*s", i ? ", " : "", (int)strlen(files[i]) - 4, files[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    csg_names_free(&files, count);
    return csg_fail(err, CSG_ERROR_INPUT, "there is no file '%s', nor a label set of that name%s%s", name,
                    used ? "; the sets are " : "", list);
}

int csg_labels_load(struct csg_strings *out, const char *name, struct csg_error *err)
{
    char *folder = NULL, *path = NULL, *file = NULL;
    int status = CSG_OK;
    *out = (struct csg_strings){0};
    if (!strchr(name, '/') && name[0] != '.')
        status = data_path(&folder, "labels", err);
    if (folder) {
        size_t bytes = strlen(name) + sizeof ".txt";
        file = csg_calloc(bytes, 1);
        if (file)
            snprintf(file, bytes, "%s.txt", name);
        path = file ? csg_path_join(folder, file) : NULL;
        if (!path)
            status = csg_fail_memory(err);
    }
    if (!status && path && csg_is_file(path))
        status = read_lines(out, path, "label", NULL, err);
    else if (!status && folder && strcmp(name, "-") != 0 && !csg_is_file(name) && !csg_is_folder(name))
        status = refuse_labels(name, folder, err);
    else if (!status)
        status = read_lines(out, name, "label", NULL, err);
    free(folder);
    free(file);
    free(path);
    return status;
}

static int check_template(const char *line, size_t number, const char *path, struct csg_error *err)
{
    const char *first = strstr(line, "{}");
    if (!first || strstr(first + 2, "{}"))
        return csg_fail(err, CSG_ERROR_INPUT, "line %zu of %s is no template: it does not have {} once", number, path);
    return CSG_OK;
}

int csg_templates_load(struct csg_strings *out, const char *name, struct csg_error *err)
{
    char *path;
    *out = (struct csg_strings){0};
    if (name && strcmp(name, "none") == 0)
        return csg_strings_add(out, "{}", err);
    if (name)
        return read_lines(out, name, "template", check_template, err);
    int status = data_path(&path, "templates.txt", err);
    if (!status && !path)
        status = csg_fail(err, CSG_ERROR_INPUT, "templates.txt is not there: the project's data folder was not found");
    if (!status)
        status = read_lines(out, path, "template", check_template, err);
    free(path);
    return status;
}

char *csg_template_fill(const char *template_text, const char *text)
{
    const char *place = strstr(template_text, "{}");
    if (!place)
        return csg_strdup(template_text);
    size_t before = (size_t)(place - template_text), middle = strlen(text), after = strlen(place + 2);
    char *filled = csg_calloc(before + middle + after + 1, 1);
    if (!filled)
        return NULL;
    memcpy(filled, template_text, before);
    memcpy(filled + before, text, middle);
    memcpy(filled + before + middle, place + 2, after);
    return filled;
}

int csg_text_parts(struct csg_strings *out, const char *text, struct csg_error *err)
{
    int status = CSG_OK;
    size_t used = 0;
    *out = (struct csg_strings){0};
    char *part = csg_calloc(strlen(text) + 1, 1);
    if (!part)
        return csg_fail_memory(err);
    for (const char *c = text; !status; c++) {
        if (c[0] == '\\' && c[1] == '+') {
            part[used++] = *++c;
            continue;
        }
        if (*c && *c != '+') {
            part[used++] = *c;
            continue;
        }
        char *item = stripped(part, used);
        used = 0;
        if (!item || item[0])
            status = add_owned(out, item, err);
        else
            free(item);
        if (!*c)
            break;
    }
    /* A text of nothing but blanks and plus signs is the empty text. */
    if (!status && out->count == 0)
        status = csg_strings_add(out, "", err);
    free(part);
    if (status)
        csg_strings_free(out);
    return status;
}
