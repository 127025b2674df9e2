/* From the texts of a request to the label set and back: which features are needed, and which of them make which row. */
#ifndef CSG_TASK_TEXTS_H
#define CSG_TASK_TEXTS_H

#include "model/labels.h"
#include "task/method.h"

/* Feature surgery that is used. */
enum csg_mode { CSG_MODE_OFF, CSG_MODE_SET, CSG_MODE_EMPTY };
const char *csg_mode_name(enum csg_mode mode);

struct csg_text_set {
    struct csg_strings set; /* every different text whose features are needed: the parts of the texts, then labels */
    size_t *part_from;      /* [n_texts + 1] */
    int32_t *parts;         /* [part_from[n_texts]] index into set */
    size_t n_texts;
    enum csg_mode mode;
};

/* labels, redundant: as in csg_map_params. CSG_ERROR_USAGE, CSG_ERROR_INPUT. */
int csg_text_set_create(struct csg_text_set **out, const char *const *texts, size_t n_texts, const struct csg_method *method,
                        const char *labels, const char *redundant, struct csg_error *err);
/* A set of names as they are, equal ones too: nothing is split, joined or escaped, and each is a text of its own. */
int csg_text_set_plain(struct csg_text_set **out, const struct csg_strings *names, const struct csg_method *method,
                       const char *redundant, struct csg_error *err);
void csg_text_set_destroy(struct csg_text_set **set);

#endif
