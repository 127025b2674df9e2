/* Names of files that are not there yet: nothing that the viewer keeps overwrites anything. */
#ifndef CSG_VIEWER_NAMES_H
#define CSG_VIEWER_NAMES_H

#include <jansson.h>

#include "base.h"

/* folder/STEM ENDING, or with -2, -3 ... before the ending where one of the set is there; the stem is that of `source`. */
int name_free_set(char (*paths)[VIEW_PATH], const char *const *endings, size_t count, const char *folder, const char *source,
                  struct csg_error *err);
/* Releases the document. */
int name_write_json(json_t *document, const char *path, bool overwrite, struct csg_error *err);
/* Points for SAM as JSON into a new file. */
int name_write_points(const char *path, const char *text, const int (*points)[2], const uint8_t *labels, size_t count,
                      struct csg_error *err);
/* A folder of XDG: variable/clip-surgeon, or ~/fallback/clip-surgeon, made where it is missing. */
int name_user_folder(char *path, size_t capacity, const char *variable, const char *fallback, struct csg_error *err);

#endif
