/* Speeds, from event times: what a kernel takes, without launching and copying. */
#include <stdio.h>
#include <stdlib.h>

#include "ocl/backend.h"
#include "report.h"

enum { TIMES = 15 };
#define LEAST_WORK 2e6  /* FLOP or bytes: below, the launch is what is measured */
#define NO_TIME_MS 2e-4 /* no launch is that short: the driver does not measure */
#define MOST_FLOP 3e9   /* the bounds of a case are made at the reference's speed */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double share(double value, double peak)
{
    return peak > 0.0 ? value / peak : 0.0;
}

/* A line, and an entry of the list where there is one. */
static int bench_case(const struct conf_options *o, struct csg_backend *device, enum csg_op op, size_t index,
                      const struct csg_ocl_peak *peak, json_t *list, struct csg_error *err)
{
    struct conf_case c;
    double flop, bytes, ms[TIMES];
    int status = conf_case_create(&c, op, index, o->seed, CONF_GUARDED, err);
    if (status)
        return status;
    conf_work(&c, &flop, &bytes);
    status = conf_time(ms, TIMES, &c, device, err);
    qsort(ms, TIMES, sizeof *ms, by_value);
    double median = ms[TIMES / 2], gflop_s = median > NO_TIME_MS ? flop / median * 1e-6 : 0.0,
           gbyte_s = median > NO_TIME_MS ? bytes / median * 1e-6 : 0.0;
    double compute = share(gflop_s, peak->gflop_s), memory = share(gbyte_s, peak->gbyte_s);
    if (status == CSG_OK && list)
        json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "op", csg_op_name(op), "case",
                                              (json_int_t)index, "label", c.label, "median_ms", median, "least_ms", ms[0],
                                              "most_ms", ms[TIMES - 1], "gflop_s", gflop_s, "gbyte_s", gbyte_s,
                                              "share_of_peak_compute", compute, "share_of_peak_memory", memory));
    else if (status == CSG_OK)
        printf("%-10s %3zu %9.3f ms (%.3f - %.3f) %8.1f GFLOP/s %3.0f %% %7.1f GB/s %3.0f %%  %s\n", csg_op_name(op), index,
               median, ms[0], ms[TIMES - 1], gflop_s, 100.0 * compute, gbyte_s, 100.0 * memory, c.label);
    fflush(stdout);
    conf_case_destroy(&c);
    return status;
}

static int bench_all(const struct conf_options *o, struct csg_backend *device, const struct csg_ocl_peak *peak, json_t *list,
                     struct csg_error *err)
{
    int status = CSG_OK;
    for (int op = 0; op < CSG_OP_COUNT; op++)
        for (size_t i = 0; i < conf_tests[op]->cases && status == CSG_OK; i++) {
            struct conf_case c;
            double flop, bytes;
            conf_case_describe(&c, op, i, o->seed);
            conf_work(&c, &flop, &bytes);
            bool large = o->index >= 0 || ((flop >= LEAST_WORK || bytes >= LEAST_WORK) && flop <= MOST_FLOP);
            if (conf_selected(o, op, i) && large && !c.not_finite)
                status = bench_case(o, device, op, i, peak, list, err);
        }
    return status;
}

int conf_bench(const struct conf_options *o)
{
    struct csg_backend *device = NULL;
    struct csg_error err = {0};
    struct csg_ocl_peak peak = {0};
    json_t *list = o->json ? json_array() : NULL;
    int status = conf_open(&device, o, o->device, &err);
    if (status == CSG_OK && device->class_->counts_itself)
        status = csg_ocl_peak_measure(device, &peak, &err);
    if (status == CSG_OK && !o->json)
        printf("%s (%s, driver %s), kernels for %s; measured peaks: %.1f GFLOP/s, %.1f GB/s\n", device->device, device->platform,
               device->driver, device->device_class, peak.gflop_s, peak.gbyte_s);
    if (status == CSG_OK)
        status = bench_all(o, device, &peak, list, &err);
    if (status == CSG_OK && o->json) {
        json_t *all = json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:i, s:O}", "device", device->device, "platform",
                                device->platform, "driver", device->driver, "device_class", device->device_class, "peak_gflop_s",
                                peak.gflop_s, "peak_gbyte_s", peak.gbyte_s, "launches", TIMES, "cases", list);
        json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
        putchar('\n');
        json_decref(all);
    }
    if (status)
        fprintf(stderr, "conformance: %s\n", err.sentence);
    json_decref(list);
    csg_backend_destroy(&device);
    return status ? 1 : 0;
}
