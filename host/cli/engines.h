/* The engines that --device a,b or all asks for. */
#ifndef CSG_CLI_ENGINES_H
#define CSG_CLI_ENGINES_H

#include "cli.h"

#define CLI_MOST_ENGINES 64

struct cli_engines {
    char *specs[CLI_MOST_ENGINES]; /* of devices; NULL: the default */
    struct csg_engine *engines[CLI_MOST_ENGINES];
    size_t n_specs, count;
    bool all; /* the usable ones are among them */
};
/* At most `most` of them. The first has both towers, the others those that `others` names: "image" where the first has texts for all, or
 * NULL for both. */
int cli_engines_open(struct cli_engines *engines, const struct cli_args *args, size_t most, const char *others,
                     struct csg_error *err);
void cli_engines_close(struct cli_engines *engines);

#endif
