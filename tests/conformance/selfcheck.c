/* Would the framework see a fault? Each kind is put into a case of each operator and must be found. */
#include <stdio.h>

#include "report.h"

/* The first case that the fault has a meaning for; false where there is none. */
static bool find_case(struct conf_case *c, const struct conf_options *options, enum csg_op op, enum conf_fault fault)
{
    for (size_t i = 0; i < conf_tests[op]->cases; i++) {
        if (!conf_selected(options, op, i))
            continue;
        conf_case_describe(c, op, i, options->seed);
        if (conf_fault_fits(c, fault))
            return conf_case_create(c, op, i, options->seed, CONF_GUARDED, NULL) == CSG_OK;
    }
    return false;
}

/* Whether the operator must have a case for the fault: a NaN has no place in bytes, one number has no rows, and only attention drops a
 * key. */
static bool must_fit(enum csg_op op, enum conf_fault fault)
{
    if (fault == CONF_FAULT_NAN)
        return op != CSG_OP_resize && op != CSG_OP_blend;
    if (fault == CONF_FAULT_STRIDE)
        return op != CSG_OP_meannorm;
    return fault != CONF_FAULT_LAST_KEY || op == CSG_OP_attention;
}

static bool caught(struct conf_case *c, struct csg_backend *reference, struct csg_backend *device, enum conf_fault fault)
{
    struct conf_memory want, got;
    struct conf_verdict verdict = {.passed = false};
    struct csg_error err = {0};
    int status = conf_run(&want, c, reference, CONF_FAULT_NONE, &err);
    if (status == CSG_OK) {
        status = conf_run(&got, c, device, fault, &err);
        if (status == CSG_OK) {
            conf_compare(&verdict, c, &want, &got);
            conf_memory_destroy(&got);
        }
        conf_memory_destroy(&want);
    }
    /* An error is no finding: the fault itself must have been seen. */
    bool seen = status == CSG_OK && (fault == CONF_FAULT_NONE ? verdict.passed : !verdict.passed);
    printf("    %-22s case %-3zu %s%s%s\n", conf_fault_name(fault), c->index, seen ? "ok" : "MISSED",
           status || verdict.sentence[0] ? ": " : "", status ? err.sentence : verdict.sentence);
    return seen;
}

int conf_self_check(const struct conf_options *options, struct csg_backend *reference, struct csg_backend *device)
{
    size_t injected = 0, found = 0, broken = 0;
    for (int op = 0; op < CSG_OP_COUNT; op++) {
        struct conf_case c;
        bool named = false;
        for (int fault = CONF_FAULT_NONE; fault < CONF_FAULTS; fault++) {
            if (!find_case(&c, options, op, fault)) {
                if (must_fit(op, fault) && options->index < 0 && (options->op < 0 || options->op == op)) {
                    printf("%s has no case for %s\n", csg_op_name(op), conf_fault_name(fault));
                    broken++;
                }
                continue;
            }
            if (!named)
                printf("%s\n", csg_op_name(op));
            named = true;
            bool seen = caught(&c, reference, device, fault);
            if (fault == CONF_FAULT_NONE) {
                broken += !seen;
            } else {
                injected++;
                found += seen;
            }
            conf_case_destroy(&c);
            fflush(stdout);
        }
    }
    if (broken)
        printf("%zu operators fail without a fault, or have no case for one: run the conformance itself first\n", broken);
    printf("%zu injected, %zu caught\n", injected, found);
    return injected && found == injected && !broken ? 0 : 1;
}
