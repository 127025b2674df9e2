#include "model/tensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct csg_stored *csg_tensors_add(struct csg_tensors *tensors, const char *name)
{
    /* Room doubles at powers of two, so that the struct needs no capacity. */
    if ((tensors->count & (tensors->count - 1)) == 0) {
        struct csg_stored *items = csg_realloc(tensors->items, tensors->count ? tensors->count * 2 : 1, sizeof *items);
        if (!items)
            return NULL;
        tensors->items = items;
    }
    struct csg_stored *item = &tensors->items[tensors->count];
    *item = (struct csg_stored){.name = csg_strdup(name)};
    if (!item->name)
        return NULL;
    tensors->count++;
    return item;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct csg_stored *)a)->name, ((const struct csg_stored *)b)->name);
}

int csg_tensors_sort(struct csg_tensors *tensors, const char *what, struct csg_error *err)
{
    if (tensors->count)
        qsort(tensors->items, tensors->count, sizeof *tensors->items, by_name);
    for (size_t i = 1; i < tensors->count; i++)
        if (strcmp(tensors->items[i - 1].name, tensors->items[i].name) == 0)
            return csg_fail(err, CSG_ERROR_MODEL, "%s holds the tensor %s twice", what, tensors->items[i].name);
    return CSG_OK;
}

static int is_named(const void *name, const void *item)
{
    return strcmp(name, ((const struct csg_stored *)item)->name);
}

struct csg_stored *csg_tensors_find(const struct csg_tensors *tensors, const char *name)
{
    if (!tensors->count)
        return NULL;
    return bsearch(name, tensors->items, tensors->count, sizeof *tensors->items, is_named);
}

void csg_tensors_free(struct csg_tensors *tensors)
{
    for (size_t i = 0; i < tensors->count; i++)
        free(tensors->items[i].name);
    free(tensors->items);
    *tensors = (struct csg_tensors){0};
}
