/* `segment` and `classify`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "names.h"
#include "pictures.h"
#include "ranking.h"

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

/* ------------------------------------------------------------------------------------------ segment */

struct segment_job {
    const struct cli_args *args;
    struct csg_map_params params;
    struct label_source source;
    double background, scale;
};

/* What is made of one picture. */
struct classes {
    struct csg_result *result;
    uint16_t *index; /* [pixels] */
    size_t *areas;   /* [1 + labels] pixels of each class */
};

static int name_classes(void *user, struct cli_picture *picture, bool many, struct csg_error *err)
{
    const char *output = ((const struct segment_job *)user)->args->output;
    return cli_picture_add(picture, cli_one_output(picture->path, output, "_classes", many), err);
}

static int segment_texts(void *user, struct csg_label_set *set, struct csg_error *err)
{
    const struct segment_job *job = user;
    return cli_add_map_texts(set, job->source.labels, job->source.count, &job->params, err);
}

static int find_classes(void *user, struct csg_engine *engine, struct cli_picture *picture, const struct csg_image *image,
                        struct csg_result *result, struct csg_error *err)
{
    const struct segment_job *job = user;
    (void)image;
    size_t pixels = (size_t)result->image_width_px * (size_t)result->image_height_px;
    struct classes *classes = picture->made = calloc(1, sizeof *classes);
    if (!classes) {
        csg_result_destroy(&result);
        return cli_fail(err, CSG_ERROR, "out of memory");
    }
    classes->result = result;
    classes->index = calloc(pixels, sizeof *classes->index);
    classes->areas = calloc(result->n_texts + 1, sizeof *classes->areas);
    if (!classes->index || !classes->areas)
        return cli_fail(err, CSG_ERROR, "out of memory");
    int status = csg_result_classes(engine, result, job->scale, job->background > 0 ? job->background : -1, classes->index, err);
    for (size_t i = 0; status == CSG_OK && i < pixels; i++)
        classes->areas[classes->index[i]]++;
    return status;
}

static int segment(void *user, struct csg_engine *engine, struct cli_picture *const *pictures,
                   const struct csg_image *const *images, size_t n, struct csg_error *err)
{
    const struct segment_job *job = user;
    const struct cli_mapped maps = {job->source.labels, job->source.count, &job->params, find_classes, user};
    return cli_map_each(&maps, engine, pictures, images, n, err);
}

static int write_classes(void *user, struct cli_picture *picture, struct csg_error *err)
{
    const struct segment_job *job = user;
    const struct classes *classes = picture->made;
    return csg_classes_write_png(classes->index, classes->result->image_width_px, classes->result->image_height_px,
                                 picture->files[0].name, job->args->overwrite, err);
}

static const char *class_name(const struct csg_result *result, size_t class_)
{
    return class_ ? result->texts[class_ - 1].text : "background";
}

static double share_of(const struct classes *classes, size_t class_)
{
    const struct csg_result *r = classes->result;
    return (double)classes->areas[class_] / ((double)r->image_width_px * (double)r->image_height_px);
}

static int describe_classes(void *user, const struct cli_picture *picture, json_t **out, struct csg_error *err)
{
    const struct classes *classes = picture->made;
    const struct csg_result *r = classes->result;
    json_t *list = json_array();
    (void)user;
    for (size_t c = 0; c <= r->n_texts; c++)
        if (classes->areas[c])
            json_array_append_new(list, json_pack("{s:o, s:I, s:I, s:f, s:o}", "label", cli_json_string(class_name(r, c)),
                                                  "index", (json_int_t)c, "pixels", (json_int_t)classes->areas[c], "share",
                                                  share_of(classes, c), "rle",
                                                  runs_json(classes->index, r->image_width_px, r->image_height_px, (unsigned)c)));
    *out = json_pack("{s:s, s:[i, i], s:o, s:o}", "method", r->method, "size", r->image_width_px, r->image_height_px, "file",
                     cli_json_string(picture->files[0].name), "classes", list);
    return *out ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
}

static int print_classes(void *user, struct csg_engine *engine, const struct cli_picture *picture, FILE *out,
                         struct csg_error *err)
{
    const struct classes *classes = picture->made;
    (void)user;
    (void)engine;
    (void)err;
    fprintf(out, "%-24s %5s %10s %7s\n", "class", "index", "pixels", "share");
    for (size_t c = 0; c <= classes->result->n_texts; c++) {
        char printable[61];
        if (!classes->areas[c])
            continue;
        fprintf(out, "%-24s %5zu %10zu %6.2f%%\n", cli_table_label(printable, class_name(classes->result, c)), c,
                classes->areas[c], 100 * share_of(classes, c));
    }
    fprintf(out, "%s\n", picture->files[0].name);
    return CSG_OK;
}

static void release_classes(void *user, struct cli_picture *picture)
{
    struct classes *classes = picture->made;
    (void)user;
    if (!classes)
        return;
    csg_result_destroy(&classes->result);
    free(classes->index);
    free(classes->areas);
    free(classes);
    picture->made = NULL;
}

int cli_segment(const struct cli_args *args, struct csg_error *err)
{
    struct segment_job job = {.args = args, .background = 0.1, .scale = 40};
    const struct cli_task task = {.user = &job,
                                  .writes = true,
                                  .name = name_classes,
                                  .texts = segment_texts,
                                  .compute = segment,
                                  .finish = write_classes,
                                  .describe = describe_classes,
                                  .print = print_classes,
                                  .release = release_classes};
    if (args->n_words < 1)
        return cli_fail(err, CSG_ERROR_USAGE, "segment wants a picture and labels");
    int status = cli_map_params(&job.params, args, err);
    job.params.labels = NULL;
    job.params.method = args->method ? args->method : "arch";
    if (status == CSG_OK)
        status = cli_number(&job.background, args->background, "--background", 0, 1, err);
    if (status == CSG_OK)
        status = cli_number(&job.scale, args->scale, "--scale", 1e-3, 1e6, err);
    if (status == CSG_OK)
        status = find_labels(&job.source, args, err);
    if (status == CSG_OK && job.source.count > 255)
        status = cli_fail(err, CSG_ERROR_USAGE, "%zu labels are more than the 255 that a palette PNG can name", job.source.count);
    if (status == CSG_OK)
        status = cli_pictures(&task, args, err);
    csg_label_set_free(&job.source.set);
    return status;
}

/* ------------------------------------------------------------------------------------------ classify */

struct classify_job {
    const struct cli_args *args;
    struct label_source source;
    struct csg_map_params params;
    double top;
};

/* A picture's labels, from the best down, are what is made of it. */
static int rank(const struct classify_job *job, struct csg_engine *engine, struct cli_picture *picture,
                const struct csg_image *image, float *scores, struct csg_error *err)
{
    size_t n = job->source.count;
    struct cli_ranked *ranked = picture->made = calloc(n + 1, sizeof *ranked);
    int status = ranked ? csg_classify(engine, image, job->source.labels, n, job->params.size_px, !job->args->plain, scores,
                                       scores + n, err)
                        : cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; status == CSG_OK && i < n; i++)
        ranked[i] = (struct cli_ranked){job->source.labels[i], scores[i], scores[n + i], i};
    if (status == CSG_OK)
        cli_rank(ranked, n);
    return status;
}

static int classify(void *user, struct csg_engine *engine, struct cli_picture *const *pictures,
                    const struct csg_image *const *images, size_t n, struct csg_error *err)
{
    const struct classify_job *job = user;
    float *scores = calloc(2 * job->source.count + 1, sizeof *scores);
    int status = scores ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; status == CSG_OK && i < n; i++)
        status = rank(job, engine, pictures[i], images[i], scores, err);
    free(scores);
    return status;
}

static int classify_texts(void *user, struct csg_label_set *set, struct csg_error *err)
{
    const struct classify_job *job = user;
    return cli_add_texts(set, job->source.labels, job->source.count, err);
}

static size_t shown(const struct classify_job *job)
{
    return job->top < (double)job->source.count ? (size_t)job->top : job->source.count;
}

static int describe_ranked(void *user, const struct cli_picture *picture, json_t **out, struct csg_error *err)
{
    *out = json_pack("{s:o}", "labels", cli_ranked_json(picture->made, shown(user), "label"));
    return *out ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
}

static int print_labels(void *user, struct csg_engine *engine, const struct cli_picture *picture, FILE *out,
                        struct csg_error *err)
{
    (void)engine;
    (void)err;
    cli_print_ranked(out, picture->made, shown(user), "label");
    return CSG_OK;
}

static void release_ranked(void *user, struct cli_picture *picture)
{
    (void)user;
    free(picture->made);
    picture->made = NULL;
}

int cli_classify(const struct cli_args *args, struct csg_error *err)
{
    struct classify_job job = {.args = args, .top = 10};
    const struct cli_task task = {.user = &job,
                                  .texts = classify_texts,
                                  .compute = classify,
                                  .describe = describe_ranked,
                                  .print = print_labels,
                                  .release = release_ranked};
    if (args->n_words < 1)
        return cli_fail(err, CSG_ERROR_USAGE, "classify wants a picture and labels");
    int status = cli_number(&job.top, args->top, "--top", 1, 1e6, err);
    if (status == CSG_OK)
        status = cli_map_params(&job.params, args, err);
    if (status == CSG_OK)
        status = find_labels(&job.source, args, err);
    if (status == CSG_OK)
        status = cli_pictures(&task, args, err);
    csg_label_set_free(&job.source.set);
    return status;
}
