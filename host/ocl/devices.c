/* Which devices there are, which one is best, and which one a SPEC means. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/threads.h"
#include "ocl/ocl.h"

/* The ICD loader's answer where no driver is installed (cl_ext.h). */
#define PLATFORM_NOT_FOUND_KHR (-1001)
#define LEAST_MEMORY_BYTES ((uint64_t)64 << 20) /* a small model; where more is needed the allocation says so */

#define INSTALL                                                                                                                  \
    "install one: the driver of the graphics card's vendor (NVIDIA), on Debian and Ubuntu mesa-opencl-icd or "                   \
    "intel-opencl-icd for a GPU, pocl-opencl-icd for the CPU"

static void cut_spaces(char *text)
{
    size_t begin = strspn(text, " \t"), end = strlen(text);
    while (end > begin && isspace((unsigned char)text[end - 1]))
        end--;
    memmove(text, text + begin, end - begin);
    text[end - begin] = '\0';
}

/* What a device or platform says of itself; more than that no driver is known to say, and is taken as nothing. */
#define SAID_BYTES 8192

static void keep(char *out, size_t capacity, char *text, size_t bytes)
{
    text[bytes] = '\0';
    snprintf(out, capacity, "%s", text);
    cut_spaces(out);
}

void csg_ocl_device_string(cl_device_id device, cl_device_info what, char *out, size_t capacity)
{
    char text[SAID_BYTES];
    size_t bytes = 0;
    bool said = clGetDeviceInfo(device, what, sizeof text - 1, text, &bytes) == CL_SUCCESS && bytes < sizeof text;
    keep(out, capacity, text, said ? bytes : 0);
}

void csg_ocl_platform_string(cl_platform_id platform, cl_platform_info what, char *out, size_t capacity)
{
    char text[SAID_BYTES];
    size_t bytes = 0;
    bool said = clGetPlatformInfo(platform, what, sizeof text - 1, text, &bytes) == CL_SUCCESS && bytes < sizeof text;
    keep(out, capacity, text, said ? bytes : 0);
}

static bool has_extension(cl_device_id device, const char *name)
{
    char list[SAID_BYTES];
    size_t n = strlen(name);
    bool found = false;
    csg_ocl_device_string(device, CL_DEVICE_EXTENSIONS, list, sizeof list);
    for (const char *at = list; !found && (at = strstr(at, name)); at += n)
        found = (at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0');
    return found;
}

/* Says in verdict why the device cannot be used. */
static bool usable(cl_device_id device, struct csg_device_info *info)
{
    cl_bool available = CL_FALSE, compiler = CL_FALSE, little = CL_FALSE;
    unsigned major = 0, minor = 0;
    clGetDeviceInfo(device, CL_DEVICE_AVAILABLE, sizeof available, &available, NULL);
    clGetDeviceInfo(device, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, NULL);
    clGetDeviceInfo(device, CL_DEVICE_ENDIAN_LITTLE, sizeof little, &little, NULL);
    if (!available)
        snprintf(info->verdict, sizeof info->verdict, "not usable: the driver says that the device is not available");
    else if (!compiler)
        snprintf(info->verdict, sizeof info->verdict, "not usable: its driver has no compiler");
    else if (!little)
        snprintf(info->verdict, sizeof info->verdict, "not usable: it is big-endian");
    else if (sscanf(info->version, "OpenCL %u.%u", &major, &minor) != 2 || major < 1 || (major == 1 && minor < 2))
        snprintf(info->verdict, sizeof info->verdict, "not usable: OpenCL 1.2 is needed, it has %.64s", info->version);
    else if (info->global_memory_bytes < LEAST_MEMORY_BYTES)
        snprintf(info->verdict, sizeof info->verdict, "not usable: %llu MiB of memory, 64 are needed",
                 (unsigned long long)(info->global_memory_bytes >> 20));
    else
        return true;
    return false;
}

static void describe(struct csg_ocl_device *entry, unsigned index)
{
    struct csg_device_info *info = &entry->info;
    cl_device_id device = entry->device;
    cl_uint units = 0;
    cl_ulong global = 0, most = 0;
    info->index = index;
    csg_ocl_device_string(device, CL_DEVICE_NAME, info->name, sizeof info->name);
    csg_ocl_device_string(device, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    csg_ocl_device_string(device, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    csg_ocl_device_string(device, CL_DEVICE_VERSION, info->version, sizeof info->version);
    csg_ocl_platform_string(entry->platform, CL_PLATFORM_NAME, info->platform, sizeof info->platform);
    entry->type = CL_DEVICE_TYPE_DEFAULT;
    clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof entry->type, &entry->type, NULL);
    clGetDeviceInfo(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    clGetDeviceInfo(device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof global, &global, NULL);
    clGetDeviceInfo(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof most, &most, NULL);
    info->compute_units = units;
    info->global_memory_bytes = global;
    info->max_allocation_bytes = most;
    snprintf(info->type, sizeof info->type, "%s",
             entry->type & CL_DEVICE_TYPE_GPU   ? "gpu"
             : entry->type & CL_DEVICE_TYPE_CPU ? "cpu"
                                                : "accelerator");
    info->fp16 = has_extension(device, "cl_khr_fp16");
    info->subgroups = has_extension(device, "cl_khr_subgroups");
    info->usable = usable(device, info);
}

static int type_rank(const struct csg_ocl_device *d)
{
    return d->type & CL_DEVICE_TYPE_GPU ? 0 : d->type & CL_DEVICE_TYPE_CPU ? 2 : 1;
}

/* Whether a comes before b: usable, then GPU, accelerator, CPU, then compute units, then memory, then the index. */
static bool before(const struct csg_ocl_device *a, const struct csg_ocl_device *b)
{
    if (a->info.usable != b->info.usable)
        return a->info.usable;
    if (type_rank(a) != type_rank(b))
        return type_rank(a) < type_rank(b);
    if (a->info.compute_units != b->info.compute_units)
        return a->info.compute_units > b->info.compute_units;
    if (a->info.global_memory_bytes != b->info.global_memory_bytes)
        return a->info.global_memory_bytes > b->info.global_memory_bytes;
    return a->info.index < b->info.index;
}

static void judge(struct csg_ocl_device *devices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct csg_device_info *info = &devices[i].info;
        size_t rank = 1, same = 0;
        for (size_t j = 0; j < count; j++) {
            rank += j != i && before(&devices[j], &devices[i]);
            same += j != i && devices[j].info.usable && type_rank(&devices[j]) == type_rank(&devices[i]);
        }
        info->chosen = info->usable && rank == 1;
        if (!info->usable)
            continue;
        const char *why = same == 0 ? "the only usable device of its type" : "by compute units, then memory, among its type";
        snprintf(info->verdict, sizeof info->verdict, "%srank %zu: GPUs come before accelerators, these before CPUs; %s",
                 info->chosen ? "taken by default, " : "", rank, why);
    }
}

static int add_platform(struct csg_ocl_device **devices, size_t *count, cl_platform_id platform, struct csg_error *err)
{
    cl_uint n = 0;
    cl_int code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &n);
    /* A platform without a device, or a broken one, must not hide the others. */
    if (code != CL_SUCCESS || n == 0)
        return CSG_OK;
    cl_device_id *ids = csg_calloc(n, sizeof *ids);
    struct csg_ocl_device *more = csg_realloc(*devices, *count + n, sizeof *more);
    if (more)
        *devices = more;
    if (!ids || !more) {
        free(ids);
        return csg_fail_memory(err);
    }
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, n, ids, NULL) == CL_SUCCESS)
        for (cl_uint i = 0; i < n; i++) {
            struct csg_ocl_device *entry = &more[*count];
            memset(entry, 0, sizeof *entry);
            entry->platform = platform;
            entry->device = ids[i];
            describe(entry, (unsigned)*count);
            ++*count;
        }
    free(ids);
    return CSG_OK;
}

static int enumerate(struct csg_ocl_device **devices, size_t *count, struct csg_error *err)
{
    cl_uint n = 0;
    int status = CSG_OK;
    cl_platform_id *platforms = NULL;
    *devices = NULL;
    *count = 0;
    cl_int code = clGetPlatformIDs(0, NULL, &n);
    if (code == PLATFORM_NOT_FOUND_KHR || (code == CL_SUCCESS && n == 0))
        return CSG_OK;
    if (code != CL_SUCCESS)
        return csg_ocl_fail(err, code, "asking for the OpenCL platforms");
    platforms = csg_calloc(n, sizeof(cl_platform_id));
    if (!platforms)
        return csg_fail_memory(err);
    code = clGetPlatformIDs(n, platforms, NULL);
    if (code != CL_SUCCESS)
        status = csg_ocl_fail(err, code, "asking for the OpenCL platforms");
    for (cl_uint i = 0; status == CSG_OK && i < n; i++)
        status = add_platform(devices, count, platforms[i], err);
    free(platforms);
    if (status) {
        free(*devices);
        *devices = NULL;
        *count = 0;
        return status;
    }
    judge(*devices, *count);
    return CSG_OK;
}

/* PoCL 3.1 sets its devices up when they are first asked for, and another thread that asks meanwhile reads what is not there yet. */
int csg_ocl_enumerate(struct csg_ocl_device **devices, size_t *count, struct csg_error *err)
{
    csg_process_lock_enter();
    int status = enumerate(devices, count, err);
    csg_process_lock_leave();
    return status;
}

int csg_ocl_devices(struct csg_device_info **devices, size_t *count, struct csg_error *err)
{
    struct csg_ocl_device *all;
    size_t n;
    *devices = NULL;
    *count = 0;
    int status = csg_ocl_enumerate(&all, &n, err);
    if (status || n == 0)
        return status;
    struct csg_device_info *infos = csg_calloc(n, sizeof *infos);
    if (!infos) {
        free(all);
        return csg_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++)
        infos[i] = all[i].info;
    free(all);
    *devices = infos;
    *count = n;
    return CSG_OK;
}

static bool name_contains(const char *name, const char *part)
{
    size_t n = strlen(part);
    for (; *name; name++) {
        size_t i = 0;
        while (i < n && tolower((unsigned char)name[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == n)
            return true;
    }
    return false;
}

static bool matches(const struct csg_ocl_device *device, const char *spec)
{
    if (spec[strspn(spec, "0123456789")] == '\0')
        return strtoul(spec, NULL, 10) == device->info.index;
    return name_contains(device->info.name, spec) || name_contains(device->info.platform, spec);
}

static int nothing_matches(const struct csg_ocl_device *devices, size_t count, const char *spec, struct csg_error *err)
{
    char list[700] = "";
    size_t at = 0;
    for (size_t i = 0; i < count && at < sizeof list - 1; i++) {
        int n = snprintf(list + at, sizeof list - at, "%s%u: %.100s (%.60s)", i ? ", " : "", devices[i].info.index,
                         devices[i].info.name, devices[i].info.platform);
        at += n > 0 ? (size_t)n : 0;
    }
    return csg_fail(err, CSG_ERROR_NO_DEVICE, "no OpenCL device is called \"%.100s\"; known by index and name are %s", spec,
                    list);
}

int csg_ocl_select(size_t *index, const struct csg_ocl_device *devices, size_t count, const char *spec, struct csg_error *err)
{
    const struct csg_ocl_device *best = NULL;
    if (count == 0)
        return csg_fail(err, CSG_ERROR_NO_DEVICE, "no OpenCL device was found; " INSTALL);
    for (size_t i = 0; i < count; i++)
        if ((!spec || matches(&devices[i], spec)) && (!best || before(&devices[i], best)))
            best = &devices[i];
    if (!best)
        return nothing_matches(devices, count, spec, err);
    if (!best->info.usable && !spec)
        return csg_fail(err, CSG_ERROR_NO_DEVICE, "none of the %zu OpenCL devices can be used (%.150s: %.200s); " INSTALL, count,
                        best->info.name, best->info.verdict);
    if (!best->info.usable)
        return csg_fail(err, CSG_ERROR_NO_DEVICE, "%s: %s", best->info.name, best->info.verdict);
    *index = (size_t)(best - devices);
    return CSG_OK;
}

bool csg_ocl_other(const char *device, size_t nth, unsigned *index)
{
    struct csg_ocl_device *devices;
    size_t count, but;
    bool found = false;
    if (csg_ocl_enumerate(&devices, &count, NULL) != CSG_OK)
        return false;
    if (csg_ocl_select(&but, devices, count, device, NULL) != CSG_OK)
        but = count;
    for (size_t i = 0; !found && i < count; i++) {
        size_t better = 0;
        for (size_t j = 0; j < count; j++)
            better += j != but && before(&devices[j], &devices[i]);
        found = i != but && devices[i].info.usable && better == nth;
        *index = (unsigned)i;
    }
    free(devices);
    return found;
}
