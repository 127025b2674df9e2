/* Reads pickles as data: values, containers, and the few names that PyTorch's archives are built of. Nothing is run: a pickle that
 * asks for anything else is refused. Private to host/model. */
#ifndef CSG_MODEL_PICKLE_H
#define CSG_MODEL_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum csg_pickle_kind {
    CSG_PICKLE_OPAQUE, /* None, floats, what only matters to programs */
    CSG_PICKLE_BOOL,
    CSG_PICKLE_INT,
    CSG_PICKLE_TEXT,
    CSG_PICKLE_TUPLE, /* or list */
    CSG_PICKLE_DICT,
    CSG_PICKLE_NAME,    /* a class or function, not called */
    CSG_PICKLE_OBJECT,  /* of a class of TorchScript: its attributes are a dictionary */
    CSG_PICKLE_STORAGE, /* what a persistent id names: the parts of the id are its items */
    CSG_PICKLE_TENSOR   /* the arguments of _rebuild_tensor_v2 are its items */
};

typedef uint32_t csg_pickle_ref; /* number of a value */
#define CSG_PICKLE_NONE UINT32_MAX
#define CSG_PICKLE_LIMIT (4 << 20) /* bytes; the largest model's has a tenth of it */

struct csg_pickle_value {
    enum csg_pickle_kind kind;
    int64_t number;       /* of an int or bool; of a name its row in the table of names */
    const char *text;     /* in the pickle; not ended by NUL */
    size_t bytes;         /* of the text */
    uint32_t first, last; /* items in `links`; of a dictionary keys and values in turn; CSG_PICKLE_NONE: empty */
    size_t count;         /* items */
    csg_pickle_ref state; /* an object's attributes */
};
struct csg_pickle_link {
    csg_pickle_ref value;
    uint32_t next;
};

struct csg_pickle {
    struct csg_pickle_value *values;
    struct csg_pickle_link *links;
    size_t n_values, n_links;
    csg_pickle_ref root;
};

/* Values point into `data`, which must outlive them. `what` is for messages. CSG_ERROR_MODEL. */
int csg_pickle_read(struct csg_pickle *out, const uint8_t *data, size_t bytes, const char *what, struct csg_error *err);
void csg_pickle_free(struct csg_pickle *pickle);

/* Item `index` of a tuple, storage or tensor; NULL where it has none. */
const struct csg_pickle_value *csg_pickle_item(const struct csg_pickle *pickle, const struct csg_pickle_value *of, size_t index);
bool csg_pickle_is(const struct csg_pickle_value *value, const char *text);
/* What a name that stands for a type of storage is called in safetensors ("F32"), and its bytes; false for other names. */
bool csg_pickle_storage_type(const struct csg_pickle_value *name, const char **type, size_t *bytes);

#endif
