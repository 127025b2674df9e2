/* Bounded JSON over jansson. */
#ifndef CSG_MODEL_JSON_H
#define CSG_MODEL_JSON_H

#include <jansson.h>

#include "base/status.h"

/* Parses one object. Nesting deeper than max_depth, more than max_values values or a key twice is CSG_ERROR_MODEL; `what` names the
 * file. *out is to be given to json_decref. */
int csg_json_object(json_t **out, const char *text, size_t bytes, size_t max_depth, size_t max_values, const char *what,
                    struct csg_error *err);

#endif
