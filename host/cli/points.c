#include <stdlib.h>

#include "cli.h"
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

static int find_points(const struct points_job *job, struct csg_engine *engine, const struct cli_picture *picture,
                       struct csg_result *result, json_t *texts, struct csg_error *err)
{
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
            json_array_append_new(texts, points_json(points, labels, count, result->texts[i].text));
    }
    return status;
}

static int compute(void *user, struct csg_engine *engine, struct cli_picture *const *pictures,
                   const struct csg_image *const *images, size_t n, struct csg_error *err)
{
    const struct points_job *job = user;
    struct csg_result **results = calloc(n, sizeof(struct csg_result *));
    if (!results)
        return cli_fail(err, CSG_ERROR, "out of memory");
    int status = csg_map_many(engine, images, n, job->args->words + 1, job->args->n_words - 1, &job->params, results, err);
    for (size_t i = 0; i < n; i++) {
        pictures[i]->made = json_array();
        if (status == CSG_OK)
            status = find_points(job, engine, pictures[i], results[i], pictures[i]->made, err);
        csg_result_destroy(&results[i]);
    }
    free(results);
    return status;
}

static int opened(void *user, struct csg_engine *engine, struct csg_error *err)
{
    const struct points_job *job = user;
    (void)err;
    for (size_t i = 1; !job->args->quiet && i < job->args->n_words; i++)
        cli_warn_unknown(engine, job->args->words[i]);
    return CSG_OK;
}

static int needed_texts(void *user, struct csg_label_set *set, struct csg_error *err)
{
    const struct points_job *job = user;
    return cli_add_map_texts(set, job->args->words + 1, job->args->n_words - 1, &job->params, err);
}

static int describe(void *user, const struct cli_picture *picture, json_t **out, struct csg_error *err)
{
    (void)user;
    *out = json_pack("{s:O}", "texts", (json_t *)picture->made);
    return *out ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
}

static void release(void *user, struct cli_picture *picture)
{
    (void)user;
    json_decref(picture->made);
    picture->made = NULL;
}

int cli_points(const struct cli_args *args, struct csg_error *err)
{
    struct points_job job = {.args = args, .threshold = 0.8};
    const struct cli_task task = {.user = &job,
                                  .always_json = true,
                                  .opened = opened,
                                  .texts = needed_texts,
                                  .compute = compute,
                                  .describe = describe,
                                  .release = release};
    if (args->n_words < 2)
        return cli_fail(err, CSG_ERROR_USAGE, "points wants a picture and at least one text");
    int status = cli_map_params(&job.params, args, err);
    if (status == CSG_OK)
        status = cli_number(&job.threshold, args->threshold, "--threshold", 0, 1, err);
    return status ? status : cli_pictures(&task, args, err);
}
