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
static char *share_above(char *path)
{
    for (int level = 0; level < DEPTH; level++) {
        char *slash = strrchr(path, '/');
        if (!slash)
            return NULL;
        *slash = 0;
        char *folder = csg_path_join(*path ? path : "/", "share/clip-surgeon");
        if (!folder || csg_is_folder(folder))
            return folder;
        free(folder);
    }
    return NULL;
}

char *csg_share_folder(void)
{
    Dl_info info;
    static const char here; /* of the shared library, or of the program that the static one is part of */
    char program[4096], *found = NULL;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char *library = dladdr(&here, &info) && info.dli_fname ? realpath(info.dli_fname, NULL) : NULL;
    if (library)
        found = share_above(library);
    free(library);
    if (!found && length > 0) {
        program[length] = 0;
        found = share_above(program);
    }
    return found;
}
