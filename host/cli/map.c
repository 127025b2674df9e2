#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "names.h"
#include "pictures.h"
#include "report.h"
#include "sheet.h"

/* What is drawn of one picture and not yet written; more is written before the engine goes on. */
#define MOST_DRAWN_BYTES ((size_t)64 << 20)

/* What every picture of one `map` is made with. */
struct map_job {
    const struct cli_args *args;
    const char *const *texts;
    size_t n_texts;
    struct csg_map_params params;
    struct csg_draw_params draw;
    struct cli_list methods; /* of --compare */
    size_t n_pictures;       /* files of a picture: pictures of texts, then the sheet, then the array */
    bool sheet;
};

/* What is made of one picture. */
struct made {
    struct csg_result *result;
    struct csg_result **compared; /* with the methods of --compare, in its order, but for the one that is drawn anyway */
    size_t n_compared;
    struct csg_image **drawn; /* [n_files], those that are to be written */
};

/* One picture a text, and a sheet where there is more than one to see. */
static int name_files(void *user, struct cli_picture *picture, bool many, struct csg_error *err)
{
    const struct map_job *job = user;
    const struct cli_args *args = job->args;
    char *output = cli_one_output(picture->path, args->output, "_map", many);
    char **names = calloc(job->n_pictures + 1, sizeof *names); /* so that the names of two texts differ */
    int status = output && names ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; status == CSG_OK && i < job->n_pictures; i++) {
        status = cli_picture_add(picture, cli_text_output(output, job->n_texts > 1 ? job->texts[i] : NULL, names, i), err);
        names[i] = status ? NULL : picture->files[i].name;
    }
    if (status == CSG_OK && job->sheet)
        status = cli_picture_add(picture, cli_text_output(output, NULL, names, job->n_pictures), err);
    if (status == CSG_OK && args->npy)
        status = cli_picture_add(
            picture, many ? cli_many_output(args->npy, picture->path, "_map", ".npy") : cli_text_output(args->npy, NULL, NULL, 0),
            err);
    free(names);
    free(output);
    return status;
}

static int opened(void *user, struct csg_engine *engine, bool quiet, struct csg_error *err)
{
    struct map_job *job = user;
    (void)err;
    cli_method_list_fit(&job->methods, engine, quiet);
    return CSG_OK;
}

static int needed_texts(void *user, struct csg_label_set *set, struct csg_error *err)
{
    const struct map_job *job = user;
    struct csg_map_params params = job->params;
    int status = cli_add_map_texts(set, job->texts, job->n_texts, &params, err);
    for (size_t i = 0; status == CSG_OK && i < job->methods.count; i++) {
        params.method = job->methods.items[i];
        status = cli_add_map_texts(set, job->texts, job->n_texts, &params, err);
    }
    return status;
}

/* ------------------------------------------------------------------------------------------ computing */

/* The methods of --compare, of all pictures. */
static int compare(const struct map_job *job, struct csg_engine *engine, struct cli_picture *const *pictures,
                   const struct csg_image *const *images, size_t n, struct csg_result **results, struct csg_error *err)
{
    struct csg_map_params params = job->params;
    int status = CSG_OK;
    for (size_t m = 0; status == CSG_OK && m < job->methods.count; m++) {
        const struct made *first = pictures[0]->made;
        params.method = job->methods.items[m];
        if (strcmp(params.method, first->result->method) == 0 && job->methods.count > 1)
            continue;
        status = csg_map_many(engine, images, n, job->texts, job->n_texts, &params, results, err);
        for (size_t i = 0; status == CSG_OK && i < n; i++) {
            struct made *made = pictures[i]->made;
            made->compared[made->n_compared++] = results[i];
        }
    }
    return status;
}

static size_t drawn_bytes(const struct csg_image *image)
{
    return 3 * (size_t)csg_image_width_px(image) * (size_t)csg_image_height_px(image);
}

static int write_drawn(const struct map_job *job, struct made *made, const struct cli_picture *picture, size_t file,
                       struct csg_error *err)
{
    int status =
        made->drawn[file] ? csg_image_write_png(made->drawn[file], picture->files[file].name, job->args->overwrite, err) : CSG_OK;
    csg_image_destroy(&made->drawn[file]);
    return status;
}

/* The overlays and the sheet, but for those that are there already. */
static int draw(const struct map_job *job, struct csg_engine *engine, const struct cli_picture *picture,
                const struct csg_image *image, struct csg_error *err)
{
    struct made *made = picture->made;
    const struct cli_sheet sheet = {.engine = engine,
                                    .image = image,
                                    .result = made->result,
                                    .compared = made->compared,
                                    .n_compared = made->n_compared,
                                    .draw = job->draw};
    size_t bytes = 0;
    int status = CSG_OK;
    for (size_t f = 0; status == CSG_OK && f < job->n_pictures + job->sheet; f++) {
        if (picture->files[f].kept)
            continue;
        if (f < job->n_pictures)
            status = csg_draw_overlay(engine, made->result, image, f, &job->draw, &made->drawn[f], err);
        else
            status = cli_draw_sheet(&sheet, &made->drawn[f], err);
        bytes += status == CSG_OK ? drawn_bytes(made->drawn[f]) : 0;
        if (status == CSG_OK && bytes > MOST_DRAWN_BYTES)
            status = write_drawn(job, made, picture, f, err);
    }
    return status;
}

static int prepare_made(const struct map_job *job, struct cli_picture *picture, struct csg_error *err)
{
    struct made *made = picture->made = calloc(1, sizeof *made);
    if (made) {
        made->compared = calloc(job->methods.count + 1, sizeof(struct csg_result *));
        made->drawn = calloc(picture->n_files, sizeof(struct csg_image *));
    }
    return made && made->compared && made->drawn ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
}

static int compute(void *user, struct csg_engine *engine, struct cli_picture *const *pictures,
                   const struct csg_image *const *images, size_t n, struct csg_error *err)
{
    const struct map_job *job = user;
    struct csg_result **results = calloc(n, sizeof(struct csg_result *));
    int status = results ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; status == CSG_OK && i < n; i++)
        status = prepare_made(job, pictures[i], err);
    if (status == CSG_OK)
        status = csg_map_many(engine, images, n, job->texts, job->n_texts, &job->params, results, err);
    for (size_t i = 0; status == CSG_OK && i < n; i++)
        ((struct made *)pictures[i]->made)->result = results[i];
    if (status == CSG_OK)
        status = compare(job, engine, pictures, images, n, results, err);
    for (size_t i = 0; status == CSG_OK && i < n; i++)
        status = draw(job, engine, pictures[i], images[i], err);
    free(results);
    return status;
}

static int finish(void *user, struct cli_picture *picture, struct csg_error *err)
{
    const struct map_job *job = user;
    struct made *made = picture->made;
    const struct csg_result *result = made->result;
    const size_t dims[3] = {result->n_texts, (size_t)result->map_h, (size_t)result->map_w};
    int status = CSG_OK;
    for (size_t f = 0; status == CSG_OK && f < job->n_pictures + job->sheet; f++)
        status = write_drawn(job, made, picture, f, err);
    const struct cli_file *array = picture->files + picture->n_files - 1;
    if (status == CSG_OK && job->args->npy && !array->kept)
        status = csg_npy_write(array->name, result->similarity, dims, 3, job->args->overwrite, err);
    return status;
}

/* ------------------------------------------------------------------------------------------ saying */

static int describe(void *user, const struct cli_picture *picture, json_t **out, struct csg_error *err)
{
    const struct made *made = picture->made;
    char **names = cli_picture_names(picture);
    (void)user;
    *out = names ? cli_report_result(made->result, names, picture->n_files) : NULL;
    free(names);
    return *out ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
}

static int complete(void *user, struct csg_engine *engine, json_t **document, struct csg_error *err)
{
    (void)user;
    return cli_report_engine(document, engine, err);
}

static int print(void *user, struct csg_engine *engine, const struct cli_picture *picture, FILE *out, struct csg_error *err)
{
    const struct made *made = picture->made;
    char **names = cli_picture_names(picture);
    (void)user;
    if (!names)
        return cli_fail(err, CSG_ERROR, "out of memory");
    cli_report_table(out, engine, made->result, names, picture->n_files);
    free(names);
    return CSG_OK;
}

static void release(void *user, struct cli_picture *picture)
{
    struct made *made = picture->made;
    (void)user;
    if (!made)
        return;
    csg_result_destroy(&made->result);
    for (size_t i = 0; i < made->n_compared; i++)
        csg_result_destroy(&made->compared[i]);
    for (size_t f = 0; made->drawn && f < picture->n_files; f++)
        csg_image_destroy(&made->drawn[f]);
    free(made->compared);
    free(made->drawn);
    free(made);
    picture->made = NULL;
}

static int read_options(struct map_job *job, struct csg_error *err)
{
    const struct cli_args *args = job->args;
    double opacity = 0.6;
    int status = cli_number(&opacity, args->opacity, "--opacity", 0, 1, err);
    if (status == CSG_OK && !csg_colormap_known(args->colormap))
        status =
            cli_fail(err, CSG_ERROR_USAGE, "there is no colour map '%s'; `clip-surgeon map --help` lists them", args->colormap);
    job->draw =
        (struct csg_draw_params){.colormap = args->colormap, .opacity = opacity > 0 ? opacity : -1, .legend = !args->no_legend};
    if (status == CSG_OK && args->compare)
        status = cli_method_list(&job->methods, args->compare, err);
    if (status == CSG_OK)
        status = cli_map_params(&job->params, args, err);
    job->sheet = job->n_texts > 1 || args->compare;
    job->n_pictures = job->n_texts > 1 || !args->compare ? job->n_texts : 0;
    return status;
}

int cli_map(const struct cli_args *args, struct csg_error *err)
{
    if (args->n_words < 2)
        return cli_fail(err, CSG_ERROR_USAGE, "map wants a picture and at least one text");
    struct map_job job = {.args = args, .texts = args->words + 1, .n_texts = args->n_words - 1};
    const struct cli_task task = {.user = &job,
                                  .writes = true,
                                  .name = name_files,
                                  .opened = opened,
                                  .texts = needed_texts,
                                  .compute = compute,
                                  .finish = finish,
                                  .describe = describe,
                                  .print = print,
                                  .complete = complete,
                                  .release = release};
    int status = read_options(&job, err);
    if (status == CSG_OK)
        status = cli_pictures(&task, args, err);
    cli_list_free(&job.methods);
    return status;
}
