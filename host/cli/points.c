#include <stdlib.h>

#include "cli.h"
#include "names.h"
#include "pictures.h"

struct points_job {
    const struct cli_args *args;
    struct csg_map_params params;
    double threshold;
};

static json_t *points_json(const int (*points)[2], const uint8_t *labels, size_t count, const char *text)
{
    json_t *coords = json_array(), *marks = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(coords, json_pack("[i, i]", points[i][0], points[i][1]));
        json_array_append_new(marks, json_integer(labels[i]));
    }
    return json_pack("{s:o, s:o, s:o}", "text", cli_json_string(text), "point_coords", coords, "point_labels", marks);
}

/* What is made of one picture. */
struct made_points {
    json_t *texts;
    struct csg_image *drawn; /* where it is to be written */
};

/* The points of each text on a picture of its own, beside each other. */
static int draw_sheet(struct made_points *made, struct csg_image *const *drawn, const struct csg_result *result,
                      struct csg_error *err)
{
    const char **captions = calloc(result->n_texts, sizeof *captions);
    if (!captions)
        return cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; i < result->n_texts; i++)
        captions[i] = result->texts[i].text;
    int status = csg_contact_sheet((const struct csg_image *const *)drawn, captions, result->n_texts, 3, 0, &made->drawn, err);
    free(captions);
    return status;
}

/* drawn: [n_texts], or NULL where nothing is drawn. */
static int find_points(const struct points_job *job, struct csg_engine *engine, const struct cli_picture *picture,
                       const struct csg_image *image, struct csg_result *result, struct csg_image **drawn, struct csg_error *err)
{
    struct made_points *made = picture->made;
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < result->n_texts; i++) {
        const int(*points)[2];
        const uint8_t *labels;
        size_t count;
        status = csg_result_points(engine, result, i, job->threshold, &points, &labels, &count, err);
        if (status == CSG_OK && !count)
            cli_say("'%s' has no points in %s: the map is constant or has fewer than two patches a side", result->texts[i].text,
                    picture->path);
        if (status == CSG_OK)
            json_array_append_new(made->texts, points_json(points, labels, count, result->texts[i].text));
        if (status == CSG_OK && drawn)
            status = csg_draw_points(image, points, labels, count, &drawn[i], err);
    }
    return status;
}

static int take_points(void *user, struct csg_engine *engine, struct cli_picture *picture, const struct csg_image *image,
                       struct csg_result *result, struct csg_error *err)
{
    const struct points_job *job = user;
    struct made_points *made = picture->made = calloc(1, sizeof *made);
    struct csg_image **drawn = job->args->output ? calloc(result->n_texts, sizeof(struct csg_image *)) : NULL;
    int status = CSG_OK;
    if (made)
        made->texts = json_array();
    if (!made || !made->texts || (job->args->output && !drawn))
        status = cli_fail(err, CSG_ERROR, "out of memory");
    if (status == CSG_OK)
        status = find_points(job, engine, picture, image, result, drawn, err);
    if (status == CSG_OK && drawn && result->n_texts > 1) {
        status = draw_sheet(made, drawn, result, err);
    } else if (status == CSG_OK && drawn) {
        made->drawn = drawn[0];
        drawn[0] = NULL;
    }
    for (size_t i = 0; drawn && i < result->n_texts; i++)
        csg_image_destroy(&drawn[i]);
    free(drawn);
    csg_result_destroy(&result);
    return status;
}

static int compute(void *user, struct csg_engine *engine, struct cli_picture *const *pictures,
                   const struct csg_image *const *images, size_t n, struct csg_error *err)
{
    const struct points_job *job = user;
    const struct cli_mapped maps = {job->args->words + 1, job->args->n_words - 1, &job->params, take_points, user};
    return cli_map_each(&maps, engine, pictures, images, n, err);
}

static int needed_texts(void *user, struct csg_label_set *set, struct csg_error *err)
{
    const struct points_job *job = user;
    return cli_add_map_texts(set, job->args->words + 1, job->args->n_words - 1, &job->params, err);
}

static int name_drawing(void *user, struct cli_picture *picture, bool many, struct csg_error *err)
{
    const char *output = ((const struct points_job *)user)->args->output;
    return output ? cli_picture_add(picture, cli_one_output(picture->path, output, "_points", many), err) : CSG_OK;
}

static int write_drawing(void *user, struct cli_picture *picture, struct csg_error *err)
{
    const struct points_job *job = user;
    const struct made_points *made = picture->made;
    return made->drawn ? csg_image_write_png(made->drawn, picture->files[0].name, job->args->overwrite, err) : CSG_OK;
}

static int describe(void *user, const struct cli_picture *picture, json_t **out, struct csg_error *err)
{
    const struct made_points *made = picture->made;
    (void)user;
    *out = json_pack("{s:O}", "texts", made->texts);
    return *out ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
}

static void release(void *user, struct cli_picture *picture)
{
    struct made_points *made = picture->made;
    (void)user;
    if (made) {
        json_decref(made->texts);
        csg_image_destroy(&made->drawn);
    }
    free(made);
    picture->made = NULL;
}

int cli_points(const struct cli_args *args, struct csg_error *err)
{
    struct points_job job = {.args = args, .threshold = 0.8};
    const struct cli_task task = {.user = &job,
                                  .writes = args->output != NULL,
                                  .always_json = true,
                                  .name = name_drawing,
                                  .texts = needed_texts,
                                  .compute = compute,
                                  .finish = write_drawing,
                                  .describe = describe,
                                  .release = release};
    if (args->n_words < 2)
        return cli_fail(err, CSG_ERROR_USAGE, "points wants a picture and at least one text");
    int status = cli_map_params(&job.params, args, err);
    if (status == CSG_OK)
        status = cli_number(&job.threshold, args->threshold, "--threshold", 0, 1, err);
    return status ? status : cli_pictures(&task, args, err);
}
