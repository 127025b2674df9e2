/* Private to host/ocl: the only header of the project that knows OpenCL's types. */
#ifndef CSG_OCL_OCL_H
#define CSG_OCL_OCL_H

#include <CL/cl.h>

#include "ocl/backend.h"

struct csg_ocl;

/* ------------------------------------------------------------------------------------------ classes (classes.c) */

/* Which forms of the kernels run: one row per kind of device. */
struct csg_ocl_class {
    const char *name;       /* "cpu", "gpu": csg_engine_params.device_class */
    cl_device_type devices; /* takes this row without being told */
    bool packed;            /* GEMM multiplies with packed panels in one work-item per tile; else CLBlast or local memory */
    bool item_rows;         /* a work-item owns whole rows; else a work-item makes an element, or a work-group a row */
    unsigned group;         /* work-items of a group in element-wise kernels and reductions, a power of two */
};
/* NULL where the name is unknown. */
const struct csg_ocl_class *csg_ocl_class_named(const char *name);
const struct csg_ocl_class *csg_ocl_class_of(cl_device_type type);
const struct csg_ocl_class *csg_ocl_class_at(size_t index); /* NULL past the end */

/* Register tile of the packed GEMM: `rows` rows times `vectors` vectors of `width` floats. */
struct csg_ocl_tile {
    unsigned width;         /* floats of the device's native vector */
    unsigned vectors;       /* of a panel */
    unsigned rows;          /* where the matrix has at least that many rows */
    unsigned rows_few;      /* where it has fewer, but at least this many; else one row */
    unsigned query_vectors; /* attention: vectors of queries a work-item owns */
    unsigned key_rows;      /* attention: keys, and channels of v, in one register tile */
};
const struct csg_ocl_tile *csg_ocl_tile_of(unsigned native_width);
const struct csg_ocl_tile *csg_ocl_tile_at(size_t index); /* NULL past the end */

/* ------------------------------------------------------------------------------------------ quirks (quirks.c) */

enum csg_ocl_quirk {
    CSG_QUIRK_NO_CLBLAST = 1u << 0,      /* GEMM never takes CLBlast */
    CSG_QUIRK_NO_BINARY_CACHE = 1u << 1, /* programs are always compiled from source */
    CSG_QUIRK_NO_MAP = 1u << 2,          /* weights are staged in host memory and copied, not mapped */
    CSG_QUIRK_GPU_FORMS = 1u << 3,       /* the class is gpu where none is asked for */
    CSG_QUIRK_NO_AMX = 1u << 4           /* bfloat16 never takes tiles */
};
/* The bits of the rows that match the device, or of the rows named in `forced` if it is not NULL. */
int csg_ocl_quirks(unsigned *bits, const char *platform, const char *vendor, const char *device, const char *driver,
                   const char *forced, struct csg_error *err);
/* The rows of the table; NULL past the end. */
const char *csg_ocl_quirk_at(size_t index, unsigned *bit);

/* ------------------------------------------------------------------------------------------ variants.c */

/* Takes away what `limit` of csg_ocl_params names. */
struct csg_ocl_limits;
int csg_ocl_limit(struct csg_ocl_limits *limits, const char *limit, struct csg_error *err);
/* The option of attention by tiles of bfloat16. */
#define CSG_OCL_AMX "-DCSG_AMX=1"
/* Options of the kernels for packed weights: of f32 or of bfloat16 pairs. */
void csg_ocl_packed_options(char *out, size_t capacity, bool pairs, enum csg_dtype y_type, const struct csg_ocl_tile *tile,
                            size_t rows);
/* The option of kernels that store y in bfloat16, and what it is for a type, behind others. */
#define CSG_OCL_Y_BF16 "-DCSG_Y_BF16=1"
const char *csg_ocl_y_option(enum csg_dtype y_type);
/* Options of the kernels for packed weights in 16 bits, of `rows` rows of a tile. */
void csg_ocl_half_options(char *out, size_t capacity, enum csg_precision precision, const struct csg_ocl_tile *tile, size_t rows);

/* ------------------------------------------------------------------------------------------ ways (choose.c) */

/* How an operator may run: a form of its table, and in how many parts the inner side of a product is split. */
struct csg_ocl_way {
    size_t form, splits;
};

/* What decides which way is best. */
struct csg_ocl_shape {
    enum csg_op op;
    enum csg_precision precision;
    size_t rows;     /* of the product; tokens of the longest sequence */
    size_t sides[2]; /* n and k; channels of a head, and heads of all sequences and paths */
};

/* The ways of an operator on devices of a class. args are those of the operator. */
struct csg_ocl_ways {
    const char *(*name)(const struct csg_ocl *ocl, size_t form); /* NULL past the end */
    size_t (*most_splits)(size_t form, const void *args);        /* that are of any use; NULL: 1 */
    int (*fits)(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, bool *fits, struct csg_error *err);
    int (*untuned)(struct csg_ocl *ocl, const void *args, struct csg_ocl_way *way, struct csg_error *err);
    int (*run)(struct csg_ocl *ocl, struct csg_ocl_way way, const void *args, struct csg_error *err);
};
extern const struct csg_ocl_ways csg_ocl_gemm_ways, csg_ocl_gemm_packed_ways, csg_ocl_attention_ways, csg_ocl_attention_item_ways;
/* Those that the operator has on the device; NULL where it has but one. */
const struct csg_ocl_ways *csg_ocl_ways_of(const struct csg_ocl *ocl, enum csg_op op);
/* Chooses and runs: the way that a test forces, else the one that tuning found, else the untuned one. */
int csg_ocl_run_best(struct csg_ocl *ocl, const struct csg_ocl_shape *shape, const void *args, struct csg_error *err);

/* ------------------------------------------------------------------------------------------ what timing found (tuned.c) */

struct csg_ocl_choice {
    struct csg_ocl_shape shape;
    struct csg_ocl_way way;
};
/* Shapes that differ in rows by an eighth at most go the same way. */
bool csg_ocl_shape_near(const struct csg_ocl_shape *a, const struct csg_ocl_shape *b);
/* The choice for the shape, or for the nearest one; NULL where none is near. */
const struct csg_ocl_way *csg_ocl_tuned(const struct csg_ocl *ocl, const struct csg_ocl_shape *shape);
int csg_ocl_tuned_set(struct csg_ocl *ocl, const struct csg_ocl_shape *shape, struct csg_ocl_way way, struct csg_error *err);
/* From disk and to it. What is not there or not good is no choice. */
int csg_ocl_tuned_load(struct csg_ocl *ocl, struct csg_error *err);
int csg_ocl_tuned_store(struct csg_ocl *ocl, struct csg_error *err);

/* ------------------------------------------------------------------------------------------ timing (tune.c) */

struct csg_ocl_tuner;
/* Runs the operator in the way whose turn it is. */
int csg_ocl_tune_run(struct csg_ocl *ocl, const struct csg_ocl_shape *shape, const void *args, struct csg_error *err);
/* The launch belongs to that call, and the queue was busy with it for so long. */
void csg_ocl_tune_took(struct csg_ocl_tuner *tuner, size_t call, double ms);

/* ------------------------------------------------------------------------------------------ the backend */

struct csg_ocl_limits {
    size_t max_alloc_bytes, global_bytes, local_bytes;
    size_t max_group;      /* work-items of a group */
    unsigned native_width; /* floats of a vector */
    unsigned compute_units;
    struct csg_ocl_way forced[CSG_OP_COUNT]; /* the form counted from 1; 0: none */
    bool fma;                                /* fma() is an instruction */
    bool pairs;                              /* products of bfloat16 pairs may be tried */
    unsigned amx;                            /* tiles of bfloat16: 0 never, 1 where the processor has them, 2 without asking it */
    bool exact_divide;                       /* the correctly rounded division may be asked for */
    double wait_ms;                          /* after which a device that does not answer is lost */
};

/* Files of kernels: one of each operator's name, and those that an operator has beside it. */
#define CSG_OCL_FURTHER(X)                                                                                                       \
    X(gemm, gemm_half)                                                                                                           \
    X(gemm, gemm_block)                                                                                                          \
    X(gemm, gemm_mma) X(gemm, gemm_cpuid) X(gemm, gemm_amx) X(attention, attention_mma) X(attention, attention_pairs)
enum csg_ocl_source {
    CSG_OCL_LAST_OP = CSG_OP_COUNT - 1,
#define CSG_OCL_SOURCE(op, name) CSG_OCL_##name,
    CSG_OCL_FURTHER(CSG_OCL_SOURCE)
#undef CSG_OCL_SOURCE
        CSG_OCL_SOURCES
};

#define CSG_OCL_MAX_KERNELS 8
#define CSG_OCL_MAX_PENDING 1024

/* One .cl file built with one set of options. */
struct csg_ocl_program {
    struct csg_ocl_program *next;
    int source; /* enum csg_op or csg_ocl_source */
    char *options;
    cl_program program;
    cl_kernel kernels[CSG_OCL_MAX_KERNELS];
    char names[CSG_OCL_MAX_KERNELS][32];
    uint64_t launches[CSG_OCL_MAX_KERNELS];
    cl_uint n_kernels;
};

struct csg_ocl_pending {
    cl_event event;
    enum csg_op op;
    enum csg_stage stage;
    size_t call; /* that the tuner times, counted from 1; 0: none */
};

/* Memory without an owner. */
struct csg_ocl_spare {
    cl_mem mem;
    size_t bytes;
};
#define CSG_OCL_MAX_SPARE 32

/* What known answers told of something on a device. */
enum csg_ocl_trust { CSG_OCL_UNTRIED, CSG_OCL_GOOD, CSG_OCL_BAD };

struct csg_ocl {
    struct csg_backend base;
    struct csg_log log;
    cl_platform_id platform;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    char vendor[256], platform_version[256];
    struct csg_ocl_limits limits;
    const struct csg_ocl_class *form;
    const struct csg_ocl_tile *tile;
    unsigned group; /* the class's, or what the device allows */
    unsigned quirks;
    char *program_dir; /* of the binary cache, or NULL */
    char *tuned_dir;   /* of what timing found, or NULL */
    struct csg_ocl_choice *tuned;
    size_t n_tuned;
    struct csg_ocl_tuner *tuner; /* NULL: nothing is being timed */
    bool told_compiling;
    bool lost; /* the driver reported a fatal error: nothing works any more */
    bool hung; /* a call never came back: no call is made any more, not even to release what the driver holds */
    struct csg_ocl_waiter *waiter;
    enum csg_ocl_trust blas;
    uint64_t blas_launches;
    enum csg_ocl_trust mma;
    enum csg_ocl_trust pairs;
    enum csg_ocl_trust amx;
    struct csg_ocl_program *programs;
    struct csg_ocl_pending pending[CSG_OCL_MAX_PENDING];
    size_t n_pending;
    struct csg_ocl_spare spare[CSG_OCL_MAX_SPARE]; /* the newest last */
    size_t n_spare, spare_bytes;
    cl_mem scratch; /* between two launches of one operator */
    size_t scratch_bytes;
    cl_mem stand_in; /* given to kernels for an absent view */
};

struct csg_ocl_buffer {
    struct csg_buffer base;
    cl_mem mem;
};

/* layout `packed`: ceil(n / nr) panels of nr columns, each [k, nr], the last one filled up with zeros; else [n, k]. Elements are float, or
 * 16 bits in the other precisions; `pairs`: panels [ceil(k / 2), nr, 2], zeros beyond k. */
struct csg_ocl_weight {
    struct csg_weight base;
    cl_mem mem;
    unsigned nr; /* columns of a panel; 0: plain */
    bool pairs;
};

static inline struct csg_ocl *csg_ocl_of(struct csg_backend *backend)
{
    return (struct csg_ocl *)backend;
}
cl_mem csg_ocl_mem(const struct csg_buffer *buffer);

/* ------------------------------------------------------------------------------------------ errors.c */

/* The status and sentence of an OpenCL error; `what` says what was being done: "reading 12 bytes". */
int csg_ocl_fail(struct csg_error *err, cl_int code, const char *what, ...) CSG_PRINTF(3, 4);
/* The same for a call on a backend, which is lost for good after a fatal error. */
int csg_ocl_failed(struct csg_ocl *ocl, struct csg_error *err, cl_int code, const char *what, ...) CSG_PRINTF(4, 5);
const char *csg_ocl_error_name(cl_int code);
/* CSG_ERROR_DEVICE_LOST where the backend is lost. */
int csg_ocl_alive(const struct csg_ocl *ocl, struct csg_error *err);

/* ------------------------------------------------------------------------------------------ wait.c */

/* What is no code of OpenCL: limits.wait_ms have passed, and the backend is hung. */
#define CSG_OCL_NO_ANSWER (-20000)
struct csg_ocl_waiter;
int csg_ocl_waiter_create(struct csg_ocl_waiter **out, struct csg_error *err);
void csg_ocl_waiter_destroy(struct csg_ocl_waiter **waiter);
/* clFinish and the blocking transfers of the backend's queue, with a deadline. */
cl_int csg_ocl_wait_finish(struct csg_ocl *ocl);
cl_int csg_ocl_wait_read(struct csg_ocl *ocl, cl_mem mem, size_t at, void *data, size_t bytes);
cl_int csg_ocl_wait_write(struct csg_ocl *ocl, cl_mem mem, size_t at, const void *data, size_t bytes);
/* The memory to be written, all of it. */
cl_int csg_ocl_wait_map(struct csg_ocl *ocl, cl_mem mem, size_t bytes, void **mapped);

/* ------------------------------------------------------------------------------------------ devices.c */

struct csg_ocl_device {
    cl_platform_id platform;
    cl_device_id device;
    cl_device_type type;
    struct csg_device_info info;
};
/* Every device of every platform; *devices is to be freed. */
int csg_ocl_enumerate(struct csg_ocl_device **devices, size_t *count, struct csg_error *err);
/* The index in devices of the one that spec (NULL: the best) means. */
int csg_ocl_select(size_t *index, const struct csg_ocl_device *devices, size_t count, const char *spec, struct csg_error *err);
/* A string of a device or a platform, cut to the capacity; empty where there is none. */
void csg_ocl_device_string(cl_device_id device, cl_device_info what, char *out, size_t capacity);
void csg_ocl_platform_string(cl_platform_id platform, cl_platform_info what, char *out, size_t capacity);

/* ------------------------------------------------------------------------------------------ program.c, cache.c */

/* The kernel `name` of the source, enum csg_op or csg_ocl_source, built with the class's options and `options` (may be empty). Built at
 * the first use. */
int csg_ocl_kernel(struct csg_ocl *ocl, int source, const char *options, const char *name, cl_kernel *kernel,
                   struct csg_error *err);
/* Every option of a build: the class's, the device's and `own`. */
int csg_ocl_all_options(const struct csg_ocl *ocl, const char *own, char *out, size_t capacity, struct csg_error *err);
void csg_ocl_programs_destroy(struct csg_ocl *ocl);

/* The key of a program in the cache. */
int csg_ocl_cache_key(const struct csg_ocl *ocl, const char *source, const char *options, char key[65], struct csg_error *err);
/* The binary stored under the key, to be freed, or NULL: missing, damaged, for another format. */
unsigned char *csg_ocl_cache_load(const struct csg_ocl *ocl, const char *key, size_t *bytes);
/* A failure costs the next start some time and is told to the log alone. */
void csg_ocl_cache_store(const struct csg_ocl *ocl, const char *key, const unsigned char *binary, size_t bytes);

/* ------------------------------------------------------------------------------------------ memory.c */

int csg_ocl_buffer_create(struct csg_backend *backend, size_t bytes, struct csg_buffer **out, struct csg_error *err);
void csg_ocl_buffer_destroy(struct csg_buffer *buffer);
int csg_ocl_buffer_write(struct csg_buffer *buffer, size_t at_bytes, const void *data, size_t bytes, struct csg_error *err);
int csg_ocl_buffer_read(struct csg_buffer *buffer, size_t at_bytes, void *data, size_t bytes, struct csg_error *err);
int csg_ocl_mem_create(struct csg_ocl *ocl, size_t bytes, cl_mem *mem, struct csg_error *err);
/* spare.c: memory of that very size that was given back, or NULL; taking it back; and releasing all of it, if there was any. */
cl_mem csg_ocl_spare_take(struct csg_ocl *ocl, size_t bytes);
void csg_ocl_spare_give(struct csg_ocl *ocl, cl_mem mem, size_t bytes);
bool csg_ocl_spare_drop(struct csg_ocl *ocl);
void csg_ocl_mem_release(struct csg_ocl *ocl, cl_mem mem); /* accepts NULL */
/* ocl->scratch with at least that many bytes. */
int csg_ocl_scratch(struct csg_ocl *ocl, size_t bytes, struct csg_error *err);

/* ------------------------------------------------------------------------------------------ weight.c */

int csg_ocl_weight_create(struct csg_backend *backend, const struct csg_weight_part *parts, size_t n_parts, size_t k,
                          struct csg_weight **out, struct csg_error *err);
void csg_ocl_weight_destroy(struct csg_weight *weight);

/* ------------------------------------------------------------------------------------------ launch.c */

/* The arguments of a kernel in its order. A view is two of them: the buffer and the place of its first element. */
struct csg_ocl_arg {
    enum { CSG_ARG_VIEW, CSG_ARG_MEM, CSG_ARG_SIZE, CSG_ARG_FLOAT } kind;
    struct csg_view view;
    cl_mem mem;
    size_t size; /* ulong in the kernel */
    float number;
};
#define CSG_VIEW_ARG(v)                                                                                                          \
    {                                                                                                                            \
        .kind = CSG_ARG_VIEW, .view = (v)                                                                                        \
    }
#define CSG_MEM_ARG(m)                                                                                                           \
    {                                                                                                                            \
        .kind = CSG_ARG_MEM, .mem = (m)                                                                                          \
    }
#define CSG_SIZE_ARG(n)                                                                                                          \
    {                                                                                                                            \
        .kind = CSG_ARG_SIZE, .size = (n)                                                                                        \
    }
#define CSG_FLOAT_ARG(x)                                                                                                         \
    {                                                                                                                            \
        .kind = CSG_ARG_FLOAT, .number = (x)                                                                                     \
    }

/* Work-groups by dimension, and work-items of each. */
struct csg_ocl_range {
    size_t groups[3];
    size_t items[3];
};

struct csg_ocl_launch {
    int source;          /* enum csg_op or csg_ocl_source */
    const char *options; /* NULL: none */
    const char *kernel;
    struct csg_ocl_range range;
    const struct csg_ocl_arg *args;
    size_t n_args;
};
int csg_ocl_launch(struct csg_ocl *ocl, const struct csg_ocl_launch *launch, struct csg_error *err);
/* That many work-items, or one more, which then does nothing: PoCL gives a thread one more than its share of what is left, so that of
 * an even number two threads have unequal shares. */
size_t csg_ocl_even(const struct csg_ocl *ocl, size_t items);
/* A kernel without build variants that makes a matrix: a work-item per row, or one per element in groups along the columns, as
 * the class says. */
int csg_ocl_launch_items(struct csg_ocl *ocl, enum csg_op op, const char *kernel, size_t columns, size_t rows,
                         const struct csg_ocl_arg *args, size_t n_args, struct csg_error *err);
/* One work-group of the class's size per row. */
int csg_ocl_launch_groups(struct csg_ocl *ocl, enum csg_op op, const char *kernel, size_t rows, const struct csg_ocl_arg *args,
                          size_t n_args, struct csg_error *err);
/* A work-item per row, or a work-group, as the class says. */
int csg_ocl_launch_rows(struct csg_ocl *ocl, enum csg_op op, const char *kernel, size_t rows, const struct csg_ocl_arg *args,
                        size_t n_args, struct csg_error *err);
#define CSG_COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Takes over the event of something launched elsewhere. */
int csg_ocl_launched(struct csg_ocl *ocl, cl_event event, struct csg_error *err);
int csg_ocl_finish(struct csg_backend *backend, struct csg_error *err);
static inline size_t csg_ocl_ceil_div(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

/* ------------------------------------------------------------------------------------------ op_gemm.c, op_gemm_half.c */

/* Register tiles of a work-item of GEMM on CPU devices: of 6 rows, a third of 197. */
#define CSG_OCL_TILES 11
#define CSG_GEMM_BIAS 1u
#define CSG_GEMM_RESIDUAL 2u
/* What the kernels call `parts`. */
size_t csg_ocl_gemm_parts(const struct csg_gemm_args *a);
/* A kernel of GEMM, all of which take the same arguments. */
int csg_ocl_gemm_launch(struct csg_ocl *ocl, int source, const char *kernel, const char *options, struct csg_ocl_range range,
                        const struct csg_gemm_args *a, struct csg_error *err);
/* Rows of a register tile for a matrix of `rows` rows. */
size_t csg_ocl_gemm_rows(const struct csg_ocl *ocl, size_t rows);
/* Products with packed weights that are not in f32. */
int csg_ocl_gemm_half(struct csg_ocl *ocl, const struct csg_gemm_args *a, struct csg_error *err);

/* ------------------------------------------------------------------------------------------ gemm_forms.c, known.c */

/* A way to multiply on GPUs. */
struct csg_ocl_gemm_form {
    const char *name;
    enum { CSG_GEMM_BLOCK, CSG_GEMM_MMA, CSG_GEMM_BLAS } kernel;
    unsigned bm, bn, bk; /* rows and columns of a work-group's block, columns of x and W in a slice */
    unsigned wm, wn;     /* of a work-item's tile, or of a warp's */
    unsigned stages;     /* slices in local memory */
    double rate;         /* see gemm_forms.c */
};
const struct csg_ocl_gemm_form *csg_ocl_gemm_form_at(size_t index); /* NULL past the end */
size_t csg_ocl_gemm_items(const struct csg_ocl_gemm_form *form);
void csg_ocl_gemm_options(char *out, size_t capacity, const struct csg_ocl_gemm_form *form, enum csg_precision precision,
                          bool aligned);

bool csg_ocl_has_matrix_units(const struct csg_ocl *ocl);
/* Whether the device's processor multiplies bfloat16 in pairs and gives the known answers; decided at the first call. */
int csg_ocl_pairs_usable(struct csg_ocl *ocl, bool *usable, struct csg_error *err);
/* Whether it has tiles of them beside, the system grants their registers, and they give the known answers; decided at the first call. */
int csg_ocl_amx_usable(struct csg_ocl *ocl, bool *usable, struct csg_error *err);
/* Whether the device has matrix units that PTX reaches and they give the known answers; decided at the first call. */
int csg_ocl_mma_usable(struct csg_ocl *ocl, bool *usable, struct csg_error *err);

/* ------------------------------------------------------------------------------------------ op_attention.c */

/* A way to attend on GPUs. */
struct csg_ocl_attention_form {
    const char *name;
    bool mma;               /* on matrix units */
    unsigned queries, keys; /* of a work-group, of a slice */
    unsigned tq, tk;        /* of them, a work-item's */
};
const struct csg_ocl_attention_form *csg_ocl_attention_form_at(size_t index); /* NULL past the end */
void csg_ocl_attention_options(char *out, size_t capacity, const struct csg_ocl_attention_form *form,
                               enum csg_precision precision, bool aligned);
/* On CPU devices: vectors of queries that a work-item owns in that form; 0 past the end, and where it multiplies by tiles. */
unsigned csg_ocl_attention_vectors(const struct csg_ocl_tile *tile, size_t form);

/* ------------------------------------------------------------------------------------------ clblast.c */

/* Whether `multiply` gives the known answers in a precision. */
typedef int (*csg_ocl_multiply_fn)(struct csg_ocl *ocl, const struct csg_gemm_args *args, struct csg_error *err);
int csg_ocl_known_product(struct csg_ocl *ocl, csg_ocl_multiply_fn multiply, enum csg_precision precision, const size_t shape[3],
                          bool *right, struct csg_error *err);
/* Something that is trusted on a device only after known answers: what is said of it, and the answers. */
struct csg_ocl_trial {
    const char *name, *wrong, *instead, *tested;
    int (*answer)(struct csg_ocl *ocl, bool *right, struct csg_error *why); /* *right is true before; it may become false */
};
/* Tries it at the first call and keeps the verdict: failures and wrong answers are a warning. CSG_ERROR_DEVICE_LOST. */
int csg_ocl_trusted(struct csg_ocl *ocl, enum csg_ocl_trust *trust, const struct csg_ocl_trial *trial, bool *good,
                    struct csg_error *err);
/* Whether CLBlast is there, allowed, and gives the known answer on this device; decided at the first call. */
int csg_ocl_blas_usable(struct csg_ocl *ocl, bool *usable, struct csg_error *err);
/* y = x W^T + beta y. */
int csg_ocl_blas_gemm(struct csg_ocl *ocl, const struct csg_gemm_args *args, float beta, struct csg_error *err);
/* Gives back what CLBlast remembers of the backend's context. */
void csg_ocl_blas_forget(struct csg_ocl *ocl);

#endif
