#include "golden_case.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *join(const char *a, const char *b)
{
    size_t bytes = strlen(a) + strlen(b) + 2;
    char *path = malloc(bytes);
    if (path)
        snprintf(path, bytes, "%s/%s", a, b);
    return path;
}

const char *golden_path(const struct golden_case *golden, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", golden->folder, name);
    return path;
}

const char *golden_model(const struct golden_case *golden)
{
    static char name[256];
    json_t *width = json_object_get(golden->about, "head_width");
    snprintf(name, sizeof name, "%s-seed-%d%s", json_string_value(json_object_get(golden->about, "arch")),
             (int)json_integer_value(json_object_get(golden->about, "seed")),
             json_is_true(json_object_get(golden->about, "exact_gelu")) ? "-gelu" : "");
    if (width && json_integer_value(width) != 64)
        snprintf(name + strlen(name), sizeof name - strlen(name), "-head-%d", (int)json_integer_value(width));
    if (json_is_true(json_object_get(golden->about, "explain")))
        snprintf(name + strlen(name), sizeof name - strlen(name), "-explain");
    return name;
}

/* A portrait of a landscape: rows become columns. */
static int transpose(struct csg_image **picture)
{
    int w = csg_image_width_px(*picture), h = csg_image_height_px(*picture);
    const uint8_t *from = csg_image_rgb(*picture);
    struct csg_image *turned = NULL;
    uint8_t *rgb = malloc((size_t)w * (size_t)h * 3);
    for (int y = 0; rgb && y < h; y++)
        for (int x = 0; x < w; x++)
            memcpy(rgb + ((size_t)x * (size_t)h + (size_t)y) * 3, from + ((size_t)y * (size_t)w + (size_t)x) * 3, 3);
    int status = rgb ? csg_image_from_rgb(&turned, rgb, h, w, 0, NULL) : CSG_ERROR;
    free(rgb);
    if (status == CSG_OK) {
        csg_image_destroy(picture);
        *picture = turned;
    }
    return status;
}

static bool read_about(struct golden_case *golden)
{
    json_t *labels = json_object_get(golden->about, "labels");
    json_t *step = json_object_get(golden->about, "token_step");
    golden->n_labels = json_array_size(labels);
    golden->labels = calloc(golden->n_labels + 1, sizeof *golden->labels);
    for (size_t i = 0; golden->labels && i < golden->n_labels; i++)
        golden->labels[i] = json_string_value(json_array_get(labels, i));
    golden->size_px = (int)json_integer_value(json_object_get(golden->about, "size"));
    golden->first_block = (unsigned)json_integer_value(json_object_get(golden->about, "first_block"));
    golden->fit = json_string_value(json_object_get(golden->about, "fit"));
    golden->token_step = step ? (size_t)json_integer_value(step) : 1;
    return golden->labels && golden->n_labels && golden->size_px && golden->token_step;
}

struct golden_case *golden_open(const char *root, const char *name)
{
    struct csg_error err = {.sentence = "golden.json is missing or damaged"};
    struct golden_case *golden = calloc(1, sizeof *golden);
    char *picture = join(root, "bench.png");
    bool ok = golden && picture;
    if (ok) {
        golden->name = name;
        golden->folder = join(root, name);
        golden->about = golden->folder ? json_load_file(golden_path(golden, "golden.json"), 0, NULL) : NULL;
        ok = golden->about && read_about(golden) && csg_image_load(&golden->picture, picture, &err) == CSG_OK;
    }
    if (ok && json_is_true(json_object_get(golden->about, "transposed")))
        ok = transpose(&golden->picture) == CSG_OK;
    free(picture);
    if (!ok) {
        fprintf(stderr, "%s/%s: %s\n", root, name, err.sentence);
        golden_close(&golden);
    }
    return golden;
}

void golden_close(struct golden_case **out)
{
    struct golden_case *golden = *out;
    if (!golden)
        return;
    csg_image_destroy(&golden->picture);
    free(golden->labels);
    json_decref(golden->about);
    free(golden->folder);
    free(golden);
    *out = NULL;
}
