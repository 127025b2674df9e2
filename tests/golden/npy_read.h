/* Reads what NumPy's save writes: float32, C order, little-endian. For tests: files of this repository, made by known tools. */
#ifndef CSG_TEST_NPY_READ_H
#define CSG_TEST_NPY_READ_H

#include <stddef.h>

struct npy {
    float *data; /* NULL where the file is missing or not of this kind */
    size_t dims[4], n_dims, elements;
};
struct npy npy_read(const char *path);
void npy_free(struct npy *npy);

#endif
