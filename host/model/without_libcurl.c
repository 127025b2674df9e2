/* What stands in for http.c where libcurl was left out. */
#include "model/http.h"

int csg_http_create(struct csg_http **out, struct csg_error *err)
{
    *out = NULL;
    return csg_fail(err, CSG_ERROR, "this clip-surgeon was built without libcurl (-Dlibcurl=enabled) and can fetch nothing");
}

void csg_http_destroy(struct csg_http **http)
{
    (void)http;
}

int csg_http_get(struct csg_http *http, const struct csg_http_request *request, struct csg_http_reply *reply,
                 struct csg_error *err)
{
    (void)http;
    (void)request;
    (void)reply;
    return csg_fail(err, CSG_ERROR, "this clip-surgeon was built without libcurl (-Dlibcurl=enabled)");
}
