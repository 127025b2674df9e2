#include "model/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "base/store.h"
#include "model/download.h"
#include "model/hub.h"

#define OPENAI "https://openaipublic.azureedge.net/clip/models/"

/* OpenAI's addresses have the SHA-256 of the file in them. Bytes are about right: they are for a person who chooses. */
static const struct known {
    const char *name, *source, *licence;
    uint64_t bytes;
    int image_size_px;
} known[] = {
    {"ViT-B-32", OPENAI "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af/ViT-B-32.pt", "MIT", 354000000, 224},
    {"ViT-B-16", OPENAI "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f/ViT-B-16.pt", "MIT", 351000000, 224},
    {"ViT-L-14", OPENAI "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836/ViT-L-14.pt", "MIT", 933000000, 224},
    {"ViT-L-14-336px", OPENAI "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02/ViT-L-14-336px.pt", "MIT",
     934000000, 336},
    {"RN50", OPENAI "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762/RN50.pt", "MIT", 256000000, 224},
    {"RN101", OPENAI "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599/RN101.pt", "MIT", 292000000, 224},
    {"RN50x4", OPENAI "7e526bd135e493cef0776de27d5f42653e6b4c8bf9e0f653bb11773263205fdd/RN50x4.pt", "MIT", 422000000, 288},
    {"RN50x16", OPENAI "52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa/RN50x16.pt", "MIT", 661000000, 384},
    {"RN50x64", OPENAI "be1cfb55d75a9666199fb2206c106743da0f6468c9d327f3e0d0a543a9919d9c/RN50x64.pt", "MIT", 1353000000, 448},
    {"laion-ViT-B-32", "hf:laion/CLIP-ViT-B-32-laion2B-s34B-b79K", "MIT", 605000000, 224},
    {"laion-ViT-B-16", "hf:laion/CLIP-ViT-B-16-laion2B-s34B-b88K", "MIT", 599000000, 224},
    {"laion-ViT-L-14", "hf:laion/CLIP-ViT-L-14-laion2B-s32B-b82K", "MIT", 1710000000, 224},
    {"laion-ViT-H-14", "hf:laion/CLIP-ViT-H-14-laion2B-s32B-b79K", "MIT", 3944000000, 224},
    {"laion-ViT-g-14", "hf:laion/CLIP-ViT-g-14-laion2B-s34B-b88K", "MIT", 5467000000, 224},
};
#define N_KNOWN (sizeof known / sizeof known[0])

static const struct known *row_of(const char *name)
{
    for (size_t i = 0; i < N_KNOWN; i++)
        if (strcmp(name, known[i].name) == 0)
            return &known[i];
    return NULL;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_address(const char *source)
{
    return starts_with(source, "https://") || starts_with(source, "http://");
}

static const char *file_of(const char *address)
{
    const char *slash = strrchr(address, '/');
    return slash ? slash + 1 : address;
}

/* Where the published code keeps OpenAI's files: ~/.cache/clip; NULL without a home. */
static int openai_path(char **out, const char *address, struct csg_error *err)
{
    const char *home = getenv("HOME");
    *out = NULL;
    if (!home || !*home)
        return CSG_OK;
    *out = csg_path_join(home, ".cache/clip");
    return *out ? csg_path_append(out, file_of(address), err) : csg_fail_memory(err);
}

/* The user's models/name; NULL without a home. */
static int user_path(char **out, const char *name, struct csg_error *err)
{
    int status = csg_user_data_folder(out, err);
    if (status == CSG_OK)
        status = csg_path_append(out, "models", err);
    return status ? status : csg_path_append(out, name, err);
}

/* The user's models/FILE-without-ending/FILE. */
static int user_file_path(char **out, const char *file, struct csg_error *err)
{
    char *stem = csg_strndup(file, strlen(file) > 3 ? strlen(file) - 3 : 0);
    *out = NULL;
    int status = stem ? user_path(out, stem, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_path_append(out, file, err);
    free(stem);
    return status;
}

bool csg_catalogue_knows(const char *name)
{
    return row_of(name) || starts_with(name, "hf:");
}

int csg_catalogue_find(char **path, const char *name, struct csg_error *err)
{
    const struct known *row = row_of(name);
    const char *source = row ? row->source : name;
    *path = NULL;
    if (starts_with(source, "hf:"))
        return csg_hub_find(path, source + 3, err);
    if (!row)
        return CSG_OK;
    int status = openai_path(path, source, err);
    if (*path && !csg_is_file(*path)) {
        free(*path);
        *path = NULL;
    }
    return status;
}

int csg_models_list(struct csg_model_row **rows, size_t *count, struct csg_error *err)
{
    *rows = csg_calloc(N_KNOWN, sizeof **rows);
    *count = 0;
    if (!*rows)
        return csg_fail_memory(err);
    for (size_t i = 0; i < N_KNOWN; i++) {
        struct csg_model_row *row = &(*rows)[i];
        char *path;
        *row = (struct csg_model_row){.name = known[i].name,
                                      .source = known[i].source,
                                      .licence = known[i].licence,
                                      .bytes = known[i].bytes,
                                      .image_size_px = known[i].image_size_px};
        int status = csg_catalogue_find(&path, known[i].name, err);
        if (status) {
            csg_models_free(rows);
            return status;
        }
        snprintf(row->path, sizeof row->path, "%s", path ? path : "");
        free(path);
    }
    *count = N_KNOWN;
    return CSG_OK;
}

void csg_models_free(struct csg_model_row **rows)
{
    if (!rows)
        return;
    free(*rows);
    *rows = NULL;
}

/* The SHA-256 in an address as OpenAI's, .../HASH/FILE; false where it has none. */
static bool hash_in(const char *address, char hex[65])
{
    const char *file = file_of(address);
    size_t before = (size_t)(file - address);
    if (before < 66 || address[before - 66] != '/' || strspn(address + before - 65, "0123456789abcdef") != 64)
        return false;
    memcpy(hex, address + before - 65, 64);
    hex[64] = 0;
    return true;
}

static int pull_address(char **path, const char *address, bool ours, csg_progress_fn progress, void *user, struct csg_error *err)
{
    const char *file = file_of(address);
    size_t length = strlen(file);
    char hex[65];
    struct csg_http *http = NULL;
    *path = NULL;
    if (length < 4 || length > 100 || strcmp(file + length - 3, ".pt") != 0 || file[0] == '.' || strpbrk(file, "?#%\\"))
        return csg_fail(err, CSG_ERROR_USAGE,
                        "%s is not the address of a file .pt; models of several files are pulled as hf:OWNER/REPO", address);
    int status = ours ? openai_path(path, address, err) : user_file_path(path, file, err);
    if (!status && !*path)
        status = csg_fail(err, CSG_ERROR, "there is no folder for models: HOME is not set");
    if (status)
        return status;
    char *folder = csg_strndup(*path, (size_t)(strrchr(*path, '/') - *path));
    status = folder ? csg_make_folders(folder, err) : csg_fail_memory(err);
    if (!status && csg_is_file(*path))
        goto end; /* it is here */
    if (!status)
        status = csg_http_create(&http, err);
    if (!status) {
        const struct csg_download what = {.url = address,
                                          .path = *path,
                                          .name = file,
                                          .sha256 = hash_in(address, hex) ? hex : NULL,
                                          .bytes = UINT64_MAX,
                                          .progress = progress,
                                          .user = user};
        status = csg_download_file(http, &what, err);
    }
    csg_http_destroy(&http);
end:
    free(folder);
    if (status) {
        free(*path);
        *path = NULL;
    }
    return status;
}

int csg_model_pull(const char *source, csg_progress_fn progress, void *user, char *path, size_t capacity, struct csg_error *err)
{
    const struct known *row = row_of(source);
    const char *from = row ? row->source : source;
    char *place = NULL;
    int status;
    if (starts_with(from, "hf:"))
        status = csg_hub_pull(&place, from + 3, progress, user, err);
    else if (is_address(from))
        status = pull_address(&place, from, row != NULL, progress, user, err);
    else
        status = csg_fail(
            err, CSG_ERROR_USAGE,
            "'%s' is neither a name of the list nor hf:OWNER/REPO nor the address of a file .pt; `model list` shows the names",
            source);
    if (!status && path && capacity)
        snprintf(path, capacity, "%s", place);
    free(place);
    return status;
}

int csg_model_remove(const char *name, struct csg_error *err)
{
    const struct known *row = row_of(name);
    const char *source = row ? row->source : name;
    char *place = NULL;
    bool removed = false;
    int status = CSG_OK;
    if (starts_with(source, "hf:")) {
        status = csg_hub_remove(source + 3, &removed, err);
    } else if (row) {
        status = openai_path(&place, source, err);
    } else if (*name && name[0] != '.' && !strchr(name, '/')) {
        status = user_path(&place, name, err);
    }
    if (!status && place && (csg_is_folder(place) || csg_is_file(place))) {
        status = csg_remove_tree(place, err);
        removed = status == CSG_OK;
    }
    free(place);
    if (!status && !removed)
        status = csg_fail(err, CSG_ERROR_MODEL, "there is no model %s that could be removed", name);
    return status;
}
