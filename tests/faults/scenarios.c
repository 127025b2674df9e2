#include "scenarios.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {"cat", "dog+a bench", "horse"};
#define N_TEXTS 3

static uint64_t hash_of(const uint8_t *data, size_t bytes)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ data[i]) * 1099511628211u;
    return hash;
}

static void keep(struct yield *yield, const float *values, size_t count, uint64_t picture_)
{
    if (count > MOST_VALUES - yield->count || yield->n_parts == MOST_PARTS)
        abort();
    yield->parts[yield->n_parts++] = (struct part){yield->count, count, picture_};
    for (size_t i = 0; i < count; i++)
        yield->values[yield->count++] = values[i];
}

static void warned(void *user, enum csg_log_level level, const char *message)
{
    ((struct yield *)user)->warnings += level == CSG_LOG_WARNING && strlen(message) > 10 && !strchr(message, '\n');
}

static int picture(struct csg_image **out, int number, struct csg_error *err)
{
    static const int sizes[][2] = {{40, 30}, {30, 40}, {48, 48}};
    uint8_t rgb[48 * 48 * 3];
    const int *size = sizes[number % 3];
    for (int i = 0; i < (int)sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * (7 + 2 * number) + i / 97 * 31);
    return csg_image_from_rgb(out, rgb, size[0], size[1], 0, err);
}

static int engine(struct csg_engine **out, const struct place *place, const char *towers, struct yield *yield,
                  struct csg_error *err)
{
    const struct csg_engine_params params = {.model = place->model,
                                             .device = place->device,
                                             .fallback = place->fallback,
                                             .cache_dir = place->cache,
                                             .towers = towers,
                                             .templates = "none",
                                             .log = warned,
                                             .log_user = yield};
    return csg_engine_create(out, &params, err);
}

static void close_engine(struct csg_engine **engine_, struct yield *yield)
{
    struct csg_engine_info info;
    if (*engine_) {
        csg_engine_info(*engine_, &info);
        yield->replaced |= info.fallback_reason && strlen(info.fallback_reason) > 10;
    }
    csg_engine_destroy(engine_);
}

/* Draws and writes what `map` would of one text. */
static int draw(struct csg_engine *engine_, const struct csg_result *result, const struct csg_image *image, const char *name,
                const struct place *place, struct yield *yield, struct csg_error *err)
{
    const struct csg_draw_params params = {.legend = true};
    struct csg_engine *drawer = NULL;
    struct csg_image *drawn = NULL;
    char path[600];
    snprintf(path, sizeof path, "%s/%s.png", place->out, name);
    keep(yield, result->similarity, result->n_texts * (size_t)result->map_w * (size_t)result->map_h, 0);
    int status = CSG_OK;
    if (place->drawer) {
        struct place other = *place;
        other.device = place->drawer;
        status = engine(&drawer, &other, NULL, yield, err);
    }
    if (status == CSG_OK)
        status = csg_draw_overlay(drawer ? drawer : engine_, result, image, 1, &params, &drawn, err);
    if (status == CSG_OK) {
        keep(yield, NULL, 0,
             hash_of(csg_image_rgb(drawn), 3 * (size_t)csg_image_width_px(drawn) * (size_t)csg_image_height_px(drawn)));
        status = csg_image_write_png(drawn, path, false, err);
    }
    csg_image_destroy(&drawn);
    csg_engine_destroy(&drawer);
    return status;
}

static int map(const struct place *place, struct yield *yield, struct csg_error *err)
{
    struct csg_engine *e = NULL;
    struct csg_image *image = NULL;
    struct csg_result *result = NULL;
    int status = picture(&image, 0, err);
    if (status == CSG_OK)
        status = engine(&e, place, NULL, yield, err);
    if (status == CSG_OK)
        status = csg_map(e, image, texts, N_TEXTS, NULL, &result, err);
    if (status == CSG_OK)
        status = draw(e, result, image, "map", place, yield, err);
    csg_result_destroy(&result);
    csg_image_destroy(&image);
    close_engine(&e, yield);
    return status;
}

static int embed(const struct place *place, struct yield *yield, struct csg_error *err)
{
    struct csg_engine *e = NULL;
    struct csg_image *image = NULL;
    struct csg_engine_info info;
    float *features = NULL;
    char path[600];
    snprintf(path, sizeof path, "%s/embed.npy", place->out);
    int status = picture(&image, 1, err);
    if (status == CSG_OK)
        status = engine(&e, place, NULL, yield, err);
    if (status == CSG_OK) {
        csg_engine_info(e, &info);
        if (!(features = calloc(3 * info.embed_dim, sizeof *features)))
            abort();
        status = csg_embed_texts(e, texts, 2, features, err);
    }
    if (status == CSG_OK)
        status = csg_embed_image(e, image, features + 2 * info.embed_dim, err);
    if (status == CSG_OK) {
        const size_t dims[2] = {3, info.embed_dim};
        keep(yield, features, 2 * info.embed_dim, 0);
        keep(yield, features + 2 * info.embed_dim, info.embed_dim, 0);
        status = csg_npy_write(path, features, dims, 2, false, err);
    }
    free(features);
    csg_image_destroy(&image);
    close_engine(&e, yield);
    return status;
}

/* ------------------------------------------------------------------------------------------ a folder */

#define N_BATCH 3

struct batch {
    const struct place *place;
    struct csg_engine *engine;
    struct yield *yield;
};

static int compute(void *user, size_t engine_, const size_t *indices, const struct csg_image *const *images, size_t n,
                   struct csg_error *err)
{
    struct batch *batch = user;
    struct csg_result *results[N_BATCH] = {0};
    (void)engine_;
    int status = csg_map_many(batch->engine, images, n, texts, N_TEXTS, NULL, results, err);
    for (size_t i = 0; status == CSG_OK && i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "map%zu", indices[i]);
        status = draw(batch->engine, results[i], images[i], name, batch->place, batch->yield, err);
    }
    for (size_t i = 0; i < n; i++)
        csg_result_destroy(&results[i]);
    return status;
}

/* Pictures are read by other threads, in an order of their own; what the device is asked for does not depend on that. */
static int batch(const struct place *place, struct yield *yield, struct csg_error *err)
{
    struct batch work = {place, NULL, yield};
    char names[N_BATCH][600];
    const char *paths[N_BATCH];
    int status = CSG_OK;
    for (int i = 0; i < N_BATCH && status == CSG_OK; i++) {
        struct csg_image *image = NULL;
        snprintf(names[i], sizeof names[i], "%s/picture%d.png", place->out, i);
        paths[i] = names[i];
        status = picture(&image, 2, err);
        if (status == CSG_OK)
            status = csg_image_write_png(image, names[i], false, err);
        csg_image_destroy(&image);
    }
    if (status == CSG_OK)
        status = engine(&work.engine, place, NULL, yield, err);
    if (status == CSG_OK) {
        const struct csg_walk_params params = {.engines = &work.engine,
                                               .n_engines = 1,
                                               .paths = paths,
                                               .n_paths = N_BATCH,
                                               .batch = N_BATCH,
                                               .user = &work,
                                               .compute = compute};
        status = csg_walk(&params, err);
    }
    close_engine(&work.engine, yield);
    return status;
}

/* ------------------------------------------------------------------------------------------ the viewer */

/* One engine encodes texts, another pictures. */
static int frame(const struct place *place, struct yield *yield, struct csg_error *err)
{
    struct csg_engine *words = NULL, *pictures = NULL;
    struct csg_image *image = NULL;
    struct csg_result *result = NULL;
    struct csg_label_set needed = {0};
    struct csg_engine_info info;
    float *features = NULL, map_[40 * 30];
    int status = picture(&image, 0, err);
    if (status == CSG_OK)
        status = csg_map_texts(&needed, texts, N_TEXTS, NULL, err);
    if (status == CSG_OK)
        status = engine(&words, place, "text", yield, err);
    if (status == CSG_OK)
        status = engine(&pictures, place, "image", yield, err);
    if (status == CSG_OK) {
        csg_engine_info(words, &info);
        if (!(features = calloc(needed.count * info.embed_dim, sizeof *features)))
            abort();
        status = csg_embed_texts(words, (const char *const *)needed.labels, needed.count, features, err);
    }
    if (status == CSG_OK)
        status = csg_take_features(pictures, (const char *const *)needed.labels, needed.count, features, err);
    if (status == CSG_OK)
        status = csg_map(pictures, image, texts, N_TEXTS, NULL, &result, err);
    for (size_t i = 0; status == CSG_OK && i < N_TEXTS; i++) {
        status = csg_result_map(pictures, result, i, 40, 30, map_, err);
        if (status == CSG_OK)
            keep(yield, map_, sizeof map_ / sizeof *map_, 0);
    }
    free(features);
    csg_result_destroy(&result);
    csg_label_set_free(&needed);
    csg_image_destroy(&image);
    close_engine(&words, yield);
    close_engine(&pictures, yield);
    return status;
}

const struct scenario scenarios[SCENARIO_COUNT] = {{"map", NULL, false, map},
                                                   {"embed", NULL, false, embed},
                                                   {"batch", NULL, false, batch},
                                                   {"frame", NULL, true, frame},
                                                   {"map, fallback", "reference", false, map},
                                                   {"embed, fallback", "reference", false, embed},
                                                   {"batch, fallback", "reference", false, batch},
                                                   {"frame, fallback", "reference", true, frame}};
