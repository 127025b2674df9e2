/* Commands that take one picture, or many: a folder, a pattern. What a command does with a picture is a task; the rest - finding
 * pictures, names of outputs, devices, progress, the report - is here, once. */
#ifndef CSG_CLI_PICTURES_H
#define CSG_CLI_PICTURES_H

#include "cli.h"

struct cli_picture {
    const char *path;
    /* What is written of it; `kept`: it is there already and stays as it is. */
    struct cli_file {
        char *name;
        bool kept;
    } * files;
    size_t n_files;
    void *made; /* by the task, from compute to release */
};
/* One more file of the picture; takes the name, which is NULL where memory is short. */
int cli_picture_add(struct cli_picture *picture, char *name, struct csg_error *err);

/* The names of its files, in an array that is to be freed; NULL where memory is short. */
char **cli_picture_names(const struct cli_picture *picture);
/* Adds the texts, and those whose features such a map needs. */
int cli_add_texts(struct csg_label_set *set, const char *const *texts, size_t n_texts, struct csg_error *err);
int cli_add_map_texts(struct csg_label_set *set, const char *const *texts, size_t n_texts, const struct csg_map_params *params,
                      struct csg_error *err);

/* Maps of texts that a task's compute wants of each picture. */
struct cli_mapped {
    const char *const *texts;
    size_t n_texts;
    const struct csg_map_params *params;
    /* What is made of one of them; it takes the result. */
    int (*take)(void *user, struct csg_engine *engine, struct cli_picture *picture, const struct csg_image *image,
                struct csg_result *result, struct csg_error *err);
    void *user;
};
int cli_map_each(const struct cli_mapped *maps, struct csg_engine *engine, struct cli_picture *const *pictures,
                 const struct csg_image *const *images, size_t n, struct csg_error *err);

/* compute is called in the threads of engines, finish in any, all else in the thread of cli_pictures. */
struct cli_task {
    void *user;
    bool writes;      /* files of each picture; else it takes no -o */
    bool always_json; /* what it prints is JSON without --json too */
    bool text_towers; /* each engine needs its own */
    bool every_word;  /* every word is a picture, not the first alone; the report is always that of many */
    /* Adds the picture's files. many: `output` is to be taken through cli_many_output. May be NULL. */
    int (*name)(void *user, struct cli_picture *picture, bool many, struct csg_error *err);
    /* Once, with the first engine; quiet: without warnings. May be NULL. */
    int (*opened)(void *user, struct csg_engine *engine, bool quiet, struct csg_error *err);
    /* The texts whose features the task needs, to be added to *set: an engine computes them, and the others get them. May be NULL. */
    int (*texts)(void *user, struct csg_label_set *set, struct csg_error *err);
    int (*compute)(void *user, struct csg_engine *engine, struct cli_picture *const *pictures,
                   const struct csg_image *const *images, size_t n, struct csg_error *err);
    /* What is left when the engine has gone on; in any thread. May be NULL. */
    int (*finish)(void *user, struct cli_picture *picture, struct csg_error *err);
    /* In the order of the pictures, before what follows. May be NULL. */
    int (*collect)(void *user, const struct cli_picture *picture, struct csg_error *err);
    /* What is said of a picture: an object, or lines (NULL: nothing). */
    int (*describe)(void *user, const struct cli_picture *picture, json_t **out, struct csg_error *err);
    int (*print)(void *user, struct csg_engine *engine, const struct cli_picture *picture, FILE *out, struct csg_error *err);
    /* The document of a single picture, to which what describe makes is added; else that alone. May be NULL. */
    int (*complete)(void *user, struct csg_engine *engine, json_t **document, struct csg_error *err);
    /* After the last picture of many, with the first engine; such a task is no work for several ranks. May be NULL. */
    int (*end)(void *user, struct csg_engine *engine, struct csg_error *err);
    /* What many give together, added to the report, or printed where that is NULL, in place of the lines of each. May be NULL. */
    void (*sum_up)(void *user, json_t *report);
    void (*release)(void *user, struct cli_picture *picture);
};

/* Takes args->words[0], or all words, through the task. Other words are texts: what the model was never taught is told. Under mpirun many pictures are shared by the ranks. */
int cli_pictures(const struct cli_task *task, const struct cli_args *args, struct csg_error *err);

#endif
