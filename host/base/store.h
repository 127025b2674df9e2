/* What a store of downloaded files needs: files that grow over several runs, links, removal of folders. */
#ifndef CSG_BASE_STORE_H
#define CSG_BASE_STORE_H

#include "base/status.h"

/* A file under the name PATH.incomplete that keeps what an earlier run wrote, until commit renames it to PATH. One process at a time. */
struct csg_partial;
int csg_partial_open(struct csg_partial **out, const char *path, struct csg_error *err);
/* Bytes that it holds so far. */
uint64_t csg_partial_bytes(const struct csg_partial *partial);
int csg_partial_append(struct csg_partial *partial, const void *data, size_t bytes, struct csg_error *err);
/* Forgets what it holds. */
int csg_partial_restart(struct csg_partial *partial, struct csg_error *err);
/* The name under which it stands now. */
const char *csg_partial_path(const struct csg_partial *partial);
int csg_partial_commit(struct csg_partial **partial, struct csg_error *err);
/* Closes it; the file stays, to be continued later, or goes. */
void csg_partial_close(struct csg_partial **partial, bool keep);

/* Free bytes where `folder` is; UINT64_MAX where that is not known. */
uint64_t csg_free_bytes(const char *folder);
uint64_t csg_file_bytes(const char *path);
/* A symbolic link at `path` to `target`, in the place of an older one. */
int csg_make_link(const char *target, const char *path, struct csg_error *err);
/* Removes a file, or a folder and all that is in it; links are removed, not followed. Nothing there is no failure. */
int csg_remove_tree(const char *path, struct csg_error *err);
void csg_sleep_ms(unsigned ms);

#endif
