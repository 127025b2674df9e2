/* conformance: every kernel on every device against the C reference. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ocl/backend.h"
#include "ref/ref.h"
#include "report.h"

static const char help[] =
    "usage: conformance [OPTION]...\n"
    "Runs every operator on every OpenCL device and compares it with the C reference.\n"
    "\n"
    "  --list                  the cases, one a line, and nothing else\n"
    "  --op NAME               this operator alone\n"
    "  --except NAME           every operator but this\n"
    "  --label TEXT            cases whose description holds the text\n"
    "  --case N                this case alone\n"
    "  --seed S                of the inputs (1)\n"
    "  --device SPEC           an index, a part of a device's name, or \"reference\" (every usable device)\n"
    "  --device-class CLASS    cpu or gpu: force the kernels made for that class\n"
    "  --quirks LIST           names of driver quirks to force on, instead of those of the device\n"
    "  --limit LIST            make the device look weaker: vector=8,group=64,local=9000,fma=0,pairs=0,divide=0\n"
    "                          or force a form for GPUs, counted from 1: gemm=3,splits=2 or attention=4;\n"
    "                          amx=2: tiles of bfloat16 without asking whether they are there (tests/libamx.so does them)\n"
    "  --cache FOLDER          of compiled kernels (none: all are compiled)\n"
    "  --small                 small cases alone: at most 64 rows, widths of 128\n"
    "  --tight                 buffers that end with the last row, so that a memory checker sees reads past it\n"
    "  --wide                  the operands of the device begin behind 8 GiB of a buffer: 64-bit indices (skipped without the "
    "memory)\n"
    "  --variants              the ways to build kernels that tests must cover, as JSON, and nothing else\n"
    "  --bench                 the speed of the larger cases, from event times, beside the device's measured peaks\n"
    "  --self-check            inject faults and see whether each is found, on one device\n"
    "  --json                  one JSON document on standard output; the closing line goes to standard error\n"
    "  --help\n"
    "\n"
    "Exit status: 0 where all that ran passed and something ran, else 1; 2 for a wrong option.\n";

static const char no_device[] = "no usable OpenCL device was found: install a driver, for example the package pocl-opencl-icd "
                                "(any CPU), mesa-opencl-icd or your GPU maker's";

bool conf_selected(const struct conf_options *options, enum csg_op op, size_t index)
{
    if ((options->op >= 0 && options->op != (int)op) || (options->index >= 0 && (size_t)options->index != index))
        return false;
    if (options->except == (int)op)
        return false;
    if (!options->small && !options->label)
        return true;
    struct conf_case c;
    conf_case_describe(&c, op, index, options->seed);
    return (c.small || !options->small) && (!options->label || strstr(c.label, options->label));
}

static int wrong(const char *what, const char *value)
{
    fprintf(stderr, "conformance: %s '%s' (--help lists the options)\n", what, value);
    return 2;
}

static bool parse_number(uint64_t *out, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *out = value;
    return text[0] >= '0' && text[0] <= '9' && !*end && !errno;
}

static int parse_value(struct conf_options *o, const char *name, const char *value)
{
    uint64_t number = 0;
    if (strcmp(name, "--op") == 0 || strcmp(name, "--except") == 0) {
        int *which = strcmp(name, "--op") == 0 ? &o->op : &o->except;
        for (int op = 0; op < CSG_OP_COUNT; op++)
            if (strcmp(csg_op_name(op), value) == 0)
                *which = op;
        return *which < 0 ? wrong("there is no operator", value) : 0;
    }
    if (strcmp(name, "--label") == 0) {
        o->label = value;
        return 0;
    }
    if (strcmp(name, "--case") == 0) {
        if (!parse_number(&number, value) || number > 100000)
            return wrong("no case number", value);
        o->index = (long)number;
        return 0;
    }
    if (strcmp(name, "--seed") == 0)
        return parse_number(&o->seed, value) ? 0 : wrong("no seed", value);
    if (strcmp(name, "--device") == 0) {
        o->device = value;
        return 0;
    }
    if (strcmp(name, "--quirks") == 0) {
        o->quirks = value;
        return 0;
    }
    if (strcmp(name, "--limit") == 0) {
        o->limit = value;
        return 0;
    }
    if (strcmp(name, "--cache") == 0) {
        o->cache = value;
        return 0;
    }
    o->device_class = value;
    return strcmp(value, "cpu") && strcmp(value, "gpu") ? wrong("no device class", value) : 0;
}

static int parse(struct conf_options *o, int argc, char **argv)
{
    static const char *const with_value[] = {"--op",     "--except",       "--label",  "--case",  "--seed",
                                             "--device", "--device-class", "--quirks", "--limit", "--cache"};
    *o = (struct conf_options){.op = -1, .except = -1, .index = -1, .seed = 1};
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--list", &o->list},         {"--small", &o->small}, {"--tight", &o->tight}, {"--wide", &o->wide},
                 {"--variants", &o->variants}, {"--bench", &o->bench}, {"--json", &o->json},   {"--self-check", &o->self_check}};
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (size_t f = 0; f < sizeof flags / sizeof *flags && !known; f++)
            if (strcmp(argv[i], flags[f].name) == 0)
                known = *flags[f].flag = true;
        for (size_t v = 0; v < sizeof with_value / sizeof *with_value && !known; v++) {
            if (strcmp(argv[i], with_value[v]) != 0)
                continue;
            known = true;
            if (i + 1 == argc)
                return wrong("a value is missing after", argv[i]);
            int status = parse_value(o, argv[i], argv[i + 1]);
            if (status)
                return status;
            i++;
        }
        if (!known)
            return wrong("unknown option", argv[i]);
    }
    return 0;
}

static int list(const struct conf_options *o)
{
    for (int op = 0; op < CSG_OP_COUNT; op++) {
        for (size_t i = 0; i < conf_tests[op]->cases; i++) {
            if (!conf_selected(o, op, i))
                continue;
            struct conf_case c;
            conf_case_describe(&c, op, i, o->seed);
            printf("%-10s %3zu  %s\n", csg_op_name(op), i, c.label);
        }
    }
    return 0;
}

/* CSG_OK, or the status of an error that was no wrong result. */
static int run_case(struct conf_report *r, struct conf_device_report *d, struct csg_backend *reference,
                    struct csg_backend *device, enum csg_op op, size_t index)
{
    struct conf_case c;
    struct conf_memory want = {0}, got = {0};
    struct conf_verdict verdict = {.passed = false};
    struct csg_error err = {0};
    struct conf_op_result *result = &d->ops[op];
    uint64_t launches = device->launches[op];
    int status = conf_case_create(&c, op, index, r->options->seed, r->options->tight ? CONF_TIGHT : CONF_GUARDED, &err);
    if (status == CSG_OK)
        status = conf_run(&want, &c, reference, CONF_FAULT_NONE, &err);
    c.behind_bytes = d->behind_bytes;
    if (status == CSG_OK)
        status = conf_run(&got, &c, device, CONF_FAULT_NONE, &err);
    if (status == CSG_OK) {
        conf_compare(&verdict, &c, &want, &got);
        if (verdict.passed && device->launches[op] == launches) {
            verdict.passed = false;
            snprintf(verdict.sentence, sizeof verdict.sentence, "the backend counted no launch");
        }
    } else {
        snprintf(verdict.sentence, sizeof verdict.sentence, "error %d: %.500s", status, err.sentence);
    }
    if (verdict.ratio > result->worst) {
        result->worst = verdict.ratio;
        result->worst_case = index;
    }
    if (verdict.passed) {
        result->passed++;
        r->passed++;
    } else {
        result->failed++;
        conf_report_failure(r, d, &c, verdict.sentence, verdict.ratio);
    }
    conf_memory_destroy(&want);
    conf_memory_destroy(&got);
    conf_case_destroy(&c);
    return status;
}

static void run_cases(struct conf_report *r, struct conf_device_report *d, struct csg_backend *reference,
                      struct csg_backend *device)
{
    bool lost = !device;
    for (int op = 0; op < CSG_OP_COUNT; op++) {
        for (size_t i = 0; i < conf_tests[op]->cases; i++) {
            if (!conf_selected(r->options, op, i))
                continue;
            if (lost)
                r->skipped++;
            else
                lost = run_case(r, d, reference, device, op, i) == CSG_ERROR_DEVICE_LOST;
        }
    }
    if (device && lost)
        snprintf(d->note, sizeof d->note, "the device was lost; what was left is skipped");
}

int conf_open(struct csg_backend **out, const struct conf_options *o, const char *spec, struct csg_error *err)
{
    if (spec && strcmp(spec, "reference") == 0)
        return csg_ref_backend_create(out, err);
    const struct csg_ocl_params params = {
        .device = spec, .device_class = o->device_class, .quirks = o->quirks, .limit = o->limit, .cache_dir = o->cache};
    return csg_ocl_backend_create(out, &params, err);
}

/* How far inside one buffer the operands may begin, of what the device says it gives; 0: not even 4 GiB. */
static size_t wide_bytes(const char *spec)
{
    static const size_t steps[] = {CONF_WIDE_BYTES, CONF_WIDE_BYTES / 2};
    struct csg_device_info *devices = NULL;
    size_t count = 0, best = 0;
    csg_ocl_devices(&devices, &count, NULL);
    for (size_t i = 0; i < count; i++)
        for (size_t s = 0; s < sizeof steps / sizeof *steps && !best; s++)
            if (devices[i].index == strtoul(spec, NULL, 10) && devices[i].max_allocation_bytes > steps[s] + ((size_t)256 << 20))
                best = steps[s];
    free(devices);
    return best;
}

static void run_device(struct conf_report *r, struct csg_backend *reference, const char *spec, const char *unusable)
{
    struct conf_device_report d = {0};
    struct csg_backend *device = NULL;
    struct csg_error err = {0};
    snprintf(d.spec, sizeof d.spec, "%s", spec);
    if (unusable) {
        snprintf(d.note, sizeof d.note, "skipped: %s", unusable);
    } else if (conf_open(&device, r->options, spec, &err)) {
        snprintf(d.note, sizeof d.note, "FAILED to open: %s", err.sentence);
        r->failed++;
    }
    if (device && r->options->wide && !(d.behind_bytes = wide_bytes(spec))) {
        snprintf(d.note, sizeof d.note, "skipped: it does not give a buffer of more than 4 GiB");
        csg_backend_destroy(&device);
    } else if (d.behind_bytes) {
        snprintf(d.note, sizeof d.note, "operands begin behind %zu bytes", d.behind_bytes);
    }
    d.backend = device;
    run_cases(r, &d, reference, device);
    conf_report_device(r, &d);
    csg_backend_destroy(&device);
}

static int run_all(const struct conf_options *o, struct csg_backend *reference)
{
    struct conf_report report;
    struct csg_device_info *devices = NULL;
    size_t count = 0, usable = 0;
    struct csg_error err = {0};
    conf_report_begin(&report, o);
    if (o->device) {
        run_device(&report, reference, o->device, NULL);
        return conf_report_end(&report);
    }
    if (csg_ocl_devices(&devices, &count, &err))
        fprintf(stderr, "conformance: %s\n", err.sentence);
    for (size_t i = 0; i < count; i++) {
        char spec[32];
        snprintf(spec, sizeof spec, "%u", devices[i].index);
        usable += devices[i].usable;
        run_device(&report, reference, spec, devices[i].usable ? NULL : devices[i].verdict);
    }
    free(devices);
    if (!usable)
        fprintf(stderr, "conformance: %s\n", no_device);
    return conf_report_end(&report);
}

static int self_check(const struct conf_options *o, struct csg_backend *reference)
{
    struct csg_backend *device = NULL;
    struct csg_error err = {0};
    int status;
    status = conf_open(&device, o, o->device, &err);
    if (status) {
        fprintf(stderr, "conformance: %s\n", err.sentence);
        return 1;
    }
    printf("faults injected on %s (%s)\n", device->device, device->platform);
    status = conf_self_check(o, reference, device);
    csg_backend_destroy(&device);
    return status;
}

int main(int argc, char **argv)
{
    struct conf_options o;
    struct csg_backend *reference = NULL;
    struct csg_error err = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        }
    }
    int status = parse(&o, argc, argv);
    if (status)
        return status;
    if (o.list)
        return list(&o);
    if (o.variants)
        return conf_variants();
    if (csg_ref_backend_create(&reference, &err)) {
        fprintf(stderr, "conformance: %s\n", err.sentence);
        return 1;
    }
    status = o.self_check ? self_check(&o, reference) : o.bench ? conf_bench(&o) : run_all(&o, reference);
    csg_backend_destroy(&reference);
    return status;
}
