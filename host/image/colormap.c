#include "image/colormap.h"

#include <stdio.h>
#include <string.h>

#include "image/colormap_tables.h"

/* A name and a table: a new colour map is a row here and one in tools/make_colormaps.py. */
static const struct csg_colormap rows[] = {
    {"viridis", csg_table_viridis}, {"jet", csg_table_jet},         {"turbo", csg_table_turbo},
    {"inferno", csg_table_inferno}, {"cividis", csg_table_cividis}, {"grey", csg_table_grey},
};
#define N_ROWS (sizeof rows / sizeof *rows)

const struct csg_colormap *csg_colormap_at(size_t index)
{
    return index < N_ROWS ? &rows[index] : NULL;
}

const char *csg_colormap_name(size_t index)
{
    return index < N_ROWS ? rows[index].name : NULL;
}

int csg_colormap_find(const struct csg_colormap **out, const char *name, struct csg_error *err)
{
    char known[256] = "";
    size_t used = 0;
    *out = NULL;
    for (size_t i = 0; i < N_ROWS; i++) {
        if (!name || strcmp(name, rows[i].name) == 0) {
            *out = &rows[i];
            return CSG_OK;
        }
        int more = snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", rows[i].name);
        if (more > 0 && (size_t)more < sizeof known - used)
            used += (size_t)more;
    }
    return csg_fail(err, CSG_ERROR_USAGE, "there is no colour map %s; there are %s", name, known);
}
