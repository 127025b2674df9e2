#include "base/names.h"

#include <stdio.h>
#include <string.h>

int csg_name_find(size_t *index, const char *name, const char *what, const char *(*name_at)(size_t), struct csg_error *err)
{
    char known[512] = "";
    size_t used = 0;
    *index = 0;
    if (!name)
        return CSG_OK;
    for (size_t i = 0; name_at(i); i++) {
        if (strcmp(name_at(i), name) == 0) {
            *index = i;
            return CSG_OK;
        }
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", name_at(i));
    }
    return csg_fail(err, CSG_ERROR_USAGE, "there is no %s '%s'; known are %s", what, name, known);
}
