/* What `map` says of a result: a JSON document, or a table for people. */
#ifndef CSG_CLI_REPORT_H
#define CSG_CLI_REPORT_H

#include "cli.h"

/* The parts of that document: of the engine, with {"model", "device", "operators"} in it or each alone, and of the picture. */
int cli_report_model(json_t **out, struct csg_engine *engine, struct csg_error *err);
int cli_report_device(json_t **out, struct csg_engine *engine, struct csg_error *err);
int cli_report_engine(json_t **out, struct csg_engine *engine, struct csg_error *err);
json_t *cli_report_result(const struct csg_result *result, char *const *files, size_t n_files);
/* The document into a new file. */
int cli_report_write(struct csg_engine *engine, const struct csg_result *result, char *const *files, size_t n_files,
                     const char *path, struct csg_error *err);
void cli_report_table(FILE *out, const struct csg_engine *engine, const struct csg_result *result, char *const *files,
                      size_t n_files);

#endif
