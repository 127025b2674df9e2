/* A folder of goldens: golden.json, and its picture. */
#ifndef CSG_TEST_GOLDEN_CASE_H
#define CSG_TEST_GOLDEN_CASE_H

#include <clip_surgeon/clip_surgeon.h>
#include <jansson.h>

#include "npy_read.h"

struct golden_case {
    const char *name; /* of the folder */
    char *folder;
    json_t *about;
    const char **labels;
    size_t n_labels;
    int size_px;
    unsigned first_block; /* 0: the default */
    const char *fit;      /* NULL: stretch */
    size_t token_step;    /* which rows of the tokens are stored */
    struct csg_image *picture;
};

/* root: the folder with the folders and bench.png. NULL and a line on stderr where something is missing. */
struct golden_case *golden_open(const char *root, const char *name);
void golden_close(struct golden_case **golden);
/* FOLDER/name, valid until the next call. */
const char *golden_path(const struct golden_case *golden, const char *name);
/* The name of the model's folder under the folder of generated models, as prepare.py writes it. */
const char *golden_model(const struct golden_case *golden);

#endif
