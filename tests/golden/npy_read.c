#include "npy_read.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "{'descr': '<f4', 'fortran_order': False, 'shape': (50, 3), }" */
static bool read_header(struct npy *npy, const char *header)
{
    const char *shape = strstr(header, "'shape': (");
    if (!strstr(header, "'<f4'") || !strstr(header, "'fortran_order': False") || !shape)
        return false;
    npy->elements = 1;
    for (const char *p = shape + strlen("'shape': ("); *p && *p != ')';) {
        char *end;
        unsigned long side = strtoul(p, &end, 10);
        if (end == p || npy->n_dims == 4 || side > SIZE_MAX / sizeof(float) / npy->elements)
            return false;
        npy->dims[npy->n_dims++] = side;
        npy->elements *= side;
        p = end + strspn(end, ", ");
        if (npy->elements == 0)
            return false;
    }
    return true;
}

struct npy npy_read(const char *path)
{
    struct npy npy = {0};
    unsigned char start[10];
    char header[1024] = "";
    FILE *file = fopen(path, "rb");
    bool ok = file && fread(start, 1, sizeof start, file) == sizeof start && memcmp(start, "\x93NUMPY\x01\x00", 8) == 0;
    size_t length = ok ? (size_t)start[8] | (size_t)start[9] << 8 : 0;
    ok = ok && length < sizeof header && fread(header, 1, length, file) == length && read_header(&npy, header);
    if (ok)
        npy.data = malloc(npy.elements * sizeof *npy.data);
    if (npy.data && fread(npy.data, sizeof *npy.data, npy.elements, file) != npy.elements)
        npy_free(&npy);
    if (file)
        fclose(file);
    return npy;
}

void npy_free(struct npy *npy)
{
    free(npy->data);
    *npy = (struct npy){0};
}
