#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static json_t *share(double value, double of)
{
    return of > 0.0 ? json_real(value / of) : json_null();
}

/* In thousand millions a second. */
static double speed(double amount, double ms)
{
    return ms > 0.0 ? amount / ms * 1e-6 : 0.0;
}

static json_t *speed_or_null(double amount, double ms)
{
    return amount > 0.0 ? json_real(speed(amount, ms)) : json_null();
}

/* Of the peak that bounds a stage: that of memory where bytes are counted. */
static json_t *stage_share(const struct csg_bench *bench, const struct csg_bench_stage *s)
{
    if (s->bytes > 0.0)
        return share(speed(s->bytes, s->ms), bench->peak_gbyte_s);
    return s->flop > 0.0 ? share(speed(s->flop, s->ms), bench->peak_gflop_s) : json_null();
}

static double frames_per_second(const struct csg_bench *bench)
{
    return (double)bench->batch * 1e3 / bench->encode_min_ms;
}

static json_t *stages(const struct csg_bench *bench)
{
    json_t *list = json_array();
    for (size_t i = 0; i < bench->n_stages; i++) {
        const struct csg_bench_stage *s = bench->stages + i;
        json_array_append_new(list, json_pack("{s:s, s:I, s:f, s:o, s:o, s:o}", "op", s->op, "launches", (json_int_t)s->launches,
                                              "ms", s->ms, "gflops", speed_or_null(s->flop, s->ms), "gbytes",
                                              speed_or_null(s->bytes, s->ms), "share_of_peak", stage_share(bench, s)));
    }
    return list;
}

static json_t *document(const struct csg_bench *bench, bool texts)
{
    json_t *encode = json_pack("{s:f, s:f}", "min", bench->encode_min_ms, "median", bench->encode_median_ms);
    json_t *json =
        json_pack("{s:o, s:o, s:o, s:f, s:s, s:o, s:o, s:i, s:I, s:I, s:I, s:f, s:f, s:o, s:s?, s:o, s:o, s:f, s:I, s:o}",
                  "encode_ms", encode, "text_ms", texts ? json_real(bench->text_ms) : json_null(), "map_ms",
                  texts ? json_real(bench->map_ms) : json_null(), "gflops", bench->gflop_s, "precision_used", bench->precision,
                  "device", cli_json_string(bench->device), "error", cli_json_number(bench->error), "size_px", bench->size_px,
                  "batch", (json_int_t)bench->batch, "tokens", (json_int_t)bench->tokens, "runs", (json_int_t)bench->runs,
                  "encode_gflop", bench->encode_flop * 1e-9, "frames_per_second", frames_per_second(bench), "peak_gflops",
                  bench->peak_gflop_s > 0.0 ? json_real(bench->peak_gflop_s) : json_null(), "peak_of", bench->peak_of,
                  "peak_gbytes", bench->peak_gbyte_s > 0.0 ? json_real(bench->peak_gbyte_s) : json_null(), "share_of_peak",
                  share(bench->gflop_s, bench->peak_gflop_s), "gap_ms", bench->gap_ms, "tuned_launches",
                  (json_int_t)bench->tuned_launches, "stages", stages(bench));
    if (json && texts) {
        json_object_set_new(json, "texts", json_integer((json_int_t)bench->n_texts));
        json_object_set_new(json, "templates", json_integer((json_int_t)bench->n_templates));
        json_object_set_new(json, "map_px", json_pack("[i, i]", bench->map_width_px, bench->map_height_px));
    }
    return json;
}

/* Chrome's trace format, which chrome://tracing and Perfetto read: a complete event per launch, times in microseconds from the first
 * launch of its stage, the stages in rows of their own. */
static int write_trace(const struct csg_bench *bench, const char *path, struct csg_error *err)
{
    json_t *events = json_array();
    const char *stage = "";
    double zero_ms = 0.0;
    int row = 0;
    for (size_t i = 0; i < bench->n_events; i++) {
        const struct csg_bench_event *e = bench->events + i;
        if (strcmp(stage, e->stage) != 0) {
            stage = e->stage;
            zero_ms = e->queued_ms;
            row++;
            json_array_append_new(events, json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "name", "thread_name", "ph", "M", "pid", 1,
                                                    "tid", row, "args", "name", stage));
        }
        json_array_append_new(events, json_pack("{s:s, s:s, s:s, s:f, s:f, s:i, s:i, s:{s:f}}", "name", e->op, "cat", e->stage,
                                                "ph", "X", "ts", (e->start_ms - zero_ms) * 1e3, "dur", e->ms * 1e3, "pid", 1,
                                                "tid", row, "args", "queued_us", (e->queued_ms - zero_ms) * 1e3));
    }
    json_t *json = json_pack("{s:o, s:s, s:{s:o, s:s}}", "traceEvents", events, "displayTimeUnit", "ms", "otherData", "device",
                             cli_json_string(bench->device), "precision", bench->precision);
    return cli_write_json(json, path, 12, err);
}

static void print_share(double value, double peak)
{
    if (peak > 0.0)
        printf(", %.0f %% of the measured peak", 100.0 * value / peak);
}

static void print_table(const struct csg_bench *bench, bool texts)
{
    char name[256];
    snprintf(name, sizeof name, "%s", bench->device);
    printf("%s, %s, %d x %d px (%zu tokens), %zu runs\n", cli_printable(name), bench->precision, bench->size_px, bench->size_px,
           bench->tokens, bench->runs);
    printf("encode   %9.2f ms (median %.2f), %.1f frames a second", bench->encode_min_ms, bench->encode_median_ms,
           frames_per_second(bench));
    printf(bench->batch > 1 ? " by %zu together\n" : "\n", bench->batch);
    printf("         %9.1f GFLOP at %.1f GFLOP/s", bench->encode_flop * 1e-9, bench->gflop_s);
    print_share(bench->gflop_s, bench->peak_gflop_s);
    putchar('\n');
    for (size_t i = 0; i < bench->n_stages; i++) {
        const struct csg_bench_stage *s = bench->stages + i;
        printf("  %-10s %6.2f ms %4.0f %%  %4d launches", s->op, s->ms, 100.0 * s->ms / bench->encode_min_ms, (int)s->launches);
        if (s->bytes > 0.0) {
            printf("  %.1f GB/s", speed(s->bytes, s->ms));
            print_share(speed(s->bytes, s->ms), bench->peak_gbyte_s);
        } else if (s->flop > 0.0) {
            printf("  %.1f GFLOP/s", speed(s->flop, s->ms));
            print_share(speed(s->flop, s->ms), bench->peak_gflop_s);
        }
        putchar('\n');
    }
    if (bench->tuned_launches)
        printf("  %d launches went the way that `tune` found\n", (int)bench->tuned_launches);
    printf("  %-10s %6.2f ms %4.0f %%\n", "gaps", bench->gap_ms, 100.0 * bench->gap_ms / bench->encode_min_ms);
    if (texts) {
        printf("text     %9.2f ms for %zu texts x %zu templates\n", bench->text_ms, bench->n_texts, bench->n_templates);
        printf("map      %9.2f ms for feature surgery and %zu maps of %d x %d px\n", bench->map_ms, bench->n_texts,
               bench->map_width_px, bench->map_height_px);
    }
    if (isfinite(bench->error))
        printf("error    %9.1e of the tokens, against the reference\n", bench->error);
    if (bench->peak_gflop_s > 0.0)
        printf("peak     %9.1f GFLOP/s in %s, %.1f GB/s, measured\n", bench->peak_gflop_s, bench->peak_of, bench->peak_gbyte_s);
}

int cli_bench(const struct cli_args *args, struct csg_error *err)
{
    struct csg_engine *engine = NULL;
    struct csg_bench *bench = NULL;
    struct csg_map_params map = {0};
    int runs = 0, batch = 1;
    if (args->n_words)
        return cli_fail(err, CSG_ERROR_USAGE, "bench takes no words, but got '%s'", args->words[0]);
    int status = cli_map_params(&map, args, err);
    if (status == CSG_OK)
        status = cli_whole_number(&runs, args->runs, "--runs", 1000, err);
    if (status == CSG_OK)
        status = cli_whole_number(&batch, args->batch, "--batch", 1024, err);
    if (status == CSG_OK && args->profile)
        status = csg_check_output(args->profile, args->overwrite, err);
    if (status == CSG_OK)
        status = cli_engine(&engine, args, err);
    const struct csg_bench_params params = {.size_px = map.size_px,
                                            .first_block = map.first_block,
                                            .runs = (size_t)runs,
                                            .batch = (size_t)batch,
                                            .labels = map.labels,
                                            .no_texts = args->no_texts,
                                            .no_reference = args->no_reference};
    if (status == CSG_OK)
        status = csg_bench_run(engine, &params, &bench, err);
    if (status == CSG_OK && args->profile)
        status = write_trace(bench, args->profile, err);
    if (status == CSG_OK && args->json)
        status = cli_print_json(document(bench, !args->no_texts), err);
    else if (status == CSG_OK)
        print_table(bench, !args->no_texts);
    csg_bench_free(&bench);
    cli_engine_close(&engine);
    return status;
}
