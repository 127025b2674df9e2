/* `tokens`: the tokens of a sentence in one picture, and over many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "names.h"
#include "pictures.h"
#include "ranking.h"
#include "sheet.h"

/* A token over many pictures. */
struct total {
    char token[256];  /* longer than any of a vocabulary */
    size_t at, first; /* its place in the sentence; pictures of which it is the first */
    double rank, cosine;
    float best;          /* its highest cosine, */
    const char *picture; /* and where that is */
};

struct tokens_job {
    const struct cli_args *args;
    struct csg_map_params params;
    bool many;
    struct total *totals; /* [n_tokens] */
    size_t n_tokens, n_pictures;
};

/* What is made of one picture. */
struct made {
    struct csg_result *result;
    struct cli_ranked *ranked; /* [result->n_texts] */
    struct csg_image *drawn;   /* of a single picture */
};

static int name_sheet(void *user, struct cli_picture *picture, bool many, struct csg_error *err)
{
    struct tokens_job *job = user;
    const char *output = job->args->output;
    job->many = many;
    if (!many)
        return cli_picture_add(picture, cli_one_output(picture->path, output, "_tokens", false), err);
    job->params.no_peaks = true;
    if (output && strcmp(output, picture->path) == 0)
        return cli_fail(err, CSG_ERROR_USAGE, "%s is to be read, and cannot be written", output);
    return output ? csg_check_output(output, job->args->overwrite, err) : CSG_OK;
}

static int rank_tokens(const struct tokens_job *job, struct csg_engine *engine, struct cli_picture *picture,
                       const struct csg_image *image, struct csg_error *err)
{
    struct made *made = picture->made = calloc(1, sizeof *made);
    int status = made ? csg_map_tokens(engine, image, job->args->words[1], &job->params, &made->result, err)
                      : cli_fail(err, CSG_ERROR, "out of memory");
    if (status)
        return status;
    const struct csg_result *result = made->result;
    made->ranked = calloc(result->n_texts, sizeof *made->ranked);
    if (!made->ranked)
        return cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; i < result->n_texts; i++)
        made->ranked[i] = (struct cli_ranked){result->texts[i].text, result->texts[i].score, result->texts[i].score, i};
    cli_rank(made->ranked, result->n_texts);
    const struct cli_sheet sheet = {.engine = engine, .image = image, .result = result, .draw = {.legend = true}};
    return job->many ? CSG_OK : cli_draw_sheet(&sheet, &made->drawn, err);
}

static int compute(void *user, struct csg_engine *engine, struct cli_picture *const *pictures,
                   const struct csg_image *const *images, size_t n, struct csg_error *err)
{
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < n; i++)
        status = rank_tokens(user, engine, pictures[i], images[i], err);
    return status;
}

static int write_sheet(void *user, struct cli_picture *picture, struct csg_error *err)
{
    const struct tokens_job *job = user;
    const struct made *made = picture->made;
    return made->drawn ? csg_image_write_png(made->drawn, picture->files[0].name, job->args->overwrite, err) : CSG_OK;
}

static int describe(void *user, const struct cli_picture *picture, json_t **out, struct csg_error *err)
{
    const struct made *made = picture->made;
    json_t *tokens = cli_ranked_json(made->ranked, made->result->n_texts, "token");
    (void)user;
    *out = picture->n_files ? json_pack("{s:o, s:o}", "file", cli_json_string(picture->files[0].name), "tokens", tokens)
                            : json_pack("{s:o}", "tokens", tokens);
    return *out ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
}

static int print(void *user, struct csg_engine *engine, const struct cli_picture *picture, FILE *out, struct csg_error *err)
{
    const struct made *made = picture->made;
    (void)user;
    (void)engine;
    (void)err;
    cli_print_ranked(out, made->ranked, made->result->n_texts, "token");
    fprintf(out, "%s\n", picture->files[0].name);
    return CSG_OK;
}

/* ------------------------------------------------------------------------------------------ many */

static int begin_totals(struct tokens_job *job, const struct csg_result *result, struct csg_error *err)
{
    job->totals = calloc(result->n_texts, sizeof *job->totals);
    job->n_tokens = job->totals ? result->n_texts : 0;
    for (size_t i = 0; i < job->n_tokens; i++) {
        job->totals[i] = (struct total){.at = i, .best = -2}; /* less than any cosine */
        snprintf(job->totals[i].token, sizeof job->totals->token, "%s", result->texts[i].text);
    }
    return job->totals ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
}

/* The sums of ranks from 1, and of cosines. */
static int collect(void *user, const struct cli_picture *picture, struct csg_error *err)
{
    struct tokens_job *job = user;
    const struct made *made = picture->made;
    int status = job->totals ? CSG_OK : begin_totals(job, made->result, err);
    for (size_t i = 0; status == CSG_OK && i < job->n_tokens; i++) {
        const struct cli_ranked *ranked = made->ranked + i;
        struct total *total = job->totals + ranked->at;
        total->first += i == 0;
        total->rank += (double)(i + 1);
        total->cosine += (double)ranked->cosine;
        if (ranked->cosine > total->best) {
            total->best = ranked->cosine;
            total->picture = picture->path;
        }
    }
    job->n_pictures++;
    return status;
}

/* What fires most comes first. */
static int by_rank(const void *a, const void *b)
{
    const struct total *x = a, *y = b;
    if (x->rank < y->rank || x->rank > y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The heat maps of all tokens that are highest in that picture. */
static int draw_picture(const struct tokens_job *job, struct csg_engine *engine, const char *path, struct csg_image **cells,
                        struct csg_error *err)
{
    struct csg_image *image = NULL;
    struct csg_result *result = NULL;
    const struct csg_draw_params draw = {.legend = true};
    int status = csg_image_load(&image, path, err);
    if (status == CSG_OK)
        status = csg_map_tokens(engine, image, job->args->words[1], &job->params, &result, err);
    for (size_t i = 0; status == CSG_OK && i < job->n_tokens; i++)
        if (strcmp(job->totals[i].picture, path) == 0)
            status = csg_draw_overlay(engine, result, image, job->totals[i].at, &draw, &cells[i], err);
    csg_result_destroy(&result);
    csg_image_destroy(&image);
    return status;
}

/* One cell a token, in their order. */
static int draw_totals(const struct tokens_job *job, struct csg_engine *engine, struct csg_error *err)
{
    size_t n = job->n_tokens;
    struct csg_image **cells = calloc(n, sizeof(struct csg_image *)), *sheet = NULL;
    char(*captions)[160] = calloc(n, sizeof *captions);
    const char **shown = calloc(n, sizeof *shown);
    int status = cells && captions && shown ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; status == CSG_OK && i < n; i++) {
        snprintf(captions[i], sizeof *captions, "%.100s: first in %zu of %zu", job->totals[i].token, job->totals[i].first,
                 job->n_pictures);
        shown[i] = captions[i];
        if (!cells[i])
            status = draw_picture(job, engine, job->totals[i].picture, cells, err);
    }
    if (status == CSG_OK)
        status = csg_contact_sheet((const struct csg_image *const *)cells, shown, n, 0, 0, &sheet, err);
    if (status == CSG_OK)
        status = csg_image_write_png(sheet, job->args->output, job->args->overwrite, err);
    for (size_t i = 0; cells && i < n; i++)
        csg_image_destroy(&cells[i]);
    csg_image_destroy(&sheet);
    free(cells);
    free(captions);
    free(shown);
    return status;
}

static void add_totals(const struct tokens_job *job, json_t *report)
{
    json_t *list = json_array();
    double n = (double)job->n_pictures;
    for (size_t i = 0; i < job->n_tokens; i++) {
        const struct total *t = job->totals + i;
        json_array_append_new(list, json_pack("{s:o, s:I, s:I, s:f, s:f, s:f, s:o}", "token", cli_json_string(t->token), "index",
                                              (json_int_t)t->at, "first", (json_int_t)t->first, "mean_rank", t->rank / n,
                                              "mean_cosine", t->cosine / n, "highest_cosine", (double)t->best, "highest_in",
                                              cli_json_string(t->picture)));
    }
    json_object_set_new(report, "tokens", list);
    json_object_set_new(report, "file", job->args->output ? cli_json_string(job->args->output) : json_null());
}

static void print_totals(const struct tokens_job *job)
{
    printf("%-24s %9s %9s %11s  highest in, of %zu pictures\n", "token", "first in", "mean rank", "mean cosine", job->n_pictures);
    for (size_t i = 0; i < job->n_tokens; i++) {
        const struct total *t = job->totals + i;
        char token[61], picture[1024];
        snprintf(picture, sizeof picture, "%s", t->picture);
        printf("%-24s %9zu %9.2f %11.4f  %s\n", cli_table_label(token, t->token), t->first, t->rank / (double)job->n_pictures,
               t->cosine / (double)job->n_pictures, cli_printable(picture));
    }
    if (job->args->output)
        puts(job->args->output);
}

static int end(void *user, struct csg_engine *engine, struct csg_error *err)
{
    struct tokens_job *job = user;
    qsort(job->totals, job->n_tokens, sizeof *job->totals, by_rank);
    return job->args->output ? draw_totals(job, engine, err) : CSG_OK;
}

static void sum_up(void *user, json_t *report)
{
    if (report)
        add_totals(user, report);
    else
        print_totals(user);
}

static void release(void *user, struct cli_picture *picture)
{
    struct made *made = picture->made;
    (void)user;
    if (made) {
        csg_result_destroy(&made->result);
        csg_image_destroy(&made->drawn);
        free(made->ranked);
    }
    free(made);
    picture->made = NULL;
}

int cli_tokens(const struct cli_args *args, struct csg_error *err)
{
    struct tokens_job job = {.args = args};
    const struct cli_task task = {.user = &job,
                                  .text_towers = true,
                                  .name = name_sheet,
                                  .compute = compute,
                                  .finish = write_sheet,
                                  .collect = collect,
                                  .describe = describe,
                                  .print = print,
                                  .end = end,
                                  .sum_up = sum_up,
                                  .release = release};
    if (args->n_words != 2)
        return cli_fail(err, CSG_ERROR_USAGE, "tokens wants a picture, or a folder of them, and one sentence");
    int status = cli_map_params(&job.params, args, err);
    if (status == CSG_OK)
        status = cli_pictures(&task, args, err);
    free(job.totals);
    return status;
}
