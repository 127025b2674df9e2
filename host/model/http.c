#include "model/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct csg_http {
    CURL *curl;
};

struct transfer {
    const struct csg_http_request *request;
    struct csg_http_reply *reply;
    struct csg_error *err;
    int status; /* of write */
};

int csg_http_create(struct csg_http **out, struct csg_error *err)
{
    struct csg_http *http = csg_calloc(1, sizeof *http);
    *out = NULL;
    if (!http)
        return csg_fail_memory(err);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        free(http);
        return csg_fail(err, CSG_ERROR, "libcurl cannot be used");
    }
    http->curl = curl_easy_init();
    if (!http->curl) {
        csg_http_destroy(&http);
        return csg_fail_memory(err);
    }
    *out = http;
    return CSG_OK;
}

void csg_http_destroy(struct csg_http **http)
{
    if (!http || !*http)
        return;
    if ((*http)->curl)
        curl_easy_cleanup((*http)->curl);
    curl_global_cleanup();
    free(*http);
    *http = NULL;
}

/* The value of the header line `name: value`, or NULL. */
static const char *value_of(const char *line, size_t bytes, const char *name, size_t *value_bytes)
{
    size_t length = strlen(name);
    if (bytes <= length || line[length] != ':')
        return NULL;
    for (size_t i = 0; i < length; i++)
        if ((line[i] | 0x20) != name[i] && line[i] != name[i])
            return NULL;
    const char *value = line + length + 1, *end = line + bytes;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *value_bytes = (size_t)(end - value);
    return value;
}

static void copy_value(char *out, size_t room, const char *value, size_t bytes)
{
    out[0] = 0;
    if (bytes < room) {
        memcpy(out, value, bytes);
        out[bytes] = 0;
    }
}

/* Without quotes and the mark of weak ones. */
static void copy_etag(char *out, size_t room, const char *value, size_t bytes)
{
    if (bytes >= 2 && value[0] == 'W' && value[1] == '/') {
        value += 2;
        bytes -= 2;
    }
    if (bytes >= 2 && value[0] == '"' && value[bytes - 1] == '"') {
        value++;
        bytes -= 2;
    }
    copy_value(out, room, value, bytes);
}

static uint64_t number_at(const char *text, size_t bytes)
{
    uint64_t number = 0;
    size_t i = 0;
    for (; i < bytes && i < 18 && text[i] >= '0' && text[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    return i ? number : UINT64_MAX;
}

static void forget(struct csg_http_reply *reply)
{
    *reply =
        (struct csg_http_reply){.length = UINT64_MAX, .range_from = UINT64_MAX, .total = UINT64_MAX, .linked_bytes = UINT64_MAX};
}

static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    struct transfer *t = user;
    struct csg_http_reply *reply = t->reply;
    size_t bytes = size * count, n;
    const char *value;
    if (bytes >= 5 && memcmp(line, "HTTP/", 5) == 0) { /* a new answer: what a redirect said is past */
        forget(reply);
        const char *space = memchr(line, ' ', bytes);
        uint64_t code = space ? number_at(space + 1, bytes - (size_t)(space + 1 - line)) : UINT64_MAX;
        reply->code = code < 1000 ? (long)code : 0;
    } else if ((value = value_of(line, bytes, "content-length", &n))) {
        reply->length = number_at(value, n);
    } else if ((value = value_of(line, bytes, "content-range", &n))) {
        const char *slash = memchr(value, '/', n);
        if (n > 6 && memcmp(value, "bytes ", 6) == 0)
            reply->range_from = number_at(value + 6, n - 6);
        if (slash)
            reply->total = number_at(slash + 1, n - (size_t)(slash + 1 - value));
    } else if ((value = value_of(line, bytes, "x-linked-size", &n))) {
        reply->linked_bytes = number_at(value, n);
    } else if ((value = value_of(line, bytes, "x-linked-etag", &n))) {
        copy_etag(reply->linked_etag, sizeof reply->linked_etag, value, n);
    } else if ((value = value_of(line, bytes, "etag", &n))) {
        copy_etag(reply->etag, sizeof reply->etag, value, n);
    } else if ((value = value_of(line, bytes, "location", &n))) {
        copy_value(reply->location, sizeof reply->location, value, n);
    } else if ((value = value_of(line, bytes, "retry-after", &n))) {
        uint64_t seconds = number_at(value, n);
        reply->retry_after_s = seconds < 3600 ? (unsigned)seconds : 0;
    }
    return bytes;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct transfer *t = user;
    size_t bytes = size * count;
    if (t->reply->code != 200 && t->reply->code != 206)
        return bytes; /* a page that explains an error */
    t->status = t->request->write ? t->request->write(t->request->user, t->reply, data, bytes, t->err) : CSG_OK;
    return t->status ? 0 : bytes;
}

static bool is_fatal(CURLcode code)
{
    return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT || code == CURLE_PEER_FAILED_VERIFICATION ||
           code == CURLE_TOO_MANY_REDIRECTS || code == CURLE_SSL_CACERT_BADFILE;
}

int csg_http_get(struct csg_http *http, const struct csg_http_request *request, struct csg_http_reply *reply,
                 struct csg_error *err)
{
    struct transfer transfer = {request, reply, err, CSG_OK};
    CURL *curl = http->curl;
    char why[CURL_ERROR_SIZE] = "", range[32];
    bool secure = strncmp(request->url, "https:", 6) == 0;
    forget(reply);
    curl_easy_reset(curl); /* keeps connections */
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "clip-surgeon/" CSG_VERSION);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    /* What began encrypted stays so. */
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 30L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(curl, request->head ? CURLOPT_NOBODY : CURLOPT_FOLLOWLOCATION, 1L);
    if (request->token) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, request->token);
    }
    if (request->from) {
        snprintf(range, sizeof range, "%llu-", (unsigned long long)request->from);
        curl_easy_setopt(curl, CURLOPT_RANGE, range);
    }
    CURLcode code = curl_easy_perform(curl);
    reply->complete = code == CURLE_OK;
    reply->fatal = is_fatal(code);
    if (code != CURLE_OK)
        snprintf(reply->problem, sizeof reply->problem, "%s", why[0] ? why : curl_easy_strerror(code));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    return transfer.status;
}
