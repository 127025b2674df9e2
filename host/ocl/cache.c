/* Compiled programs on disk: CACHE/programs/KEY.bin, the folder with mode 0700.
 *
 * KEY is the SHA-256 in hex of these strings, each with its final NUL: FORMAT, the expanded source, the build options, the
 * device's name, its driver version, the platform's name and version. A file is
 *   8 bytes    "CSGPROG1"
 *   64 bytes   KEY
 *   8 bytes    length of the payload, little-endian
 *   64 bytes   SHA-256 of the payload in hex
 *   payload    CL_PROGRAM_BINARIES of the one device
 * and nothing more. What is missing, short, longer, or does not match is built from source again and replaced. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ocl/ocl.h"

#define FORMAT "CSGPROG1"
#define MAGIC_BYTES 8
#define DIGEST_BYTES 64
#define HEADER_BYTES (MAGIC_BYTES + DIGEST_BYTES + 8 + DIGEST_BYTES)
#define LIMIT_BYTES ((size_t)256 << 20)

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

static char *path_of(const struct csg_ocl *ocl, const char *key)
{
    char name[80];
    snprintf(name, sizeof name, "%.64s.bin", key);
    return csg_path_join(ocl->program_dir, name);
}

static uint64_t read_u64(const unsigned char *at)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

unsigned char *csg_ocl_cache_load(const struct csg_ocl *ocl, const char *key, size_t *bytes)
{
    char *data = NULL, digest[CSG_SHA256_HEX];
    size_t size = 0;
    if (!ocl->program_dir || (ocl->quirks & CSG_QUIRK_NO_BINARY_CACHE))
        return NULL;
    char *path = path_of(ocl, key);
    int status = path && csg_is_file(path) ? csg_read_file(&data, &size, path, LIMIT_BYTES, CSG_ERROR, NULL) : CSG_ERROR;
    free(path);
    if (status)
        return NULL;
    const unsigned char *at = (const unsigned char *)data;
    if (size <= HEADER_BYTES || memcmp(at, FORMAT, MAGIC_BYTES) != 0 || memcmp(at + MAGIC_BYTES, key, DIGEST_BYTES) != 0 ||
        read_u64(at + MAGIC_BYTES + DIGEST_BYTES) != size - HEADER_BYTES ||
        csg_sha256_of(at + HEADER_BYTES, size - HEADER_BYTES, digest, NULL) != CSG_OK ||
        memcmp(at + HEADER_BYTES - DIGEST_BYTES, digest, DIGEST_BYTES) != 0) {
        csg_log(&ocl->log, CSG_LOG_DEBUG, "the stored program %.64s is damaged and will be replaced", key);
        free(data);
        return NULL;
    }
    *bytes = size - HEADER_BYTES;
    memmove(data, data + HEADER_BYTES, *bytes);
    return (unsigned char *)data;
}

void csg_ocl_cache_store(const struct csg_ocl *ocl, const char *key, const unsigned char *binary, size_t bytes)
{
    struct csg_error err = {0};
    struct csg_output *output = NULL;
    char *path = NULL, digest[CSG_SHA256_HEX];
    unsigned char length[8];
    int status;
    if (!ocl->program_dir || (ocl->quirks & CSG_QUIRK_NO_BINARY_CACHE))
        return;
    for (unsigned i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)bytes >> (8 * i));
    status = csg_make_folders(ocl->program_dir, &err);
    if (status == CSG_OK && !(path = path_of(ocl, key)))
        status = csg_fail_memory(&err);
    if (status == CSG_OK)
        status = csg_sha256_of(binary, bytes, digest, &err);
    if (status == CSG_OK)
        status = csg_output_create(&output, path, true, &err);
    if (status == CSG_OK)
        status = csg_output_write(output, FORMAT, MAGIC_BYTES, &err);
    if (status == CSG_OK)
        status = csg_output_write(output, key, DIGEST_BYTES, &err);
    if (status == CSG_OK)
        status = csg_output_write(output, length, sizeof length, &err);
    if (status == CSG_OK)
        status = csg_output_write(output, digest, DIGEST_BYTES, &err);
    if (status == CSG_OK)
        status = csg_output_write(output, binary, bytes, &err);
    if (status == CSG_OK)
        status = csg_output_commit(&output, &err);
    if (status)
        csg_log(&ocl->log, CSG_LOG_WARNING, "compiled kernels could not be cached: %s", err.sentence);
    csg_output_destroy(&output);
    free(path);
}
