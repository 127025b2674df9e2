/* The hash of a checkpoint, remembered. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/record.h"
#include "model/model.h"

static const struct csg_record_kind hashes = {"CSGHASH1", ".sha", 4096};
#define MOST_BYTES ((uint64_t)1 << 20)
/* A file may be changed once more within the same tick of its clock. */
#define SETTLED_SECONDS 2

/* *settled: every file was last changed long enough ago. */
static int key_of(const struct csg_model *model, char key[65], bool *settled, struct csg_error *err)
{
    struct csg_sha256 *hash = NULL;
    int64_t now = (int64_t)time(NULL);
    *settled = true;
    int status = csg_sha256_create(&hash, err);
    if (status == CSG_OK)
        status = csg_sha256_update(hash, model->weights_path, strlen(model->weights_path) + 1, err);
    for (size_t i = 0; status == CSG_OK && i < model->n_files; i++) {
        const int64_t *stamp = model->files[i].stamp;
        status = csg_sha256_update(hash, stamp, sizeof model->files[i].stamp, err);
        *settled = *settled && stamp[3] + SETTLED_SECONDS < now && stamp[5] + SETTLED_SECONDS < now;
    }
    if (status == CSG_OK)
        status = csg_sha256_finish(&hash, key, err);
    csg_sha256_destroy(&hash);
    return status;
}

static bool is_hash(const unsigned char *data, size_t bytes)
{
    if (bytes != 64)
        return false;
    for (size_t i = 0; i < bytes; i++)
        if (!((data[i] >= '0' && data[i] <= '9') || (data[i] >= 'a' && data[i] <= 'f')))
            return false;
    return true;
}

int csg_model_sha256_kept(const struct csg_model *model, const char *cache_dir, char hex[65], struct csg_error *err)
{
    char key[CSG_SHA256_HEX];
    size_t bytes = 0;
    bool settled = false;
    char *folder = cache_dir ? csg_path_join(cache_dir, "hashes") : NULL;
    if (!folder)
        return csg_model_sha256(model, hex, err);
    int status = key_of(model, key, &settled, err);
    unsigned char *kept = status == CSG_OK && settled ? csg_record_load(&hashes, folder, key, &bytes, NULL) : NULL;
    if (kept && is_hash(kept, bytes)) {
        memcpy(hex, kept, 64);
        hex[64] = 0;
    } else if (status == CSG_OK) {
        status = csg_model_sha256(model, hex, err);
        /* Without room it is read again the next time. */
        if (status == CSG_OK && settled && csg_record_store(&hashes, folder, key, hex, 64, NULL) == CSG_OK)
            csg_record_trim(&hashes, folder, MOST_BYTES);
    }
    free(kept);
    free(folder);
    return status;
}
