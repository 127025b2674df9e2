/* Memory with overflow checks. */
#ifndef CSG_BASE_MEM_H
#define CSG_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory for count objects of size bytes; NULL where the product overflows or memory is short. count 0 gives a
 * pointer that may be freed. */
void *csg_calloc(size_t count, size_t size);
/* realloc with the same check; the old block stays valid on failure. */
void *csg_realloc(void *old, size_t count, size_t size);
/* A copy of the string or of its first n bytes; NULL where memory is short. */
char *csg_strdup(const char *s);
char *csg_strndup(const char *s, size_t n);
/* *out = a * b, false on overflow. */
bool csg_mul(size_t a, size_t b, size_t *out);

#endif
