/* Label sets, prompt templates and texts with `+`. Untrusted files. */
#ifndef CSG_MODEL_LABELS_H
#define CSG_MODEL_LABELS_H

#include "base/status.h"

struct csg_strings {
    char **items;
    size_t count;
};
void csg_strings_free(struct csg_strings *strings);
int csg_strings_add(struct csg_strings *strings, const char *item, struct csg_error *err);

/* name: a set of the project's (assets/labels/NAME.txt: coco80, pascal59, ...) or a file with one label a line; empty lines and lines
 * that begin with # are skipped. CSG_ERROR_INPUT. */
int csg_labels_load(struct csg_strings *out, const char *name, struct csg_error *err);
/* NULL: assets/templates.txt; "none": the text itself; else a file, each line with {} once. CSG_ERROR_INPUT. */
int csg_templates_load(struct csg_strings *out, const char *name, struct csg_error *err);
/* Puts the text into the template; to be freed; NULL where memory is short. */
char *csg_template_fill(const char *template_text, const char *text);
/* Splits at `+` outside `\+`, unescapes, strips blanks; empty parts are dropped unless the whole text is empty (one empty part). */
int csg_text_parts(struct csg_strings *out, const char *text, struct csg_error *err);

#endif
