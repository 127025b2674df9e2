/* What single drivers do wrong and what is done about it: one table. A row says why and gives a link. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ocl/ocl.h"

struct quirk_row {
    const char *name;
    enum csg_ocl_quirk bit;
    /* Parts of names, upper and lower case alike; NULL matches all; a row with four NULLs matches only by its name. */
    const char *platform, *vendor, *device, *driver;
    const char *changes, *why, *link;
};

#ifndef CSG_CLBLAST_FIXED_GEMMK1
#define CSG_CLBLAST_FIXED_GEMMK1 0 /* the build says 1 for CLBlast 1.6.3 and later */
#endif

static const struct quirk_row rows[] = {
#if !CSG_CLBLAST_FIXED_GEMMK1
    {"no-clblast-arc", CSG_QUIRK_NO_CLBLAST, NULL, "intel", "arc", NULL, "the project's own GEMM runs",
     "CLBlast before 1.6.3 has a wrong kernel that its tuning chooses on Intel Arc; the failing sizes are not foreseeable",
     "https://github.com/CNugteren/CLBlast/issues/533"},
    {"no-clblast-m1", CSG_QUIRK_NO_CLBLAST, "apple", NULL, "apple m1", NULL, "the project's own GEMM runs",
     "the same wrong kernel, seen at 1,152 columns, which a known answer of a small size does not meet",
     "https://github.com/CNugteren/CLBlast/issues/542"},
#endif
    {"gpu-forms-llvmpipe", CSG_QUIRK_GPU_FORMS, "rusticl", NULL, "llvmpipe", NULL, "the kernels made for GPUs run",
     "it calls itself a CPU but runs the work-items of a group in the lanes of a vector, so that groups of one waste seven of "
     "eight, "
     "and compiled attention for heads of 32 for minutes (Mesa 22.3.6)",
     "https://docs.mesa3d.org/drivers/llvmpipe.html"},
    {"no-amx-intel", CSG_QUIRK_NO_AMX, "intel(r) opencl", NULL, NULL, NULL, "bfloat16 goes by pairs",
     "in its CPU runtime the bytes of a tile's instruction end the process, though the system grants the registers",
     "https://docs.kernel.org/arch/x86/xstate.html"},
    {"no-clblast", CSG_QUIRK_NO_CLBLAST, NULL, NULL, NULL, NULL, "the project's own GEMM runs",
     "to compare both, or for a device that the rows above do not know yet", "https://github.com/CNugteren/CLBlast/pull/543"},
    {"no-amx", CSG_QUIRK_NO_AMX, NULL, NULL, NULL, NULL, "bfloat16 goes by pairs",
     "to compare both, or for a device that the row above does not know yet", "https://docs.kernel.org/arch/x86/xstate.html"},
    {"no-binary-cache", CSG_QUIRK_NO_BINARY_CACHE, NULL, NULL, NULL, NULL, "kernels are compiled at every start",
     "for drivers that take a stored program and then crash with it", "https://github.com/intel/compute-runtime/issues/125"},
    {"no-map", CSG_QUIRK_NO_MAP, NULL, NULL, NULL, NULL, "weights are staged in host memory and copied",
     "mapping a whole weight needs as much pinned host memory, which a driver may refuse",
     "https://registry.khronos.org/OpenCL/sdk/1.2/docs/man/xhtml/clEnqueueMapBuffer.html"},
};

static bool contains(const char *text, const char *part)
{
    if (!part)
        return true;
    size_t n = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && text[i] && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == n)
            return true;
    }
    return n == 0;
}

static int forced_bits(unsigned *bits, const char *names, struct csg_error *err)
{
    unsigned all = 0;
    while (*names) {
        size_t n = strcspn(names, ",");
        size_t i = 0;
        while (i < CSG_COUNT(rows) && (strlen(rows[i].name) != n || strncmp(rows[i].name, names, n) != 0))
            i++;
        if (n && i == CSG_COUNT(rows))
            return csg_fail(err, CSG_ERROR_USAGE, "no quirk is called %.*s", (int)(n < 64 ? n : 64), names);
        if (n)
            all |= (unsigned)rows[i].bit;
        names += n + (names[n] == ',');
    }
    *bits = all;
    return CSG_OK;
}

int csg_ocl_quirks(unsigned *bits, const char *platform, const char *vendor, const char *device, const char *driver,
                   const char *forced, struct csg_error *err)
{
    if (forced)
        return forced_bits(bits, forced, err);
    *bits = 0;
    for (size_t i = 0; i < CSG_COUNT(rows); i++) {
        const struct quirk_row *row = &rows[i];
        if (!row->platform && !row->vendor && !row->device && !row->driver)
            continue;
        if (contains(platform, row->platform) && contains(vendor, row->vendor) && contains(device, row->device) &&
            contains(driver, row->driver))
            *bits |= (unsigned)row->bit;
    }
    return CSG_OK;
}

const char *csg_ocl_quirk_at(size_t index, unsigned *bit)
{
    if (index >= CSG_COUNT(rows))
        return NULL;
    *bit = (unsigned)rows[index].bit;
    return rows[index].name;
}
