/* Which kernel forms run on which kind of device, and with which tiles. */
#include <string.h>

#include "ocl/ocl.h"

static const struct csg_ocl_class classes[] = {
    {"cpu", CL_DEVICE_TYPE_CPU, .packed = true, .item_rows = true, .group = 16},
    {"gpu", CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR | CL_DEVICE_TYPE_CUSTOM | CL_DEVICE_TYPE_DEFAULT, .packed = false,
     .item_rows = false, .group = 64},
};

const struct csg_ocl_class *csg_ocl_class_named(const char *name)
{
    for (size_t i = 0; i < CSG_COUNT(classes); i++)
        if (strcmp(classes[i].name, name) == 0)
            return &classes[i];
    return NULL;
}

const struct csg_ocl_class *csg_ocl_class_of(cl_device_type type)
{
    for (size_t i = 0; i < CSG_COUNT(classes); i++)
        if (classes[i].devices & type)
            return &classes[i];
    return &classes[CSG_COUNT(classes) - 1];
}

const struct csg_ocl_class *csg_ocl_class_at(size_t index)
{
    return index < CSG_COUNT(classes) ? &classes[index] : NULL;
}

/* Tiles that keep their accumulators, one row of a panel and a broadcast in the vector registers: 32 of 512 bits, 16 of 256
 * bits, 16 or 32 of 128 bits. 6 x 4 vectors divides 197 and 1,025 tokens and widths of 768, 2,304 and 3,072 with little
 * waste, and is faster than 9 x 3 at all of these shapes. */
static const struct csg_ocl_tile tiles[] = {
    {16, .vectors = 4, .rows = 6, .rows_few = 3, .query_vectors = 3, .key_rows = 8},
    {8, .vectors = 2, .rows = 6, .rows_few = 3, .query_vectors = 2, .key_rows = 4},
    {4, .vectors = 2, .rows = 6, .rows_few = 3, .query_vectors = 2, .key_rows = 4},
};

const struct csg_ocl_tile *csg_ocl_tile_of(unsigned native_width)
{
    for (size_t i = 0; i < CSG_COUNT(tiles); i++)
        if (native_width >= tiles[i].width)
            return &tiles[i];
    return &tiles[CSG_COUNT(tiles) - 1];
}

const struct csg_ocl_tile *csg_ocl_tile_at(size_t index)
{
    return index < CSG_COUNT(tiles) ? &tiles[index] : NULL;
}
