#include "task/method.h"

#include <string.h>

#include "base/names.h"

static const struct csg_method methods[] = {
    {"surgery", "architecture and feature surgery (Li et al. 2025)", true, true},
    {"arch", "architecture surgery alone: the second path with v-v attention, no feature surgery", true, false},
    {"raw", "CLIP as it is: the cosine of every projected patch with the text", false, false},
};

const struct csg_method *csg_method_at(size_t index)
{
    return index < sizeof methods / sizeof *methods ? methods + index : NULL;
}

static const char *name_at(size_t index)
{
    const struct csg_method *method = csg_method_at(index);
    return method ? method->name : NULL;
}

int csg_method_find(const struct csg_method **out, const char *name, struct csg_error *err)
{
    size_t index = 0;
    int status = csg_name_find(&index, name, "method", name_at, err);
    *out = status ? NULL : methods + index;
    return status;
}

size_t csg_first_block_default(size_t layers)
{
    return layers > 6 ? layers - 5 : 1;
}
