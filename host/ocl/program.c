/* Programs: the embedded sources, built at their first use, kept for the life of the backend. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ocl/ocl.h"

/* Generated from cl/NAME.cl by tools/embed_cl.py; a missing file is a link error. */
#define CSG_OP(name) extern const char csg_cl_##name[];
#include "ops/op_list.h"
#undef CSG_OP
#define EXTERN(op, name) extern const char csg_cl_##name[];
CSG_OCL_FURTHER(EXTERN)

#define NAME(op, name) #name,
#define TEXT(op, name) csg_cl_##name,
static const char *const sources[] = {
#define CSG_OP(name) csg_cl_##name,
#include "ops/op_list.h"
#undef CSG_OP
    CSG_OCL_FURTHER(TEXT)};
static const char *const further[] = {CSG_OCL_FURTHER(NAME)};

static const char *source_name(int source)
{
    return source < CSG_OP_COUNT ? csg_op_name((enum csg_op)source) : further[source - CSG_OP_COUNT];
}

/* No -cl-fast-relaxed-math: masks are infinities and a constant map is 0/0. No -cl-mad-enable: mad() may round worse than the
 * two operations it stands for, while contraction to fma, which OpenCL C allows by itself, never does. */
int csg_ocl_all_options(const struct csg_ocl *ocl, const char *own, char *out, size_t capacity, struct csg_error *err)
{
    int n = snprintf(out, capacity,
                     "-cl-std=CL1.2 -DCSG_ITEM_ROWS=%d -DCSG_GROUP=%u -DCSG_WIDTH=%u -DCSG_HAS_FMA=%d -DCSG_QUIRKS=%u%s%s%s",
                     ocl->form->item_rows, ocl->group, ocl->tile->width, ocl->limits.fma, ocl->quirks,
                     ocl->limits.exact_divide ? " -cl-fp32-correctly-rounded-divide-sqrt" : "", *own ? " " : "", own);
    if (n < 0 || (size_t)n >= capacity)
        return csg_fail(err, CSG_ERROR_BUILD, "the build options are too long");
    return CSG_OK;
}

/* Whatever a compiler says is about the source, but for what is not its own. */
static enum csg_status build_status(struct csg_ocl *ocl, cl_int code)
{
    if (code != CL_OUT_OF_RESOURCES && code != CL_DEVICE_NOT_AVAILABLE && code != CL_OUT_OF_HOST_MEMORY)
        return CSG_ERROR_BUILD;
    return (enum csg_status)csg_ocl_failed(ocl, NULL, code, "compiling");
}

static int build_failure(struct csg_ocl *ocl, cl_program program, cl_int code, const char *what, struct csg_error *err)
{
    size_t bytes = 0;
    char *text = NULL;
    if (clGetProgramBuildInfo(program, ocl->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) == CL_SUCCESS && bytes)
        text = csg_calloc(bytes + 1, 1);
    if (text && clGetProgramBuildInfo(program, ocl->device, CL_PROGRAM_BUILD_LOG, bytes, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
    if (text)
        for (char *line = text, *end; *line; line = end) {
            end = line + strcspn(line, "\n");
            if (end > line)
                csg_log(&ocl->log, CSG_LOG_DEBUG, "%.*s", (int)(end - line < 4096 ? end - line : 4096), line);
            end += *end == '\n';
        }
    enum csg_status kind = build_status(ocl, code);
    int status = csg_fail(err, kind, "%s refused to compile cl/%s.cl (%s)%s%.600s", ocl->base.device, what,
                          csg_ocl_error_name(code), text && *text ? ": " : "", text ? text : "");
    free(text);
    return status;
}

static void store(struct csg_ocl *ocl, cl_program program, const char *key)
{
    size_t bytes = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL) != CL_SUCCESS || bytes == 0)
        return;
    unsigned char *binary = csg_calloc(bytes, 1);
    if (binary && clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
        csg_ocl_cache_store(ocl, key, binary, bytes);
    free(binary);
}

/* NULL where there is no stored binary or the driver refuses it, which is no failure. */
static cl_program from_binary(struct csg_ocl *ocl, const char *key, const char *options)
{
    size_t bytes;
    cl_int code, taken = CL_INVALID_BINARY;
    unsigned char *binary = csg_ocl_cache_load(ocl, key, &bytes);
    if (!binary)
        return NULL;
    const unsigned char *data = binary;
    cl_program program = clCreateProgramWithBinary(ocl->context, 1, &ocl->device, &bytes, &data, &taken, &code);
    free(binary);
    if (program && (code != CL_SUCCESS || taken != CL_SUCCESS ||
                    clBuildProgram(program, 1, &ocl->device, options, NULL, NULL) != CL_SUCCESS)) {
        clReleaseProgram(program);
        program = NULL;
    }
    return program;
}

static int from_source(struct csg_ocl *ocl, int source, const char *options, cl_program *out, struct csg_error *err)
{
    cl_int code;
    if (!ocl->told_compiling) {
        ocl->told_compiling = true;
        if (ocl->program_dir)
            csg_log(&ocl->log, CSG_LOG_INFO, "compiling kernels for %s; they will be cached in %s", ocl->base.device,
                    ocl->program_dir);
        else
            csg_log(&ocl->log, CSG_LOG_INFO, "compiling kernels for %s", ocl->base.device);
    }
    double start_ms = csg_now_ms();
    cl_program program = clCreateProgramWithSource(ocl->context, 1, (const char *[]){sources[source]}, NULL, &code);
    if (!program)
        return csg_ocl_failed(ocl, err, code, "creating a program");
    code = clBuildProgram(program, 1, &ocl->device, options, NULL, NULL);
    if (code != CL_SUCCESS) {
        int status = build_failure(ocl, program, code, source_name(source), err);
        clReleaseProgram(program);
        return status;
    }
    csg_log(&ocl->log, CSG_LOG_DEBUG, "compiled cl/%s.cl in %.0f ms: %s", source_name(source), csg_now_ms() - start_ms, options);
    *out = program;
    return CSG_OK;
}

static int make_kernels(struct csg_ocl *ocl, struct csg_ocl_program *program, struct csg_error *err)
{
    cl_uint n = 0;
    cl_int code = clCreateKernelsInProgram(program->program, 0, NULL, &n);
    if (code == CL_SUCCESS && (n == 0 || n > CSG_OCL_MAX_KERNELS))
        return csg_fail(err, CSG_ERROR_BUILD, "cl/%s.cl has %u kernels", source_name(program->source), (unsigned)n);
    if (code == CL_SUCCESS)
        code = clCreateKernelsInProgram(program->program, n, program->kernels, NULL);
    if (code != CL_SUCCESS)
        return csg_ocl_failed(ocl, err, code, "creating kernels");
    program->n_kernels = n;
    for (cl_uint i = 0; i < n && code == CL_SUCCESS; i++)
        code = clGetKernelInfo(program->kernels[i], CL_KERNEL_FUNCTION_NAME, sizeof program->names[i], program->names[i], NULL);
    return code == CL_SUCCESS ? CSG_OK : csg_ocl_failed(ocl, err, code, "asking for the name of a kernel");
}

static void program_destroy(const struct csg_ocl *ocl, struct csg_ocl_program *program)
{
    for (cl_uint i = 0; i < program->n_kernels && !ocl->hung; i++)
        clReleaseKernel(program->kernels[i]);
    if (program->program && !ocl->hung)
        clReleaseProgram(program->program);
    free(program->options);
    free(program);
}

static int program_create(struct csg_ocl *ocl, int source, const char *own, struct csg_ocl_program **out, struct csg_error *err)
{
    char options[1024], key[CSG_SHA256_HEX];
    struct csg_ocl_program *program = csg_calloc(1, sizeof *program);
    bool built = false;
    int status;
    if (!program || !(program->options = csg_strdup(own))) {
        free(program);
        return csg_fail_memory(err);
    }
    program->source = source;
    status = csg_ocl_all_options(ocl, own, options, sizeof options, err);
    if (status)
        goto fail;
    status = csg_ocl_cache_key(ocl, sources[source], options, key, err);
    if (status)
        goto fail;
    program->program = from_binary(ocl, key, options);
    if (!program->program) {
        status = from_source(ocl, source, options, &program->program, err);
        if (status)
            goto fail;
        built = true;
    }
    status = make_kernels(ocl, program, err);
    if (status)
        goto fail;
    if (built && ocl->program_dir)
        store(ocl, program->program, key);
    *out = program;
    return CSG_OK;
fail:
    program_destroy(ocl, program);
    return status;
}

int csg_ocl_kernel(struct csg_ocl *ocl, int source, const char *options, const char *name, cl_kernel *kernel,
                   struct csg_error *err)
{
    struct csg_ocl_program *program = ocl->programs;
    while (program && (program->source != source || strcmp(program->options, options) != 0))
        program = program->next;
    if (!program) {
        int status = program_create(ocl, source, options, &program, err);
        if (status)
            return status;
        program->next = ocl->programs;
        ocl->programs = program;
    }
    for (cl_uint i = 0; i < program->n_kernels; i++)
        if (strcmp(program->names[i], name) == 0) {
            *kernel = program->kernels[i];
            program->launches[i]++; /* asked for by csg_ocl_launch alone */
            return CSG_OK;
        }
    return csg_fail(err, CSG_ERROR_BUILD, "cl/%s.cl has no kernel %s", source_name(source), name);
}

void csg_ocl_programs_destroy(struct csg_ocl *ocl)
{
    while (ocl->programs) {
        struct csg_ocl_program *next = ocl->programs->next;
        program_destroy(ocl, ocl->programs);
        ocl->programs = next;
    }
}

int csg_ocl_fingerprint(struct csg_backend *backend, char hex[65], struct csg_error *err)
{
    const struct csg_ocl *ocl = csg_ocl_of(backend);
    struct csg_sha256 *hash = NULL;
    char options[1024], key[CSG_SHA256_HEX];
    int status = csg_ocl_all_options(ocl, "", options, sizeof options, err);
    if (status == CSG_OK)
        status = csg_sha256_create(&hash, err);
    for (size_t i = 0; i < CSG_COUNT(sources) && status == CSG_OK; i++) {
        status = csg_ocl_cache_key(ocl, sources[i], options, key, err);
        if (status == CSG_OK)
            status = csg_sha256_update(hash, key, sizeof key, err);
    }
    if (status == CSG_OK)
        status = csg_sha256_finish(&hash, hex, err);
    csg_sha256_destroy(&hash);
    return status;
}
