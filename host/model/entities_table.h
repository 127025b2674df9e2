/* HTML 5's named character references. */
#ifndef CSG_MODEL_ENTITIES_TABLE_H
#define CSG_MODEL_ENTITIES_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct csg_entity {
    const char *name;   /* without & and ; */
    uint32_t points[3]; /* what it stands for; zeros fill */
    int bare;           /* valid without the ; too */
};
/* Both sorted by name in byte order. */
extern const struct csg_entity csg_entities[];
extern const size_t csg_n_entities;
/* Names that HTML does not know, but that are one in capitals: "EACUTE" for É. */
extern const struct csg_entity csg_shouted_entities[];
extern const size_t csg_n_shouted_entities;

#endif
