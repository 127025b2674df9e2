#include "model/download.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/store.h"

#define MAX_FRUITLESS 6 /* tries in a row that bring nothing */
#define FIRST_REST_MS 200
#define LONGEST_REST_MS 60000

/* Counts tries that brought nothing and rests between them. */
struct patience {
    unsigned fruitless;
};

/* What an answer means for the next step. */
enum verdict { GOT, RETRY, GIVE_UP };

static enum verdict judge(const struct csg_http_reply *reply)
{
    static const long again[] = {408, 425, 429, 500, 502, 503, 504};
    if (reply->fatal)
        return GIVE_UP;
    if (reply->code == 0 || ((reply->code == 200 || reply->code == 206) && !reply->complete))
        return RETRY;
    for (size_t i = 0; i < sizeof again / sizeof again[0]; i++)
        if (reply->code == again[i])
            return RETRY;
    return reply->code == 200 || reply->code == 206 || (reply->code >= 300 && reply->code < 400) ? GOT : GIVE_UP;
}

static int refuse(const char *url, const struct csg_http_reply *reply, struct csg_error *err)
{
    if (reply->code == 401 || reply->code == 403)
        return csg_fail(err, CSG_ERROR,
                        "%s is not given out without leave (HTTP %ld): where the publisher asks for an account, set HF_TOKEN",
                        url, reply->code);
    if (reply->code == 404 || reply->code == 410)
        return csg_fail(err, CSG_ERROR, "%s does not exist (HTTP %ld)", url, reply->code);
    if (reply->code >= 400)
        return csg_fail(err, CSG_ERROR, "%s is not given out (HTTP %ld)", url, reply->code);
    return csg_fail(err, CSG_ERROR, "%s cannot be fetched: %s", url,
                    reply->problem[0] ? reply->problem : "the answer is shorter than it said");
}

/* Rests before the next try; fails where there were too many. */
static int rest(struct patience *p, const char *url, const struct csg_http_reply *reply, struct csg_error *err)
{
    if (++p->fruitless > MAX_FRUITLESS)
        return refuse(url, reply, err);
    unsigned ms = FIRST_REST_MS << (p->fruitless - 1);
    if (reply->retry_after_s * 1000 > ms)
        ms = reply->retry_after_s * 1000;
    csg_sleep_ms(ms < LONGEST_REST_MS ? ms : LONGEST_REST_MS);
    return CSG_OK;
}

struct receiver {
    const struct csg_download *what;
    struct csg_partial *partial;
    uint64_t total;    /* UINT64_MAX: not known */
    bool started;      /* this answer's first piece has come */
    bool wrong_place;  /* the server sent another range than was asked for */
    uint64_t began_at; /* bytes that were there before */
    double began_ms;
};

/* The first piece of an answer: where it belongs, how large the whole is, whether there is room. */
static int begin(struct receiver *r, const struct csg_http_reply *reply, struct csg_error *err)
{
    uint64_t have = csg_partial_bytes(r->partial);
    int status = CSG_OK;
    r->started = true;
    if (reply->code == 206 && reply->range_from != have) {
        r->wrong_place = true;
        return CSG_ERROR;
    }
    if (reply->code == 200 && have) /* a server that knows no ranges sends all of it */
        status = csg_partial_restart(r->partial, err);
    have = csg_partial_bytes(r->partial);
    uint64_t told = reply->code == 206 ? reply->total : reply->length;
    if (r->total == UINT64_MAX)
        r->total = told;
    uint64_t room = csg_free_bytes(csg_partial_path(r->partial));
    if (!status && r->total != UINT64_MAX && r->total > have && room < r->total - have)
        status = csg_fail(err, CSG_ERROR, "%s needs %.1f MB more than the %.1f MB that are free where %s is", r->what->name,
                          (double)(r->total - have - room) / 1e6, (double)room / 1e6, csg_partial_path(r->partial));
    return status;
}

static int receive(void *user, const struct csg_http_reply *reply, const void *data, size_t bytes, struct csg_error *err)
{
    struct receiver *r = user;
    int status = r->started ? CSG_OK : begin(r, reply, err);
    if (status)
        return status;
    if (r->total != UINT64_MAX && bytes > r->total - csg_partial_bytes(r->partial))
        return csg_fail(err, CSG_ERROR, "%s sends more than the %llu bytes that %s has", r->what->url,
                        (unsigned long long)r->total, r->what->name);
    status = csg_partial_append(r->partial, data, bytes, err);
    if (!status && r->what->progress) {
        uint64_t have = csg_partial_bytes(r->partial);
        double seconds = (csg_now_ms() - r->began_ms) * 1e-3;
        double rate = seconds > 0 && have > r->began_at ? (double)(have - r->began_at) / seconds : 0.0;
        r->what->progress(r->what->user, r->what->name, have, r->total == UINT64_MAX ? 0 : r->total, rate);
    }
    return status;
}

/* Fetches until the file is whole. */
static int receive_all(struct csg_http *http, struct receiver *r, struct csg_error *err)
{
    struct patience patience = {0};
    const struct csg_download *what = r->what;
    for (;;) {
        uint64_t have = csg_partial_bytes(r->partial);
        struct csg_http_reply reply;
        if (r->total != UINT64_MAX && have > r->total) {
            int status = csg_partial_restart(r->partial, err);
            if (status)
                return status;
            have = 0;
        }
        if (have == r->total)
            return CSG_OK;
        r->started = r->wrong_place = false;
        const struct csg_http_request request = {
            .url = what->url, .token = what->token, .from = have, .write = receive, .user = r};
        int status = csg_http_get(http, &request, &reply, err);
        if (status && !r->wrong_place)
            return status;
        uint64_t now = csg_partial_bytes(r->partial);
        if (now > have)
            patience.fruitless = 0;
        if (reply.code == 416 && have && reply.total == have) { /* it was whole already */
            r->total = have;
            return CSG_OK;
        }
        if (r->wrong_place || (reply.code == 416 && have)) {
            status = csg_partial_restart(r->partial, err);
        } else if (judge(&reply) == GIVE_UP) {
            return refuse(what->url, &reply, err);
        } else if (judge(&reply) == GOT && (r->total == UINT64_MAX || now == r->total)) {
            r->total = now;
            return CSG_OK;
        } else {
            status = CSG_OK;
        }
        if (!status)
            status = rest(&patience, what->url, &reply, err);
        if (status)
            return status;
    }
}

static int hash_file(const char *path, char hex[CSG_SHA256_HEX], struct csg_error *err)
{
    struct csg_mapped file;
    struct csg_sha256 *hash = NULL;
    const size_t piece = (size_t)1 << 20;
    int status = csg_map_file(&file, path, CSG_ERROR, err);
    if (status)
        return status;
    status = csg_sha256_create(&hash, err);
    for (size_t at = 0; at < file.bytes && !status; at += piece)
        status = csg_sha256_update(hash, file.data + at, file.bytes - at < piece ? file.bytes - at : piece, err);
    if (!status)
        status = csg_sha256_finish(&hash, hex, err);
    csg_sha256_destroy(&hash);
    csg_unmap_file(&file);
    return status;
}

int csg_download_file(struct csg_http *http, const struct csg_download *what, struct csg_error *err)
{
    struct receiver r = {.what = what, .total = what->bytes, .began_ms = csg_now_ms()};
    char hex[CSG_SHA256_HEX] = "";
    int status = csg_partial_open(&r.partial, what->path, err);
    if (status)
        return status;
    /* Nothing could tell whether the rest still belongs to what an earlier run left. */
    if (!what->sha256 && what->bytes == UINT64_MAX)
        status = csg_partial_restart(r.partial, err);
    r.began_at = csg_partial_bytes(r.partial);
    bool continued = r.began_at > 0, right = false;
    for (int round = 0; round < 2 && !status && !right; round++) {
        status = receive_all(http, &r, err);
        if (!status && what->sha256)
            status = hash_file(csg_partial_path(r.partial), hex, err);
        right = !status && (!what->sha256 || strcmp(hex, what->sha256) == 0);
        if (status || right || !continued)
            break;
        /* What an earlier run left was perhaps of another file. */
        status = csg_partial_restart(r.partial, err);
        r.began_at = 0;
        continued = false;
    }
    if (!status && !right) {
        csg_partial_close(&r.partial, false);
        return csg_fail(err, CSG_ERROR, "%s arrived damaged and was removed: its SHA-256 is %s, not %s", what->name, hex,
                        what->sha256);
    }
    if (status) {
        csg_partial_close(&r.partial, true);
        return status;
    }
    return csg_partial_commit(&r.partial, err);
}

struct text {
    char *data;
    size_t used, limit;
    const char *url;
};

static int receive_text(void *user, const struct csg_http_reply *reply, const void *data, size_t bytes, struct csg_error *err)
{
    struct text *t = user;
    (void)reply;
    if (bytes > t->limit - t->used)
        return csg_fail(err, CSG_ERROR, "%s is larger than %zu bytes", t->url, t->limit);
    char *larger = csg_realloc(t->data, t->used + bytes + 1, 1);
    if (!larger)
        return csg_fail_memory(err);
    t->data = larger;
    memcpy(larger + t->used, data, bytes);
    t->used += bytes;
    larger[t->used] = 0;
    return CSG_OK;
}

int csg_download_text(struct csg_http *http, const char *url, const char *token, size_t limit_bytes, char **text, size_t *bytes,
                      struct csg_error *err)
{
    struct patience patience = {0};
    struct text t = {.limit = limit_bytes, .url = url};
    int status = CSG_OK;
    *text = NULL;
    for (;;) {
        struct csg_http_reply reply;
        const struct csg_http_request request = {.url = url, .token = token, .write = receive_text, .user = &t};
        t.used = 0;
        status = csg_http_get(http, &request, &reply, err);
        if (!status && judge(&reply) == GOT && t.data)
            break;
        if (!status && judge(&reply) == GIVE_UP)
            status = refuse(url, &reply, err);
        if (!status)
            status = rest(&patience, url, &reply, err);
        if (status) {
            free(t.data);
            return status;
        }
    }
    *text = t.data;
    *bytes = t.used;
    return CSG_OK;
}

/* scheme://host of the address, then the path. */
static char *on_same_host(const char *url, const char *path)
{
    const char *host = strstr(url, "://");
    size_t length = host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/") : 0;
    char *out = csg_calloc(length + strlen(path) + 1, 1);
    if (out) {
        memcpy(out, url, length);
        memcpy(out + length, path, strlen(path));
    }
    return out;
}

int csg_download_head(struct csg_http *http, const char *url, const char *token, struct csg_http_reply *reply,
                      struct csg_error *err)
{
    struct patience patience = {0};
    char *moved = NULL;
    int status = CSG_OK;
    for (int hops = 0; !status;) {
        const struct csg_http_request request = {.url = moved ? moved : url, .token = token, .head = true};
        status = csg_http_get(http, &request, reply, err);
        if (status)
            break;
        if (judge(reply) == RETRY) {
            status = rest(&patience, request.url, reply, err);
        } else if (judge(reply) == GIVE_UP) {
            status = refuse(request.url, reply, err);
        } else if (reply->code >= 300 && !reply->linked_etag[0] && reply->location[0] == '/' && ++hops < 5) {
            char *next = on_same_host(request.url, reply->location); /* renamed repositories */
            free(moved);
            moved = next;
            if (!moved)
                status = csg_fail_memory(err);
        } else {
            break;
        }
    }
    free(moved);
    return status;
}
