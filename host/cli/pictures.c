#include "pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "progress.h"
#include "report.h"

#define DEFAULT_BATCH 8
#define DEFAULT_TOKENS 8192 /* of a default batch at most: beyond, memory grows and nothing else */
#define MOST_BATCH 1024
#define MOST_ENGINES 64
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
    char *specs[MOST_ENGINES]; /* of devices; NULL: the default */
    struct csg_engine *engines[MOST_ENGINES];
    size_t n_specs, n_engines;
    bool all; /* the usable ones are among them */
    json_t *described, *unreadable;
    struct {
        size_t pictures;
        double ms;
    } by[MOST_ENGINES];
    struct cli_progress progress;
    double walk_s;        /* from the first picture read to the last one written */
    double interrupted_s; /* when that was seen; 0: it was not */
};

int cli_picture_add(struct cli_picture *picture, char *name, struct csg_error *err)
{
    struct cli_file *files = name ? realloc(picture->files, (picture->n_files + 1) * sizeof *files) : NULL;
    if (!files) {
        free(name);
        return cli_fail(err, CSG_ERROR, "out of memory");
    }
    picture->files = files;
    files[picture->n_files++] = (struct cli_file){.name = name};
    return CSG_OK;
}

char **cli_picture_names(const struct cli_picture *picture)
{
    char **names = calloc(picture->n_files + 1, sizeof *names);
    for (size_t f = 0; names && f < picture->n_files; f++)
        names[f] = picture->files[f].name;
    return names;
}

int cli_add_texts(struct csg_label_set *set, const char *const *texts, size_t n_texts, struct csg_error *err)
{
    char **labels = realloc(set->labels, (set->count + n_texts + 1) * sizeof *labels);
    int status = labels ? CSG_OK : cli_fail(err, CSG_ERROR, "out of memory");
    set->labels = labels ? labels : set->labels;
    for (size_t i = 0; status == CSG_OK && i < n_texts; i++) {
        size_t bytes = strlen(texts[i]) + 1;
        char *copy = malloc(bytes);
        if (!copy)
            return cli_fail(err, CSG_ERROR, "out of memory");
        set->labels[set->count++] = memcpy(copy, texts[i], bytes);
    }
    return status;
}

int cli_add_map_texts(struct csg_label_set *set, const char *const *texts, size_t n_texts, const struct csg_map_params *params,
                      struct csg_error *err)
{
    struct csg_label_set needed;
    int status = csg_map_texts(&needed, texts, n_texts, params, err);
    if (status == CSG_OK)
        status = cli_add_texts(set, (const char *const *)needed.labels, needed.count, err);
    csg_label_set_free(&needed);
    return status;
}

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
            int status = run->many ? cli_make_folder_of(file->name, err) : CSG_OK;
            if (status == CSG_OK)
                status = csg_check_output(file->name, run->args->overwrite, err);
            if (status && run->many && !run->args->overwrite && csg_check_output(file->name, true, NULL) == CSG_OK) {
                file->kept = true;
                kept++;
                status = CSG_OK;
            }
            if (status)
                return status;
        }
        if (!kept || kept < picture->n_files) {
            run->todo[run->n_todo] = i;
            run->paths[run->n_todo++] = picture->path;
        }
    }
    size_t skipped = run->n_pictures - run->n_todo;
    if (skipped && !run->args->quiet)
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

/* ------------------------------------------------------------------------------------------ devices */

static int add_spec(struct run *run, const char *spec, size_t length, struct csg_error *err)
{
    if (!length)
        return cli_fail(err, CSG_ERROR_USAGE, "--device has an empty name in its list");
    if (run->n_specs == MOST_ENGINES)
        return cli_fail(err, CSG_ERROR_USAGE, "--device names more than %d devices", MOST_ENGINES);
    char *copy = calloc(length + 1, 1);
    if (!copy)
        return cli_fail(err, CSG_ERROR, "out of memory");
    memcpy(copy, spec, length);
    run->specs[run->n_specs++] = copy;
    return CSG_OK;
}

static int add_usable(struct run *run, struct csg_error *err)
{
    struct csg_device_info *devices;
    size_t count;
    int status = csg_devices_list(&devices, &count, err);
    for (int first = 1; first >= 0; first--) /* the one that is taken by default comes first */
        for (size_t i = 0; status == CSG_OK && i < count; i++) {
            char index[16];
            snprintf(index, sizeof index, "%u", devices[i].index);
            if (devices[i].usable && devices[i].chosen == (first == 1))
                status = add_spec(run, index, strlen(index), err);
        }
    if (status == CSG_OK && !run->n_specs)
        status = cli_fail(err, CSG_ERROR_NO_DEVICE, "there is no usable OpenCL device; `clip-surgeon devices` says why");
    csg_devices_free(&devices);
    return status;
}

/* "a,b,c", of which one may be "all"; nothing: the default. */
static int list_devices(struct run *run, struct csg_error *err)
{
    const char *text = run->args->device;
    int status = CSG_OK;
    if (!text) {
        run->n_specs = 1;
        return CSG_OK;
    }
    for (const char *at = text; status == CSG_OK && at;) {
        size_t length = strcspn(at, ",");
        bool all = length == 3 && strncmp(at, "all", 3) == 0;
        status = all ? add_usable(run, err) : add_spec(run, at, length, err);
        run->all |= all;
        at = at[length] ? at + length + 1 : NULL;
    }
    return status;
}

/* Of "all" a device that cannot be used is left out, as long as there is another. The first engine has texts for all. */
static int open_engines(struct run *run, struct csg_error *err)
{
    int status = list_devices(run, err);
    for (size_t i = 0; status == CSG_OK && i < run->n_specs && run->n_engines < run->n_todo; i++) {
        struct csg_error why = {0};
        status = cli_engine_on(&run->engines[run->n_engines], run->args, run->specs[i], run->n_engines ? "image" : NULL, &why);
        if (status == CSG_OK) {
            run->n_engines++;
        } else if (run->all && (run->n_engines || i + 1 < run->n_specs)) {
            if (!run->args->quiet)
                cli_say("warning: a device is left out: %s", why.sentence);
            status = CSG_OK;
        } else {
            *err = why;
        }
    }
    if (status == CSG_OK && run->n_engines && run->task->opened)
        status = run->task->opened(run->task->user, run->engines[0], err);
    return status;
}

/* The first engine computes the features of the texts, so that all have the same. */
static int share_texts(struct run *run, struct csg_error *err)
{
    struct csg_label_set set = {0};
    struct csg_engine_info info;
    float *features = NULL;
    if (run->n_engines < 2 || !run->task->texts)
        return CSG_OK;
    csg_engine_info(run->engines[0], &info);
    int status = run->task->texts(run->task->user, &set, err);
    if (status == CSG_OK && !(features = calloc(set.count * info.embed_dim + 1, sizeof *features)))
        status = cli_fail(err, CSG_ERROR, "out of memory");
    const char *const *labels = (const char *const *)set.labels;
    if (status == CSG_OK)
        status = csg_embed_texts(run->engines[0], labels, set.count, features, err);
    for (size_t i = 1; status == CSG_OK && i < run->n_engines; i++)
        status = csg_take_features(run->engines[i], labels, set.count, features, err);
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
        if (!state->ending)
            cli_progress_show(&run->progress, state->done, state->total);
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
    return run->task->compute(run->task->user, run->engines[engine], pictures, images, n, err);
}

static int on_finish(void *user, size_t index, struct csg_error *err)
{
    struct run *run = user;
    return run->task->finish ? run->task->finish(run->task->user, run->pictures + run->todo[index], err) : CSG_OK;
}

static int unreadable(struct run *run, const struct cli_picture *picture, const char *problem, struct csg_error *err)
{
    if (!run->many) /* it was named */
        return cli_fail(err, CSG_ERROR_INPUT, "%s", problem);
    cli_progress_clear(&run->progress);
    if (!run->args->quiet)
        cli_say("warning: left out: %s", problem);
    json_array_append_new(run->unreadable,
                          json_pack("{s:o, s:o}", "picture", cli_json_string(picture->path), "reason", cli_json_string(problem)));
    return CSG_OK;
}

static int on_done(void *user, const struct csg_walk_picture *about, struct csg_error *err)
{
    struct run *run = user;
    const struct cli_task *task = run->task;
    struct cli_picture *picture = run->pictures + run->todo[about->index];
    json_t *described = NULL;
    int status = CSG_OK;
    if (about->problem)
        return unreadable(run, picture, about->problem, err);
    run->by[about->engine].pictures++;
    run->by[about->engine].ms += about->ms;
    if (task->collect)
        status = task->collect(task->user, picture, err);
    if (status)
        return status;
    if (run->args->json || task->always_json) {
        status = task->describe(task->user, picture, &described, err);
        json_t *entry = json_pack("{s:o, s:I, s:f}", "picture", cli_json_string(picture->path), "device",
                                  (json_int_t)about->engine, "ms", about->ms);
        if (status == CSG_OK && (!entry || json_object_update(entry, described) != 0))
            status = cli_fail(err, CSG_ERROR, "out of memory");
        json_array_append_new(run->described, entry);
        json_decref(described);
    } else if (task->print) {
        char name[1024];
        snprintf(name, sizeof name, "%s", picture->path);
        cli_progress_clear(&run->progress);
        puts(cli_printable(name));
        status = task->print(task->user, run->engines[about->engine], picture, err);
    }
    task->release(task->user, picture);
    return status;
}

static int print_report(struct run *run, struct csg_error *err)
{
    json_t *devices = json_array(), *model = NULL, *skipped = json_array(), *device;
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < run->n_engines; i++) {
        status = cli_report_device(&device, run->engines[i], err);
        if (status == CSG_OK) {
            json_object_set_new(device, "pictures", json_integer((json_int_t)run->by[i].pictures));
            json_object_set_new(device, "ms", json_real(run->by[i].ms));
            json_array_append_new(devices, device);
        }
    }
    for (size_t i = 0, t = 0; i < run->n_pictures; i++) {
        if (t < run->n_todo && run->todo[t] == i)
            t++;
        else
            json_array_append_new(skipped, cli_json_string(run->pictures[i].path));
    }
    if (status == CSG_OK && run->n_engines)
        status = cli_report_model(&model, run->engines[0], err);
    json_t *document = json_pack("{s:o, s:o, s:I, s:f, s:O, s:O, s:o}", "model", model ? model : json_null(), "devices", devices,
                                 "batch", (json_int_t)run->batch, "ms", 1e3 * run->walk_s, "pictures", run->described,
                                 "unreadable", run->unreadable, "skipped", skipped);
    if (status == CSG_OK)
        return cli_print_json(document, err);
    json_decref(document);
    return status;
}

static void choose_batch(struct run *run)
{
    struct csg_engine_info info;
    struct csg_error ignored; /* the size has been looked at */
    double size_px = 0;
    if (run->batch || !run->n_engines)
        return;
    csg_engine_info(run->engines[0], &info);
    cli_number(&size_px, run->args->size, "--size", 1, 1e6, &ignored);
    double side = (size_px > 0 ? size_px : info.image_size_px) / info.patch_px, most = DEFAULT_TOKENS / (1 + side * side);
    run->batch = most >= DEFAULT_BATCH ? DEFAULT_BATCH : most > 1 ? (size_t)most : 1;
}

static int walk(struct run *run, struct csg_error *err)
{
    const struct csg_walk_params params = {.engines = run->engines,
                                           .n_engines = run->n_engines,
                                           .paths = run->paths,
                                           .n_paths = run->n_todo,
                                           .batch = run->batch,
                                           .user = run,
                                           .compute = on_compute,
                                           .finish = on_finish,
                                           .done = on_done,
                                           .watch = on_watch};
    cli_interrupts(run->engines, run->n_engines);
    cli_progress_begin(&run->progress, run->args->quiet || !run->many);
    double start_s = cli_now_s();
    int status = csg_walk(&params, err);
    run->walk_s = cli_now_s() - start_s;
    if (status == CSG_ERROR_INTERRUPTED)
        leave(run);
    cli_progress_clear(&run->progress);
    /* What could be read was done by an earlier run. */
    return run->n_todo < run->n_pictures && json_array_size(run->unreadable) == run->n_todo ? CSG_OK : status;
}

static int take_many(struct run *run, struct csg_error *err)
{
    int status = open_engines(run, err);
    run->described = json_array();
    run->unreadable = json_array();
    choose_batch(run);
    if (status == CSG_OK)
        status = share_texts(run, err);
    if (status == CSG_OK && run->n_todo)
        status = walk(run, err);
    if (status == CSG_OK && run->task->end)
        status = run->task->end(run->task->user, err);
    if (status == CSG_OK && (run->args->json || run->task->always_json))
        status = print_report(run, err);
    return status;
}

/* ------------------------------------------------------------------------------------------ one */

static int print_one(struct run *run, struct csg_error *err)
{
    const struct cli_task *task = run->task;
    json_t *document = NULL, *described = NULL;
    if (!run->args->json && !task->always_json)
        return task->print ? task->print(task->user, run->engines[0], run->pictures, err) : CSG_OK;
    int status = task->complete ? task->complete(task->user, run->engines[0], &document, err) : CSG_OK;
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
    cli_interrupts(run->engines, run->n_engines);
    if (status == CSG_OK)
        status = task->compute(task->user, run->engines[0], &picture, &loaded, 1, err);
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
    for (size_t i = 0; i < run->n_engines; i++)
        csg_engine_destroy(&run->engines[i]);
    for (size_t i = 0; i < run->n_specs; i++)
        free(run->specs[i]);
    for (size_t i = 0; i < run->n_lists; i++)
        csg_picture_list_free(&run->lists[i]);
    json_decref(run->described);
    json_decref(run->unreadable);
    free(run->lists);
    free(run->pictures);
    free(run->todo);
    free(run->paths);
}

int cli_pictures(const struct cli_task *task, const struct cli_args *args, struct csg_error *err)
{
    struct run run = {.task = task, .args = args};
    int status = plan(&run, err);
    if (status == CSG_OK)
        status = run.many || task->every_word ? take_many(&run, err) : take_one(&run, err);
    release(&run);
    return status;
}
