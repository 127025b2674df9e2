/* What tasks add up: the files of a picture, the texts whose features they need, the maps of each. */
#include <stdlib.h>
#include <string.h>

#include "pictures.h"

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

int cli_map_each(const struct cli_mapped *maps, struct csg_engine *engine, struct cli_picture *const *pictures,
                 const struct csg_image *const *images, size_t n, struct csg_error *err)
{
    struct csg_result **results = calloc(n, sizeof(struct csg_result *));
    if (!results)
        return cli_fail(err, CSG_ERROR, "out of memory");
    int status = csg_map_many(engine, images, n, maps->texts, maps->n_texts, maps->params, results, err);
    for (size_t i = 0; i < n; i++)
        if (status == CSG_OK)
            status = maps->take(maps->user, engine, pictures[i], images[i], results[i], err);
        else
            csg_result_destroy(&results[i]);
    free(results);
    return status;
}
