#include <stdio.h>
#include <string.h>

#include "cli.h"

static int list(const struct cli_args *args, struct csg_error *err)
{
    struct csg_cache_row *rows = NULL;
    size_t count = 0;
    int status = csg_cache_list(NULL, &rows, &count, err);
    if (status)
        return status;
    if (args->json) {
        json_t *all = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(all, json_pack("{s:s, s:s, s:o, s:I, s:I}", "name", rows[i].name, "holds", rows[i].holds,
                                                 "path", cli_json_string(rows[i].path), "files", (json_int_t)rows[i].files,
                                                 "bytes", (json_int_t)rows[i].bytes));
        status = cli_print_json(json_pack("{s:o}", "cache", all), err);
    } else {
        for (size_t i = 0; i < count; i++)
            printf("%-10s %6llu files %9.2f MB  %-30s %s\n", rows[i].name, (unsigned long long)rows[i].files,
                   (double)rows[i].bytes * 1e-6, rows[i].holds, cli_printable(rows[i].path));
    }
    csg_cache_free(&rows);
    return status;
}

int cli_cache(const struct cli_args *args, struct csg_error *err)
{
    const char *verb = args->n_words ? args->words[0] : "";
    int status = CSG_OK;
    if (strcmp(verb, "list") == 0 && args->n_words == 1)
        return list(args, err);
    if (strcmp(verb, "clear") != 0)
        return cli_fail(err, CSG_ERROR_USAGE, "cache wants 'list', or 'clear' and what of it (nothing: all)");
    if (args->n_words == 1)
        return csg_cache_clear(NULL, NULL, err);
    for (size_t i = 1; status == CSG_OK && i < args->n_words; i++)
        status = csg_cache_clear(NULL, args->words[i], err);
    return status;
}
