/* Long runs: thousands of maps with changing pictures, sizes, texts and methods in one process. Memory stays where it is after the first hundred,
 * and what comes out is to the bit what a process gives that does nothing else. With threads each has an engine of its own.
 *
 *     test_long MODEL CACHE DEVICE MAPS THREADS */
#include <clip_surgeon/clip_surgeon.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KINDS 60
#define FRESH 6     /* kinds that a process of their own computes */
#define SETTLED 100 /* maps after which memory stays */
#define GROWTH_PAGES 1024

static const char *model, *cache, *device;

static struct csg_engine *engine(void)
{
    struct csg_engine *made = NULL;
    struct csg_error err = {0};
    const struct csg_engine_params params = {.model = model, .device = device, .cache_dir = cache, .templates = "none"};
    if (csg_engine_create(&made, &params, &err) != CSG_OK) {
        fprintf(stderr, "%s\n", err.sentence);
        exit(err.status == CSG_ERROR_NO_DEVICE ? 77 : 1);
    }
    return made;
}

static uint64_t mix(uint64_t hash, const void *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ ((const uint8_t *)data)[i]) * 1099511628211u;
    return hash;
}

/* The map of that kind, as one number. */
static uint64_t map(struct csg_engine *e, size_t kind)
{
    static const char *const texts[] = {"cat", "dog+a bench", "horse", "", "a photo of a cat"};
    static const int sides[][2] = {{40, 30}, {30, 44}, {64, 64}, {17, 90}};
    size_t n_methods = 0, n_texts = 1 + kind % 3;
    while (csg_method_name(n_methods))
        n_methods++;
    struct csg_engine_info info;
    csg_engine_info(e, &info);
    const struct csg_map_params params = {.method = csg_method_name(kind % n_methods),
                                          .size_px = info.patch_px * (int)(2 + kind % 5)};
    uint8_t *rgb = malloc(90 * 90 * 3);
    struct csg_image *image = NULL, *drawn = NULL;
    struct csg_result *result = NULL;
    struct csg_error err = {0};
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; rgb && i < 90 * 90 * 3; i++)
        rgb[i] = (uint8_t)(i * (7 + kind) + i / 97 * 31);
    int status = rgb ? csg_image_from_rgb(&image, rgb, sides[kind % 4][0], sides[kind % 4][1], 0, &err) : CSG_ERROR;
    if (status == CSG_OK)
        status = csg_map(e, image, texts + kind % 3, n_texts, &params, &result, &err);
    if (status == CSG_OK)
        status = csg_draw_overlay(e, result, image, 0, NULL, &drawn, &err);
    if (status == CSG_OK) {
        hash = mix(hash, result->similarity, n_texts * (size_t)(result->map_w * result->map_h) * sizeof(float));
        hash = mix(hash, csg_image_rgb(drawn), 3 * (size_t)csg_image_width_px(drawn) * (size_t)csg_image_height_px(drawn));
    } else {
        /* Methods that want another kind of model say so, each time with the same words. */
        hash = mix(hash, err.sentence, strlen(err.sentence));
        if (status != CSG_ERROR_USAGE) {
            fprintf(stderr, "%s: %s\n", params.method, err.sentence);
            exit(1);
        }
    }
    csg_result_destroy(&result);
    csg_image_destroy(&drawn);
    csg_image_destroy(&image);
    free(rgb);
    return hash;
}

/* By a process that begins anew. */
static uint64_t fresh(size_t kind)
{
    int ends[2];
    uint64_t hash = 0;
    if (pipe(ends) != 0)
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        struct csg_engine *e = engine();
        hash = map(e, kind);
        csg_engine_destroy(&e);
        exit(write(ends[1], &hash, sizeof hash) == sizeof hash ? 0 : 1);
    }
    close(ends[1]);
    bool got = child > 0 && read(ends[0], &hash, sizeof hash) == sizeof hash;
    int status = 0;
    waitpid(child, &status, 0);
    close(ends[0]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        exit(77);
    if (!got)
        exit(1);
    return hash;
}

static long resident_pages(void)
{
    long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident;
}

struct worker {
    size_t maps, wrong;
    long settled, end; /* pages */
    const uint64_t *expected;
};

static void *work(void *user)
{
    struct worker *w = user;
    struct csg_engine *e = engine();
    uint64_t first[KINDS] = {0};
    for (size_t i = 0; i < w->maps; i++) {
        /* Every kind in an order that is another one each round. */
        size_t kind = (i * 7 + i / KINDS * 11) % KINDS;
        uint64_t hash = map(e, kind);
        w->wrong += (first[kind] && first[kind] != hash) || (kind < FRESH && w->expected[kind] != hash);
        first[kind] = hash;
        if (i == SETTLED)
            w->settled = resident_pages();
    }
    w->end = resident_pages();
    csg_engine_destroy(&e);
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t expected[FRESH];
    struct worker workers[16];
    pthread_t threads[16];
    if (argc != 6)
        return 2;
    model = argv[1];
    cache = argv[2];
    device = strcmp(argv[3], "best") == 0 ? NULL : argv[3];
    size_t maps = (size_t)atol(argv[4]), n = (size_t)atol(argv[5]), wrong = 0;
    for (size_t kind = 0; kind < FRESH; kind++)
        expected[kind] = fresh(kind);
    for (size_t t = 0; t < n; t++) {
        workers[t] = (struct worker){.maps = maps, .expected = expected};
        if (pthread_create(&threads[t], NULL, work, &workers[t]) != 0)
            return 1;
    }
    for (size_t t = 0; t < n; t++) {
        pthread_join(threads[t], NULL);
        wrong += workers[t].wrong;
    }
    long growth = workers[0].settled ? workers[0].end - workers[0].settled : 0;
    bool flat = n > 1 || growth < GROWTH_PAGES;
    printf("%zu maps on %s in %zu threads: %zu differ, %ld pages more than after %d\n", n * maps, argv[3], n, wrong, growth,
           SETTLED);
    return wrong || !flat;
}
