/* SHA-256 through libcrypto. */
#ifndef CSG_BASE_HASH_H
#define CSG_BASE_HASH_H

#include "base/status.h"

#define CSG_SHA256_HEX 65 /* 64 digits and NUL */

struct csg_sha256;
int csg_sha256_create(struct csg_sha256 **out, struct csg_error *err);
int csg_sha256_update(struct csg_sha256 *hash, const void *data, size_t bytes, struct csg_error *err);
/* Writes the digest in hex and destroys the hash. */
int csg_sha256_finish(struct csg_sha256 **hash, char hex[CSG_SHA256_HEX], struct csg_error *err);
void csg_sha256_destroy(struct csg_sha256 **hash);
/* Of one block of memory. */
int csg_sha256_of(const void *data, size_t bytes, char hex[CSG_SHA256_HEX], struct csg_error *err);

#endif
