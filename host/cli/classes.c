/* `segment`, `classify` and `tokens`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "names.h"
#include "report.h"
#include "sheet.h"

/* The texts behind the picture, or those of --labels. */
struct label_source {
    struct csg_label_set set;
    const char *const *labels;
    size_t count;
};

static int find_labels(struct label_source *source, const struct cli_args *args, struct csg_error *err)
{
    *source = (struct label_source){.labels = args->words + 1, .count = args->n_words - 1};
    if (source->count && args->labels)
        return cli_fail(err, CSG_ERROR_USAGE, "labels are given behind the picture or with --labels, not both");
    if (source->count)
        return CSG_OK;
    int status = csg_label_set_load(&source->set, args->labels ? args->labels : "voc20", err);
    source->labels = (const char *const *)source->set.labels;
    source->count = source->set.count;
    return status;
}

/* Runs column by column, background first, as COCO's uncompressed run-length encoding. */
static json_t *runs_json(const uint16_t *index, int width, int height, unsigned class_)
{
    json_t *counts = json_array();
    json_int_t run = 0;
    bool inside = false;
    for (int x = 0; x < width; x++)
        for (int y = 0; y < height; y++) {
            bool here = index[(size_t)y * (size_t)width + (size_t)x] == class_;
            if (here != inside) {
                json_array_append_new(counts, json_integer(run));
                run = 0;
                inside = here;
            }
            run++;
        }
    json_array_append_new(counts, json_integer(run));
    return json_pack("{s:[i, i], s:o}", "size", height, width, "counts", counts);
}

static int report_classes(const struct cli_args *args, const struct csg_result *result, const uint16_t *index, const char *file,
                          struct csg_error *err)
{
    int w = result->image_width_px, h = result->image_height_px;
    size_t pixels = (size_t)w * (size_t)h, *areas = calloc(result->n_texts + 1, sizeof *areas);
    if (!areas)
        return cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; i < pixels; i++)
        areas[index[i]]++;
    json_t *classes = json_array();
    if (!args->json)
        printf("%-24s %5s %10s %7s\n", "class", "index", "pixels", "share");
    for (size_t c = 0; c <= result->n_texts; c++) {
        const char *name = c ? result->texts[c - 1].text : "background";
        char printable[61];
        if (!areas[c])
            continue;
        snprintf(printable, sizeof printable, "%s", name);
        if (args->json)
            json_array_append_new(classes,
                                  json_pack("{s:o, s:I, s:I, s:f, s:o}", "label", cli_json_string(name), "index", (json_int_t)c,
                                            "pixels", (json_int_t)areas[c], "share", (double)areas[c] / (double)pixels, "rle",
                                            runs_json(index, w, h, (unsigned)c)));
        else
            printf("%-24s %5zu %10zu %6.2f%%\n", cli_printable(printable), c, areas[c], 100 * (double)areas[c] / (double)pixels);
    }
    free(areas);
    if (args->json)
        return cli_print_json(json_pack("{s:s, s:[i, i], s:o, s:o}", "method", result->method, "size", w, h, "file",
                                        cli_json_string(file), "classes", classes),
                              err);
    json_decref(classes);
    puts(file);
    return CSG_OK;
}

int cli_segment(const struct cli_args *args, struct csg_error *err)
{
    struct csg_map_params params;
    struct label_source source = {0};
    struct csg_image *image = NULL;
    struct csg_engine *engine = NULL;
    struct csg_result *result = NULL;
    uint16_t *index = NULL;
    char *file = NULL;
    double background = 0.1, scale = 40;
    if (args->n_words < 1)
        return cli_fail(err, CSG_ERROR_USAGE, "segment wants a picture and labels");
    int status = cli_map_params(&params, args, err);
    params.labels = NULL;
    params.method = args->method ? args->method : "arch";
    if (status == CSG_OK)
        status = cli_number(&background, args->background, "--background", 0, 1, err);
    if (status == CSG_OK)
        status = cli_number(&scale, args->scale, "--scale", 1e-3, 1e6, err);
    if (status == CSG_OK)
        status = find_labels(&source, args, err);
    if (status == CSG_OK && source.count > 255)
        status = cli_fail(err, CSG_ERROR_USAGE, "%zu labels are more than the 255 that a palette PNG can name", source.count);
    if (status == CSG_OK)
        status = cli_one_output(&file, args, "_classes", err);
    if (status == CSG_OK)
        status = csg_image_load(&image, args->words[0], err);
    if (status == CSG_OK)
        status = cli_engine(&engine, args, err);
    if (status == CSG_OK)
        status = csg_map(engine, image, source.labels, source.count, &params, &result, err);
    if (status == CSG_OK && !(index = calloc((size_t)result->image_width_px * (size_t)result->image_height_px, sizeof *index)))
        status = cli_fail(err, CSG_ERROR, "out of memory");
    if (status == CSG_OK)
        status = csg_result_classes(engine, result, scale, background > 0 ? background : -1, index, err);
    if (status == CSG_OK)
        status = csg_classes_write_png(index, result->image_width_px, result->image_height_px, file, args->overwrite, err);
    if (status == CSG_OK)
        status = report_classes(args, result, index, file, err);
    free(index);
    free(file);
    csg_result_destroy(&result);
    cli_engine_close(&engine);
    csg_image_destroy(&image);
    csg_label_set_free(&source.set);
    return status;
}

struct ranked {
    const char *label;
    float score, cosine;
    size_t at;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int report_ranked(const struct cli_args *args, const struct ranked *ranked, size_t count, size_t top, const char *file,
                         struct csg_error *err)
{
    json_t *labels = json_array();
    if (!args->json)
        printf("%-24s %9s %9s\n", file ? "token" : "label", "score", "cosine");
    for (size_t i = 0; i < count && i < top; i++) {
        char printable[61];
        snprintf(printable, sizeof printable, "%s", ranked[i].label);
        if (args->json)
            json_array_append_new(labels, json_pack("{s:o, s:i, s:f, s:f}", file ? "token" : "label",
                                                    cli_json_string(ranked[i].label), "index", (int)ranked[i].at, "score",
                                                    (double)ranked[i].score, "cosine", (double)ranked[i].cosine));
        else
            printf("%-24s %9.4f %9.4f\n", cli_printable(printable), (double)ranked[i].score, (double)ranked[i].cosine);
    }
    if (args->json)
        return cli_print_json(file ? json_pack("{s:o, s:o}", "file", cli_json_string(file), "tokens", labels)
                                   : json_pack("{s:o}", "labels", labels),
                              err);
    json_decref(labels);
    if (file)
        puts(file);
    return CSG_OK;
}

int cli_classify(const struct cli_args *args, struct csg_error *err)
{
    struct label_source source = {0};
    struct csg_image *image = NULL;
    struct csg_engine *engine = NULL;
    float *scores = NULL;
    struct ranked *ranked = NULL;
    double top = 10;
    if (args->n_words < 1)
        return cli_fail(err, CSG_ERROR_USAGE, "classify wants a picture and labels");
    int status = cli_number(&top, args->top, "--top", 1, 1e6, err);
    if (status == CSG_OK)
        status = find_labels(&source, args, err);
    if (status == CSG_OK)
        status = csg_image_load(&image, args->words[0], err);
    if (status == CSG_OK)
        status = cli_engine(&engine, args, err);
    scores = calloc(2 * source.count + 1, sizeof *scores);
    ranked = calloc(source.count + 1, sizeof *ranked);
    if (status == CSG_OK && !(scores && ranked))
        status = cli_fail(err, CSG_ERROR, "out of memory");
    if (status == CSG_OK)
        status = csg_classify(engine, image, source.labels, source.count, !args->plain, scores, scores + source.count, err);
    for (size_t i = 0; status == CSG_OK && i < source.count; i++)
        ranked[i] = (struct ranked){source.labels[i], scores[i], scores[source.count + i], i};
    if (status == CSG_OK) {
        qsort(ranked, source.count, sizeof *ranked, by_score);
        status = report_ranked(args, ranked, source.count, (size_t)top, NULL, err);
    }
    free(scores);
    free(ranked);
    cli_engine_close(&engine);
    csg_image_destroy(&image);
    csg_label_set_free(&source.set);
    return status;
}

int cli_tokens(const struct cli_args *args, struct csg_error *err)
{
    struct csg_map_params params;
    struct csg_image *image = NULL;
    struct csg_engine *engine = NULL;
    struct csg_result *result = NULL;
    struct ranked *ranked = NULL;
    char *file = NULL;
    if (args->n_words != 2)
        return cli_fail(err, CSG_ERROR_USAGE, "tokens wants a picture and one sentence");
    int status = cli_map_params(&params, args, err);
    if (status == CSG_OK)
        status = cli_one_output(&file, args, "_tokens", err);
    if (status == CSG_OK)
        status = csg_image_load(&image, args->words[0], err);
    if (status == CSG_OK)
        status = cli_engine(&engine, args, err);
    if (status == CSG_OK)
        status = csg_map_tokens(engine, image, args->words[1], &params, &result, err);
    if (status == CSG_OK && !(ranked = calloc(result->n_texts, sizeof *ranked)))
        status = cli_fail(err, CSG_ERROR, "out of memory");
    if (status == CSG_OK) {
        const struct cli_sheet sheet = {.engine = engine,
                                        .image = image,
                                        .result = result,
                                        .draw = {.legend = true},
                                        .path = file,
                                        .overwrite = args->overwrite};
        status = cli_write_sheet(&sheet, err);
    }
    for (size_t i = 0; status == CSG_OK && i < result->n_texts; i++)
        ranked[i] = (struct ranked){result->texts[i].text, result->texts[i].score, result->texts[i].score, i};
    if (status == CSG_OK) {
        qsort(ranked, result->n_texts, sizeof *ranked, by_score);
        status = report_ranked(args, ranked, result->n_texts, result->n_texts, file, err);
    }
    free(ranked);
    free(file);
    csg_result_destroy(&result);
    cli_engine_close(&engine);
    csg_image_destroy(&image);
    return status;
}
