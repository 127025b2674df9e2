/* Things kept on disk that may be lost: a folder with mode 0700 of files KEY.SUFFIX, each
 *   8 bytes    the format's name
 *   64 bytes   KEY, a SHA-256 in hex of all that the payload depends on
 *   8 bytes    length of the payload, little-endian
 *   64 bytes   SHA-256 of the payload in hex
 *   payload
 * and nothing more. What is missing, short, longer, does not match, is another user's or lies where another one may write is not there.
 * Written under another name and renamed, mode 0600. */
#ifndef CSG_BASE_RECORD_H
#define CSG_BASE_RECORD_H

#include "base/status.h"

struct csg_record_kind {
    const char *format; /* 8 characters; another one where the payload changes */
    const char *suffix; /* ".bin" */
    size_t limit_bytes; /* of a file */
};

/* The payload, to be freed, or NULL; *damaged (may be NULL) tells a file that is there and not good. */
unsigned char *csg_record_load(const struct csg_record_kind *kind, const char *folder, const char *key, size_t *bytes,
                               bool *damaged);
int csg_record_store(const struct csg_record_kind *kind, const char *folder, const char *key, const void *payload, size_t bytes,
                     struct csg_error *err);
/* Removes the oldest files of the kind until those that are left have at most `most_bytes` together. */
void csg_record_trim(const struct csg_record_kind *kind, const char *folder, uint64_t most_bytes);
/* Files of the folder and their bytes. */
int csg_record_count(const char *folder, uint64_t *files, uint64_t *bytes, struct csg_error *err);

#endif
