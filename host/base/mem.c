#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool csg_mul(size_t a, size_t b, size_t *out)
{
    if (b && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}

void *csg_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (!csg_mul(count, size, &bytes))
        return NULL;
    return calloc(bytes ? bytes : 1, 1);
}

void *csg_realloc(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (!csg_mul(count, size, &bytes))
        return NULL;
    return realloc(old, bytes ? bytes : 1);
}

char *csg_strndup(const char *s, size_t n)
{
    const char *end = memchr(s, 0, n);
    size_t length = end ? (size_t)(end - s) : n;
    char *copy = csg_calloc(1, length + 1);
    if (copy)
        memcpy(copy, s, length);
    return copy;
}

char *csg_strdup(const char *s)
{
    return csg_strndup(s, strlen(s));
}
