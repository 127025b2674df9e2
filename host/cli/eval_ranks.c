#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ranks.h"

#define MAX_RANKS 100000

static bool is_there(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file)
        fclose(file);
    return file != NULL;
}

/* FILE.0, FILE.1, ... */
struct files {
    char **names;
    size_t count;
};

static void files_free(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->names[i]);
    free(files->names);
    *files = (struct files){0};
}

/* Those of all ranks of this run, and what a run with more of them left. */
static int files_list(struct files *files, const char *stem, size_t ranks, struct csg_error *err)
{
    size_t bytes = strlen(stem) + 16;
    *files = (struct files){.names = calloc(MAX_RANKS, sizeof *files->names)};
    while (files->names && files->count < MAX_RANKS) {
        char *name = malloc(bytes);
        if (!name)
            break;
        snprintf(name, bytes, "%s.%zu", stem, files->count);
        if (files->count >= ranks && !is_there(name)) {
            free(name);
            return CSG_OK;
        }
        files->names[files->count++] = name;
    }
    files_free(files);
    return cli_fail(err, CSG_ERROR, "out of memory, or of names for files");
}

/* The names that are there already, but one's own. */
static int files_of_others(const struct files *all, size_t own, const char ***names, size_t *count, struct csg_error *err)
{
    *count = 0;
    *names = calloc(all->count + 1, sizeof **names);
    if (!*names)
        return cli_fail(err, CSG_ERROR, "out of memory");
    for (size_t i = 0; i < all->count; i++)
        if (i != own && is_there(all->names[i]))
            (*names)[(*count)++] = all->names[i];
    return CSG_OK;
}

struct gathered {
    struct cli_ranks *ranks;
    const struct csg_eval_params *params;
    size_t before; /* were done before this run */
    size_t total;
    bool begun;
};

/* Of all ranks, as far as rank 0 knows. */
static void on_progress(void *user, size_t done, size_t total)
{
    struct gathered *gathered = user;
    if (!gathered->begun)
        gathered->before = done - 1;
    gathered->begun = true;
    gathered->total = total;
    done = gathered->before + cli_ranks_done(gathered->ranks, done - gathered->before);
    if (gathered->ranks->rank == 0 && gathered->params->progress)
        gathered->params->progress(gathered->params->progress_user, done, total);
}

int cli_ranks_eval(struct cli_ranks *ranks, struct csg_engine *engine, const char *folder, const struct csg_eval_params *params,
                   struct csg_eval_result **result, struct csg_error *err)
{
    struct csg_eval_params mine = *params, all = *params;
    struct csg_eval_result *part = NULL;
    struct gathered gathered = {.ranks = ranks, .params = params};
    struct files files = {0};
    const char **others = NULL;
    int status = CSG_OK;
    if (!params->resume || params->shards || params->n_merge)
        status = cli_fail(err, CSG_ERROR_USAGE, "under mpirun eval wants --resume FILE, and neither --shard nor --merge");
    if (status == CSG_OK)
        status = files_list(&files, params->resume, ranks->count, err);
    if (status == CSG_OK)
        status = files_of_others(&files, ranks->rank, &others, &mine.n_merge, err);
    /* Nobody writes before everybody has looked. */
    status = cli_ranks_agree(ranks, status, err);
    if (status == CSG_OK) {
        mine.resume = files.names[ranks->rank];
        mine.merge = others;
        mine.mine = cli_ranks_mine;
        mine.mine_user = ranks;
        mine.progress = on_progress;
        mine.progress_user = &gathered;
        status = csg_eval(engine, folder, &mine, &part, err);
        csg_eval_destroy(&part);
        status = cli_ranks_agree(ranks, status, err);
    }
    if (status == CSG_OK && ranks->rank == 0) {
        if (gathered.begun && params->progress)
            params->progress(params->progress_user, gathered.total, gathered.total);
        all.resume = NULL;
        all.merge = (const char *const *)files.names;
        all.n_merge = files.count;
        status = csg_eval(engine, folder, &all, result, err);
    }
    free(others);
    files_free(&files);
    return status;
}
