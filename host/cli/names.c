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

char *cli_default_output(const char *image, const char *suffix)
{
    if (strcmp(image, "-") == 0)
        image = "stdin";
    const char *slash = strrchr(image, '/'), *name = slash ? slash + 1 : image;
    return format_name(name, (int)(ending_of(image) - name), suffix, ".png");
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

int cli_one_output(char **file, const struct cli_args *args, const char *suffix, struct csg_error *err)
{
    *file = args->output ? cli_text_output(args->output, NULL, NULL, 0) : cli_default_output(args->words[0], suffix);
    return *file ? csg_check_output(*file, args->overwrite, err) : cli_fail(err, CSG_ERROR, "out of memory");
}
