/* HTML 5's named character references. */
#ifndef CSG_MODEL_ENTITIES_TABLE_H
#define CSG_MODEL_ENTITIES_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum {
    CSG_ENTITY_BARE = 1,   /* valid without the ; too */
    CSG_ENTITY_SHOUTED = 2 /* also read in capitals, which HTML does not know: "EACUTE" for the capital of "eacute" */
};
struct csg_entity {
    const char *name;   /* without & and ; */
    uint32_t points[3]; /* what it stands for; zeros fill */
    unsigned flags;
};
/* Both sorted by name in byte order. */
extern const struct csg_entity csg_entities[];
extern const size_t csg_n_entities;
/* Those names in capitals that stand for more characters than the small ones do, as "SZLIG". */
extern const struct csg_entity csg_shouted_entities[];
extern const size_t csg_n_shouted_entities;

#endif
