#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

const char *fuzz_folder(void)
{
    static char folder[64];
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/dev/shm/csg-fuzz-XXXXXX");
        if (!mkdtemp(folder))
            abort();
    }
    return folder;
}

const char *fuzz_file(const uint8_t *data, size_t bytes, const char *name)
{
    static char path[192];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f) != 0)
        abort();
    return path;
}

void FUZZ_TARGET(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    FUZZ_TARGET(data, bytes);
    return 0;
}
