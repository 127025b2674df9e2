#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "sheet.h"

/* A bar on a terminal, redrawn at most ten times a second; a line now and then elsewhere. */
struct progress {
    bool terminal;
    size_t told;
    double last_s;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void on_progress(void *user, size_t done, size_t total)
{
    struct progress *progress = user;
    double s = now_s();
    if (progress->terminal && (done == total || s - progress->last_s > 0.1)) {
        char bar[31];
        for (size_t i = 0; i < sizeof bar - 1; i++)
            bar[i] = i < done * (sizeof bar - 1) / total ? '#' : '.';
        bar[sizeof bar - 1] = 0;
        fprintf(stderr, "\r%s %zu of %zu%s", bar, done, total, done == total ? "\n" : "");
        progress->last_s = s;
    } else if (!progress->terminal && (done == total || s - progress->last_s > 30)) {
        if (progress->last_s > 0 || done == total)
            cli_say("%zu of %zu pictures", done, total);
        progress->last_s = s;
    }
}

/* null where it was not asked for. */
static json_t *mfsr_json(const struct csg_eval_result *result)
{
    json_t *blocks = result->n_blocks ? json_array() : json_null();
    for (size_t b = 0; b < result->n_blocks; b++)
        json_array_append_new(blocks,
                              json_pack("{s:I, s:o, s:o}", "block", (json_int_t)(b + 1), "qk",
                                        cli_json_number(result->mfsr[2 * b]), "vv", cli_json_number(result->mfsr[2 * b + 1])));
    return blocks;
}

static int print_json(struct csg_engine *engine, const struct csg_eval_result *result, const char *folder, struct csg_error *err)
{
    struct csg_engine_info info;
    const char *sha256;
    int status = csg_engine_model_sha256(engine, &sha256, err);
    if (status)
        return status;
    csg_engine_info(engine, &info);
    json_t *methods = json_array();
    for (size_t i = 0; i < result->n_methods; i++) {
        const struct csg_eval_method *m = result->methods + i;
        json_array_append_new(methods,
                              json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "method", m->method, "miou",
                                        cli_json_number(m->miou), "threshold", cli_json_number(m->threshold), "miou_by_class",
                                        cli_json_number(m->miou_by_class), "msc", cli_json_number(m->msc), "segmentation_miou",
                                        cli_json_number(m->segmentation_miou), "map", cli_json_number(m->map)));
    }
    return cli_print_json(json_pack("{s:o, s:o, s:{s:o, s:s}, s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "dataset",
                                    cli_json_string(folder), "split", cli_json_string(result->split), "model", "name",
                                    cli_json_string(info.model_name), "sha256", sha256, "device", info.device, "images",
                                    (json_int_t)result->n_images, "unreadable", (json_int_t)result->n_unreadable, "maps",
                                    (json_int_t)result->n_maps, "classes", (json_int_t)result->n_classes, "mfsr",
                                    mfsr_json(result), "methods", methods),
                          err);
}

static void print_number(double value, int decimals)
{
    if (isfinite(value))
        printf(" %9.*f", decimals, value);
    else
        printf(" %9s", "-");
}

static void print_table(struct csg_engine *engine, const struct csg_eval_result *result)
{
    struct csg_engine_info info;
    csg_engine_info(engine, &info);
    printf("%s on %s: %zu pictures of %s, %zu maps of labels that are present", info.model_name, info.device,
           result->n_images - result->n_unreadable, result->split, result->n_maps);
    if (result->n_unreadable)
        printf("; %zu could not be read", result->n_unreadable);
    printf("\n%-10s %9s %9s %9s %9s %9s %9s\n", "method", "mIoU", "threshold", "by class", "mSC", "seg mIoU", "mAP");
    for (size_t i = 0; i < result->n_methods; i++) {
        const struct csg_eval_method *m = result->methods + i;
        printf("%-10s", m->method);
        print_number(m->miou, 2);
        print_number(m->threshold, 2);
        print_number(m->miou_by_class, 2);
        print_number(m->msc, 2);
        print_number(m->segmentation_miou, 2);
        print_number(m->map, 2);
        putchar('\n');
    }
    if (result->n_blocks)
        printf("\nmFSR\n%-10s %9s %9s\n", "block", "q-k", "v-v");
    for (size_t b = 0; b < result->n_blocks; b++) {
        printf("%-10zu", b + 1);
        print_number(result->mfsr[2 * b], 2);
        print_number(result->mfsr[2 * b + 1], 2);
        putchar('\n');
    }
}

static int read_params(struct csg_eval_params *params, const struct cli_args *args, const struct cli_list *methods,
                       struct csg_error *err)
{
    struct csg_map_params map;
    double limit = 0, background = 0.1, scale = 40;
    int status = cli_map_params(&map, args, err);
    if (status == CSG_OK)
        status = cli_number(&limit, args->limit, "--limit", 1, 1e9, err);
    if (status == CSG_OK)
        status = cli_number(&background, args->background, "--background", 0, 1, err);
    if (status == CSG_OK)
        status = cli_number(&scale, args->scale, "--scale", 1e-3, 1e6, err);
    *params = (struct csg_eval_params){.methods = (const char *const *)methods->items,
                                       .n_methods = methods->count,
                                       .layout = args->layout,
                                       .split = args->split,
                                       .labels = args->labels,
                                       .fit = map.fit,
                                       .size_px = map.size_px,
                                       .first_block = map.first_block,
                                       .refine = map.refine,
                                       .window_px = map.window_px,
                                       .stride_px = map.stride_px,
                                       .scale = scale,
                                       .background = background > 0 ? background : -1,
                                       .mfsr = args->mfsr,
                                       .limit = (size_t)limit,
                                       .resume = args->resume};
    return status;
}

int cli_eval(const struct cli_args *args, struct csg_error *err)
{
    struct csg_engine *engine = NULL;
    struct csg_eval_result *result = NULL;
    struct csg_eval_params params;
    struct cli_list methods = {0};
    struct progress progress = {.terminal = isatty(STDERR_FILENO) != 0};
    if (args->n_words != 1)
        return cli_fail(err, CSG_ERROR_USAGE, "eval wants one folder with a data set");
    int status = cli_method_list(&methods, args->method, err);
    if (status == CSG_OK)
        status = read_params(&params, args, &methods, err);
    if (status == CSG_OK && !args->quiet) {
        params.progress = on_progress;
        params.progress_user = &progress;
    }
    if (status == CSG_OK)
        status = cli_engine(&engine, args, err);
    if (status == CSG_OK) {
        cli_method_list_fit(&methods, engine);
        params.n_methods = methods.count;
    }
    if (status == CSG_OK)
        status = csg_eval(engine, args->words[0], &params, &result, err);
    if (status == CSG_OK && args->json)
        status = print_json(engine, result, args->words[0], err);
    else if (status == CSG_OK)
        print_table(engine, result);
    csg_eval_destroy(&result);
    cli_engine_close(&engine);
    cli_list_free(&methods);
    return status;
}
