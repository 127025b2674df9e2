/* dladdr is in every system's <dlfcn.h>, but behind its own names. */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/mem.h"

#define DEPTH 4 /* PREFIX/lib/TRIPLET and BUILD/tests/unit/image are the deepest that hold programs and libraries */

/* path/share/clip-surgeon where `path`, cut folder by folder from its end, has it. */
static int share_above(char **out, char *path, struct csg_error *err)
{
    for (int level = 0; level < DEPTH; level++) {
        char *slash = strrchr(path, '/');
        if (!slash)
            return CSG_OK;
        *slash = 0;
        char *folder = csg_path_join(*path ? path : "/", "share/clip-surgeon");
        if (!folder)
            return csg_fail_memory(err);
        if (csg_is_folder(folder)) {
            *out = folder;
            return CSG_OK;
        }
        free(folder);
    }
    return CSG_OK;
}

int csg_share_folder(char **out, struct csg_error *err)
{
    Dl_info info;
    static const char here; /* of the shared library, or of the program that the static one is part of */
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char *library = dladdr(&here, &info) && info.dli_fname ? realpath(info.dli_fname, NULL) : NULL;
    *out = NULL;
    int status = library ? share_above(out, library, err) : CSG_OK;
    free(library);
    if (!status && !*out && length > 0) {
        program[length] = 0;
        status = share_above(out, program, err);
    }
    return status;
}
