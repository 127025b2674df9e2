#include "pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engines.h"
#include "gather.h"
#include "names.h"
#include "progress.h"
#include "report.h"

#define DEFAULT_BATCH 8
#define DEFAULT_TOKENS 8192 /* of a default batch at most: beyond, memory grows and nothing else */
#define MOST_BATCH 1024
#define PATIENCE_S 0.05 /* after SIGINT, for what is being written; the rest ends with the program */

struct run {
    const struct cli_task *task;
    const struct cli_args *args;
    bool many; /* not one picture alone */
    struct csg_picture_list *lists;
    size_t n_lists, n_pictures;
    struct cli_picture *pictures;
    size_t *todo; /* [n_todo] indices of those whose outputs are not there yet */
    const char **paths;
    size_t n_todo;
    size_t batch;
    struct cli_ranks ranks;
    struct cli_engines engines;
    json_t *said;  /* of pictures; what is printed where ranks share them waits in it, too */
    FILE *printed; /* a picture's, where ranks share them */
    struct {
        size_t pictures;
        double ms;
    } by[CLI_MOST_ENGINES];
    struct cli_progress progress;
    double walk_s;        /* from the first picture read to the last one written */
    double interrupted_s; /* when that was seen; 0: it was not */
};

/* ------------------------------------------------------------------------------------------ what there is to do */

static int find_pictures(struct run *run, struct csg_error *err)
{
    size_t n_words = run->task->every_word ? run->args->n_words : 1, at = 0;
    run->lists = calloc(n_words, sizeof *run->lists);
    if (!run->lists)
        return cli_fail(err, CSG_ERROR, "out of memory");
    for (; run->n_lists < n_words; run->n_lists++) {
        struct csg_picture_list *list = run->lists + run->n_lists;
        int status = csg_picture_list_load(list, run->args->words[run->n_lists], err);
        if (status)
            return status;
        run->many |= list->many;
        run->n_pictures += list->count;
    }
    run->pictures = calloc(run->n_pictures, sizeof *run->pictures);
    run->todo = calloc(run->n_pictures, sizeof *run->todo);
    run->paths = calloc(run->n_pictures, sizeof *run->paths);
    if (!run->pictures || !run->todo || !run->paths)
        return cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t l = 0; l < run->n_lists; l++)
        for (size_t i = 0; i < run->lists[l].count; i++)
            run->pictures[at++].path = run->lists[l].paths[i];
    return CSG_OK;
}

struct name {
    const char *name;
    bool output;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->name, ((const struct name *)b)->name);
}

static const char *without_dot(const char *path)
{
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    return path;
}

/* Two things written to one name would lose the first, and none of many pictures is overwritten with what is made of them. */
static int check_names(const struct run *run, struct csg_error *err)
{
    size_t count = 0, most = 0;
    for (size_t i = 0; i < run->n_pictures; i++)
        most += run->pictures[i].n_files + 1;
    struct name *names = calloc(most + 1, sizeof *names);
    int status = names ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; status == CSG_OK && i < run->n_pictures; i++) {
        const struct cli_picture *picture = run->pictures + i;
        if (run->many)
            names[count++] = (struct name){without_dot(picture->path), false};
        for (size_t f = 0; f < picture->n_files; f++)
            names[count++] = (struct name){without_dot(picture->files[f].name), true};
    }
    if (status == CSG_OK)
        qsort(names, count, sizeof *names, by_name);
    for (size_t i = 1; status == CSG_OK && i < count; i++)
        if (by_name(names + i - 1, names + i) == 0 && (names[i - 1].output || names[i].output))
            status = cli_fail(err, CSG_ERROR_USAGE,
                              run->many ? "%s would be written twice, or is to be read; {name} in -o keeps a picture's ending"
                                        : "%s would be written twice",
                              names[i].name);
    free(names);
    return status;
}

/* Outputs that are there already: of one picture an error; of many they are kept, so that a run that was interrupted goes on. */
static int check_outputs(struct run *run, struct csg_error *err)
{
    for (size_t i = 0; i < run->n_pictures; i++) {
        struct cli_picture *picture = run->pictures + i;
        size_t kept = 0;
        for (size_t f = 0; f < picture->n_files; f++) {
            struct cli_file *file = picture->files + f;
            file->kept = run->many && !run->args->overwrite && csg_output_exists(file->name);
            kept += file->kept;
            int status = run->many ? cli_make_folder_of(file->name, err) : CSG_OK;
            if (status == CSG_OK)
                status = csg_check_output(file->name, run->args->overwrite || file->kept, err);
            if (status)
                return status;
        }
        if (!kept || kept < picture->n_files) {
            run->todo[run->n_todo] = i;
            run->paths[run->n_todo++] = picture->path;
        }
    }
    size_t skipped = run->n_pictures - run->n_todo;
    if (skipped && !run->args->quiet && !run->ranks.rank)
        cli_say("%zu of %zu pictures have their outputs already and are left out; -y makes them anew", skipped, run->n_pictures);
    return CSG_OK;
}

static int check_many(const struct cli_args *args, struct csg_error *err)
{
    if (!args->output)
        return cli_fail(err, CSG_ERROR_USAGE, "many pictures need -o with a folder, or with {stem} for a picture's name");
    for (int npy = 0; npy < 2; npy++) {
        const char *output = npy ? args->npy : args->output;
        if (output && !cli_output_takes_many(output))
            return cli_fail(err, CSG_ERROR_USAGE,
                            "many pictures cannot all be written to %s: %s wants a folder, or {stem} for a picture's name",
                            output, npy ? "--npy" : "-o");
    }
    return CSG_OK;
}

static int plan(struct run *run, struct csg_error *err)
{
    const struct cli_args *args = run->args;
    int batch = 0;
    int status = cli_whole_number(&batch, args->batch, "--batch", MOST_BATCH, err);
    run->batch = (size_t)batch;
    if (status == CSG_OK)
        status = find_pictures(run, err);
    if (status == CSG_OK && run->many && run->task->writes)
        status = check_many(args, err);
    for (size_t i = 0; status == CSG_OK && run->task->name && i < run->n_pictures; i++)
        status = run->task->name(run->task->user, &run->pictures[i], run->many, err);
    if (status == CSG_OK)
        status = check_names(run, err);
    return status ? status : check_outputs(run, err);
}

/* ------------------------------------------------------------------------------------------ engines */

static int open_engines(struct run *run, struct csg_error *err)
{
    bool quiet = run->args->quiet || run->ranks.rank; /* the first says it for all */
    int status = cli_engines_open(&run->engines, run->args, run->n_todo, run->task->text_towers ? NULL : "image", err);
    if (status == CSG_OK && run->engines.count && !run->task->every_word && !quiet)
        cli_warn_unknown(run->engines.engines[0], run->args, 1);
    if (status == CSG_OK && run->engines.count && run->task->opened)
        status = run->task->opened(run->task->user, run->engines.engines[0], quiet, err);
    return status;
}

/* The first engine computes the features of the texts, so that all have the same. */
static int share_texts(struct run *run, struct csg_error *err)
{
    struct csg_label_set set = {0};
    struct csg_engine_info info;
    float *features = NULL;
    if (run->engines.count < 2 || !run->task->texts)
        return CSG_OK;
    csg_engine_info(run->engines.engines[0], &info);
    int status = run->task->texts(run->task->user, &set, err);
    if (status == CSG_OK && !(features = calloc(set.count * info.embed_dim + 1, sizeof *features)))
        status = cli_fail(err, CSG_ERROR, "out of memory");
    const char *const *labels = (const char *const *)set.labels;
    if (status == CSG_OK)
        status = csg_embed_texts(run->engines.engines[0], labels, set.count, features, err);
    for (size_t i = 1; status == CSG_OK && i < run->engines.count; i++)
        status = csg_take_features(run->engines.engines[i], labels, set.count, features, err);
    free(features);
    csg_label_set_free(&set);
    return status;
}

/* ------------------------------------------------------------------------------------------ many */

/* At once: a device may take long to end what is queued on it. Files are written whole or not at all. */
static _Noreturn void leave(struct run *run)
{
    cli_progress_clear(&run->progress);
    fflush(stdout);
    cli_say("interrupted");
    _Exit(-CSG_ERROR_INTERRUPTED);
}

static bool on_watch(void *user, const struct csg_walk_state *state)
{
    struct run *run = user;
    double s = cli_now_s();
    if (!cli_interrupted()) {
        size_t done = run->ranks.count > 1 ? cli_ranks_done(&run->ranks, state->done) : state->done;
        if (!state->ending)
            cli_progress_show(&run->progress, done, state->total);
        return false;
    }
    if (!(run->interrupted_s > 0))
        run->interrupted_s = s;
    if (s - run->interrupted_s > PATIENCE_S)
        leave(run);
    return true;
}

static int on_compute(void *user, size_t engine, const size_t *indices, const struct csg_image *const *images, size_t n,
                      struct csg_error *err)
{
    struct run *run = user;
    struct cli_picture *pictures[MOST_BATCH];
    for (size_t i = 0; i < n; i++)
        pictures[i] = run->pictures + run->todo[indices[i]];
    return run->task->compute(run->task->user, run->engines.engines[engine], pictures, images, n, err);
}

static int on_finish(void *user, size_t index, struct csg_error *err)
{
    struct run *run = user;
    return run->task->finish ? run->task->finish(run->task->user, run->pictures + run->todo[index], err) : CSG_OK;
}

static bool says_json(const struct run *run)
{
    return run->args->json || run->task->always_json;
}

static int unreadable(struct run *run, size_t at, const char *problem, struct csg_error *err)
{
    if (!run->many) /* it was named */
        return cli_fail(err, CSG_ERROR_INPUT, "%s", problem);
    cli_progress_clear(&run->progress);
    if (!run->args->quiet)
        cli_say("warning: left out: %s", problem);
    json_array_append_new(json_object_get(run->said, "unreadable"),
                          json_pack("{s:I, s:o, s:o}", "at", (json_int_t)at, "picture", cli_json_string(run->pictures[at].path),
                                    "reason", cli_json_string(problem)));
    return CSG_OK;
}

static int describe(struct run *run, size_t at, const struct csg_walk_picture *about, struct csg_error *err)
{
    json_t *described = NULL;
    int status = run->task->describe(run->task->user, run->pictures + at, &described, err);
    json_t *entry = json_pack("{s:I, s:o, s:I, s:f}", "at", (json_int_t)at, "picture", cli_json_string(run->pictures[at].path),
                              "device", (json_int_t)about->engine, "ms", about->ms);
    if (status == CSG_OK && (!entry || json_object_update(entry, described) != 0))
        status = cli_fail(err, CSG_ERROR, "out of memory");
    json_array_append_new(json_object_get(run->said, "pictures"), entry);
    json_decref(described);
    return status;
}

/* A picture's lines, which wait for those of the other ranks. */
static int keep_printed(struct run *run, size_t at, struct csg_error *err)
{
    long bytes = ftell(run->printed);
    char *text = bytes >= 0 ? malloc((size_t)bytes + 1) : NULL;
    rewind(run->printed);
    bool whole = text && fread(text, 1, (size_t)bytes, run->printed) == (size_t)bytes;
    json_t *entry = whole ? json_pack("{s:I, s:o}", "at", (json_int_t)at, "printed", cli_gather_text(text, (size_t)bytes)) : NULL;
    rewind(run->printed);
    free(text);
    return json_array_append_new(json_object_get(run->said, "pictures"), entry)
               ? cli_fail(err, CSG_ERROR, "what is to be printed cannot be kept")
               : CSG_OK;
}

static int print(struct run *run, size_t at, struct csg_engine *engine, struct csg_error *err)
{
    FILE *out = run->printed ? run->printed : stdout;
    char name[1024];
    snprintf(name, sizeof name, "%s", run->pictures[at].path);
    cli_progress_clear(&run->progress);
    fprintf(out, "%s\n", cli_printable(name));
    int status = run->task->print(run->task->user, engine, run->pictures + at, out, err);
    return status == CSG_OK && run->printed ? keep_printed(run, at, err) : status;
}

static int on_done(void *user, const struct csg_walk_picture *about, struct csg_error *err)
{
    struct run *run = user;
    const struct cli_task *task = run->task;
    size_t at = run->todo[about->index];
    int status = CSG_OK;
    if (about->problem)
        return unreadable(run, at, about->problem, err);
    run->by[about->engine].pictures++;
    run->by[about->engine].ms += about->ms;
    if (task->collect)
        status = task->collect(task->user, run->pictures + at, err);
    if (status)
        return status;
    if (says_json(run))
        status = describe(run, at, about, err);
    else if (task->print && !task->sum_up)
        status = print(run, at, run->engines.engines[about->engine], err);
    task->release(task->user, run->pictures + at);
    return status;
}

static int say_devices(struct run *run, struct csg_error *err)
{
    json_t *device;
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < run->engines.count; i++) {
        status = cli_report_device(&device, run->engines.engines[i], err);
        if (status == CSG_OK) {
            json_object_set_new(device, "pictures", json_integer((json_int_t)run->by[i].pictures));
            json_object_set_new(device, "ms", json_real(run->by[i].ms));
            json_array_append_new(json_object_get(run->said, "devices"), device);
        }
    }
    json_object_set_new(run->said, "ms", json_real(1e3 * run->walk_s));
    return status;
}

static json_t *list_said(const struct run *run, const char *name)
{
    json_t *list = json_object_get(run->said, name), *entry;
    size_t i;
    json_array_foreach(list, i, entry) json_object_del(entry, "at");
    return json_incref(list);
}

static int print_report(struct run *run, struct csg_error *err)
{
    json_t *model = NULL, *skipped = json_array();
    int status = CSG_OK;
    for (size_t i = 0, t = 0; i < run->n_pictures; i++) {
        if (t < run->n_todo && run->todo[t] == i)
            t++;
        else
            json_array_append_new(skipped, cli_json_string(run->pictures[i].path));
    }
    if (run->engines.count)
        status = cli_report_model(&model, run->engines.engines[0], err);
    json_t *document =
        json_pack("{s:o, s:o, s:I, s:O, s:o, s:o, s:o}", "model", model ? model : json_null(), "devices",
                  list_said(run, "devices"), "batch", (json_int_t)run->batch, "ms", json_object_get(run->said, "ms"), "pictures",
                  list_said(run, "pictures"), "unreadable", list_said(run, "unreadable"), "skipped", skipped);
    if (status == CSG_OK && document && run->task->sum_up)
        run->task->sum_up(run->task->user, document);
    if (status == CSG_OK)
        return cli_print_json(document, err);
    json_decref(document);
    return status;
}

static void print_kept(const struct run *run)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(run->said, "pictures"), i, entry)
        cli_gather_put(json_object_get(entry, "printed"), stdout);
}

static void choose_batch(struct run *run)
{
    struct csg_engine_info info;
    struct csg_error ignored; /* the size has been looked at */
    double size_px = 0;
    if (run->batch || !run->engines.count)
        return;
    csg_engine_info(run->engines.engines[0], &info);
    cli_number(&size_px, run->args->size, "--size", 1, 1e6, &ignored);
    double side = (size_px > 0 ? size_px : info.image_size_px) / info.patch_px, most = DEFAULT_TOKENS / (1 + side * side);
    run->batch = most >= DEFAULT_BATCH ? DEFAULT_BATCH : most > 1 ? (size_t)most : 1;
}

static bool on_mine(void *user, size_t index)
{
    return cli_ranks_mine(&((struct run *)user)->ranks, index);
}

static int walk(struct run *run, struct csg_error *err)
{
    const struct csg_walk_params params = {.engines = run->engines.engines,
                                           .n_engines = run->engines.count,
                                           .paths = run->paths,
                                           .n_paths = run->n_todo,
                                           .batch = run->batch,
                                           .user = run,
                                           .mine = run->ranks.count > 1 ? on_mine : NULL,
                                           .compute = on_compute,
                                           .finish = on_finish,
                                           .done = on_done,
                                           .watch = on_watch};
    cli_interrupts(run->engines.engines, run->engines.count);
    cli_progress_begin(&run->progress, run->args->quiet || !run->many || run->ranks.rank);
    double start_s = cli_now_s();
    int status = csg_walk(&params, err);
    run->walk_s = cli_now_s() - start_s;
    if (status == CSG_ERROR_INTERRUPTED)
        leave(run);
    cli_progress_clear(&run->progress);
    /* What could be read was done by an earlier run, or perhaps by another rank. */
    bool others = run->n_todo < run->n_pictures || run->ranks.count > 1;
    return others && json_array_size(json_object_get(run->said, "unreadable")) == run->n_todo ? CSG_OK : status;
}

/* A number that tells apart what ranks find to do. */
static uint64_t plan_number(const struct run *run)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < run->n_todo; i++)
        for (const char *c = run->paths[i];; c++) {
            hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
            if (!*c)
                break;
        }
    return hash;
}

/* Nobody writes before everybody has looked, and all have seen the same. */
static int agree_on_plan(struct run *run, int status, struct csg_error *err)
{
    status = cli_ranks_agree(&run->ranks, status, err);
    if (status == CSG_OK && run->ranks.count > 1 && run->task->end && (run->many || run->task->every_word))
        status = cli_fail(err, CSG_ERROR_USAGE, "this command makes one thing of all pictures, which takes one process");
    else if (status == CSG_OK && run->ranks.count > 1 && !cli_ranks_same(&run->ranks, plan_number(run)))
        status = cli_fail(err, CSG_ERROR, "not every rank finds the same pictures and outputs; all have to see the same folders");
    return cli_ranks_agree(&run->ranks, status, err);
}

/* Of what all ranks have said. */
static int print_all(struct run *run, struct csg_error *err)
{
    size_t n_unreadable = json_array_size(json_object_get(run->said, "unreadable"));
    const json_t *first = json_array_get(json_object_get(run->said, "unreadable"), 0);
    if (run->n_todo && n_unreadable == run->n_pictures)
        return cli_fail(err, CSG_ERROR_INPUT, "none of %zu pictures could be read: %s", run->n_pictures,
                        json_string_value(json_object_get(first, "reason")));
    if (says_json(run))
        return print_report(run, err);
    if (run->printed)
        print_kept(run);
    if (run->task->sum_up)
        run->task->sum_up(run->task->user, NULL);
    return CSG_OK;
}

static int take_many(struct run *run, struct csg_error *err)
{
    run->said = cli_gather_new();
    int status = run->said ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    if (status == CSG_OK && run->ranks.count > 1 && !(run->printed = tmpfile()))
        status = cli_fail(err, CSG_ERROR, "there is no place for a temporary file");
    if (status == CSG_OK)
        status = open_engines(run, err);
    choose_batch(run);
    if (status == CSG_OK)
        status = share_texts(run, err);
    status = cli_ranks_agree(&run->ranks, status, err);
    if (status == CSG_OK && run->n_todo)
        status = walk(run, err);
    if (status == CSG_OK && run->task->end)
        status = run->task->end(run->task->user, run->engines.engines[0], err);
    if (status == CSG_OK && says_json(run))
        status = say_devices(run, err);
    status = cli_ranks_agree(&run->ranks, status, err);
    if (status == CSG_OK)
        status = cli_gather(&run->ranks, run->said, err);
    if (status == CSG_OK && run->ranks.count > 1 && run->n_todo)
        cli_progress_show(&run->progress, run->n_todo, run->n_todo);
    return status == CSG_OK && run->ranks.rank == 0 ? print_all(run, err) : status;
}

/* ------------------------------------------------------------------------------------------ one */

static int print_one(struct run *run, struct csg_error *err)
{
    const struct cli_task *task = run->task;
    json_t *document = NULL, *described = NULL;
    if (!says_json(run))
        return task->print ? task->print(task->user, run->engines.engines[0], run->pictures, stdout, err) : CSG_OK;
    int status = task->complete ? task->complete(task->user, run->engines.engines[0], &document, err) : CSG_OK;
    if (status == CSG_OK)
        status = task->describe(task->user, run->pictures, &described, err);
    if (status == CSG_OK && document)
        json_object_update(document, described);
    else if (status == CSG_OK)
        document = json_incref(described);
    json_decref(described);
    if (status == CSG_OK)
        return cli_print_json(document, err);
    json_decref(document);
    return status;
}

static int take_one(struct run *run, struct csg_error *err)
{
    const struct cli_task *task = run->task;
    struct cli_picture *picture = run->pictures;
    struct csg_image *image = NULL;
    int status = csg_image_load(&image, picture->path, err);
    const struct csg_image *loaded = image;
    if (status == CSG_OK)
        status = open_engines(run, err);
    cli_interrupts(run->engines.engines, run->engines.count);
    if (status == CSG_OK)
        status = task->compute(task->user, run->engines.engines[0], &picture, &loaded, 1, err);
    if (status == CSG_OK && task->finish)
        status = task->finish(task->user, picture, err);
    if (status == CSG_OK)
        status = print_one(run, err);
    csg_image_destroy(&image);
    return status;
}

static void release(struct run *run)
{
    cli_interrupts(NULL, 0);
    for (size_t i = 0; run->pictures && i < run->n_pictures; i++) {
        struct cli_picture *picture = run->pictures + i;
        run->task->release(run->task->user, picture);
        for (size_t f = 0; f < picture->n_files; f++)
            free(picture->files[f].name);
        free(picture->files);
    }
    cli_engines_close(&run->engines);
    for (size_t i = 0; i < run->n_lists; i++)
        csg_picture_list_free(&run->lists[i]);
    json_decref(run->said);
    if (run->printed)
        fclose(run->printed);
    free(run->lists);
    free(run->pictures);
    free(run->todo);
    free(run->paths);
}

int cli_pictures(const struct cli_task *task, const struct cli_args *args, struct csg_error *err)
{
    struct run run = {.task = task, .args = args};
    int status = cli_ranks_begin(&run.ranks, err);
    if (status == CSG_OK)
        status = agree_on_plan(&run, plan(&run, err), err);
    bool many = run.many || task->every_word;
    if (status == CSG_OK && many)
        status = take_many(&run, err);
    else if (status == CSG_OK && run.ranks.rank == 0)
        status = take_one(&run, err);
    status = cli_ranks_agree(&run.ranks, status, err);
    release(&run);
    cli_ranks_end(&run.ranks);
    return status;
}
