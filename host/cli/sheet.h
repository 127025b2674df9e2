/* The contact sheet of `map`, and lists of methods. */
#ifndef CSG_CLI_SHEET_H
#define CSG_CLI_SHEET_H

#include "cli.h"

struct cli_list {
    char **items;
    size_t count;
    bool all; /* it was "all" */
};
void cli_list_free(struct cli_list *list);
/* "a,b,c"; NULL: none. */
int cli_word_list(struct cli_list *list, const char *text, struct csg_error *err);
/* "a,b,c", or "all" for every method; each name known and named once. NULL: the default method alone. */
int cli_method_list(struct cli_list *list, const char *text, struct csg_error *err);

/* Of "all" only those that the model can do; unless quiet a line says which it cannot. */
void cli_method_list_fit(struct cli_list *list, const struct csg_engine *engine, bool quiet);

/* The picture and the maps of every text. With compared results, text by text the picture, the compared methods, the result. */
struct cli_sheet {
    struct csg_engine *engine;
    const struct csg_image *image;
    const struct csg_result *result;
    struct csg_result *const *compared;
    size_t n_compared;
    struct csg_draw_params draw;
};
int cli_draw_sheet(const struct cli_sheet *sheet, struct csg_image **out, struct csg_error *err);

#endif
