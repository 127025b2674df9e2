#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ocl/backend.h"

void conf_report_begin(struct conf_report *r, const struct conf_options *options)
{
    *r = (struct conf_report){.options = options};
    if (options->json) {
        r->devices = json_array();
        r->failures = json_array();
    }
}

void conf_report_failure(struct conf_report *r, const struct conf_device_report *d, const struct conf_case *c,
                         const char *sentence, double ratio)
{
    const struct conf_options *o = r->options;
    const char *op = csg_op_name(c->op);
    char again[500];
    snprintf(again, sizeof again, "conformance --op %s --case %zu --seed %" PRIu64 " --device '%s'%s%s%s%s%s%s%s", op, c->index,
             c->seed, d->spec, o->device_class ? " --device-class " : "", o->device_class ? o->device_class : "",
             o->quirks ? " --quirks " : "", o->quirks ? o->quirks : "", o->limit ? " --limit " : "", o->limit ? o->limit : "",
             o->tight  ? " --tight"
             : o->wide ? " --wide"
                       : "");
    r->failed++;
    if (o->json) {
        json_array_append_new(r->failures, json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "device", d->spec, "op", op, "case",
                                                     (json_int_t)c->index, "seed", (json_int_t)c->seed, "label", c->label,
                                                     "sentence", sentence, "repeat", again));
        return;
    }
    printf("FAILED %s, case %zu (%s), seed %" PRIu64 "\n    %s\n", op, c->index, c->label, c->seed, sentence);
    if (ratio > 0.0)
        printf("    worst error / bound: %.3g\n", ratio);
    printf("    again: %s\n", again);
    fflush(stdout);
}

static json_t *ops_json(const struct conf_device_report *d)
{
    json_t *ops = json_array();
    for (int op = 0; op < CSG_OP_COUNT; op++) {
        const struct conf_op_result *o = &d->ops[op];
        if (o->passed + o->failed == 0)
            continue;
        json_t *one = json_pack("{s:s, s:I, s:I, s:I}", "op", csg_op_name(op), "passed", (json_int_t)o->passed, "failed",
                                (json_int_t)o->failed, "worst_case", (json_int_t)o->worst_case);
        /* JSON has no infinity */
        json_object_set_new(one, "worst_ratio", isfinite(o->worst) ? json_real(o->worst) : json_null());
        json_array_append_new(ops, one);
    }
    return ops;
}

/* Every kernel that was built. A launch whose case failed is one too: what a failed run covered is not counted (tests/run.py). */
static json_t *kernels_json(const struct csg_backend *backend)
{
    struct csg_ocl_use *uses = NULL;
    size_t count = 0;
    json_t *kernels = json_array();
    if (backend && backend->class_->counts_itself)
        csg_ocl_uses((struct csg_backend *)(uintptr_t)backend, &uses, &count, NULL);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(kernels, json_pack("{s:s, s:s, s:s, s:I}", "op", csg_op_name(uses[i].op), "kernel", uses[i].kernel,
                                                 "options", uses[i].options, "launches", (json_int_t)uses[i].launches));
    free(uses);
    return kernels;
}

int conf_variants(void)
{
    struct csg_ocl_variant *variants = NULL;
    struct csg_error err = {0};
    size_t count;
    if (csg_ocl_variants(&variants, &count, &err)) {
        fprintf(stderr, "conformance: %s\n", err.sentence);
        return 1;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct csg_ocl_variant *v = &variants[i];
        json_array_append_new(list, json_pack("{s:s, s:s?, s:s?, s:s, s:s, s:s}", "class", v->device_class, "op",
                                              v->op < 0 ? NULL : csg_op_name((enum csg_op)v->op), "kernel", v->kernel, "needs",
                                              v->needs, "limit", v->limit, "quirk", v->quirk));
    }
    free(variants);
    json_dumpf(list, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(list);
    return 0;
}

void conf_report_device(struct conf_report *r, const struct conf_device_report *d)
{
    const struct csg_backend *b = d->backend;
    if (r->options->json) {
        json_array_append_new(r->devices, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "spec", d->spec, "name",
                                                    b ? b->device : "", "platform", b ? b->platform : "", "driver",
                                                    b ? b->driver : "", "device_class", b ? b->device_class : "", "note", d->note,
                                                    "ops", ops_json(d), "kernels", kernels_json(b)));
        return;
    }
    if (b)
        printf("device %s: %s (%s, driver %s), kernels for %s\n", d->spec, b->device, b->platform, b->driver, b->device_class);
    if (d->note[0])
        printf("device %s: %s\n", d->spec, d->note);
    if (b)
        printf("    %-12s %7s %7s   %s\n", "operator", "passed", "failed", "worst error / bound");
    for (int op = 0; op < CSG_OP_COUNT; op++) {
        const struct conf_op_result *o = &d->ops[op];
        if (o->passed + o->failed)
            printf("    %-12s %7zu %7zu   %.3f (case %zu)\n", csg_op_name(op), o->passed, o->failed, o->worst, o->worst_case);
    }
    fflush(stdout);
}

int conf_report_end(struct conf_report *r)
{
    bool ran = r->passed + r->failed > 0;
    if (!ran)
        fputs("conformance: nothing was run\n", stderr);
    if (r->options->json) {
        json_t *all = json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "seed", (json_int_t)r->options->seed, "passed",
                                (json_int_t)r->passed, "failed", (json_int_t)r->failed, "skipped", (json_int_t)r->skipped,
                                "devices", r->devices, "failures", r->failures);
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
    }
    /* Standard output is one JSON document there. */
    fprintf(r->options->json ? stderr : stdout, "%zu passed, %zu failed, %zu skipped\n", r->passed, r->failed, r->skipped);
    return !ran || r->failed ? 1 : 0;
}
