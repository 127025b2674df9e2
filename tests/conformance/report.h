/* What a conformance run says: a line for each failure as it happens, a table for each device, JSON, and the closing line. */
#ifndef CSG_TESTS_REPORT_H
#define CSG_TESTS_REPORT_H

#include <jansson.h>

#include "check/conf.h"

struct conf_options {
    bool list, small, tight, wide, json, self_check, variants, bench;
    int op;            /* -1: all */
    int except;        /* this one not; -1: none */
    const char *label; /* cases whose description holds it; NULL: all */
    long index;        /* of the case; -1: all */
    uint64_t seed;
    const char *device, *device_class, *quirks, *limit; /* NULL: every device, its own class and quirks */
    const char *cache;                                  /* NULL: none */
};
bool conf_selected(const struct conf_options *options, enum csg_op op, size_t index);

struct conf_op_result {
    size_t passed, failed;
    double worst; /* error / bound */
    size_t worst_case;
};

/* One device's results. */
struct conf_device_report {
    char spec[64];
    const struct csg_backend *backend; /* NULL where it could not be opened */
    char note[1100];                   /* why it was not run, or empty */
    size_t behind_bytes;               /* of struct conf_case */
    struct conf_op_result ops[CSG_OP_COUNT];
};

struct conf_report {
    const struct conf_options *options;
    size_t passed, failed, skipped;
    json_t *devices; /* array; NULL unless JSON is wanted */
    json_t *failures;
};
void conf_report_begin(struct conf_report *r, const struct conf_options *options);
/* Prints and counts a failing case, with the command that repeats it. */
void conf_report_failure(struct conf_report *r, const struct conf_device_report *d, const struct conf_case *c,
                         const char *sentence, double ratio);
void conf_report_device(struct conf_report *r, const struct conf_device_report *d);
/* Prints the closing line; the exit code. */
int conf_report_end(struct conf_report *r);

/* A device as the options want it; spec NULL: the best. */
int conf_open(struct csg_backend **out, const struct conf_options *options, const char *spec, struct csg_error *err);
/* Prints what there is to be covered as JSON; the exit code. */
int conf_variants(void);
/* Prints speeds; the exit code. */
int conf_bench(const struct conf_options *options);

/* Injects every fault that fits into a case of every selected operator. */
int conf_self_check(const struct conf_options *options, struct csg_backend *reference, struct csg_backend *device);

#endif
