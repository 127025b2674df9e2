#include <stdlib.h>

#include "cli.h"

static json_t *points_json(const int (*points)[2], const uint8_t *labels, size_t count, const char *text)
{
    json_t *coords = json_array(), *marks = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(coords, json_pack("[i, i]", points[i][0], points[i][1]));
        json_array_append_new(marks, json_integer(labels[i]));
    }
    return json_pack("{s:o, s:o, s:o}", "text", cli_json_string(text), "point_coords", coords, "point_labels", marks);
}

/* A picture with the points of each text. */
struct preview {
    const struct csg_image *image;
    struct csg_image **drawn; /* [n_texts]; NULL: none is wanted */
    size_t count;
};

static int write_preview(const struct preview *preview, const struct csg_result *result, const struct cli_args *args,
                         struct csg_error *err)
{
    const char **captions = calloc(preview->count, sizeof *captions);
    struct csg_image *sheet = NULL;
    int status = captions ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; status == CSG_OK && i < preview->count; i++)
        captions[i] = result->texts[i].text;
    if (status == CSG_OK && preview->count > 1)
        status = csg_contact_sheet((const struct csg_image *const *)preview->drawn, captions, preview->count, 3, 0, &sheet, err);
    if (status == CSG_OK)
        status = csg_image_write_png(sheet ? sheet : preview->drawn[0], args->output, args->overwrite, err);
    csg_image_destroy(&sheet);
    free(captions);
    return status;
}

static int print_points(struct csg_engine *engine, struct csg_result *result, double threshold, const struct cli_args *args,
                        struct preview *preview, struct csg_error *err)
{
    json_t *texts = json_array();
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < result->n_texts; i++) {
        const int(*points)[2];
        const uint8_t *labels;
        size_t count;
        status = csg_result_points(engine, result, i, threshold, &points, &labels, &count, err);
        if (status == CSG_OK && !count)
            cli_say("'%s' has no points: the map is constant or has fewer than two patches a side", result->texts[i].text);
        if (status == CSG_OK)
            json_array_append_new(texts, points_json(points, labels, count, result->texts[i].text));
        if (status == CSG_OK && preview->drawn)
            status = csg_draw_points(preview->image, points, labels, count, &preview->drawn[preview->count++], err);
    }
    if (status == CSG_OK && preview->drawn)
        status = write_preview(preview, result, args, err);
    json_t *document = json_pack("{s:o}", "texts", texts);
    if (status == CSG_OK)
        return cli_print_json(document, err);
    json_decref(document);
    return status;
}

int cli_points(const struct cli_args *args, struct csg_error *err)
{
    struct csg_map_params params;
    double threshold = 0.8;
    if (args->n_words < 2)
        return cli_fail(err, CSG_ERROR_USAGE, "points wants a picture and at least one text");
    int status = cli_map_params(&params, args, err);
    if (status == CSG_OK)
        status = cli_number(&threshold, args->threshold, "--threshold", 0, 1, err);
    if (status)
        return status;
    struct csg_image *image = NULL;
    struct csg_engine *engine = NULL;
    struct csg_result *result = NULL;
    struct preview preview = {0};
    status = args->output ? csg_check_output(args->output, args->overwrite, err) : CSG_OK;
    if (status == CSG_OK)
        status = csg_image_load(&image, args->words[0], err);
    if (status == CSG_OK)
        status = cli_engine(&engine, args, err);
    if (status == CSG_OK)
        status = csg_map(engine, image, args->words + 1, args->n_words - 1, &params, &result, err);
    for (size_t i = 0; status == CSG_OK && !args->quiet && i < result->n_texts; i++)
        cli_warn_unknown(engine, result->texts[i].text);
    preview.image = image;
    if (status == CSG_OK && args->output && !(preview.drawn = calloc(result->n_texts, sizeof *preview.drawn)))
        status = cli_fail(err, CSG_ERROR, "out of memory");
    if (status == CSG_OK)
        status = print_points(engine, result, threshold, args, &preview, err);
    for (size_t i = 0; i < preview.count; i++)
        csg_image_destroy(&preview.drawn[i]);
    free(preview.drawn);
    csg_result_destroy(&result);
    cli_engine_close(&engine);
    csg_image_destroy(&image);
    return status;
}
