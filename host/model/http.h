/* Requests over libcurl, in one file. Private to host/model. */
#ifndef CSG_MODEL_HTTP_H
#define CSG_MODEL_HTTP_H

#include "base/status.h"

struct csg_http;
int csg_http_create(struct csg_http **out, struct csg_error *err);
void csg_http_destroy(struct csg_http **http);

struct csg_http_reply {
    long code;                  /* 0: no answer */
    bool complete;              /* the body came to its end */
    char problem[256];          /* why not, or why there was no answer */
    bool fatal;                 /* another try would not help: a wrong address, a certificate, a protocol that is not allowed */
    uint64_t length;            /* of this answer's body; UINT64_MAX: not told */
    uint64_t range_from, total; /* of Content-Range; UINT64_MAX: not told */
    uint64_t linked_bytes;      /* X-Linked-Size, or UINT64_MAX */
    unsigned retry_after_s;
    char etag[160], linked_etag[160], location[2048];
};
struct csg_http_request {
    const char *url;   /* http or https */
    const char *token; /* for this host alone, also where it redirects; NULL: none */
    uint64_t from;     /* asks for the bytes from there on */
    bool head;         /* headers alone, redirects not followed */
    /* Gets the body of an answer of 200 or 206, piece by piece; a failure ends the transfer and is returned. `reply` has the headers. */
    int (*write)(void *user, const struct csg_http_reply *reply, const void *data, size_t bytes, struct csg_error *err);
    void *user;
};
/* CSG_OK also where the server refused or the network failed: `reply` says so. Failures are those of write and of memory. */
int csg_http_get(struct csg_http *http, const struct csg_http_request *request, struct csg_http_reply *reply,
                 struct csg_error *err);

#endif
