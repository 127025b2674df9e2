#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "names.h"
#include "report.h"

/* Everything that one `map` holds. */
struct map_job {
    const struct cli_args *args;
    struct csg_image *image;
    struct csg_engine *engine;
    struct csg_result *result, *compared; /* compared: with the method of --compare, else NULL */
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
    char *own = args->output ? NULL : cli_default_output(args->words[0]);
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
    job->draw = (struct csg_draw_params){.colormap = args->colormap, .opacity = opacity > 0 ? opacity : -1};
    if (status == CSG_OK)
        status = plan_files(job, err);
    if (status == CSG_OK)
        status = csg_image_load(&job->image, args->words[0], err);
    return status ? status : cli_engine(&job->engine, args, err);
}

static int compute(struct map_job *job, struct csg_error *err)
{
    const struct cli_args *args = job->args;
    struct csg_map_params params;
    int status = cli_map_params(&params, args, err);
    if (status == CSG_OK)
        status = csg_map(job->engine, job->image, args->words + 1, args->n_words - 1, &params, &job->result, err);
    if (status == CSG_OK && args->compare) {
        params.method = args->compare;
        status = csg_map(job->engine, job->image, args->words + 1, args->n_words - 1, &params, &job->compared, err);
    }
    for (size_t i = 0; status == CSG_OK && !args->quiet && i < job->result->n_texts; i++)
        cli_warn_unknown(job->engine, job->result->texts[i].text);
    return status;
}

static int write_pictures(struct map_job *job, struct csg_error *err)
{
    struct csg_draw_params draw = job->draw;
    int status = CSG_OK;
    draw.legend = !job->args->no_legend;
    for (size_t i = 0; status == CSG_OK && i < job->n_pictures; i++) {
        struct csg_image *picture = NULL;
        status = csg_draw_overlay(job->engine, job->result, job->image, i, &draw, &picture, err);
        if (status == CSG_OK)
            status = csg_image_write_png(picture, job->files[i], job->args->overwrite, err);
        csg_image_destroy(&picture);
    }
    return status;
}

/* Cell `index` of the sheet: the picture itself first, then the texts; with --compare a row a text, the compared method first. */
struct cell {
    struct csg_image *picture;
    char caption[160];
};

static int fill_cell(struct map_job *job, struct cell *cell, const struct csg_result *result, size_t text, bool name_method,
                     struct csg_error *err)
{
    struct csg_draw_params draw = job->draw;
    draw.legend = !job->args->no_legend;
    if (name_method)
        snprintf(cell->caption, sizeof cell->caption, "%s: %.120s", result->method, result->texts[text].text);
    else
        snprintf(cell->caption, sizeof cell->caption, "%.150s", result->texts[text].text);
    return csg_draw_overlay(job->engine, result, job->image, text, &draw, &cell->picture, err);
}

static int copy_picture(struct map_job *job, struct cell *cell, struct csg_error *err)
{
    snprintf(cell->caption, sizeof cell->caption, "picture");
    return csg_image_from_rgb(&cell->picture, csg_image_rgb(job->image), csg_image_width_px(job->image),
                              csg_image_height_px(job->image), 0, err);
}

static int columns_for(size_t count)
{
    int columns = 1;
    while ((size_t)columns * (size_t)columns < count)
        columns++;
    return columns;
}

static int write_sheet(struct map_job *job, struct csg_error *err)
{
    size_t n_texts = job->result->n_texts, per_row = job->compared ? 3 : 1;
    size_t count = job->compared ? per_row * n_texts : 1 + n_texts, at = 0;
    struct cell *cells = calloc(count, sizeof *cells);
    const struct csg_image **pictures = calloc(count, sizeof *pictures);
    const char **captions = calloc(count, sizeof *captions);
    struct csg_image *sheet = NULL;
    int status = cells && pictures && captions ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    if (status == CSG_OK && !job->compared)
        status = copy_picture(job, cells + at++, err);
    for (size_t i = 0; status == CSG_OK && i < n_texts; i++) {
        if (job->compared) {
            status = copy_picture(job, cells + at++, err);
            if (status == CSG_OK)
                status = fill_cell(job, cells + at++, job->compared, i, true, err);
        }
        if (status == CSG_OK)
            status = fill_cell(job, cells + at++, job->result, i, job->compared != NULL, err);
    }
    for (size_t i = 0; status == CSG_OK && i < count; i++) {
        pictures[i] = cells[i].picture;
        captions[i] = cells[i].caption;
    }
    if (status == CSG_OK)
        status = csg_contact_sheet(pictures, captions, count, job->compared ? (int)per_row : columns_for(count), 0, &sheet, err);
    if (status == CSG_OK)
        status = csg_image_write_png(sheet, job->files[job->n_pictures], job->args->overwrite, err);
    for (size_t i = 0; cells && i < count; i++)
        csg_image_destroy(&cells[i].picture);
    csg_image_destroy(&sheet);
    free(cells);
    free(pictures);
    free(captions);
    return status;
}

static int write_all(struct map_job *job, struct csg_error *err)
{
    const struct csg_result *result = job->result;
    const size_t dims[3] = {result->n_texts, (size_t)result->grid_h, (size_t)result->grid_w};
    int status = write_pictures(job, err);
    if (status == CSG_OK && job->sheet)
        status = write_sheet(job, err);
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
    csg_result_destroy(&job.compared);
    cli_engine_close(&job.engine);
    csg_image_destroy(&job.image);
    for (size_t i = 0; i < job.n_files; i++)
        free(job.files[i]);
    free(job.files);
    return status;
}
