/* Zip archives whose files stand uncompressed in the mapped archive, as PyTorch writes them. libzip in one file. Private to host/model. */
#ifndef CSG_MODEL_ARCHIVE_H
#define CSG_MODEL_ARCHIVE_H

#include "base/files.h"

struct csg_archive;

/* `file` must stay mapped. CSG_ERROR_MODEL where it is no zip archive or a damaged one; `path` is for messages. */
int csg_archive_open(struct csg_archive **out, const struct csg_mapped *file, const char *path, struct csg_error *err);
void csg_archive_close(struct csg_archive **archive);
/* The name of the only file that ends with `suffix`, the archive's; NULL where there is none or several. */
const char *csg_archive_find(struct csg_archive *archive, const char *suffix);
/* Where a file stands. Missing, compressed, encrypted, or outside the archive: CSG_ERROR_MODEL. */
int csg_archive_file(struct csg_archive *archive, const char *name, struct csg_mapped *out, struct csg_error *err);

#endif
