#include "base/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/mem.h"

struct csg_sha256 {
    EVP_MD_CTX *context;
};

static int fail(struct csg_error *err)
{
    return csg_fail(err, CSG_ERROR, "SHA-256 is not available in this libcrypto");
}

int csg_sha256_create(struct csg_sha256 **out, struct csg_error *err)
{
    struct csg_sha256 *hash = csg_calloc(1, sizeof *hash);
    *out = NULL;
    if (!hash)
        return csg_fail_memory(err);
    hash->context = EVP_MD_CTX_new();
    if (!hash->context || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1) {
        csg_sha256_destroy(&hash);
        return fail(err);
    }
    *out = hash;
    return CSG_OK;
}

int csg_sha256_update(struct csg_sha256 *hash, const void *data, size_t bytes, struct csg_error *err)
{
    return EVP_DigestUpdate(hash->context, data, bytes) == 1 ? CSG_OK : fail(err);
}

int csg_sha256_finish(struct csg_sha256 **hash, char hex[CSG_SHA256_HEX], struct csg_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned bytes = 0;
    int status = EVP_DigestFinal_ex((*hash)->context, digest, &bytes) == 1 && bytes == 32 ? CSG_OK : fail(err);
    for (unsigned i = 0; status == CSG_OK && i < 32; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[status == CSG_OK ? 64 : 0] = 0;
    csg_sha256_destroy(hash);
    return status;
}

void csg_sha256_destroy(struct csg_sha256 **hash)
{
    if (hash && *hash) {
        EVP_MD_CTX_free((*hash)->context);
        free(*hash);
        *hash = NULL;
    }
}

int csg_sha256_of(const void *data, size_t bytes, char hex[CSG_SHA256_HEX], struct csg_error *err)
{
    struct csg_sha256 *hash;
    int status = csg_sha256_create(&hash, err);
    if (status == CSG_OK && (status = csg_sha256_update(hash, data, bytes, err)) != CSG_OK)
        csg_sha256_destroy(&hash);
    return status ? status : csg_sha256_finish(&hash, hex, err);
}
