/* Looking up a row of a table by its name. */
#ifndef CSG_BASE_NAMES_H
#define CSG_BASE_NAMES_H

#include "base/status.h"

/* The index of `name` (NULL: 0) among name_at(0), name_at(1), ... up to NULL. CSG_ERROR_USAGE: a sentence that calls the thing
 * `what` and lists the names. */
int csg_name_find(size_t *index, const char *name, const char *what, const char *(*name_at)(size_t), struct csg_error *err);

#endif
