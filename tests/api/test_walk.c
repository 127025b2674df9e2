/* Many pictures through engines: csg_picture_list_load and csg_walk. Public header alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clip_surgeon/clip_surgeon.h>
#include <cmocka.h>
#include <pthread.h>

#define N 12 /* pictures in the folder, of which one is damaged */
#define DAMAGED 5

static char folder[] = "/tmp/csg-walk-XXXXXX";

static void path_of(char path[64], int number, const char *ending)
{
    snprintf(path, 64, "%s/p%02d%s", folder, number, ending);
}

/* p00.png to p11.PNG, a hidden one, a note, a folder with the name of a picture. */
static int make_folder(void **state)
{
    static uint8_t rgb[40 * 30 * 3];
    char path[64];
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    for (int i = N - 1; i >= 0; i--) {
        struct csg_image *image = NULL;
        for (size_t k = 0; k < sizeof rgb; k++)
            rgb[k] = (uint8_t)(k * (size_t)(5 + 2 * i));
        path_of(path, i, i % 2 ? ".PNG" : ".png");
        if (csg_image_from_rgb(&image, rgb, 40, 30, 0, NULL) || csg_image_write_png(image, path, false, NULL))
            return -1;
        csg_image_destroy(&image);
        if (i == DAMAGED && truncate(path, 40) != 0)
            return -1;
    }
    snprintf(path, sizeof path, "%s/note.txt", folder);
    FILE *note = fopen(path, "w");
    snprintf(path, sizeof path, "%s/.hidden.png", folder);
    FILE *hidden = fopen(path, "w");
    snprintf(path, sizeof path, "%s/deeper.png", folder);
    return !note || !hidden || fclose(note) || fclose(hidden) || mkdir(path, 0700);
}

static int remove_folder(void **state)
{
    static const char *const others[] = {"note.txt", ".hidden.png", "deeper.png"};
    char path[64];
    (void)state;
    for (int i = 0; i < N; i++) {
        path_of(path, i, i % 2 ? ".PNG" : ".png");
        remove(path);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, others[i]);
        remove(path);
    }
    return rmdir(folder);
}

static void a_folder_and_a_pattern_are_lists(void **state)
{
    struct csg_picture_list list;
    char pattern[64];
    (void)state;
    assert_int_equal(csg_picture_list_load(&list, folder, NULL), CSG_OK);
    assert_true(list.many);
    assert_int_equal(list.count, N);
    for (int i = 0; i < N; i++) {
        path_of(pattern, i, i % 2 ? ".PNG" : ".png");
        assert_string_equal(list.paths[i], pattern);
    }
    csg_picture_list_free(&list);
    snprintf(pattern, sizeof pattern, "%s/p0[13-5]*", folder);
    assert_int_equal(csg_picture_list_load(&list, pattern, NULL), CSG_OK);
    assert_true(list.many && list.count == 4 && strstr(list.paths[0], "p01.PNG") && strstr(list.paths[3], "p05.PNG"));
    csg_picture_list_free(&list);
    snprintf(pattern, sizeof pattern, "%s/q*", folder);
    assert_int_equal(csg_picture_list_load(&list, pattern, NULL), CSG_ERROR_INPUT);
    assert_int_equal(csg_picture_list_load(&list, NULL, NULL), CSG_ERROR_USAGE);
    snprintf(pattern, sizeof pattern, "%s/deeper.png", folder);
    assert_int_equal(csg_picture_list_load(&list, pattern, NULL), CSG_ERROR_INPUT);
    assert_int_equal(csg_picture_list_load(&list, "-", NULL), CSG_OK);
    assert_true(!list.many && list.count == 1);
    csg_picture_list_free(&list);
    csg_picture_list_free(&list);
}

/* What the callbacks see. */
struct seen {
    struct csg_engine **engines;
    pthread_mutex_t lock;
    float raw_max[N];
    int computed[N], finished[N], done;
    size_t by[N], most, unreadable, ticks;
    pthread_t caller;
    int fail_at; /* the picture whose computation fails; -1 */
    bool interrupt;
    int share, asked; /* the pictures with index % 2 == share are ours; -1: all */
};

static int compute(void *user, size_t engine, const size_t *indices, const struct csg_image *const *images, size_t n,
                   struct csg_error *err)
{
    static const char *const text = "dog";
    static const struct csg_map_params params = {.size_px = 32};
    struct seen *seen = user;
    struct csg_result *results[N];
    assert_true(n >= 1 && n <= 3);
    for (size_t i = 0; i < n; i++)
        if ((int)indices[i] == seen->fail_at) {
            snprintf(err->sentence, sizeof err->sentence, "picture %zu is not liked", indices[i]);
            return CSG_ERROR;
        }
    int status = csg_map_many(seen->engines[engine], images, n, &text, 1, &params, results, err);
    pthread_mutex_lock(&seen->lock);
    seen->most = n > seen->most ? n : seen->most;
    for (size_t i = 0; status == CSG_OK && i < n; i++) {
        seen->computed[indices[i]]++;
        seen->by[indices[i]] = engine;
        seen->raw_max[indices[i]] = results[i]->texts[0].raw_max;
        csg_result_destroy(&results[i]);
    }
    pthread_mutex_unlock(&seen->lock);
    return status;
}

static int finish(void *user, size_t index, struct csg_error *err)
{
    struct seen *seen = user;
    (void)err;
    pthread_mutex_lock(&seen->lock);
    seen->finished[index] += seen->computed[index];
    pthread_mutex_unlock(&seen->lock);
    return CSG_OK;
}

static int done(void *user, const struct csg_walk_picture *picture, struct csg_error *err)
{
    struct seen *seen = user;
    (void)err;
    assert_true(pthread_equal(pthread_self(), seen->caller));
    assert_int_equal(picture->index, seen->share < 0 ? seen->done : 2 * seen->done + seen->share);
    seen->done++;
    if (picture->problem) {
        assert_int_equal(picture->index, DAMAGED);
        assert_non_null(strstr(picture->problem, "p05.PNG"));
        return CSG_OK;
    }
    assert_int_equal(seen->finished[picture->index], 1);
    assert_int_equal(seen->by[picture->index], picture->engine);
    assert_true(picture->ms > 0);
    return CSG_OK;
}

static bool watch(void *user, const struct csg_walk_state *state)
{
    struct seen *seen = user;
    assert_int_equal(state->total, N);
    assert_true(state->done <= N);
    seen->unreadable = state->unreadable;
    seen->ticks++;
    return seen->interrupt;
}

static bool mine(void *user, size_t index)
{
    struct seen *seen = user;
    assert_int_equal(index, seen->asked++);
    return (int)index % 2 == seen->share;
}

static int walk(struct seen *seen, struct csg_engine **engines, size_t n_engines, size_t batch, struct csg_error *err)
{
    struct csg_picture_list list;
    *seen = (struct seen){.engines = engines,
                          .caller = pthread_self(),
                          .fail_at = seen->fail_at,
                          .interrupt = seen->interrupt,
                          .share = seen->share};
    pthread_mutex_init(&seen->lock, NULL);
    assert_int_equal(csg_picture_list_load(&list, folder, NULL), CSG_OK);
    const struct csg_walk_params params = {.engines = engines,
                                           .n_engines = n_engines,
                                           .paths = (const char *const *)list.paths,
                                           .n_paths = list.count,
                                           .batch = batch,
                                           .user = seen,
                                           .mine = seen->share < 0 ? NULL : mine,
                                           .compute = compute,
                                           .finish = finish,
                                           .done = done,
                                           .watch = watch};
    int status = csg_walk(&params, err);
    csg_picture_list_free(&list);
    pthread_mutex_destroy(&seen->lock);
    return status;
}

static struct csg_engine *engine_on(const char *device)
{
    struct csg_engine *engine = NULL;
    const struct csg_engine_params params = {.device = device, .templates = "none"};
    assert_int_equal(csg_engine_create(&engine, &params, NULL), CSG_OK);
    return engine;
}

static void each_picture_is_computed_once(void **state)
{
    (void)state;
    struct csg_engine *engines[] = {engine_on(NULL), engine_on("reference")};
    struct seen first = {.fail_at = -1, .share = -1}, seen = {.fail_at = -1, .share = -1};
    struct csg_error err = {0};
    assert_int_equal(walk(&first, engines, 1, 1, &err), CSG_OK);
    const struct {
        size_t engines, batch;
    } cases[] = {{1, 3}, {2, 1}, {2, 3}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        assert_int_equal(walk(&seen, engines, cases[c].engines, cases[c].batch, &err), CSG_OK);
        assert_int_equal(seen.done, N);
        assert_int_equal(seen.unreadable, 1);
        assert_true(seen.ticks > 0);
        if (cases[c].engines == 1)
            assert_int_equal(seen.most, cases[c].batch);
        for (int i = 0; i < N; i++) {
            assert_int_equal(seen.computed[i], i != DAMAGED);
            float difference = seen.raw_max[i] - first.raw_max[i];
            assert_true(difference < 1e-5F && difference > -1e-5F);
        }
    }
    assert_true(first.raw_max[0] < first.raw_max[1] || first.raw_max[0] > first.raw_max[1]);
    csg_engine_destroy(&engines[0]);
    csg_engine_destroy(&engines[1]);
}

static void two_share_the_pictures(void **state)
{
    (void)state;
    struct csg_engine *engines[] = {engine_on("reference"), engine_on("reference")};
    struct seen all = {.fail_at = -1, .share = -1};
    struct csg_error err = {0};
    assert_int_equal(walk(&all, engines, 1, 3, &err), CSG_OK);
    for (int share = 0; share < 2; share++)
        for (size_t n_engines = 1; n_engines <= 2; n_engines++) {
            struct seen seen = {.fail_at = -1, .share = share};
            assert_int_equal(walk(&seen, engines, n_engines, 3, &err), CSG_OK);
            assert_int_equal(seen.asked, N);
            assert_int_equal(seen.done, N / 2);
            assert_int_equal(seen.unreadable, DAMAGED % 2 == share);
            for (int i = 0; i < N; i++) {
                assert_int_equal(seen.computed[i], i % 2 == share && i != DAMAGED);
                assert_true(!seen.computed[i] || memcmp(&seen.raw_max[i], &all.raw_max[i], sizeof(float)) == 0);
            }
        }
    csg_engine_destroy(&engines[0]);
    csg_engine_destroy(&engines[1]);
}

static void a_failure_ends_all(void **state)
{
    (void)state;
    struct csg_engine *engine = engine_on("reference");
    struct csg_error err = {0};
    struct seen seen = {.fail_at = 3, .share = -1};
    assert_int_equal(walk(&seen, &engine, 1, 1, &err), CSG_ERROR);
    assert_string_equal(err.sentence, "picture 3 is not liked");
    assert_true(seen.done <= 4);
    seen.fail_at = -1;
    seen.interrupt = true;
    assert_int_equal(walk(&seen, &engine, 1, 1, &err), CSG_ERROR_INTERRUPTED);
    assert_true(seen.done < N);
    seen.interrupt = false; /* and the engine is as it was */
    assert_int_equal(walk(&seen, &engine, 1, 2, &err), CSG_OK);
    assert_int_equal(seen.done, N);
    csg_engine_destroy(&engine);
}

static void nothing_to_read_is_an_error(void **state)
{
    (void)state;
    struct csg_engine *engine = engine_on("reference");
    struct csg_error err = {0};
    char damaged[64];
    path_of(damaged, DAMAGED, ".PNG");
    const char *paths[] = {damaged, "/nonexistent.png"};
    struct csg_walk_params params = {.engines = &engine, .n_engines = 1, .paths = paths, .n_paths = 2, .compute = compute};
    assert_int_equal(csg_walk(&params, &err), CSG_ERROR_INPUT);
    assert_non_null(strstr(err.sentence, "none of 2"));
    params.n_paths = 0;
    assert_int_equal(csg_walk(&params, &err), CSG_ERROR_USAGE);
    csg_engine_destroy(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_and_a_pattern_are_lists), cmocka_unit_test(each_picture_is_computed_once),
        cmocka_unit_test(two_share_the_pictures),           cmocka_unit_test(a_failure_ends_all),
        cmocka_unit_test(nothing_to_read_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
