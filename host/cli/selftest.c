#include <stdio.h>

#include "cli.h"

static json_t *operators(const struct csg_self_test *test)
{
    json_t *list = json_array();
    for (size_t i = 0; i < test->n_ops; i++) {
        const struct csg_self_test_op *op = test->ops + i;
        json_array_append_new(list,
                              json_pack("{s:s, s:i, s:i, s:o, s:o, s:f, s:f, s:o}", "op", op->op, "cases", (int)op->cases,
                                        "failed", (int)op->failed, "error", cli_json_number(op->error), "bound",
                                        json_real(op->bound), "gflop_s", op->gflop_s, "gbyte_s", op->gbyte_s, "first_failure",
                                        op->first_failure[0] ? cli_json_string(op->first_failure) : json_null()));
    }
    return list;
}

/* Nothing of the user: no paths, no names but the device's. */
static json_t *document(const struct csg_self_test *test)
{
    const struct csg_device_info *d = &test->device;
    json_t *device =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:i, s:I, s:I, s:b, s:b}", "name", cli_json_string(d->name), "platform",
                  cli_json_string(d->platform), "vendor", cli_json_string(d->vendor), "driver", cli_json_string(d->driver),
                  "version", cli_json_string(d->version), "type", d->type, "compute_units", (int)d->compute_units,
                  "global_memory_bytes", (json_int_t)d->global_memory_bytes, "max_allocation_bytes",
                  (json_int_t)d->max_allocation_bytes, "fp16", d->fp16, "subgroups", d->subgroups);
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:b, s:f, s:o}", "clip_surgeon", csg_version(), "device", device, "device_class",
                     test->device_class, "fingerprint", test->fingerprint, "cases", test->full ? "full" : "quick", "passed",
                     test->passed, "seconds", test->ms * 1e-3, "operators", operators(test));
}

static void print_table(const struct csg_self_test *test)
{
    printf("%s (%s, driver %s), kernels for %s\n", test->device.name, test->device.platform, test->device.driver,
           test->device_class);
    printf("%-12s %6s %6s %10s %10s %9s %8s\n", "operator", "cases", "failed", "error", "bound", "GFLOP/s", "GB/s");
    for (size_t i = 0; i < test->n_ops; i++) {
        const struct csg_self_test_op *op = test->ops + i;
        printf("%-12s %6zu %6zu %10.2e %10.2e %9.2f %8.2f%s%s\n", op->op, op->cases, op->failed, op->error, op->bound,
               op->gflop_s, op->gbyte_s, op->failed ? "  FAILED " : "", op->first_failure);
    }
}

int cli_selftest(const struct cli_args *args, struct csg_error *err)
{
    struct csg_self_test *test = NULL;
    const struct csg_self_test_params params = {.device = args->device,
                                                .device_class = args->device_class,
                                                .full = args->full,
                                                .log = cli_log,
                                                .log_user = (void *)(uintptr_t)args};
    if (args->n_words)
        return cli_fail(err, CSG_ERROR_USAGE, "selftest takes no words, but got '%s'", args->words[0]);
    if (args->quick && args->full)
        return cli_fail(err, CSG_ERROR_USAGE, "selftest is either --quick or --full");
    int status = args->report ? csg_check_output(args->report, args->overwrite, err) : CSG_OK;
    if (status == CSG_OK)
        status = csg_self_test(&test, &params, err);
    if (status)
        return status;
    if (args->report)
        status = cli_write_json(document(test), args->report, 6, err);
    if (status == CSG_OK && args->json)
        status = cli_print_json(document(test), err);
    else if (status == CSG_OK)
        print_table(test);
    size_t failed = 0, cases = 0;
    for (size_t i = 0; i < test->n_ops; i++) {
        failed += test->ops[i].failed;
        cases += test->ops[i].cases;
    }
    if (status == CSG_OK && !test->passed)
        status = cli_fail(err, CSG_ERROR_SELF_TEST, "%s fails %zu of %zu cases and will not be used", test->device.name, failed,
                          cases);
    else if (status == CSG_OK && !args->json)
        printf("passed: %zu cases in %.1f s\n", cases, test->ms * 1e-3);
    csg_self_test_free(&test);
    return status;
}
