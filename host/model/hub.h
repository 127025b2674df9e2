/* Hugging Face's hub and its cache: models--OWNER--REPO with blobs, snapshots and refs. Private to host/model. */
#ifndef CSG_MODEL_HUB_H
#define CSG_MODEL_HUB_H

#include "base/status.h"

/* spec: OWNER/REPO or OWNER/REPO@REVISION. *folder is the snapshot in the cache, to be freed, or NULL where it is not there.
 * CSG_ERROR_USAGE: no valid name. */
int csg_hub_find(char **folder, const char *spec, struct csg_error *err);
/* Fetches what a model consists of; *folder is its snapshot, to be freed. */
int csg_hub_pull(char **folder, const char *spec, csg_progress_fn progress, void *user, struct csg_error *err);
/* Removes the repository from the cache, all revisions of it. *removed false: it was not there. */
int csg_hub_remove(const char *spec, bool *removed, struct csg_error *err);

#endif
