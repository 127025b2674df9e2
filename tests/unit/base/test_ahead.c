/* What is made ahead comes in order, once, and is freed, however much of it is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/ahead.h"

#define COUNT 200

struct item {
    size_t *value;
};

/* Some take longer than those behind them. */
static void make(void *user, size_t index, void *item)
{
    (void)user;
    const struct timespec wait = {0, index % 7 == 0 ? 2000000 : 0};
    nanosleep(&wait, NULL);
    struct item *made = item;
    made->value = malloc(sizeof *made->value);
    *made->value = 3 * index;
}

static void drop(void *user, void *item)
{
    (void)user;
    free(((struct item *)item)->value);
}

static void test_order(void **state)
{
    (void)state;
    size_t order[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        order[i] = COUNT - 1 - i;
    const size_t wanted[] = {0, 1, 2, 7, COUNT};
    for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++) {
        const struct csg_ahead_work work = {make, drop, NULL, order, COUNT, sizeof(struct item)};
        struct csg_ahead *ahead;
        assert_int_equal(csg_ahead_create(&ahead, &work, NULL), CSG_OK);
        for (size_t i = 0; i < wanted[k]; i++) {
            struct item *item = csg_ahead_next(ahead);
            assert_int_equal(*item->value, 3 * order[i]);
        }
        if (wanted[k] == COUNT)
            assert_null(csg_ahead_next(ahead));
        csg_ahead_destroy(&ahead);
        assert_null(ahead);
    }
}

static void test_nothing(void **state)
{
    (void)state;
    const struct csg_ahead_work work = {make, drop, NULL, NULL, 0, sizeof(struct item)};
    struct csg_ahead *ahead;
    assert_int_equal(csg_ahead_create(&ahead, &work, NULL), CSG_OK);
    assert_null(csg_ahead_next(ahead));
    csg_ahead_destroy(&ahead);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
