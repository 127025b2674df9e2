#include "model/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "base/store.h"
#include "model/download.h"
#include "model/json.h"
#include "model/shards.h"

#define DEFAULT_ENDPOINT "https://huggingface.co"
#define DEFAULT_REVISION "main"
#define LISTING_LIMIT ((size_t)16 << 20)

struct repo {
    char owner[100], name[100], revision[100];
    char *folder; /* models--OWNER--REPO in the cache */
};

static bool is_word(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && c != '-' && c != '_' && (c != '.' || i == 0))
            return false;
    }
    return bytes > 0 && bytes < 100;
}

static bool is_commit(const char *text)
{
    size_t length = strspn(text, "0123456789abcdef");
    return length == 40 && text[length] == 0;
}

static bool is_on(const char *variable)
{
    const char *value = getenv(variable);
    static const char *const yes[] = {"1", "ON", "on", "YES", "yes", "TRUE", "true", "True"};
    for (size_t i = 0; value && i < sizeof yes / sizeof yes[0]; i++)
        if (strcmp(value, yes[i]) == 0)
            return true;
    return false;
}

/* $HF_HOME, else $XDG_CACHE_HOME/huggingface, else ~/.cache/huggingface; to be freed. */
/* Empty where it is not set. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

static char *hub_home(void)
{
    const char *home = variable("HF_HOME"), *cache = variable("XDG_CACHE_HOME"), *user = variable("HOME");
    if (*home)
        return csg_strdup(home);
    if (*cache)
        return csg_path_join(cache, "huggingface");
    return *user ? csg_path_join(user, ".cache/huggingface") : NULL;
}

static char *hub_cache(void)
{
    const char *cache = variable("HF_HUB_CACHE");
    if (*cache)
        return csg_strdup(cache);
    char *home = hub_home(), *path = home ? csg_path_join(home, "hub") : NULL;
    free(home);
    return path;
}

static int read_spec(struct repo *repo, const char *spec, struct csg_error *err)
{
    const char *slash = strchr(spec, '/'), *at = slash ? strchr(slash, '@') : NULL;
    const char *end = at ? at : spec + strlen(spec), *revision = at ? at + 1 : DEFAULT_REVISION;
    *repo = (struct repo){0};
    if (!slash || !is_word(spec, (size_t)(slash - spec)) || !is_word(slash + 1, (size_t)(end - slash - 1)) ||
        !is_word(revision, strlen(revision)))
        return csg_fail(err, CSG_ERROR_USAGE, "'hf:%s' is not hf:OWNER/REPO or hf:OWNER/REPO@REVISION", spec);
    snprintf(repo->owner, sizeof repo->owner, "%.*s", (int)(slash - spec), spec);
    snprintf(repo->name, sizeof repo->name, "%.*s", (int)(end - slash - 1), slash + 1);
    snprintf(repo->revision, sizeof repo->revision, "%s", revision);
    char name[240], *cache = hub_cache();
    snprintf(name, sizeof name, "models--%s--%s", repo->owner, repo->name);
    repo->folder = cache ? csg_path_join(cache, name) : NULL;
    free(cache);
    if (!repo->folder && (*variable("HF_HUB_CACHE") || *variable("HF_HOME") || *variable("XDG_CACHE_HOME") || *variable("HOME")))
        return csg_fail_memory(err);
    return repo->folder
               ? CSG_OK
               : csg_fail(err, CSG_ERROR, "there is no folder for Hugging Face's cache: neither HF_HOME nor HOME is set");
}

/* folder/a/b; to be freed; NULL where memory is short. */
static char *join3(const char *folder, const char *a, const char *b)
{
    char *middle = csg_path_join(folder, a), *path = middle ? csg_path_join(middle, b) : NULL;
    free(middle);
    return path;
}

static int find(char **folder, const struct repo *repo, struct csg_error *err)
{
    char commit[128] = "", *text = NULL;
    size_t bytes;
    *folder = NULL;
    if (is_commit(repo->revision)) {
        snprintf(commit, sizeof commit, "%s", repo->revision);
    } else {
        char *path = join3(repo->folder, "refs", repo->revision);
        if (!path)
            return csg_fail_memory(err);
        if (csg_is_file(path) && csg_read_file(&text, &bytes, path, 1000, CSG_ERROR_MODEL, NULL) == CSG_OK)
            snprintf(commit, sizeof commit, "%.*s", (int)strcspn(text, " \r\n"), text);
        free(text);
        free(path);
    }
    if (!is_commit(commit))
        return CSG_OK;
    *folder = join3(repo->folder, "snapshots", commit);
    if (!*folder)
        return csg_fail_memory(err);
    if (!csg_is_folder(*folder)) {
        free(*folder);
        *folder = NULL;
    }
    return CSG_OK;
}

int csg_hub_find(char **folder, const char *spec, struct csg_error *err)
{
    struct repo repo;
    *folder = NULL;
    int status = read_spec(&repo, spec, err);
    if (!status)
        status = find(folder, &repo, err);
    free(repo.folder);
    return status;
}

/* A pull under way. */
struct pull {
    struct repo repo;
    struct csg_http *http;
    char endpoint[300], commit[64], *token, *snapshot, *blobs;
    json_t *listing; /* the hub's answer */
    csg_progress_fn progress;
    void *user;
};

/* $HF_TOKEN, else the file that the hub's own tool writes. */
static char *read_token(void)
{
    const char *value = getenv("HF_TOKEN");
    char *home, *path, *text = NULL;
    size_t bytes;
    if (value && *value)
        return csg_strdup(value);
    home = hub_home();
    path = home ? csg_path_join(home, "token") : NULL;
    if (path && csg_is_file(path) && csg_read_file(&text, &bytes, path, 4096, CSG_ERROR, NULL) == CSG_OK)
        text[strcspn(text, " \r\n")] = 0;
    free(home);
    free(path);
    if (text && !*text) {
        free(text);
        text = NULL;
    }
    return text;
}

static int read_listing(struct pull *p, struct csg_error *err)
{
    char url[900], *text;
    size_t bytes;
    snprintf(url, sizeof url, "%s/api/models/%s/%s/revision/%s", p->endpoint, p->repo.owner, p->repo.name, p->repo.revision);
    int status = csg_download_text(p->http, url, p->token, LISTING_LIMIT, &text, &bytes, err);
    if (status)
        return status;
    status = csg_json_object(&p->listing, text, bytes, 64, 1000000, url, err);
    free(text);
    const char *sha = json_string_value(json_object_get(p->listing, "sha"));
    if (!status && (!sha || !is_commit(sha)))
        status = csg_fail(err, CSG_ERROR, "%s does not say which commit it is", url);
    if (!status)
        snprintf(p->commit, sizeof p->commit, "%s", sha);
    return status;
}

static bool lists(const struct pull *p, const char *name)
{
    json_t *files = json_object_get(p->listing, "siblings");
    for (size_t i = 0; i < json_array_size(files); i++) {
        const char *file = json_string_value(json_object_get(json_array_get(files, i), "rfilename"));
        if (file && strcmp(file, name) == 0)
            return true;
    }
    return false;
}

/* One file into blobs, under the name that the hub gives its content, and a link to it into the snapshot. */
static int pull_file(struct pull *p, const char *name, struct csg_error *err)
{
    char url[1200], target[240];
    struct csg_http_reply reply;
    snprintf(url, sizeof url, "%s/%s/%s/resolve/%s/%s", p->endpoint, p->repo.owner, p->repo.name, p->commit, name);
    int status = csg_download_head(p->http, url, p->token, &reply, err);
    if (status)
        return status;
    const char *etag = reply.linked_etag[0] ? reply.linked_etag : reply.etag;
    if (!is_word(etag, strlen(etag)))
        return csg_fail(err, CSG_ERROR, "%s has no name for its content (ETag)", url);
    bool is_sha256 = strlen(etag) == 64 && strspn(etag, "0123456789abcdef") == 64;
    char *blob = csg_path_join(p->blobs, etag), *link = csg_path_join(p->snapshot, name);
    if (!blob || !link) {
        status = csg_fail_memory(err);
        goto end;
    }
    const struct csg_download what = {.url = url,
                                      .token = p->token,
                                      .path = blob,
                                      .name = name,
                                      .sha256 = is_sha256 ? etag : NULL,
                                      .bytes = reply.linked_bytes != UINT64_MAX ? reply.linked_bytes
                                               : reply.code == 200              ? reply.length
                                                                                : UINT64_MAX,
                                      .progress = p->progress,
                                      .user = p->user};
    if (!csg_is_file(blob))
        status = csg_download_file(p->http, &what, err);
    snprintf(target, sizeof target, "../../blobs/%s", etag);
    if (!status)
        status = csg_make_link(target, link, err);
end:
    free(blob);
    free(link);
    return status;
}

static int pull_shards(struct pull *p, const char *index, struct csg_error *err)
{
    struct csg_shards shards;
    char *path = csg_path_join(p->snapshot, index);
    int status = path ? csg_shards_read(&shards, path, err) : csg_fail_memory(err);
    free(path);
    if (status)
        return status;
    for (size_t i = 0; i < shards.count && !status; i++)
        status = is_word(shards.names[i], strlen(shards.names[i]))
                     ? pull_file(p, shards.names[i], err)
                     : csg_fail(err, CSG_ERROR_MODEL, "%s names the file %.80s, which is no plain name", index, shards.names[i]);
    csg_shards_free(&shards);
    return status;
}

static int pull_files(struct pull *p, struct csg_error *err)
{
    /* The small files first: what cannot be read is seen before the large one comes. */
    static const char *const sets[][2] = {{"open_clip_config.json", "open_clip_model.safetensors"},
                                          {"config.json", "model.safetensors"},
                                          {"config.json", "model.safetensors.index.json"}};
    static const char *const more[] = {"preprocessor_config.json", "vocab.json", "merges.txt", "tokenizer.json"};
    size_t set = 0;
    while (set < 3 && !(lists(p, sets[set][0]) && lists(p, sets[set][1])))
        set++;
    if (set == 3)
        return csg_fail(
            err, CSG_ERROR_MODEL,
            "hf:%s/%s holds neither open_clip_model.safetensors with open_clip_config.json nor model.safetensors with "
            "config.json",
            p->repo.owner, p->repo.name);
    int status = CSG_OK;
    for (size_t i = 0; i < sizeof more / sizeof more[0] && !status; i++)
        if (lists(p, more[i]))
            status = pull_file(p, more[i], err);
    for (size_t i = 0; i < 2 && !status; i++)
        status = pull_file(p, sets[set][i], err);
    return status || set != 2 ? status : pull_shards(p, sets[set][1], err);
}

/* What main or another name of a revision means now. */
static int write_ref(struct pull *p, struct csg_error *err)
{
    struct csg_output *output = NULL;
    if (is_commit(p->repo.revision))
        return CSG_OK;
    char *folder = csg_path_join(p->repo.folder, "refs"), *path = folder ? csg_path_join(folder, p->repo.revision) : NULL;
    int status = path ? csg_make_folders(folder, err) : csg_fail_memory(err);
    if (!status)
        status = csg_output_create(&output, path, true, err);
    if (!status)
        status = csg_output_write(output, p->commit, strlen(p->commit), err);
    if (!status)
        status = csg_output_commit(&output, err);
    csg_output_destroy(&output);
    free(folder);
    free(path);
    return status;
}

static int pull_repo(struct pull *p, struct csg_error *err)
{
    const char *endpoint = getenv("HF_ENDPOINT");
    size_t length = endpoint ? strlen(endpoint) : 0;
    while (length && endpoint[length - 1] == '/')
        length--;
    if (length >= sizeof p->endpoint)
        return csg_fail(err, CSG_ERROR_USAGE, "HF_ENDPOINT is too long");
    snprintf(p->endpoint, sizeof p->endpoint, "%.*s", length ? (int)length : (int)strlen(DEFAULT_ENDPOINT),
             length ? endpoint : DEFAULT_ENDPOINT);
    p->token = is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? NULL : read_token();
    int status = csg_http_create(&p->http, err);
    if (!status)
        status = read_listing(p, err);
    if (status)
        return status;
    p->snapshot = join3(p->repo.folder, "snapshots", p->commit);
    p->blobs = csg_path_join(p->repo.folder, "blobs");
    status = p->snapshot && p->blobs ? csg_make_folders(p->snapshot, err) : csg_fail_memory(err);
    if (!status)
        status = csg_make_folders(p->blobs, err);
    if (!status)
        status = pull_files(p, err);
    return status ? status : write_ref(p, err);
}

int csg_hub_pull(char **folder, const char *spec, csg_progress_fn progress, void *user, struct csg_error *err)
{
    struct pull p = {.progress = progress, .user = user};
    *folder = NULL;
    int status = read_spec(&p.repo, spec, err);
    if (!status && is_on("HF_HUB_OFFLINE")) {
        status = find(folder, &p.repo, err);
        if (!status && !*folder)
            status = csg_fail(err, CSG_ERROR, "hf:%s is not in the cache, and HF_HUB_OFFLINE forbids to fetch it", spec);
    } else if (!status) {
        status = pull_repo(&p, err);
        if (!status) {
            *folder = p.snapshot;
            p.snapshot = NULL;
        }
    }
    csg_http_destroy(&p.http);
    json_decref(p.listing);
    free(p.token);
    free(p.snapshot);
    free(p.blobs);
    free(p.repo.folder);
    return status;
}

int csg_hub_remove(const char *spec, bool *removed, struct csg_error *err)
{
    struct repo repo;
    *removed = false;
    int status = read_spec(&repo, spec, err);
    if (!status && csg_is_folder(repo.folder)) {
        status = csg_remove_tree(repo.folder, err);
        *removed = status == CSG_OK;
    }
    free(repo.folder);
    return status;
}
