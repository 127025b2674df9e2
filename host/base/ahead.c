#include "base/ahead.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/threads.h"

#define MAX_THREADS 4
#define MAX_SLOTS (MAX_THREADS + 1) /* one is looked at by the caller */

struct csg_ahead {
    struct csg_ahead_work work;
    struct csg_lock *lock;
    struct csg_thread *threads[MAX_THREADS];
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

static void run(void *user)
{
    struct csg_ahead *ahead = user;
    csg_lock_enter(ahead->lock);
    while (!ahead->stop && ahead->begun < ahead->work.count) {
        if (!has_room(ahead)) {
            csg_lock_wait(ahead->lock, -1);
            continue;
        }
        size_t n = ahead->begun++;
        void *item = item_at(ahead, n);
        memset(item, 0, ahead->work.item_bytes);
        csg_lock_leave(ahead->lock);
        ahead->work.make(ahead->work.user, ahead->work.order[n], item);
        csg_lock_enter(ahead->lock);
        ahead->ready[n % ahead->n_slots] = true;
        csg_lock_news(ahead->lock);
    }
    csg_lock_leave(ahead->lock);
}

int csg_ahead_create(struct csg_ahead **out, const struct csg_ahead_work *work, struct csg_error *err)
{
    struct csg_ahead *ahead = csg_calloc(1, sizeof *ahead);
    size_t threads = csg_processors() < MAX_THREADS ? csg_processors() : MAX_THREADS;
    *out = NULL;
    if (!ahead)
        return csg_fail_memory(err);
    ahead->work = *work;
    ahead->n_slots = threads + 1;
    ahead->items = csg_calloc(ahead->n_slots, work->item_bytes);
    int status = ahead->items ? csg_lock_create(&ahead->lock, err) : csg_fail_memory(err);
    while (status == CSG_OK && ahead->n_threads < threads) {
        status = csg_thread_start(&ahead->threads[ahead->n_threads], run, ahead, err);
        ahead->n_threads += status == CSG_OK;
    }
    if (!ahead->n_threads) { /* fewer than wanted are enough */
        csg_ahead_destroy(&ahead);
        return status;
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
    csg_lock_enter(ahead->lock);
    take_back(ahead);
    size_t n = ahead->given++;
    csg_lock_news(ahead->lock);
    while (!ahead->ready[n % ahead->n_slots])
        csg_lock_wait(ahead->lock, -1);
    ahead->ready[n % ahead->n_slots] = false;
    csg_lock_leave(ahead->lock);
    return item_at(ahead, n);
}

void csg_ahead_destroy(struct csg_ahead **out)
{
    struct csg_ahead *ahead = out ? *out : NULL;
    if (!ahead)
        return;
    if (ahead->lock) {
        csg_lock_enter(ahead->lock);
        ahead->stop = true;
        csg_lock_news(ahead->lock);
        csg_lock_leave(ahead->lock);
    }
    for (size_t i = 0; i < ahead->n_threads; i++)
        csg_thread_join(&ahead->threads[i]);
    take_back(ahead);
    for (size_t n = ahead->given; n < ahead->begun; n++)
        ahead->work.drop(ahead->work.user, item_at(ahead, n));
    csg_lock_destroy(&ahead->lock);
    free(ahead->items);
    free(ahead);
    *out = NULL;
}
