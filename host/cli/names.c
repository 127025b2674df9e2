#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT_BYTES 80 /* of a text in a file name: file systems end at 255 */

static char *format_name(const char *stem, int stem_bytes, const char *middle, const char *ending)
{
    size_t bytes = (size_t)stem_bytes + strlen(middle) + strlen(ending) + 1;
    char *name = malloc(bytes);
    if (name)
        snprintf(name, bytes, "%.*s%s%s", stem_bytes, stem, middle, ending);
    return name;
}

/* The last dot after the last slash that is not the first character of the name; else the end. */
static const char *ending_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return dot && dot != name ? dot : path + strlen(path);
}

static char *default_output(const char *image, const char *suffix, const char *ending)
{
    if (strcmp(image, "-") == 0)
        image = "stdin";
    const char *slash = strrchr(image, '/'), *name = slash ? slash + 1 : image;
    return format_name(name, (int)(ending_of(image) - name), suffix, ending);
}

char *cli_default_output(const char *image, const char *suffix)
{
    return default_output(image, suffix, ".png");
}

static char *join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    return format_name(folder, (int)length, length && folder[length - 1] == '/' ? "" : "/", name);
}

/* Where the first {stem} or {name} stands, and which it is. */
static const char *find_place(const char *output, bool *stem)
{
    const char *s = strstr(output, "{stem}"), *n = strstr(output, "{name}");
    *stem = s && (!n || s < n);
    return *stem ? s : n;
}

char *cli_many_output(const char *output, const char *path, const char *suffix, const char *ending)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *place;
    bool stem;
    char *made = NULL;
    if (!find_place(output, &stem)) {
        char *own = default_output(path, suffix, ending);
        made = own ? join(output, own) : NULL;
        free(own);
        return made;
    }
    made = format_name(output, (int)strlen(output), "", "");
    for (size_t from = 0; made && (place = find_place(made + from, &stem));) {
        size_t before = (size_t)(place - made), put = stem ? (size_t)(ending_of(path) - name) : strlen(name);
        char *piece = format_name(name, (int)put, place + strlen("{stem}"), "");
        char *next = piece ? format_name(made, (int)before, piece, "") : NULL;
        free(piece);
        free(made);
        made = next;
        from = before + put; /* a picture may be called {stem} */
    }
    return made;
}

bool cli_output_takes_many(const char *output)
{
    size_t length = strlen(output);
    bool stem;
    if (find_place(output, &stem) || (length && output[length - 1] == '/') || (length && !*ending_of(output)))
        return true;
    char *inside = join(output, "x");
    bool folder = length && inside && csg_check_output(inside, true, NULL) == CSG_OK;
    free(inside);
    return folder;
}

int cli_make_folder_of(const char *file, struct csg_error *err)
{
    const char *slash = strrchr(file, '/');
    if (!slash || slash == file)
        return CSG_OK;
    char *folder = format_name(file, (int)(slash - file), "", "");
    int status = folder ? csg_output_folder(folder, err) : cli_fail(err, CSG_ERROR, "out of memory");
    free(folder);
    return status;
}

char *cli_text_output(const char *output, const char *text, char *const *names, size_t taken)
{
    const char *ending = ending_of(output);
    char middle[MAX_TEXT_BYTES + 32];
    size_t used = text ? 1 : 0;
    middle[0] = '_';
    for (const char *p = text ? text : ""; *p && used < MAX_TEXT_BYTES; p++) {
        int letter = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '-';
        middle[used++] = letter ? *p : '_';
    }
    middle[used] = 0;
    for (size_t number = 1;; number++) {
        if (number > 1)
            snprintf(middle + used, sizeof middle - used, "-%zu", number);
        char *name = format_name(output, (int)(ending - output), middle, ending);
        size_t i = 0;
        while (name && i < taken && strcmp(names[i], name) != 0)
            i++;
        if (!name || i == taken)
            return name;
        free(name);
    }
}

char *cli_one_output(const char *path, const char *output, const char *suffix, bool many)
{
    if (many)
        return cli_many_output(output, path, suffix, ".png");
    return output ? cli_text_output(output, NULL, NULL, 0) : cli_default_output(path, suffix);
}

int cli_checked_output(char **file, const struct cli_args *args, const char *suffix, struct csg_error *err)
{
    *file = cli_one_output(args->words[0], args->output, suffix, false);
    return *file ? csg_check_output(*file, args->overwrite, err) : cli_fail(err, CSG_ERROR, "out of memory");
}
