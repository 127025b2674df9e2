#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "names.h"
#include "report.h"
#include "sheet.h"

/* Everything that one `map` holds. */
struct map_job {
    const struct cli_args *args;
    struct csg_image *image;
    struct csg_engine *engine;
    struct csg_result *result;
    struct csg_result **compared; /* with the methods of --compare, in its order; NULL without */
    size_t n_compared;
    struct cli_list methods; /* of --compare */
    struct csg_draw_params draw;
    char **files; /* what is written: the pictures of the texts, the sheet, the array */
    size_t n_files, n_pictures;
    bool sheet;
};

static int add_file(struct map_job *job, char *name, struct csg_error *err)
{
    if (!name)
        return cli_fail(err, CSG_ERROR, "out of memory");
    job->files[job->n_files++] = name;
    return CSG_OK;
}

/* Two things written to one name would lose the first. */
static int check_names(const struct map_job *job, struct csg_error *err)
{
    for (size_t i = 0; i < job->n_files; i++)
        for (size_t j = i + 1; j < job->n_files; j++)
            if (strcmp(job->files[i], job->files[j]) == 0)
                return cli_fail(err, CSG_ERROR_USAGE, "%s would be written twice", job->files[i]);
    return CSG_OK;
}

/* One picture a text, and a sheet where there is more than one to see. Names that exist are refused before anything is computed. */
static int plan_files(struct map_job *job, struct csg_error *err)
{
    const struct cli_args *args = job->args;
    size_t n_texts = args->n_words - 1;
    char *own = args->output ? NULL : cli_default_output(args->words[0], "_map");
    const char *output = args->output ? args->output : own;
    int status = CSG_OK;
    job->sheet = n_texts > 1 || args->compare;
    job->n_pictures = n_texts > 1 || !args->compare ? n_texts : 0;
    job->files = calloc(n_texts + 2, sizeof *job->files);
    if (!job->files || !output)
        status = cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; status == CSG_OK && i < job->n_pictures; i++)
        status = add_file(job, cli_text_output(output, n_texts > 1 ? args->words[1 + i] : NULL, job->files, job->n_files), err);
    if (status == CSG_OK && job->sheet)
        status = add_file(job, cli_text_output(output, NULL, job->files, job->n_files), err);
    if (status == CSG_OK && args->npy)
        status = add_file(job, cli_text_output(args->npy, NULL, job->files, 0), err);
    if (status == CSG_OK)
        status = check_names(job, err);
    for (size_t i = 0; status == CSG_OK && i < job->n_files; i++)
        status = csg_check_output(job->files[i], args->overwrite, err);
    free(own);
    return status;
}

static int open_all(struct map_job *job, struct csg_error *err)
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
        status = plan_files(job, err);
    if (status == CSG_OK)
        status = csg_image_load(&job->image, args->words[0], err);
    if (status == CSG_OK)
        status = cli_engine(&job->engine, args, err);
    if (status == CSG_OK)
        cli_method_list_fit(&job->methods, job->engine);
    return status;
}

/* The methods of a list "a,b,c" or of "all", but for the one that is drawn anyway. */
static int compute_compared(struct map_job *job, struct csg_map_params params, struct csg_error *err)
{
    const struct cli_list methods = job->methods;
    int status = CSG_OK;
    job->compared = calloc(methods.count + 1, sizeof *job->compared);
    if (!job->compared)
        status = cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; status == CSG_OK && i < methods.count; i++) {
        params.method = methods.items[i];
        if (strcmp(params.method, job->result->method) == 0 && methods.count > 1)
            continue;
        status = csg_map(job->engine, job->image, job->args->words + 1, job->args->n_words - 1, &params,
                         &job->compared[job->n_compared], err);
        job->n_compared += status == CSG_OK;
    }
    return status;
}

static int compute(struct map_job *job, struct csg_error *err)
{
    const struct cli_args *args = job->args;
    struct csg_map_params params;
    int status = cli_map_params(&params, args, err);
    if (status == CSG_OK)
        status = csg_map(job->engine, job->image, args->words + 1, args->n_words - 1, &params, &job->result, err);
    if (status == CSG_OK && args->compare)
        status = compute_compared(job, params, err);
    for (size_t i = 0; status == CSG_OK && !args->quiet && i < job->result->n_texts; i++)
        cli_warn_unknown(job->engine, job->result->texts[i].text);
    return status;
}

static int write_pictures(struct map_job *job, struct csg_error *err)
{
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < job->n_pictures; i++) {
        struct csg_image *picture = NULL;
        status = csg_draw_overlay(job->engine, job->result, job->image, i, &job->draw, &picture, err);
        if (status == CSG_OK)
            status = csg_image_write_png(picture, job->files[i], job->args->overwrite, err);
        csg_image_destroy(&picture);
    }
    return status;
}

static int write_all(struct map_job *job, struct csg_error *err)
{
    const struct csg_result *result = job->result;
    const size_t dims[3] = {result->n_texts, (size_t)result->map_h, (size_t)result->map_w};
    int status = write_pictures(job, err);
    if (status == CSG_OK && job->sheet) {
        const struct cli_sheet sheet = {.engine = job->engine,
                                        .image = job->image,
                                        .result = job->result,
                                        .compared = job->compared,
                                        .n_compared = job->n_compared,
                                        .draw = job->draw,
                                        .path = job->files[job->n_pictures],
                                        .overwrite = job->args->overwrite};
        status = cli_write_sheet(&sheet, err);
    }
    if (status == CSG_OK && job->args->npy)
        status = csg_npy_write(job->args->npy, result->similarity, dims, 3, job->args->overwrite, err);
    return status;
}

int cli_map(const struct cli_args *args, struct csg_error *err)
{
    struct map_job job = {.args = args};
    if (args->n_words < 2)
        return cli_fail(err, CSG_ERROR_USAGE, "map wants a picture and at least one text");
    int status = open_all(&job, err);
    if (status == CSG_OK)
        status = compute(&job, err);
    if (status == CSG_OK)
        status = write_all(&job, err);
    if (status == CSG_OK && args->json)
        status = cli_report_json(job.engine, job.result, job.files, job.n_files, err);
    else if (status == CSG_OK)
        cli_report_table(job.engine, job.result, job.files, job.n_files);
    csg_result_destroy(&job.result);
    for (size_t i = 0; i < job.n_compared; i++)
        csg_result_destroy(&job.compared[i]);
    free(job.compared);
    cli_list_free(&job.methods);
    cli_engine_close(&job.engine);
    csg_image_destroy(&job.image);
    for (size_t i = 0; i < job.n_files; i++)
        free(job.files[i]);
    free(job.files);
    return status;
}
