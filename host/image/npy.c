/* NumPy's .npy, format 1.0. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "base/mem.h"

#define MAX_DIMS 8
#define MAGIC_BYTES 10 /* magic, version and the length of the header */
#define ALIGN_BYTES 64 /* of the data, as NumPy writes it */

/* The dictionary that describes the array, padded with blanks to a newline before the data. */
static size_t make_header(char *header, size_t capacity, const size_t *dims, size_t n_dims)
{
    int used = snprintf(header + MAGIC_BYTES, capacity - MAGIC_BYTES, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (size_t i = 0; i < n_dims; i++)
        used += snprintf(header + MAGIC_BYTES + used, capacity - MAGIC_BYTES - (size_t)used, "%s%zu%s", i ? " " : "", dims[i],
                         n_dims == 1 || i + 1 < n_dims ? "," : "");
    used += snprintf(header + MAGIC_BYTES + used, capacity - MAGIC_BYTES - (size_t)used, "), }");
    size_t total = (MAGIC_BYTES + (size_t)used + 1 + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    memset(header + MAGIC_BYTES + used, ' ', total - MAGIC_BYTES - (size_t)used);
    header[total - 1] = '\n';
    size_t length = total - MAGIC_BYTES;
    const char magic[MAGIC_BYTES] = {(char)0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)(length & 255), (char)(length >> 8)};
    memcpy(header, magic, MAGIC_BYTES);
    return total;
}

/* The bytes of floats in little-endian order, a block at a time; the same on every host. */
static int write_floats(struct csg_output *output, const float *data, size_t count, struct csg_error *err)
{
    uint8_t block[4096];
    while (count) {
        size_t n = count < sizeof block / 4 ? count : sizeof block / 4;
        for (size_t i = 0; i < n; i++) {
            uint32_t bits;
            memcpy(&bits, data + i, sizeof bits);
            for (unsigned b = 0; b < 4; b++)
                block[4 * i + b] = (uint8_t)(bits >> (8 * b));
        }
        int status = csg_output_write(output, block, 4 * n, err);
        if (status)
            return status;
        data += n;
        count -= n;
    }
    return CSG_OK;
}

int csg_npy_write(const char *path, const float *data, const size_t *dims, size_t n_dims, bool overwrite, struct csg_error *err)
{
    char header[512];
    size_t count = 1;
    if (!path || !dims || n_dims < 1 || n_dims > MAX_DIMS)
        return csg_fail(err, CSG_ERROR_USAGE, "an array to write needs a path and 1 to %d dimensions", MAX_DIMS);
    for (size_t i = 0; i < n_dims; i++)
        if (!csg_mul(count, dims[i], &count))
            return csg_fail(err, CSG_ERROR_USAGE, "the array to write has more elements than memory can hold");
    if (count && !data)
        return csg_fail(err, CSG_ERROR_USAGE, "an array to write needs data, not NULL");
    struct csg_output *output;
    int status = csg_output_create(&output, path, overwrite, err);
    if (status)
        return status;
    status = csg_output_write(output, header, make_header(header, sizeof header, dims, n_dims), err);
    if (status == CSG_OK)
        status = write_floats(output, data, count, err);
    if (status == CSG_OK)
        status = csg_output_commit(&output, err);
    csg_output_destroy(&output);
    return status;
}
