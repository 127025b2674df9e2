/* What `map` says of a result: a JSON document, or a table for people. */
#ifndef CSG_CLI_REPORT_H
#define CSG_CLI_REPORT_H

#include "cli.h"

int cli_report_json(struct csg_engine *engine, const struct csg_result *result, char *const *files, size_t n_files,
                    struct csg_error *err);
/* The same document into a new file. */
int cli_report_write(struct csg_engine *engine, const struct csg_result *result, char *const *files, size_t n_files,
                     const char *path, struct csg_error *err);
void cli_report_table(const struct csg_engine *engine, const struct csg_result *result, char *const *files, size_t n_files);

#endif
