/* What the fuzzers share. */
#ifndef CSG_TESTS_FUZZ_H
#define CSG_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The head of a fuzzer's function: fuzz_NAME, of which a program calls the one that FUZZ_TARGET names. */
#define FUZZ(name)                                                                                                               \
    void fuzz_##name(const uint8_t *data, size_t bytes);                                                                         \
    void fuzz_##name(const uint8_t *data, size_t bytes)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* A folder of this process. */
const char *fuzz_folder(void);
/* The input as the file `name` of that folder: valid until the next call. */
const char *fuzz_file(const uint8_t *data, size_t bytes, const char *name);

#endif
