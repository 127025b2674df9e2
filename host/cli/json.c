/* JSON as every command writes it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* A document that lacks a value for want of memory looks like any other: what was not given is remembered. */
static bool short_of_memory;

static void *json_memory(size_t bytes)
{
    void *block = malloc(bytes);
    short_of_memory = short_of_memory || !block;
    return block;
}

void cli_json_begin(void)
{
    short_of_memory = false;
    json_set_alloc_funcs(json_memory, free);
}

json_t *cli_json_string(const char *text)
{
    json_t *string = json_string(text);
    return string ? string : json_string("(not UTF-8)");
}

json_t *cli_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Of a text that was to be printed or written, NULL where it could not be made. */
static int cannot(const char *text, const char *what, struct csg_error *err)
{
    return short_of_memory || !text ? cli_fail(err, CSG_ERROR, "out of memory")
                                    : cli_fail(err, CSG_ERROR, "%s cannot be written", what);
}

/* The document in memory, to be freed, or NULL; releases it. */
static char *dump(json_t *document, size_t digits)
{
    char *text = document ? json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(digits)) : NULL;
    json_decref(document);
    if (text && short_of_memory) {
        free(text);
        return NULL;
    }
    return text;
}

int cli_print_json(json_t *document, struct csg_error *err)
{
    char *text = dump(document, 9);
    int status = text && puts(text) != EOF && fflush(stdout) == 0 ? CSG_OK : cannot(text, "standard output", err);
    free(text);
    return status;
}

int cli_write_json(json_t *document, const char *path, size_t digits, struct csg_error *err)
{
    char *text = dump(document, digits);
    int status = text ? csg_file_write(path, text, strlen(text), true, err) : cannot(text, path, err);
    free(text);
    return status;
}
