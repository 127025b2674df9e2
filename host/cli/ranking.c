#include "ranking.h"

#include <stdio.h>
#include <stdlib.h>

static int by_score(const void *a, const void *b)
{
    const struct cli_ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

void cli_rank(struct cli_ranked *ranked, size_t count)
{
    qsort(ranked, count, sizeof *ranked, by_score);
}

const char *cli_table_label(char buffer[61], const char *label)
{
    snprintf(buffer, 61, "%s", label);
    return cli_printable(buffer);
}

json_t *cli_ranked_json(const struct cli_ranked *ranked, size_t count, const char *kind)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:o, s:i, s:f, s:f}", kind, cli_json_string(ranked[i].label), "index",
                                        (int)ranked[i].at, "score", (double)ranked[i].score, "cosine", (double)ranked[i].cosine));
    return list;
}

void cli_print_ranked(FILE *out, const struct cli_ranked *ranked, size_t count, const char *kind)
{
    fprintf(out, "%-24s %9s %9s\n", kind, "score", "cosine");
    for (size_t i = 0; i < count; i++) {
        char printable[61];
        fprintf(out, "%-24s %9.4f %9.4f\n", cli_table_label(printable, ranked[i].label), (double)ranked[i].score,
                (double)ranked[i].cosine);
    }
}
