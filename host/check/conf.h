/* Conformance: every operator on every device against the C reference; for the self-test and for tests/conformance.
 *
 * A test describes its cases in two steps. `shape` names the operands, their sizes and the arguments; then the framework
 * allocates memory, poisons outputs with NaN and fills everything between and around the rows with a guard pattern; then
 * `fill` writes the inputs and, for every element of every output, the largest error that an honest device may make.
 * All else - buffers, launches, comparison, injected faults - is the framework's, the same for every operator.
 *
 * How bounds are made. u = 2^-24 is the unit roundoff of float32. A sum of K terms with magnitudes that add up to s is
 * computed within u * (a + b * sqrt(K)) * s: roundings of independent signs walk at random, and b = 2 is beyond four
 * standard deviations of that walk for any order of summation, with or without fused multiply-add. Where equal terms are
 * added again and again (constant, one-hot and near-tie rows) roundings march in step, and the proven u * K * s takes its
 * place. Elementary functions have the errors that OpenCL 1.2 allows (section 7.4): exp 3 ulp, division 2.5 ulp, sqrt 3 ulp,
 * rsqrt 2 ulp, erf 16 ulp, and one ulp is at most 2 u. Denormals may be flushed: every bound has a floor of CONF_FLOOR for
 * each term. */
#ifndef CSG_CHECK_CONF_H
#define CSG_CHECK_CONF_H

#include <setjmp.h>

#include "base/rng.h"
#include "ops/backend.h"

#define CONF_U 0x1p-24
#define CONF_GUARD 0xFFE5A5A5u /* of float32 around the rows; rows that were never written are UINT32_MAX */
#define CONF_FLOOR 0x1p-126    /* the smallest normal float32 */

enum conf_type { CONF_F32, CONF_U8, CONF_I32 };
enum conf_role { CONF_IN, CONF_OUT, CONF_INOUT };

enum conf_dist {
    CONF_NORMAL,   /* standard normal */
    CONF_TINY,     /* 1e-15 times that: products stay normal numbers, squares too */
    CONF_LARGE,    /* 1e6 times that */
    CONF_CONSTANT, /* each row one small whole number */
    CONF_ONE_HOT,  /* each row zeros but for one element */
    CONF_NEAR_TIE, /* 1 + 1e-6 times normal */
    CONF_DISTS
};

/* A matrix in a buffer of its own, with guards around it and between its rows. */
struct conf_operand {
    const char *name;
    enum conf_type type;
    enum conf_role role;
    size_t rows, width, stride; /* in elements */
    size_t at;                  /* guard elements before the first row */
    size_t elements;            /* of the whole buffer */
    struct csg_view *views[2];  /* in the arguments; two where an operator works in place */
    /* In the arguments: the operand is stored as the backend's products with the case's weight take it (csg_weight.operand), which is
     * what this then says. Here it is float32 all the same, an input of numbers of its precision's type; its place and stride have to be
     * even. NULL: it is what it is here. */
    enum csg_dtype *dtype;
    void *data;    /* what the buffer holds before the launch */
    double *bound; /* [rows * width], outputs only */
};

enum { CONF_OPERANDS = 6, CONF_PARTS = 3, CONF_LABEL = 200 };

/* The matrix of GEMM. */
struct conf_weight {
    size_t n, k, n_parts;
    enum csg_precision precision;
    struct csg_weight_part parts[CONF_PARTS];
    void *storage[CONF_PARTS];
    float *full; /* [n, k], what the parts mean, rounded to the precision */
};

union conf_args {
#define CSG_OP(name) struct csg_##name##_args name;
#include "ops/op_list.h"
#undef CSG_OP
};

struct conf_case {
    enum csg_op op;
    size_t index;
    uint64_t seed;
    char label[CONF_LABEL]; /* the case in words */
    bool small;             /* at most 64 rows and 128 columns: for slow devices and checkers */
    bool repeats;           /* inputs hold equal terms: see above; set by conf_fill */
    bool not_finite;        /* inputs hold NaN or infinity, so outputs may */
    size_t n_operands;
    struct conf_operand operands[CONF_OPERANDS];
    struct conf_weight weight; /* n = 0: none */
    union conf_args args;
    size_t behind_bytes;       /* a multiple of 4: the device's operands stand that far inside one buffer; 0: each has its own */
    struct conf_block *blocks; /* all memory of the case */
    jmp_buf no_memory;         /* where conf_alloc goes */
};

struct csg_test {
    size_t cases;
    void (*shape)(struct conf_case *c, size_t index);
    void (*fill)(struct conf_case *c, size_t index);
};
#define CSG_OP(name) extern const struct csg_test csg_test_##name;
#include "ops/op_list.h"
#undef CSG_OP
extern const struct csg_test *const conf_tests[CSG_OP_COUNT];

/* ------------------------------------------------------------------------------------------ for `shape` */

/* Adds an operand of rows x width elements (stride 0: width) that begins `at` elements into its buffer. */
struct conf_operand *conf_add(struct conf_case *c, const char *name, enum conf_role role, enum conf_type type,
                              struct csg_view *view, size_t rows, size_t width, size_t stride, size_t at);
/* Of zero-terminated parts n, each one of the dtypes; the memory is made at once. */
void conf_add_weight(struct conf_case *c, size_t k, const size_t n[CONF_PARTS], const enum csg_dtype dtype[CONF_PARTS],
                     const bool transposed[CONF_PARTS]);
/* A weight for operands that have its type, of an operator that has none itself. */
void conf_add_reader(struct conf_case *c, size_t k, enum csg_precision precision);
void conf_label(struct conf_case *c, const char *format, ...) CSG_PRINTF(2, 3);
const char *conf_dist_name(enum conf_dist dist);

/* ------------------------------------------------------------------------------------------ for `fill` */

/* The numbers of (seed, operator, case), one stream for each use. */
struct csg_rng conf_rng(const struct conf_case *c, uint64_t stream);
size_t conf_below(struct csg_rng *rng, size_t limit);
float *conf_row(const struct conf_case *c, size_t operand, size_t row);
int32_t *conf_ints(const struct conf_case *c, size_t operand); /* of an operand of one row */
uint8_t *conf_bytes(const struct conf_case *c, size_t operand, size_t row);
double *conf_bound(const struct conf_case *c, size_t operand, size_t row);

void conf_fill(struct conf_case *c, size_t operand, enum conf_dist dist);
void conf_fill_bytes(struct conf_case *c, size_t operand);
void conf_fill_weight(struct conf_case *c, enum conf_dist dist);
/* Rounds an input to the type of a precision. */
void conf_round(struct conf_case *c, size_t operand, enum csg_precision precision);
/* What rounding y to bfloat16 adds to its bound, where it may be stored so; and 2^-12, for whoever rounds need not be exact before. */
double conf_operand_error(const struct conf_case *c, size_t operand, double y);
/* The error of a sum of k terms in parts of the sum of their magnitudes: u * (2 + 2 * sqrt(k)), and u * (2 + k) where the inputs
 * repeat. */
double conf_sum_error(const struct conf_case *c, size_t k);
/* What is known of a weighted mean o = sum p v of rows of values: its parts of each column. */
struct conf_mean {
    double o;    /* itself */
    double size; /* sum p |v| */
    double all;  /* sum |v| */
    double off;  /* sum p d |v - o|, of weights off by factors 1 + d */
};
void conf_mean(struct conf_mean *mean, size_t columns, const double *p, const double *d, size_t n, const float *v, size_t stride);
/* Zeroed memory that is freed with the case. Where there is none, it does not return: the case's creation fails. So `shape` and `fill`
 * may stay formulas. */
void *conf_alloc(struct conf_case *c, size_t count, size_t size);

/* ------------------------------------------------------------------------------------------ for the framework */

enum conf_make { CONF_GUARDED, CONF_TIGHT }; /* tight: nothing behind the last row */
int conf_case_create(struct conf_case *c, enum csg_op op, size_t index, uint64_t seed, enum conf_make make,
                     struct csg_error *err);
/* The case's name and sizes alone, which needs no memory. */
void conf_case_describe(struct conf_case *c, enum csg_op op, size_t index, uint64_t seed);
void conf_case_destroy(struct conf_case *c);
size_t conf_type_bytes(enum conf_type type);

enum conf_fault {
    CONF_FAULT_NONE,
    CONF_FAULT_ELEMENT,  /* one output element off by a thousandth of the outputs' root mean square */
    CONF_FAULT_NAN,      /* one output element NaN */
    CONF_FAULT_PAST_END, /* one element behind the last row written */
    CONF_FAULT_INPUT,    /* one input element changed */
    CONF_FAULT_SKIP,     /* the launch skipped */
    CONF_FAULT_STRIDE,   /* the rows of an output one element too far apart */
    CONF_FAULT_LAST_KEY, /* attention without the last key */
    CONF_FAULTS
};
const char *conf_fault_name(enum conf_fault fault);
/* Whether the fault has a meaning for the case. */
bool conf_fault_fits(const struct conf_case *c, enum conf_fault fault);

/* 2^31 float32 and more: an index of 32 bits, signed or not, in elements or in bytes, does not reach it. */
#define CONF_WIDE_BYTES ((size_t)(((uint64_t)8 << 30) + 4096))

/* What the buffers of a case hold after its launch. */
struct conf_memory {
    void *data[CONF_OPERANDS];
    double event_ms; /* of the launch */
};
void conf_memory_destroy(struct conf_memory *memory);
/* Runs a case; a fault is put in behind the launch, into the backend's own memory. */
int conf_run(struct conf_memory *out, struct conf_case *c, struct csg_backend *backend, enum conf_fault fault,
             struct csg_error *err);

/* The times of `count` launches on the same buffers, after one that warms up. Operators in place go on from their own results. */
int conf_time(double *ms, size_t count, struct conf_case *c, struct csg_backend *backend, struct csg_error *err);
/* The work of a case: multiplications and additions, and bytes that have to be read or written once. */
void conf_work(const struct conf_case *c, double *flop, double *bytes);

struct conf_verdict {
    bool passed;
    double ratio;        /* the largest error / bound */
    double error, bound; /* of that element; 0 where every element is exact */
    char sentence[600];  /* of the first fault that was found */
};
void conf_compare(struct conf_verdict *out, const struct conf_case *c, const struct conf_memory *reference,
                  const struct conf_memory *device);
/* A case of the seed on the device against the reference. */
int conf_check(struct conf_verdict *out, enum csg_op op, size_t index, uint64_t seed, struct csg_backend *reference,
               struct csg_backend *device, struct csg_error *err);

#endif
