/* Prompts that share their beginnings are computed together: the features are those that each has alone. Public header alone. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <clip_surgeon/clip_surgeon.h>
#include <cmocka.h>

/* Beginnings of each other, forks, one twice, one that is cut, none. */
static const char *const texts[] = {
    "a photo of a dog",
    "a photo of a dog house",
    "a photo of a cat",
    "a photo",
    "dog",
    "",
    "a photo of a dog",
    "the dog and the cat and the horse and the cow and the sheep and the bird and the boat and the bus and the car and the train "
    "and "
    "the chair and the table and the plant and the sofa and the bottle and the person and the bicycle and the motorbike and the "
    "dog",
    "the dog and the cat",
};
#define N_TEXTS (sizeof texts / sizeof *texts)

static struct csg_engine *engine_on(const char *device)
{
    struct csg_error err = {0};
    struct csg_engine *engine = NULL;
    const struct csg_engine_params params = {.device = device, .templates = "none", .cache_dir = ""};
    if (csg_engine_create(&engine, &params, &err) != CSG_OK)
        fail_msg("%s", err.sentence);
    return engine;
}

static void compare(const char *device, double limit)
{
    struct csg_engine_info info;
    struct csg_engine *engine = engine_on(device);
    csg_engine_info(engine, &info);
    size_t embed = info.embed_dim;
    float *alone = calloc(N_TEXTS * embed, sizeof *alone), *together = calloc(N_TEXTS * embed, sizeof *together);
    assert_non_null(alone);
    assert_non_null(together);
    for (size_t i = 0; i < N_TEXTS; i++)
        assert_int_equal(csg_embed_texts(engine, texts + i, 1, alone + i * embed, NULL), CSG_OK);
    csg_engine_destroy(&engine);
    engine = engine_on(device); /* which knows none of them */
    assert_int_equal(csg_embed_texts(engine, texts, N_TEXTS, together, NULL), CSG_OK);
    csg_engine_destroy(&engine);
    double worst = 0;
    for (size_t i = 0; i < N_TEXTS * embed; i++)
        worst = fmax(worst, fabs((double)alone[i] - (double)together[i]));
    print_message("  %s: alone and together differ by %.1e, limit %.0e\n", device ? device : "best", worst, limit);
    assert_true(worst <= limit);
    for (size_t i = 0; i < embed; i++)
        assert_true(together[i] == together[6 * embed + i]);
    free(alone);
    free(together);
}

static void on_the_reference(void **state)
{
    (void)state;
    compare("reference", 0);
}

/* GEMM may add in another order where there are other numbers of rows. */
static void on_the_device(void **state)
{
    (void)state;
    compare(NULL, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(on_the_reference), cmocka_unit_test(on_the_device)};
    return cmocka_run_group_tests_name("prompts that share their beginnings", tests, NULL, NULL);
}
