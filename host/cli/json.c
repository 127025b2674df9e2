/* JSON as every command writes it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

json_t *cli_json_string(const char *text)
{
    json_t *string = json_string(text);
    return string ? string : json_string("(not UTF-8)");
}

json_t *cli_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

int cli_print_json(json_t *document, struct csg_error *err)
{
    int failed = !document || json_dumpf(document, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) != 0 ||
                 putchar('\n') == EOF || fflush(stdout) != 0;
    json_decref(document);
    return failed ? cli_fail(err, CSG_ERROR, "standard output cannot be written") : CSG_OK;
}

int cli_write_json(json_t *document, const char *path, size_t digits, struct csg_error *err)
{
    size_t bytes = strlen(path) + sizeof ".part";
    char *part = malloc(bytes);
    int failed = !part || !document;
    if (!failed) {
        snprintf(part, bytes, "%s.part", path);
        failed = json_dump_file(document, part, JSON_INDENT(1) | JSON_REAL_PRECISION(digits)) != 0 || rename(part, path) != 0;
        if (failed)
            remove(part);
    }
    json_decref(document);
    free(part);
    return failed ? cli_fail(err, CSG_ERROR, "%s cannot be written", path) : CSG_OK;
}
