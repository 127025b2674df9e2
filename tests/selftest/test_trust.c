/* The known answers at the start of an engine: quick, and each of them sees a fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clip_surgeon/clip_surgeon.h>
#include <cmocka.h>

static double canary_ms;

static void read_time(void *user, enum csg_log_level level, const char *message)
{
    const char *took = strstr(message, "known answers");
    (void)user, (void)level;
    if (took && (took = strstr(took, "took ")))
        canary_ms = atof(took + 5);
}

static int create(const char *fault, const char *cache, const char *fallback, struct csg_engine **engine, struct csg_error *err)
{
    const struct csg_engine_params params = {.cache_dir = cache, .fallback = fallback, .templates = "none", .log = read_time};
    if (fault)
        setenv("CSG_TEST_FAULT", fault, 1);
    else
        unsetenv("CSG_TEST_FAULT");
    return csg_engine_create(engine, &params, err);
}

static void known_answers_take_less_than_50_ms(void **state)
{
    const char *cache = *state;
    double least = 1e9;
    /* The first start compiles; the machine may be busy with something else in some of the others. */
    for (int i = 0; i < 6; i++) {
        struct csg_engine *engine;
        canary_ms = -1;
        assert_int_equal(create(NULL, cache, NULL, &engine, NULL), CSG_OK);
        csg_engine_destroy(&engine);
        assert_true(canary_ms >= 0);
        least = canary_ms < least ? canary_ms : least;
    }
    print_message("known answers: %.1f ms\n", least);
    if (!getenv("CSG_SANITIZED"))
        assert_true(least < 50);
}

static void each_fault_is_seen(void **state)
{
    static const char *const faults[] = {"gemm", "layernorm", "attention"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct csg_engine *engine;
        struct csg_error err = {0};
        assert_int_equal(create(faults[i], *state, NULL, &engine, &err), CSG_ERROR_SELF_TEST);
        assert_null(engine);
        assert_int_equal(err.status, CSG_ERROR_SELF_TEST);
        assert_non_null(strstr(err.sentence, faults[i]));
    }
}

static void the_reference_stands_in_where_it_is_asked_for(void **state)
{
    struct csg_engine *engine;
    struct csg_engine_info info;
    struct csg_error err = {0};
    assert_int_equal(create("gemm", *state, "reference", &engine, &err), CSG_OK);
    csg_engine_info(engine, &info);
    assert_string_equal(info.device, "reference");
    assert_non_null(info.fallback_reason);
    assert_non_null(strstr(info.fallback_reason, "gemm"));
    csg_engine_destroy(&engine);
    assert_int_equal(create(NULL, *state, "reference", &engine, &err), CSG_OK);
    csg_engine_info(engine, &info);
    assert_string_not_equal(info.device, "reference");
    assert_null(info.fallback_reason);
    csg_engine_destroy(&engine);
    assert_int_equal(create("gemm", *state, "next", &engine, &err), CSG_OK); /* which is as wrong, wherever there is one */
    csg_engine_info(engine, &info);
    assert_string_equal(info.device, "reference");
    csg_engine_destroy(&engine);
    assert_int_equal(create(NULL, *state, "nonsense", &engine, &err), CSG_ERROR_USAGE);
}

static void a_failed_self_test_is_remembered_until_it_passes(void **state)
{
    struct csg_self_test *test = NULL;
    struct csg_engine *engine;
    struct csg_error err = {0};
    const struct csg_self_test_params params = {.cache_dir = *state};
    setenv("CSG_TEST_FAULT", "minmax", 1); /* which no known answer looks at */
    assert_int_equal(csg_self_test(&test, &params, &err), CSG_OK);
    assert_false(test->passed);
    for (size_t i = 0; i < test->n_ops; i++) {
        bool faulty = strcmp(test->ops[i].op, "minmax") == 0;
        assert_true(test->ops[i].cases > 0);
        assert_true((test->ops[i].failed > 0) == faulty);
        assert_true((test->ops[i].first_failure[0] != '\0') == faulty);
    }
    csg_self_test_free(&test);
    assert_int_equal(create(NULL, *state, NULL, &engine, &err), CSG_ERROR_SELF_TEST);
    assert_non_null(strstr(err.sentence, "minmax"));
    assert_int_equal(csg_self_test(&test, &params, &err), CSG_OK);
    assert_true(test->passed);
    csg_self_test_free(&test);
    assert_null(test);
    assert_int_equal(create(NULL, *state, NULL, &engine, &err), CSG_OK);
    csg_engine_destroy(&engine);
}

static void the_reference_has_no_self_test(void **state)
{
    struct csg_self_test *test;
    const struct csg_self_test_params params = {.device = "reference", .cache_dir = *state};
    assert_int_equal(csg_self_test(&test, &params, NULL), CSG_ERROR_USAGE);
    csg_self_test_free(&test);
    csg_self_test_free(NULL);
}

int main(int argc, char **argv)
{
    char *cache = argc > 1 ? argv[1] : "";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(known_answers_take_less_than_50_ms, cache),
        cmocka_unit_test_prestate(each_fault_is_seen, cache),
        cmocka_unit_test_prestate(the_reference_stands_in_where_it_is_asked_for, cache),
        cmocka_unit_test_prestate(a_failed_self_test_is_remembered_until_it_passes, cache),
        cmocka_unit_test_prestate(the_reference_has_no_self_test, cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
