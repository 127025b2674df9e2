/* The conformance cases in the shipped library: is this device to be trusted? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/trust.h"
#include "base/files.h"
#include "base/mem.h"
#include "check/conf.h"
#include "ocl/backend.h"
#include "ref/ref.h"

#define SEED 1
#define NO_TIME_MS 2e-4 /* no launch is that short: the driver (rusticl of Mesa 22.3) does not measure */
#define TIMES 5         /* launches that a speed is the best of */
#define QUICK_FLOP 3e8  /* of a case that is timed, whose bounds take the reference's speed to make */
#define FULL_FLOP 2e9

struct run {
    struct csg_self_test result;
    struct csg_self_test_op ops[CSG_OP_COUNT];
};

static int run_case(struct csg_self_test_op *op, enum csg_op which, size_t index, struct csg_backend *reference,
                    struct csg_backend *device, double *worst, struct csg_error *err)
{
    struct conf_verdict verdict = {.passed = false};
    int status = conf_check(&verdict, which, index, SEED, reference, device, err);
    op->cases++;
    if (status == CSG_OK && (op->cases == 1 || verdict.ratio > *worst)) {
        *worst = verdict.ratio;
        op->error = verdict.error;
        op->bound = verdict.bound;
    }
    if (status == CSG_OK && !verdict.passed && op->failed++ == 0)
        snprintf(op->first_failure, sizeof op->first_failure, "case %zu: %.560s", index, verdict.sentence);
    return status;
}

/* The speed of the largest case whose bounds are made in reasonable time. */
static int time_op(struct csg_self_test_op *op, enum csg_op which, double most_flop, struct csg_backend *device,
                   struct csg_error *err)
{
    struct conf_case c;
    double best_bytes = -1.0, flop, bytes, ms[TIMES], least = INFINITY;
    size_t best = 0;
    for (size_t i = 0; i < conf_tests[which]->cases; i++) {
        conf_case_describe(&c, which, i, SEED);
        conf_work(&c, &flop, &bytes);
        if (flop <= most_flop && flop + bytes > best_bytes) {
            best = i;
            best_bytes = flop + bytes;
        }
    }
    int status = conf_case_create(&c, which, best, SEED, CONF_GUARDED, err);
    if (status)
        return status;
    conf_work(&c, &flop, &bytes);
    status = conf_time(ms, TIMES, &c, device, err);
    for (size_t i = 0; i < TIMES && status == CSG_OK; i++)
        least = ms[i] > NO_TIME_MS && ms[i] < least ? ms[i] : least;
    if (isfinite(least)) {
        op->gflop_s = flop / least * 1e-6;
        op->gbyte_s = bytes / least * 1e-6;
    }
    conf_case_destroy(&c);
    return status;
}

static int run_op(struct run *run, enum csg_op which, struct csg_backend *reference, struct csg_backend *device,
                  struct csg_error *err)
{
    struct csg_self_test_op *op = &run->ops[which];
    double worst = 0.0;
    int status = CSG_OK;
    op->op = csg_op_name(which);
    for (size_t i = 0; i < conf_tests[which]->cases && status == CSG_OK; i++) {
        struct conf_case c;
        conf_case_describe(&c, which, i, SEED);
        if (run->result.full || c.small)
            status = run_case(op, which, i, reference, device, &worst, err);
    }
    if (status == CSG_OK)
        status = time_op(op, which, run->result.full ? FULL_FLOP : QUICK_FLOP, device, err);
    return status;
}

/* Which entry of the list the backend is. */
static int describe(struct csg_self_test *result, const struct csg_backend *device, struct csg_error *err)
{
    struct csg_device_info *devices = NULL;
    size_t count = 0;
    int status = csg_ocl_devices(&devices, &count, err);
    for (size_t i = 0; i < count; i++)
        if (strcmp(devices[i].name, device->device) == 0 && strcmp(devices[i].platform, device->platform) == 0) {
            result->device = devices[i];
            break;
        }
    free(devices);
    snprintf(result->device_class, sizeof result->device_class, "%s", device->device_class);
    return status;
}

static int remember(const struct run *run, const char *cache_dir, struct csg_error *err)
{
    char failure[700];
    if (run->result.passed)
        return csg_trust_store(cache_dir, run->result.fingerprint, NULL, err);
    for (size_t op = 0; op < CSG_OP_COUNT; op++)
        if (run->ops[op].failed) {
            snprintf(failure, sizeof failure, "%s, %.600s", run->ops[op].op, run->ops[op].first_failure);
            break;
        }
    return csg_trust_store(cache_dir, run->result.fingerprint, failure, err);
}

int csg_self_test(struct csg_self_test **out, const struct csg_self_test_params *params, struct csg_error *err)
{
    static const struct csg_self_test_params defaults = {0};
    struct csg_backend *reference = NULL, *device = NULL;
    double start_ms = csg_now_ms();
    *out = NULL;
    if (!params)
        params = &defaults;
    const struct csg_log log = {params->log, params->log_user};
    if (params->device && strcmp(params->device, "reference") == 0)
        return csg_fail(err, CSG_ERROR_USAGE, "the reference is what devices are compared with; it has no self-test");
    struct run *run = csg_calloc(1, sizeof *run);
    char *cache = NULL;
    int status = run ? csg_cache_folder(&cache, params->cache_dir, err) : csg_fail_memory(err);
    const struct csg_ocl_params ocl = {
        .device = params->device, .cache_dir = cache, .device_class = params->device_class, .log = &log};
    if (status == CSG_OK)
        status = csg_ref_backend_create(&reference, err);
    if (status)
        goto done;
    run->result.full = params->full;
    run->result.passed = true;
    status = csg_ocl_backend_create(&device, &ocl, err);
    if (status == CSG_OK)
        status = describe(&run->result, device, err);
    if (status == CSG_OK)
        status = csg_ocl_fingerprint(device, run->result.fingerprint, err);
    for (int op = 0; op < CSG_OP_COUNT && status == CSG_OK; op++) {
        status = run_op(run, (enum csg_op)op, reference, device, err);
        run->result.passed = run->result.passed && !run->ops[op].failed;
    }
    if (status == CSG_OK && cache) {
        struct csg_error why;
        if (remember(run, cache, &why))
            csg_log(&log, CSG_LOG_WARNING, "the verdict cannot be remembered: %s", why.sentence);
    }
    if (status == CSG_OK) {
        run->result.ops = run->ops;
        run->result.n_ops = CSG_OP_COUNT;
        run->result.ms = csg_now_ms() - start_ms;
        *out = &run->result;
        run = NULL;
    }
done:
    csg_backend_destroy(&device);
    csg_backend_destroy(&reference);
    free(cache);
    free(run);
    return status;
}

void csg_self_test_free(struct csg_self_test **result)
{
    if (result) {
        free(*result); /* the first member of struct run */
        *result = NULL;
    }
}
