#include "api/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"
#include "check/canary.h"
#include "ocl/backend.h"

/* CACHE/self-test/FINGERPRINT.txt: one of these, and after the second a sentence. */
#define PASSED "CSGTEST1 passed\n"
#define FAILED "CSGTEST1 failed\n"
#define LIMIT_BYTES 4096

static char *path_of(const char *cache_dir, const char *fingerprint)
{
    char name[96];
    snprintf(name, sizeof name, "self-test/%.64s.txt", fingerprint);
    return csg_path_join(cache_dir, name);
}

int csg_trust_store(const char *cache_dir, const char *fingerprint, const char *failure, struct csg_error *err)
{
    struct csg_output *output = NULL;
    char *folder = csg_path_join(cache_dir, "self-test"), *path = path_of(cache_dir, fingerprint);
    const char *verdict = failure ? FAILED : PASSED;
    size_t length = failure ? strlen(failure) : 0;
    int status = folder && path ? csg_make_folders(folder, err) : csg_fail_memory(err);
    if (status == CSG_OK)
        status = csg_output_create_own(&output, path, err);
    if (status == CSG_OK)
        status = csg_output_write(output, verdict, strlen(verdict), err);
    if (status == CSG_OK && failure)
        status = csg_output_write(output, failure, length < LIMIT_BYTES / 2 ? length : LIMIT_BYTES / 2, err);
    if (status == CSG_OK)
        status = csg_output_commit(&output, err);
    csg_output_destroy(&output);
    free(folder);
    free(path);
    return status;
}

/* A file that is missing or damaged says nothing. */
static int remembered(const struct csg_backend *backend, const char *cache_dir, const char *fingerprint, struct csg_error *err)
{
    char *path = path_of(cache_dir, fingerprint), *data = NULL;
    size_t bytes = 0, n = strlen(FAILED);
    int status = CSG_OK;
    if (path && csg_read_own_file(&data, &bytes, path, LIMIT_BYTES) && bytes >= n && memcmp(data, FAILED, n) == 0)
        status = csg_fail(err, CSG_ERROR_SELF_TEST, "%s failed its self-test (%.500s); `clip-surgeon selftest` runs it again",
                          backend->device, data + n);
    free(data);
    free(path);
    return status;
}

int csg_trust(struct csg_backend *backend, const char *cache_dir, size_t head_dim, const struct csg_log *log,
              struct csg_error *err)
{
    char fingerprint[65];
    double start_ms = csg_now_ms();
    int status = CSG_OK;
    if (cache_dir) {
        status = csg_ocl_fingerprint(backend, fingerprint, err);
        if (status == CSG_OK)
            status = remembered(backend, cache_dir, fingerprint, err);
    }
    if (status == CSG_OK)
        status = csg_canary(backend, head_dim, err);
    csg_log(log, CSG_LOG_DEBUG, "known answers on %s took %.1f ms", backend->device, csg_now_ms() - start_ms);
    return status;
}
