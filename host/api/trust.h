/* Whether a device is trusted: what the self-test found, remembered, and a few known answers at every start. */
#ifndef CSG_API_TRUST_H
#define CSG_API_TRUST_H

#include "ops/backend.h"

/* CSG_ERROR_SELF_TEST where the device failed its self-test, or gives a wrong answer now. cache_dir may be NULL: nothing is remembered. */
int csg_trust(struct csg_backend *backend, const char *cache_dir, size_t head_dim, const struct csg_log *log,
              struct csg_error *err);
/* Remembers the verdict of a self-test: `failure` is a sentence, or NULL where it passed. */
int csg_trust_store(const char *cache_dir, const char *fingerprint, const char *failure, struct csg_error *err);

#endif
