/* The promises of the public header that no other test keeps: NULL-safety, errors as values, two engines at once, results that outlive
 * their engine, interrupts. Public header alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <clip_surgeon/clip_surgeon.h>
#include <cmocka.h>
#include <pthread.h>

static struct csg_image *picture(void)
{
    static uint8_t rgb[96][128][3];
    struct csg_image *image = NULL;
    for (int y = 0; y < 96; y++)
        for (int x = 0; x < 128; x++) {
            rgb[y][x][0] = (uint8_t)(2 * x);
            rgb[y][x][1] = (uint8_t)(x * y);
            rgb[y][x][2] = (uint8_t)(2 * y);
        }
    assert_int_equal(csg_image_from_rgb(&image, &rgb[0][0][0], 128, 96, 0, NULL), CSG_OK);
    return image;
}

static struct csg_engine *engine_on(const char *device)
{
    struct csg_error err = {0};
    struct csg_engine *engine = NULL;
    const struct csg_engine_params params = {.device = device};
    if (csg_engine_create(&engine, &params, &err) != CSG_OK)
        fail_msg("%s", err.sentence);
    return engine;
}

static void destroying_nothing_is_allowed(void **state)
{
    (void)state;
    struct csg_engine *engine = NULL;
    struct csg_result *result = NULL;
    struct csg_image *image = NULL;
    struct csg_device_info *devices = NULL;
    csg_engine_destroy(NULL);
    csg_engine_destroy(&engine);
    csg_result_destroy(NULL);
    csg_result_destroy(&result);
    csg_image_destroy(NULL);
    csg_image_destroy(&image);
    csg_devices_free(NULL);
    csg_devices_free(&devices);
}

static void a_failure_is_a_status_and_a_sentence(void **state)
{
    (void)state;
    static const struct {
        struct csg_engine_params params;
        int status;
    } cases[] = {{{.device = "no such device"}, CSG_ERROR_NO_DEVICE},
                 {{.model = "/nonexistent"}, CSG_ERROR_MODEL},
                 {{.precision = "f8", .device = "reference"}, CSG_ERROR_USAGE},
                 {{.device_class = "toaster"}, CSG_ERROR_USAGE},
                 {{.towers = "eiffel", .device = "reference"}, CSG_ERROR_USAGE},
                 {{.templates = "/nonexistent", .device = "reference"}, CSG_ERROR_INPUT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct csg_engine *engine = (struct csg_engine *)(uintptr_t)1;
        struct csg_error err = {0};
        assert_int_equal(csg_engine_create(&engine, &cases[i].params, &err), cases[i].status);
        assert_null(engine);
        assert_int_equal(err.status, cases[i].status);
        assert_true(strlen(err.sentence) > 10);
        assert_int_equal(csg_engine_create(&engine, &cases[i].params, NULL), cases[i].status);
    }
}

static void wrong_requests_are_refused_and_the_engine_goes_on(void **state)
{
    (void)state;
    static const char *const text = "dog";
    static const struct csg_map_params wrong[] = {{.method = "magic"},  {.fit = "crop"},     {.size_px = 17},
                                                  {.size_px = -16},     {.first_block = 99}, {.redundant = "set"},
                                                  {.redundant = "none"}};
    struct csg_engine *engine = engine_on("reference");
    struct csg_image *image = picture();
    struct csg_result *result = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(csg_map(engine, image, &text, 1, wrong + i, &result, NULL), CSG_ERROR_USAGE);
        assert_null(result);
    }
    assert_int_equal(csg_map(engine, image, &text, 0, NULL, &result, NULL), CSG_ERROR_USAGE);
    assert_int_equal(csg_map(engine, image, &text, 1, NULL, &result, NULL), CSG_OK);
    float map;
    assert_int_equal(csg_result_map(engine, result, 1, 1, 1, &map, NULL), CSG_ERROR_USAGE);
    assert_int_equal(csg_result_map(engine, result, 0, 1, 1, &map, NULL), CSG_OK);
    csg_result_destroy(&result);
    csg_image_destroy(&image);
    csg_engine_destroy(&engine);
}

static void a_result_outlives_its_engine(void **state)
{
    (void)state;
    static const char *const texts[] = {"dog", "cat+horse"};
    struct csg_engine *engine = engine_on(NULL);
    struct csg_image *image = picture();
    struct csg_result *result = NULL;
    assert_int_equal(csg_map(engine, image, texts, 2, NULL, &result, NULL), CSG_OK);
    csg_engine_destroy(&engine);
    csg_image_destroy(&image);
    assert_string_equal(result->texts[1].text, "cat+horse");
    assert_string_equal(result->mode, "set");
    double sum = 0;
    for (int i = 0; i < 2 * result->grid_w * result->grid_h; i++)
        sum += (double)result->grid_map[i];
    assert_true(sum > 0);
    csg_result_destroy(&result);
}

static void an_interrupt_ends_one_call(void **state)
{
    (void)state;
    static const char *const text = "dog";
    struct csg_engine *engine = engine_on(NULL);
    struct csg_image *image = picture();
    struct csg_result *result = NULL;
    csg_engine_interrupt(engine);
    assert_int_equal(csg_map(engine, image, &text, 1, NULL, &result, NULL), CSG_ERROR_INTERRUPTED);
    assert_null(result);
    assert_int_equal(csg_map(engine, image, &text, 1, NULL, &result, NULL), CSG_OK);
    csg_result_destroy(&result);
    csg_image_destroy(&image);
    csg_engine_destroy(&engine);
}

#define ROUNDS 4

struct worker {
    struct csg_engine *engine;
    const char *text;
    float raw_max[ROUNDS];
    int status;
};

static void *work(void *user)
{
    struct worker *worker = user;
    struct csg_image *image = picture();
    for (int i = 0; i < ROUNDS; i++) {
        struct csg_result *result = NULL;
        const struct csg_map_params params = {.size_px = 64 + 64 * (i % 2)};
        int status = csg_map(worker->engine, image, &worker->text, 1, &params, &result, NULL);
        worker->status = worker->status ? worker->status : status;
        worker->raw_max[i] = status ? 0 : result->texts[0].raw_max;
        csg_result_destroy(&result);
    }
    csg_image_destroy(&image);
    return NULL;
}

/* Sizes change between the calls, so that scratch that two engines shared would show. */
static void two_engines_work_side_by_side(void **state)
{
    (void)state;
    struct worker alone[2] = {{.text = "dog"}, {.text = "person"}}, together[2] = {{.text = "dog"}, {.text = "person"}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        alone[i].engine = engine_on(NULL);
        work(alone + i);
        csg_engine_destroy(&alone[i].engine);
        together[i].engine = engine_on(NULL);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(threads + i, NULL, work, together + i), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        csg_engine_destroy(&together[i].engine);
        assert_int_equal(together[i].status, CSG_OK);
        assert_memory_equal(alone[i].raw_max, together[i].raw_max, sizeof alone[i].raw_max);
    }
    assert_memory_not_equal(alone[0].raw_max, alone[1].raw_max, sizeof alone[0].raw_max);
}

/* One engine for texts and one for pictures, each with its tower alone, are together what an engine with both is. */
static void texts_and_pictures_can_have_an_engine_each(void **state)
{
    (void)state;
    static const char *const texts[] = {"dog", "person+horse"};
    static const struct csg_map_params params = {.labels = "demo"};
    const struct csg_engine_params for_texts = {.towers = "text", .cache_dir = ""},
                                   for_pictures = {.towers = "image", .cache_dir = ""}; /* nothing is known yet */
    struct csg_engine *text_engine = NULL, *picture_engine = NULL, *both = engine_on(NULL);
    struct csg_image *image = picture();
    struct csg_result *result = NULL, *expected = NULL;
    struct csg_label_set needed;
    struct csg_engine_info info;
    assert_int_equal(csg_engine_create(&text_engine, &for_texts, NULL), CSG_OK);
    assert_int_equal(csg_engine_create(&picture_engine, &for_pictures, NULL), CSG_OK);
    csg_engine_info(both, &info);
    assert_int_equal(csg_map_texts(&needed, texts, 2, &params, NULL), CSG_OK);
    assert_true(needed.count > 10);
    float *features = calloc(needed.count * info.embed_dim, sizeof *features);
    assert_non_null(features);
    assert_int_equal(csg_map(text_engine, image, texts, 2, &params, &result, NULL), CSG_ERROR_USAGE);
    assert_int_equal(csg_map(picture_engine, image, texts, 2, &params, &result, NULL), CSG_ERROR_USAGE);
    assert_null(result);
    assert_int_equal(csg_embed_texts(text_engine, (const char *const *)needed.labels, needed.count, features, NULL), CSG_OK);
    assert_int_equal(csg_take_features(picture_engine, (const char *const *)needed.labels, needed.count, features, NULL), CSG_OK);
    assert_int_equal(csg_map(picture_engine, image, texts, 2, &params, &result, NULL), CSG_OK);
    assert_int_equal(csg_map(both, image, texts, 2, &params, &expected, NULL), CSG_OK);
    assert_memory_equal(result->similarity, expected->similarity,
                        2 * (size_t)result->grid_w * (size_t)result->grid_h * sizeof(float));
    csg_label_set_free(&needed);
    assert_int_equal(csg_map_texts(&needed, texts, 1, NULL, NULL), CSG_OK); /* one text is compared with the empty one */
    assert_int_equal(needed.count, 2);
    assert_string_equal(needed.labels[1], "");
    csg_label_set_free(&needed);
    assert_int_equal(csg_map_texts(&needed, texts, 1, &(struct csg_map_params){.method = "magic"}, NULL), CSG_ERROR_USAGE);
    free(features);
    csg_result_destroy(&result);
    csg_result_destroy(&expected);
    csg_image_destroy(&image);
    csg_engine_destroy(&text_engine);
    csg_engine_destroy(&picture_engine);
    csg_engine_destroy(&both);
}

#define MANY 5

/* Pictures of three sizes, no two alike. */
static struct csg_image *another_picture(int number)
{
    static const int sizes[][2] = {{64, 48}, {48, 64}, {90, 30}};
    static uint8_t rgb[90 * 64 * 3];
    struct csg_image *image = NULL;
    for (int i = 0; i < (int)sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * (7 + 2 * number) + i / 97 * 31);
    const int *size = sizes[number % 3];
    assert_int_equal(csg_image_from_rgb(&image, rgb, size[0], size[1], 0, NULL), CSG_OK);
    return image;
}

static double worst_difference(const float *a, const float *b, size_t count)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = a[i] > b[i] ? (double)a[i] - (double)b[i] : (double)b[i] - (double)a[i];
        worst = difference > worst ? difference : worst;
    }
    return worst;
}

/* However many go together: to the bit, but on GPUs. */
static void compare_results(const struct csg_result *alone, const struct csg_result *one_of_many, bool gpu)
{
    size_t cells = (size_t)alone->grid_w * (size_t)alone->grid_h, tokens = (cells + 1) * alone->embed_dim;
    assert_int_equal(alone->grid_w, one_of_many->grid_w);
    assert_int_equal(alone->grid_h, one_of_many->grid_h);
    assert_int_equal(alone->image_width_px, one_of_many->image_width_px);
    assert_int_equal(alone->image_height_px, one_of_many->image_height_px);
    if (gpu) {
        assert_true(worst_difference(alone->tokens, one_of_many->tokens, tokens) < 1e-5);
        return;
    }
    assert_memory_equal(alone->tokens, one_of_many->tokens, tokens * sizeof(float));
    assert_memory_equal(alone->similarity, one_of_many->similarity, alone->n_texts * cells * sizeof(float));
    assert_memory_equal(alone->grid_map, one_of_many->grid_map, alone->n_texts * cells * sizeof(float));
    for (size_t t = 0; t < alone->n_texts; t++) {
        assert_memory_equal(&alone->texts[t].score, &one_of_many->texts[t].score, sizeof(float));
        assert_int_equal(alone->texts[t].peak_x_px, one_of_many->texts[t].peak_x_px);
        assert_int_equal(alone->texts[t].peak_y_px, one_of_many->texts[t].peak_y_px);
    }
}

static void check_many(struct csg_engine *engine, const struct csg_map_params *params, bool gpu)
{
    static const char *const texts[] = {"dog", "person+horse"};
    const struct csg_image *images[MANY];
    struct csg_result *alone[MANY], *together[MANY];
    for (int i = 0; i < MANY; i++) {
        images[i] = another_picture(i);
        assert_int_equal(csg_map(engine, images[i], texts, 2, params, &alone[i], NULL), CSG_OK);
    }
    for (size_t n = 2; n <= MANY; n += 3) {
        assert_int_equal(csg_map_many(engine, images, n, texts, 2, params, together, NULL), CSG_OK);
        for (size_t i = 0; i < n; i++) {
            compare_results(alone[i], together[i], gpu);
            csg_result_destroy(&together[i]);
        }
    }
    size_t tokens = (size_t)(1 + alone[0]->grid_w * alone[0]->grid_h) * alone[0]->embed_dim;
    assert_true(worst_difference(alone[0]->tokens, alone[1]->tokens, tokens < 1000 ? tokens : 1000) > 1e-3);
    for (int i = 0; i < MANY; i++) {
        struct csg_image *image = (struct csg_image *)(uintptr_t)images[i];
        csg_image_destroy(&image);
        csg_result_destroy(&alone[i]);
    }
}

static void pictures_together_are_what_they_are_alone(void **state)
{
    (void)state;
    /* Paths that go together, one that does not, a gradient, and pictures that the encoder sees at three sizes. */
    static const struct csg_map_params cases[] = {{.size_px = 64},
                                                  {.size_px = 64, .method = "raw"},
                                                  {.size_px = 64, .method = "sclip"},
                                                  {.size_px = 64, .method = "gradcam"},
                                                  {.size_px = 48, .fit = "aspect"}};
    const struct csg_engine_params on[] = {{.templates = "none"},
                                           {.templates = "none", .device_class = "gpu"},
                                           {.templates = "none", .precision = "bf16"},
                                           {.templates = "none", .device = "reference"}};
    for (size_t d = 0; d < sizeof on / sizeof *on; d++) {
        struct csg_engine *engine = NULL;
        struct csg_engine_info info;
        assert_int_equal(csg_engine_create(&engine, &on[d], NULL), CSG_OK);
        csg_engine_info(engine, &info);
        bool gpu = strcmp(info.device_class, "gpu") == 0;
        size_t n = d == 1 ? 1 : sizeof cases / sizeof *cases; /* kernels for GPUs are slow on a CPU */
        for (size_t i = 0; i < n; i++)
            check_many(engine, &cases[i], gpu);
        csg_engine_destroy(&engine);
    }
}

static void pictures_are_embedded_together(void **state)
{
    (void)state;
    const struct csg_image *images[MANY];
    struct csg_engine *engine = engine_on(NULL);
    struct csg_engine_info info;
    struct csg_result *results[2];
    static const char *const text = "dog";
    csg_engine_info(engine, &info);
    size_t embed = info.embed_dim;
    float *alone = calloc(MANY * embed, sizeof *alone), *together = calloc(MANY * embed, sizeof *together);
    assert_true(alone && together);
    for (size_t i = 0; i < MANY; i++) {
        images[i] = another_picture((int)i);
        assert_int_equal(csg_embed_image(engine, images[i], alone + i * embed, NULL), CSG_OK);
    }
    assert_int_equal(csg_embed_images(engine, images, MANY, together, NULL), CSG_OK);
    if (strcmp(info.device_class, "gpu") == 0)
        assert_true(worst_difference(alone, together, MANY * embed) < 1e-5);
    else
        assert_memory_equal(alone, together, MANY * embed * sizeof *alone);
    assert_int_equal(csg_embed_images(engine, images, 0, together, NULL), CSG_OK);
    assert_int_equal(csg_map_many(engine, images, 0, &text, 1, NULL, results, NULL), CSG_ERROR_USAGE);
    /* One that fails, fails all. */
    results[0] = results[1] = (struct csg_result *)(uintptr_t)1;
    assert_int_equal(csg_map_many(engine, images, 2, &text, 1, &(struct csg_map_params){.size_px = 17}, results, NULL),
                     CSG_ERROR_USAGE);
    assert_true(!results[0] && !results[1]);
    for (size_t i = 0; i < MANY; i++) {
        struct csg_image *image = (struct csg_image *)(uintptr_t)images[i];
        csg_image_destroy(&image);
    }
    free(alone);
    free(together);
    csg_engine_destroy(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroying_nothing_is_allowed),
        cmocka_unit_test(a_failure_is_a_status_and_a_sentence),
        cmocka_unit_test(wrong_requests_are_refused_and_the_engine_goes_on),
        cmocka_unit_test(a_result_outlives_its_engine),
        cmocka_unit_test(an_interrupt_ends_one_call),
        cmocka_unit_test(two_engines_work_side_by_side),
        cmocka_unit_test(texts_and_pictures_can_have_an_engine_each),
        cmocka_unit_test(pictures_together_are_what_they_are_alone),
        cmocka_unit_test(pictures_are_embedded_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
