/* A file of records that survives a kill: what was appended is there, what was being appended is not. */
#ifndef CSG_BASE_JOURNAL_H
#define CSG_BASE_JOURNAL_H

#include "base/status.h"

struct csg_journal;

/* Opens or makes the file. `key` (64 characters) says whose records these are: a file with another key is CSG_ERROR. `visit` is
 * called for each whole record in order; a torn one at the end is cut off. */
int csg_journal_open(struct csg_journal **out, const char *path, const char *key,
                     int (*visit)(void *user, const void *record, size_t bytes, struct csg_error *err), void *user,
                     struct csg_error *err);
/* The same of a file that must be there and is not changed. */
int csg_journal_read(const char *path, const char *key,
                     int (*visit)(void *user, const void *record, size_t bytes, struct csg_error *err), void *user,
                     struct csg_error *err);
int csg_journal_append(struct csg_journal *journal, const void *record, size_t bytes, struct csg_error *err);
void csg_journal_close(struct csg_journal **journal);

#endif
