#include "base/ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define MAX_THREADS 4
#define MAX_SLOTS (MAX_THREADS + 1) /* one is looked at by the caller */

struct csg_ahead {
    struct csg_ahead_work work;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t threads[MAX_THREADS];
    size_t n_threads, n_slots;
    size_t begun, given; /* items: taken by a thread, given to the caller */
    bool ready[MAX_SLOTS], stop;
    unsigned char *items; /* [n_slots, item_bytes] */
};

static void *item_at(const struct csg_ahead *ahead, size_t n)
{
    return ahead->items + n % ahead->n_slots * ahead->work.item_bytes;
}

/* The caller looks at item given - 1, so that slots for those from there on are taken. */
static bool has_room(const struct csg_ahead *ahead)
{
    size_t held = ahead->given ? ahead->given - 1 : 0;
    return ahead->begun - held < ahead->n_slots;
}

static void *run(void *user)
{
    struct csg_ahead *ahead = user;
    pthread_mutex_lock(&ahead->lock);
    while (!ahead->stop && ahead->begun < ahead->work.count) {
        if (!has_room(ahead)) {
            pthread_cond_wait(&ahead->changed, &ahead->lock);
            continue;
        }
        size_t n = ahead->begun++;
        void *item = item_at(ahead, n);
        memset(item, 0, ahead->work.item_bytes);
        pthread_mutex_unlock(&ahead->lock);
        ahead->work.make(ahead->work.user, ahead->work.order[n], item);
        pthread_mutex_lock(&ahead->lock);
        ahead->ready[n % ahead->n_slots] = true;
        pthread_cond_broadcast(&ahead->changed);
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

int csg_ahead_create(struct csg_ahead **out, const struct csg_ahead_work *work, struct csg_error *err)
{
    struct csg_ahead *ahead = csg_calloc(1, sizeof *ahead);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = processors < 1 ? 1 : processors > MAX_THREADS ? MAX_THREADS : (size_t)processors;
    *out = NULL;
    if (!ahead)
        return csg_fail_memory(err);
    ahead->work = *work;
    ahead->n_slots = threads + 1;
    ahead->items = csg_calloc(ahead->n_slots, work->item_bytes);
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    while (ahead->items && ahead->n_threads < threads && pthread_create(&ahead->threads[ahead->n_threads], NULL, run, ahead) == 0)
        ahead->n_threads++;
    if (!ahead->n_threads) {
        csg_ahead_destroy(&ahead);
        return csg_fail(err, CSG_ERROR, "no thread can be started");
    }
    *out = ahead;
    return CSG_OK;
}

/* Frees the item that the caller looked at. */
static void take_back(struct csg_ahead *ahead)
{
    if (ahead->given)
        ahead->work.drop(ahead->work.user, item_at(ahead, ahead->given - 1));
}

void *csg_ahead_next(struct csg_ahead *ahead)
{
    if (ahead->given == ahead->work.count)
        return NULL;
    pthread_mutex_lock(&ahead->lock);
    take_back(ahead);
    size_t n = ahead->given++;
    pthread_cond_broadcast(&ahead->changed);
    while (!ahead->ready[n % ahead->n_slots])
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    ahead->ready[n % ahead->n_slots] = false;
    pthread_mutex_unlock(&ahead->lock);
    return item_at(ahead, n);
}

void csg_ahead_destroy(struct csg_ahead **out)
{
    struct csg_ahead *ahead = out ? *out : NULL;
    if (!ahead)
        return;
    pthread_mutex_lock(&ahead->lock);
    ahead->stop = true;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    for (size_t i = 0; i < ahead->n_threads; i++)
        pthread_join(ahead->threads[i], NULL);
    take_back(ahead);
    for (size_t n = ahead->given; n < ahead->begun; n++)
        ahead->work.drop(ahead->work.user, item_at(ahead, n));
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->lock);
    free(ahead->items);
    free(ahead);
    *out = NULL;
}
