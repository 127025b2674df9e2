/* Tuning the kernels made for GPUs, on whatever device there is: what is chosen computes the same. Public header alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <clip_surgeon/clip_surgeon.h>
#include <cmocka.h>

static struct csg_engine *engine_of(const char *device_class, const char *precision)
{
    struct csg_error err = {0};
    struct csg_engine *engine = NULL;
    const struct csg_engine_params params = {
        .device_class = device_class, .precision = precision, .templates = "none", .cache_dir = ""};
    if (csg_engine_create(&engine, &params, &err) != CSG_OK)
        fail_msg("%s", err.sentence);
    return engine;
}

static size_t passes;

static void count(void *user, size_t n, size_t done, size_t shapes, double seconds_left)
{
    (void)user, (void)seconds_left;
    assert_true(done <= shapes);
    passes = n;
}

static void check(const struct csg_tune *tune, const char *precision, bool compared)
{
    size_t timed = 0;
    assert_string_equal(tune->precision, precision);
    assert_false(tune->kept);
    assert_true(tune->n_shapes > 0);
    for (size_t i = 0; i < tune->n_shapes; i++) {
        const struct csg_tune_shape *shape = &tune->shapes[i];
        size_t chosen = 0, untuned = 0;
        for (size_t f = 0; f < shape->n_forms; f++) {
            const struct csg_tune_form *form = &shape->forms[f];
            chosen += form->chosen;
            untuned += form->untuned;
            timed += form->state == CSG_TUNE_TIMED;
            assert_true(!form->chosen || form->untuned || form->state == CSG_TUNE_TIMED);
        }
        assert_int_equal(chosen, 1);
        assert_int_equal(untuned, 1);
    }
    assert_true(timed >= tune->n_shapes + compared); /* there was something to be compared */
}

static void tune_and_measure(const char *device_class, const char *precision, double most, bool compared)
{
    const struct csg_tune_params params = {.size_px = 48, .seconds = 10, .progress = count};
    const struct csg_bench_params bench_params = {.size_px = 48, .runs = 1, .no_texts = true};
    struct csg_engine *engine = engine_of(device_class, precision);
    struct csg_tune *tune = NULL;
    struct csg_bench *bench = NULL;
    struct csg_error err = {0};
    if (csg_tune_run(engine, &params, &tune, &err) != CSG_OK)
        fail_msg("%s", err.sentence);
    assert_true(passes > 0);
    check(tune, precision, compared);
    csg_tune_free(&tune);
    assert_int_equal(csg_bench_run(engine, &bench_params, &bench, &err), CSG_OK);
    assert_true(!compared || bench->tuned_launches > 0);
    assert_true(bench->error < most);
    csg_bench_free(&bench);
    csg_engine_destroy(&engine);
}

static void kernels_for_gpus(void **state)
{
    (void)state;
    /* There are so many forms that ten seconds may go by while the first ones are compiled. */
    tune_and_measure("gpu", "f32", 1e-4, false);
}

static void kernels_for_cpus(void **state)
{
    (void)state;
    tune_and_measure("cpu", "f32", 1e-4, true);
}

static void an_interrupt_leaves_it_untuned(void **state)
{
    (void)state;
    const struct csg_bench_params bench_params = {.size_px = 48, .runs = 1, .no_texts = true, .no_reference = true};
    struct csg_engine *engine = engine_of("cpu", NULL);
    struct csg_tune *tune = NULL;
    struct csg_bench *bench = NULL;
    csg_engine_interrupt(engine);
    assert_int_equal(csg_tune_run(engine, NULL, &tune, NULL), CSG_ERROR_INTERRUPTED);
    assert_null(tune);
    assert_int_equal(csg_bench_run(engine, &bench_params, &bench, NULL), CSG_OK);
    assert_int_equal(bench->tuned_launches, 0);
    csg_bench_free(&bench);
    csg_engine_destroy(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_for_cpus),
        cmocka_unit_test(kernels_for_gpus),
        cmocka_unit_test(an_interrupt_leaves_it_untuned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
