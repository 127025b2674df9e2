/* Files from the net: continued where they were cut off, verified, and put in their place when they are right. Private to host/model. */
#ifndef CSG_MODEL_DOWNLOAD_H
#define CSG_MODEL_DOWNLOAD_H

#include "model/http.h"

struct csg_download {
    const char *url, *token; /* token NULL: none */
    const char *path;        /* where the file belongs; its folder exists */
    const char *name;        /* for progress and messages */
    const char *sha256;      /* NULL: not known */
    uint64_t bytes;          /* UINT64_MAX: not known */
    csg_progress_fn progress;
    void *user;
};
/* Interruptions are continued, with rests in between, until several in a row bring nothing. Nothing stands at `path` before the file is
 * whole; what was received stays beside it for the next call, but for a file with another hash, which is removed. CSG_ERROR. */
int csg_download_file(struct csg_http *http, const struct csg_download *what, struct csg_error *err);

/* A small text, in memory; to be freed. */
int csg_download_text(struct csg_http *http, const char *url, const char *token, size_t limit_bytes, char **text, size_t *bytes,
                      struct csg_error *err);
/* The headers of a file, of 200 or a redirect; redirects within the server are followed. */
int csg_download_head(struct csg_http *http, const char *url, const char *token, struct csg_http_reply *reply,
                      struct csg_error *err);

#endif
