/* The OpenCL backend as the rest of the library sees it: no OpenCL type here. */
#ifndef CSG_OCL_BACKEND_H
#define CSG_OCL_BACKEND_H

#include "ops/backend.h"

struct csg_ocl_params {
    const char *device;       /* an index, a part of a device's name, or NULL: the best */
    const char *cache_dir;    /* for program binaries; NULL: none */
    const char *device_class; /* "cpu", "gpu" or NULL: the device's own */
    const char *quirks;       /* names of quirk rows to force on, separated by commas; NULL: those that match the device */
    /* Tests make a device look weaker, so that it takes the forms of others: "vector=8,group=64,local=9000,fma=0,pairs=0,divide=0"; a
     * vector may also be wider than the device's own, and "amx=2" takes tiles of bfloat16 without asking whether they are there, which
     * ends the process where nothing does them. NULL: the device as it is. */
    const char *limit;
    const struct csg_log *log;
};
int csg_ocl_backend_create(struct csg_backend **out, const struct csg_ocl_params *params, struct csg_error *err);
/* SHA-256 of all that decides how the kernels compute: their sources, build options, device, driver, platform. */
int csg_ocl_fingerprint(struct csg_backend *backend, char hex[65], struct csg_error *err);

/* What the device can do at most, measured in a second or so: multiplications and additions in registers, copying memory. 0: not known.
 * Of f32, or of bf16 where that is the backend's precision and its products are of that. */
struct csg_ocl_peak {
    double gflop_s, gbyte_s;
    enum csg_precision of;
};
int csg_ocl_peak_measure(struct csg_backend *backend, struct csg_ocl_peak *peak, struct csg_error *err);

/* Timing of the ways in which products and attention can run on the device. From begin to end every launch of them is one of a way whose
 * turn it is; a pass is any work of the engine, the same again until `more` is false. */
struct csg_ocl_tune_params {
    /* Whether the operator, which is forced into a way, gives right answers in the precision. */
    int (*judge)(void *user, struct csg_backend *backend, enum csg_op op, enum csg_precision precision, bool *right,
                 struct csg_error *err);
    void *user;
};
int csg_ocl_tune_begin(struct csg_backend *backend, const struct csg_ocl_tune_params *params, struct csg_error *err);
/* Behind a pass. No other one shall begin that would end after until_ms (of csg_now_ms) if it lasted as long as this one, or as the longest
 * so far where it may have to compile. */
int csg_ocl_tune_more(struct csg_backend *backend, double until_ms, bool *more, struct csg_error *err);
/* Shapes that are done, and those that were met. */
void csg_ocl_tune_progress(const struct csg_backend *backend, size_t *done, size_t *shapes);
/* Ends it: the choices are the backend's from here on. *shapes is to be given to csg_ocl_tune_free; *kept tells whether they are on disk,
 * and a failure of that is told to the log. After another failure it is still to be cancelled. */
int csg_ocl_tune_end(struct csg_backend *backend, struct csg_tune_shape **shapes, size_t *count, bool *kept,
                     struct csg_error *err);
/* Ends it without a choice, where it was begun and has not ended. */
void csg_ocl_tune_cancel(struct csg_backend *backend);
void csg_ocl_tune_free(struct csg_tune_shape *shapes, size_t count);
/* Shapes whose ways were chosen by timing. */
size_t csg_ocl_tuned_count(const struct csg_backend *backend);

/* A kernel of a program that a backend has built, and how often it was launched. CLBlast counts as a kernel of GEMM. */
struct csg_ocl_use {
    enum csg_op op;
    char kernel[64];
    char options[1024]; /* of the build, all of them */
    uint64_t launches;
};
#define CSG_OCL_BLAS_KERNEL "CLBlast"
/* *uses is to be freed. Every kernel that CL_PROGRAM_KERNEL_NAMES names is there, launched or not. */
int csg_ocl_uses(struct csg_backend *backend, struct csg_ocl_use **uses, size_t *count, struct csg_error *err);

/* A way to build kernels that some device takes: every kernel that the class has of the operator must have been launched with these
 * options. What makes a device here take it stands in limit and quirk (csg_ocl_params; empty: nothing). */
struct csg_ocl_variant {
    const char *device_class;
    int op;             /* -1: every operator */
    const char *kernel; /* NULL: every kernel */
    char needs[200];    /* options, separated by spaces; one that begins with "!" must not be there */
    char limit[64], quirk[40];
};
/* *variants is to be freed. */
int csg_ocl_variants(struct csg_ocl_variant **variants, size_t *count, struct csg_error *err);

/* What was found out about the device, which takes known answers and so compiles some kernels. *traits is to be freed. */
int csg_ocl_traits(struct csg_backend *backend, struct csg_device_trait **traits, size_t *count, struct csg_error *err);

/* The nth best of the usable devices, from 0, but for the one that `device` means, as in csg_ocl_params; false: there are not so many. */
bool csg_ocl_other(const char *device, size_t nth, unsigned *index);

/* Behind csg_devices_list. */
int csg_ocl_devices(struct csg_device_info **devices, size_t *count, struct csg_error *err);

#define CSG_OP(name) int csg_ocl_##name(struct csg_backend *, const struct csg_##name##_args *, struct csg_error *);
#include "ops/op_list.h"
#undef CSG_OP

#endif
