/* The first calls of a process may come from several threads at once, as the viewer's do: a driver sets its devices up then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/threads.h>
#include <clip_surgeon/clip_surgeon.h>
#include <cmocka.h>

enum { PROCESSES = 8, THREADS = 4 };

struct listing {
    struct csg_thread *thread;
    int status;
    size_t count;
};

static void list(void *user)
{
    struct listing *listing = user;
    struct csg_device_info *devices;
    listing->status = csg_devices_list(&devices, &listing->count, NULL);
    csg_devices_free(&devices);
}

static int list_in_threads(void)
{
    struct listing listings[THREADS] = {{0}};
    bool same = true;
    for (int i = 0; i < THREADS; i++)
        if (csg_thread_start(&listings[i].thread, list, &listings[i], NULL) != CSG_OK)
            return 2;
    for (int i = 0; i < THREADS; i++) {
        csg_thread_join(&listings[i].thread);
        same = same && listings[i].status == CSG_OK && listings[i].count == listings[0].count;
    }
    return !same;
}

static void devices_are_listed_by_threads_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(list_in_threads());
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(devices_are_listed_by_threads_at_once)};
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
