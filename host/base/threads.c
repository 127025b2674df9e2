#include "base/threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

struct csg_thread {
    pthread_t thread;
    void (*run)(void *);
    void *user;
};

static void *start(void *thread)
{
    const struct csg_thread *t = thread;
    t->run(t->user);
    return NULL;
}

int csg_thread_start(struct csg_thread **out, void (*run)(void *user), void *user, struct csg_error *err)
{
    *out = NULL;
    struct csg_thread *thread = csg_calloc(1, sizeof *thread);
    if (!thread)
        return csg_fail_memory(err);
    thread->run = run;
    thread->user = user;
    if (pthread_create(&thread->thread, NULL, start, thread) != 0) {
        free(thread);
        return csg_fail(err, CSG_ERROR, "the system gives no further thread");
    }
    *out = thread;
    return CSG_OK;
}

void csg_thread_join(struct csg_thread **thread)
{
    if (!*thread)
        return;
    pthread_join((*thread)->thread, NULL);
    free(*thread);
    *thread = NULL;
}

void csg_thread_leave(struct csg_thread **thread)
{
    pthread_detach((*thread)->thread);
    free(*thread);
    *thread = NULL;
}

static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;

void csg_process_lock_enter(void)
{
    pthread_mutex_lock(&process_lock);
}

void csg_process_lock_leave(void)
{
    pthread_mutex_unlock(&process_lock);
}

struct csg_lock {
    pthread_mutex_t mutex;
    pthread_cond_t news;
};

int csg_lock_create(struct csg_lock **out, struct csg_error *err)
{
    struct csg_lock *lock = csg_calloc(1, sizeof *lock);
    *out = NULL;
    if (!lock)
        return csg_fail_memory(err);
    if (pthread_mutex_init(&lock->mutex, NULL) != 0) {
        free(lock);
        return csg_fail_memory(err);
    }
    if (pthread_cond_init(&lock->news, NULL) != 0) {
        pthread_mutex_destroy(&lock->mutex);
        free(lock);
        return csg_fail_memory(err);
    }
    *out = lock;
    return CSG_OK;
}

void csg_lock_destroy(struct csg_lock **lock)
{
    if (!*lock)
        return;
    pthread_cond_destroy(&(*lock)->news);
    pthread_mutex_destroy(&(*lock)->mutex);
    free(*lock);
    *lock = NULL;
}

void csg_lock_enter(struct csg_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

void csg_lock_leave(struct csg_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

void csg_lock_wait(struct csg_lock *lock, double most_ms)
{
    struct timespec until;
    if (most_ms < 0) {
        pthread_cond_wait(&lock->news, &lock->mutex);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = (int64_t)until.tv_nsec + (int64_t)(most_ms * 1e6);
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_cond_timedwait(&lock->news, &lock->mutex, &until);
}

void csg_lock_news(struct csg_lock *lock)
{
    pthread_cond_broadcast(&lock->news);
}

size_t csg_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (size_t)count;
}
