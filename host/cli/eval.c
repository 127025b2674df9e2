#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "engines.h"
#include "progress.h"
#include "ranks.h"
#include "sheet.h"

#define MOST_NAMES 2048 /* bytes of the devices' names */

static void on_progress(void *user, size_t done, size_t total)
{
    cli_progress_show(user, done, total);
}

/* null where it was not asked for. */
static json_t *mfsr_json(const struct csg_eval_result *result)
{
    json_t *blocks = result->n_blocks ? json_array() : json_null();
    for (size_t b = 0; b < result->n_blocks; b++)
        json_array_append_new(blocks,
                              json_pack("{s:I, s:o, s:o}", "block", (json_int_t)b + 1, "qk", cli_json_number(result->mfsr[2 * b]),
                                        "vv", cli_json_number(result->mfsr[2 * b + 1])));
    return blocks;
}

/* Their names, "a + b". */
static const char *device_names(const struct cli_engines *engines, char *out, size_t bytes)
{
    struct csg_engine_info info;
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < engines->count && used < bytes; i++) {
        csg_engine_info(engines->engines[i], &info);
        used += (size_t)snprintf(out + used, bytes - used, "%s%s", i ? " + " : "", info.device);
    }
    return out;
}

static int print_json(const struct cli_engines *engines, const struct csg_eval_result *result, const char *folder,
                      struct csg_error *err)
{
    struct csg_engine_info info;
    const char *sha256;
    char devices[MOST_NAMES];
    int status = csg_engine_model_sha256(engines->engines[0], &sha256, err);
    if (status)
        return status;
    csg_engine_info(engines->engines[0], &info);
    json_t *methods = json_array();
    for (size_t i = 0; i < result->n_methods; i++) {
        const struct csg_eval_method *m = result->methods + i;
        json_array_append_new(methods,
                              json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "method", m->method, "miou",
                                        cli_json_number(m->miou), "threshold", cli_json_number(m->threshold), "miou_by_class",
                                        cli_json_number(m->miou_by_class), "msc", cli_json_number(m->msc), "segmentation_miou",
                                        cli_json_number(m->segmentation_miou), "map", cli_json_number(m->map)));
    }
    return cli_print_json(
        json_pack("{s:o, s:o, s:{s:o, s:s}, s:o, s:I, s:I, s:I, s:I, s:o, s:o}", "dataset", cli_json_string(folder), "split",
                  cli_json_string(result->split), "model", "name", cli_json_string(info.model_name), "sha256", sha256, "device",
                  cli_json_string(device_names(engines, devices, sizeof devices)), "images", (json_int_t)result->n_images,
                  "unreadable", (json_int_t)result->n_unreadable, "maps", (json_int_t)result->n_maps, "classes",
                  (json_int_t)result->n_classes, "mfsr", mfsr_json(result), "methods", methods),
        err);
}

static void print_number(double value, int decimals)
{
    if (isfinite(value))
        printf(" %9.*f", decimals, value);
    else
        printf(" %9s", "-");
}

static void print_table(const struct cli_engines *engines, const struct csg_eval_result *result)
{
    struct csg_engine_info info;
    char devices[MOST_NAMES];
    csg_engine_info(engines->engines[0], &info);
    printf("%s on %s: %zu pictures of %s, %zu maps of labels that are present", info.model_name,
           device_names(engines, devices, sizeof devices), result->n_images - result->n_unreadable, result->split,
           result->n_maps);
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

/* The columns of the table that are figures of quality. */
static const struct {
    const char *title;
    size_t at; /* in struct csg_eval_method */
} plotted[] = {{"mIoU", offsetof(struct csg_eval_method, miou)},
               {"mSC", offsetof(struct csg_eval_method, msc)},
               {"seg mIoU", offsetof(struct csg_eval_method, segmentation_miou)},
               {"mAP", offsetof(struct csg_eval_method, map)}};
#define N_PLOTTED (sizeof plotted / sizeof *plotted)

static int draw_methods(struct csg_image **out, const struct csg_eval_result *result, const char *title, struct csg_error *err)
{
    const char *columns[N_PLOTTED], **rows = calloc(result->n_methods, sizeof *rows);
    double *values = calloc(result->n_methods, N_PLOTTED * sizeof *values);
    int status = rows && values ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t c = 0; c < N_PLOTTED; c++)
        columns[c] = plotted[c].title;
    for (size_t i = 0; status == CSG_OK && i < result->n_methods; i++) {
        const struct csg_eval_method *m = result->methods + i;
        rows[i] = m->method;
        for (size_t c = 0; c < N_PLOTTED; c++)
            values[i * N_PLOTTED + c] = *(const double *)(const void *)((const char *)m + plotted[c].at);
    }
    const struct csg_chart chart = {title, rows, columns, result->n_methods, N_PLOTTED, values};
    if (status == CSG_OK)
        status = csg_chart_draw(out, &chart, err);
    free(rows);
    free(values);
    return status;
}

static int draw_blocks(struct csg_image **out, const struct csg_eval_result *result, struct csg_error *err)
{
    static const char *const columns[] = {"q-k", "v-v"};
    char(*names)[32] = calloc(result->n_blocks, sizeof *names);
    const char **rows = calloc(result->n_blocks, sizeof *rows);
    int status = rows && names ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t b = 0; status == CSG_OK && b < result->n_blocks; b++) {
        snprintf(names[b], sizeof names[b], "block %zu", b + 1);
        rows[b] = names[b];
    }
    const struct csg_chart chart = {"mFSR", rows, columns, result->n_blocks, 2, result->mfsr};
    if (status == CSG_OK)
        status = csg_chart_draw(out, &chart, err);
    free(rows);
    free(names);
    return status;
}

static int write_plot(struct csg_engine *engine, const struct csg_eval_result *result, const struct cli_args *args,
                      struct csg_error *err)
{
    struct csg_image *charts[2] = {NULL, NULL}, *sheet = NULL;
    struct csg_engine_info info;
    char title[512];
    csg_engine_info(engine, &info);
    snprintf(title, sizeof title, "%s, %s, %zu pictures", info.model_name, result->split,
             result->n_images - result->n_unreadable);
    int status = draw_methods(&charts[0], result, title, err);
    if (status == CSG_OK && result->n_blocks)
        status = draw_blocks(&charts[1], result, err);
    if (status == CSG_OK && charts[1])
        status =
            csg_contact_sheet((const struct csg_image *const *)charts, NULL, 2, 1, csg_image_width_px(charts[0]), &sheet, err);
    if (status == CSG_OK)
        status = csg_image_write_png(sheet ? sheet : charts[0], args->plot, args->overwrite, err);
    csg_image_destroy(&charts[0]);
    csg_image_destroy(&charts[1]);
    csg_image_destroy(&sheet);
    return status;
}

/* "I/N", I from 1. */
static int read_shard(struct csg_eval_params *params, const char *text, struct csg_error *err)
{
    unsigned long index, count;
    char *end = NULL;
    if (!text)
        return CSG_OK;
    index = strtoul(text, &end, 10);
    count = *end == '/' ? strtoul(end + 1, &end, 10) : 0;
    if (text[0] < '0' || text[0] > '9' || *end || index < 1 || index > count || count > 1000000)
        return cli_fail(err, CSG_ERROR_USAGE, "--shard is '%s', but must be I/N with I from 1 to N", text);
    params->shard = index - 1;
    params->shards = count;
    return CSG_OK;
}

static int read_params(struct csg_eval_params *params, const struct cli_args *args, const struct cli_list *methods,
                       struct cli_list *merge, struct csg_error *err)
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
    if (status == CSG_OK)
        status = cli_word_list(merge, args->merge, err);
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
                                       .pyramid = map.pyramid,
                                       .scale = scale,
                                       .background = background > 0 ? background : -1,
                                       .mfsr = args->mfsr,
                                       .limit = (size_t)limit,
                                       .merge = (const char *const *)merge->items,
                                       .n_merge = merge->count,
                                       .resume = args->resume};
    return status == CSG_OK ? read_shard(params, args->shard, err) : status;
}

int cli_eval(const struct cli_args *args, struct csg_error *err)
{
    struct cli_engines engines = {0};
    struct csg_eval_result *result = NULL;
    struct csg_eval_params params;
    struct cli_list methods = {0}, merge = {0};
    struct cli_ranks ranks = {.count = 1};
    struct cli_progress progress;
    if (args->n_words != 1)
        return cli_fail(err, CSG_ERROR_USAGE, "eval wants one folder with a data set");
    int status = cli_ranks_begin(&ranks, err);
    if (status == CSG_OK && args->plot)
        status = csg_check_output(args->plot, args->overwrite, err);
    if (status == CSG_OK)
        status = cli_method_list(&methods, args->method, err);
    if (status == CSG_OK)
        status = read_params(&params, args, &methods, &merge, err);
    if (status == CSG_OK) {
        cli_progress_begin(&progress, args->quiet || ranks.rank);
        params.progress = on_progress;
        params.progress_user = &progress;
    }
    if (status == CSG_OK)
        status = cli_engines_open(&engines, args, CLI_MOST_ENGINES, "image", err);
    if (status == CSG_OK) {
        cli_interrupts(engines.engines, engines.count);
        cli_method_list_fit(&methods, engines.engines[0], args->quiet || ranks.rank);
        params.n_methods = methods.count;
        params.beside = engines.engines + 1;
        params.n_beside = engines.count - 1;
    }
    status = cli_ranks_agree(&ranks, status, err);
    if (status == CSG_OK && ranks.shared)
        status = cli_ranks_eval(&ranks, engines.engines[0], args->words[0], &params, &result, err);
    else if (status == CSG_OK)
        status = csg_eval(engines.engines[0], args->words[0], &params, &result, err);
    if (status == CSG_OK && result && args->plot)
        status = write_plot(engines.engines[0], result, args, err);
    if (status == CSG_OK && result && args->json)
        status = print_json(&engines, result, args->words[0], err);
    else if (status == CSG_OK && result)
        print_table(&engines, result);
    csg_eval_destroy(&result);
    cli_ranks_end(&ranks);
    cli_engines_close(&engines);
    cli_list_free(&methods);
    cli_list_free(&merge);
    return status;
}
