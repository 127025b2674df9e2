#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"

json_t *cli_gather_new(void)
{
    return json_pack("{s:[], s:[], s:[]}", "devices", "pictures", "unreadable");
}

json_t *cli_gather_text(const char *text, size_t bytes)
{
    char *wide = malloc(2 * bytes + 1);
    size_t used = 0;
    for (size_t i = 0; wide && i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80)
            wide[used++] = (char)(0xc0 | c >> 6);
        wide[used++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    }
    json_t *string = wide ? json_stringn(wide, used) : NULL;
    free(wide);
    return string;
}

void cli_gather_put(const json_t *text, FILE *file)
{
    const char *wide = json_string_value(text);
    for (size_t i = 0; wide && i < json_string_length(text); i++) {
        unsigned char c = (unsigned char)wide[i];
        fputc(c < 0x80 ? c : (c & 3) << 6 | ((unsigned char)wide[++i] & 0x3f), file);
    }
}

/* A rank's devices stand behind those that are there already. */
static int take(void *user, const void *data, size_t bytes, struct csg_error *err)
{
    json_t *all = user, *part = json_loadb(data, bytes, 0, NULL), *entry;
    json_int_t devices = (json_int_t)json_array_size(json_object_get(all, "devices"));
    static const char *const lists[] = {"devices", "pictures", "unreadable"};
    size_t i;
    int failed = !part;
    json_array_foreach(json_object_get(part, "pictures"), i, entry) if (json_object_get(entry, "device")) failed |=
        json_integer_set(json_object_get(entry, "device"), devices + json_integer_value(json_object_get(entry, "device")));
    for (i = 0; !failed && i < sizeof lists / sizeof *lists; i++)
        failed |= json_array_extend(json_object_get(all, lists[i]), json_object_get(part, lists[i]));
    double ms = json_real_value(json_object_get(part, "ms"));
    if (!failed && ms > json_real_value(json_object_get(all, "ms")))
        failed |= json_object_set_new(all, "ms", json_real(ms));
    json_decref(part);
    return failed ? cli_fail(err, CSG_ERROR, "out of memory") : CSG_OK;
}

static int by_place(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "at"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "at"));
    return x < y ? -1 : x > y;
}

static int sort(json_t *said, const char *name, struct csg_error *err)
{
    json_t *list = json_object_get(said, name), *sorted = json_array();
    size_t n = json_array_size(list);
    json_t **entries = calloc(n + 1, sizeof(json_t *));
    int failed = !entries || !sorted;
    for (size_t i = 0; !failed && i < n; i++)
        entries[i] = json_array_get(list, i);
    if (!failed)
        qsort(entries, n, sizeof(json_t *), by_place);
    for (size_t i = 0; !failed && i < n; i++)
        failed = json_array_append(sorted, entries[i]);
    if (!failed)
        failed = json_object_set(said, name, sorted);
    json_decref(sorted);
    free(entries);
    return failed ? cli_fail(err, CSG_ERROR, "out of memory") : CSG_OK;
}

int cli_gather(struct cli_ranks *ranks, json_t *said, struct csg_error *err)
{
    if (ranks->count == 1)
        return CSG_OK;
    char *text = ranks->rank ? json_dumps(said, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    int status = cli_ranks_agree(ranks, ranks->rank && !text ? cli_fail(err, CSG_ERROR, "out of memory") : CSG_OK, err);
    if (status == CSG_OK)
        status = cli_ranks_gather(ranks, text, text ? strlen(text) : 0, take, said, err);
    free(text);
    if (status == CSG_OK && ranks->rank == 0)
        status = sort(said, "pictures", err);
    if (status == CSG_OK && ranks->rank == 0)
        status = sort(said, "unreadable", err);
    return status;
}
