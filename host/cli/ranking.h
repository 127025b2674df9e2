/* Labels or tokens from the best down. */
#ifndef CSG_CLI_RANKING_H
#define CSG_CLI_RANKING_H

#include "cli.h"

struct cli_ranked {
    const char *label;
    float score, cosine;
    size_t at; /* its place as given */
};

/* By score; of equals the first comes first. */
void cli_rank(struct cli_ranked *ranked, size_t count);
/* kind: "label" or "token", what the ranked are called. */
json_t *cli_ranked_json(const struct cli_ranked *ranked, size_t count, const char *kind);
void cli_print_ranked(FILE *out, const struct cli_ranked *ranked, size_t count, const char *kind);
/* A label as a table has it: no control characters, at most 60 bytes. */
const char *cli_table_label(char buffer[61], const char *label);

#endif
