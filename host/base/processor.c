#if defined(__linux__) && defined(__x86_64__)
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/processor.h"

bool csg_processor_tiles(void)
{
#if defined(__linux__) && defined(__x86_64__)
    const long ask = 0x1023, tile_data = 18; /* ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA */
    return syscall(SYS_arch_prctl, ask, tile_data) == 0;
#else
    return false;
#endif
}
