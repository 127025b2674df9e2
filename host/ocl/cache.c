/* Compiled programs on disk: CACHE/programs/KEY.bin, as base/record.h says.
 *
 * KEY is the SHA-256 in hex of these strings, each with its final NUL: FORMAT, the expanded source, the build options, the
 * device's name, its driver version, the platform's name and version; the payload is CL_PROGRAM_BINARIES of the one device.
 * What is not there is built from source again. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/record.h"
#include "ocl/ocl.h"

#define FORMAT "CSGPROG1"

static const struct csg_record_kind programs = {FORMAT, ".bin", (size_t)256 << 20};

int csg_ocl_cache_key(const struct csg_ocl *ocl, const char *source, const char *options, char key[65], struct csg_error *err)
{
    const char *const parts[] = {
        FORMAT, source, options, ocl->base.device, ocl->base.driver, ocl->base.platform, ocl->platform_version};
    struct csg_sha256 *hash = NULL;
    int status = csg_sha256_create(&hash, err);
    for (size_t i = 0; status == CSG_OK && i < CSG_COUNT(parts); i++)
        status = csg_sha256_update(hash, parts[i], strlen(parts[i]) + 1, err);
    if (status == CSG_OK)
        status = csg_sha256_finish(&hash, key, err);
    csg_sha256_destroy(&hash);
    return status;
}

unsigned char *csg_ocl_cache_load(const struct csg_ocl *ocl, const char *key, size_t *bytes)
{
    bool damaged;
    if (!ocl->program_dir || (ocl->quirks & CSG_QUIRK_NO_BINARY_CACHE))
        return NULL;
    unsigned char *binary = csg_record_load(&programs, ocl->program_dir, key, bytes, &damaged);
    if (damaged)
        csg_log(&ocl->log, CSG_LOG_DEBUG, "the stored program %.64s is damaged and will be replaced", key);
    return binary;
}

void csg_ocl_cache_store(const struct csg_ocl *ocl, const char *key, const unsigned char *binary, size_t bytes)
{
    struct csg_error err = {0};
    if (!ocl->program_dir || (ocl->quirks & CSG_QUIRK_NO_BINARY_CACHE))
        return;
    if (csg_record_store(&programs, ocl->program_dir, key, binary, bytes, &err))
        csg_log(&ocl->log, CSG_LOG_WARNING, "compiled kernels could not be cached: %s", err.sentence);
}
