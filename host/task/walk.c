/* A picture goes through the stages below; whoever moves one on tells the others. */
#include "task/walk.h"

#include <stdlib.h>

#include "base/files.h"
#include "base/mem.h"
#include "base/threads.h"

#define TICK_MS 25.0                   /* between two looks of the calling thread */
#define MOST_BYTES ((size_t)512 << 20) /* of pictures that are read and not yet computed; one may be larger */

enum stage { WAITING, READ, TAKEN, COMPUTED, OVER };

struct picture {
    enum stage stage;
    void *loaded;
    size_t bytes; /* of it */
    bool elsewhere;
    char *problem;
    size_t engine;
    double ms;
    size_t behind; /* in the queue of those that are computed: the next one, or NONE */
};
#define NONE SIZE_MAX

struct walk;
/* An engine's thread. */
struct runner {
    struct walk *walk;
    size_t engine;
    struct csg_thread *thread;
    size_t *indices; /* [batch], what it has taken */
    void **loaded;   /* [batch] */
    double speed;    /* pictures a millisecond of the last time; 0: not known */
};

struct walk {
    const struct csg_walk_work *work;
    struct csg_lock *lock; /* of all that follows */
    struct picture *pictures;
    size_t batch, n_helpers;
    struct runner *runners;      /* [n_engines] */
    struct csg_thread **helpers; /* [n_helpers] read and finish pictures */
    size_t next;                 /* nobody has read from here on */
    size_t low;                  /* below it all are taken */
    size_t told;                 /* below it all have been told */
    size_t first, last;          /* of the queue of those that are computed */
    size_t reading, read, held;  /* pictures; held: read and not yet over */
    size_t taken, unreadable, elsewhere, over;
    size_t bytes; /* of those that are read and not yet computed */
    bool asking;  /* whose the next one is */
    size_t alive; /* threads */
    bool stop;
    int status; /* of the first failure, with its sentence */
    struct csg_error error;
};

/* The first failure counts. Inside the lock. */
static void stop(struct walk *walk, int status, const struct csg_error *error)
{
    if (walk->stop)
        return;
    walk->stop = true;
    walk->status = status;
    walk->error = *error;
    walk->error.status = status;
    for (size_t i = 0; i < walk->work->n_engines; i++)
        walk->work->interrupt(walk->work->user, i);
    csg_lock_news(walk->lock);
}

/* ------------------------------------------------------------------------------------------ reading and finishing */

static bool may_read(const struct walk *walk)
{
    size_t most = 2 * walk->batch * walk->work->n_engines + walk->n_helpers;
    return walk->next < walk->work->count && !walk->asking && walk->held + walk->reading < most &&
           (walk->bytes < MOST_BYTES || !walk->held);
}

/* Leaves the lock while it asks, for the answer may come from another machine. */
static bool is_mine(struct walk *walk, size_t index)
{
    if (!walk->work->mine)
        return true;
    walk->asking = true;
    csg_lock_leave(walk->lock);
    bool mine = walk->work->mine(walk->work->user, index);
    csg_lock_enter(walk->lock);
    walk->asking = false;
    csg_lock_news(walk->lock);
    return mine;
}

static void read_next(struct walk *walk)
{
    struct csg_error error = {0};
    size_t index = walk->next++;
    struct picture *picture = walk->pictures + index;
    walk->reading++;
    if (!is_mine(walk, index)) {
        walk->reading--;
        picture->stage = OVER;
        picture->elsewhere = true;
        walk->elsewhere++;
        walk->over++;
        return;
    }
    csg_lock_leave(walk->lock);
    int status = walk->work->load(walk->work->user, index, &picture->loaded, &picture->bytes, &error);
    char *problem = status ? csg_strdup(error.sentence) : NULL;
    csg_lock_enter(walk->lock);
    walk->reading--;
    if (status == CSG_ERROR_INPUT && problem) {
        picture->stage = OVER;
        picture->problem = problem;
        walk->unreadable++;
        walk->over++;
    } else if (status) {
        free(problem);
        stop(walk, status, &error);
    } else {
        picture->stage = READ;
        walk->read++;
        walk->held++;
        walk->bytes += picture->bytes;
    }
}

static void finish_first(struct walk *walk)
{
    struct csg_error error = {0};
    size_t index = walk->first;
    struct picture *picture = walk->pictures + index;
    walk->first = picture->behind;
    csg_lock_leave(walk->lock);
    int status = walk->work->finish ? walk->work->finish(walk->work->user, index, &error) : CSG_OK;
    csg_lock_enter(walk->lock);
    if (status)
        stop(walk, status, &error);
    picture->stage = OVER;
    walk->held--;
    walk->over++;
}

/* What is computed comes before what is not yet read: it frees memory. */
static void help(void *user)
{
    struct walk *walk = user;
    csg_lock_enter(walk->lock);
    while (!walk->stop && walk->over < walk->work->count) {
        if (walk->first != NONE)
            finish_first(walk);
        else if (may_read(walk))
            read_next(walk);
        else {
            csg_lock_wait(walk->lock, -1);
            continue;
        }
        csg_lock_news(walk->lock);
    }
    walk->alive--;
    csg_lock_news(walk->lock);
    csg_lock_leave(walk->lock);
}

/* ------------------------------------------------------------------------------------------ computing */

static size_t left_of(const struct walk *walk)
{
    return walk->work->count - walk->taken - walk->unreadable - walk->elsewhere;
}

/* How many pictures the engine should take: by its part of all speed, so that all end together; one where its speed is not known;
 * none where the others have done all that is left before it has done one. */
static size_t share(const struct walk *walk, const struct runner *me)
{
    double others = 0, fastest = 0, left = (double)left_of(walk);
    if (walk->work->n_engines == 1)
        return walk->batch;
    if (!(me->speed > 0))
        return 1;
    for (size_t i = 0; i < walk->work->n_engines; i++) {
        double speed = walk->runners + i == me ? 0 : walk->runners[i].speed;
        others += speed;
        fastest = speed > fastest ? speed : fastest;
    }
    if (others > 0) {
        double together_ms = left / others, one_ms = 1 / fastest;
        if (1 / me->speed > (together_ms > one_ms ? together_ms : one_ms))
            return 0;
    }
    double part = left * me->speed / (me->speed + others);
    return part >= (double)walk->batch ? walk->batch : part > 1 ? (size_t)part : 1;
}

/* The first pictures that are read, in order; 0: there will be none. Inside the lock. */
static size_t take(struct walk *walk, struct runner *me)
{
    for (;;) {
        if (walk->stop || !left_of(walk))
            return 0;
        size_t want = share(walk, me);
        bool more = walk->reading > 0 || may_read(walk);
        if (want && walk->read && (walk->read >= want || !more)) {
            size_t count = 0;
            while (walk->low < walk->next && (walk->pictures[walk->low].stage > READ))
                walk->low++;
            for (size_t i = walk->low; i < walk->next && count < want; i++)
                if (walk->pictures[i].stage == READ)
                    me->indices[count++] = i;
            return count;
        }
        csg_lock_wait(walk->lock, -1);
    }
}

static void enqueue(struct walk *walk, size_t index)
{
    walk->pictures[index].stage = COMPUTED;
    walk->pictures[index].behind = NONE;
    if (walk->first == NONE)
        walk->first = index;
    else
        walk->pictures[walk->last].behind = index;
    walk->last = index;
}

static void compute(struct walk *walk, struct runner *me, size_t count)
{
    const struct csg_walk_work *work = walk->work;
    struct csg_error error = {0};
    for (size_t i = 0; i < count; i++) {
        walk->pictures[me->indices[i]].stage = TAKEN;
        me->loaded[i] = walk->pictures[me->indices[i]].loaded;
    }
    walk->read -= count;
    walk->taken += count;
    csg_lock_leave(walk->lock);
    double start_ms = csg_now_ms();
    int status = work->compute(work->user, me->engine, me->indices, me->loaded, count, &error);
    double ms = csg_now_ms() - start_ms;
    csg_lock_enter(walk->lock);
    if (status)
        stop(walk, status, &error);
    me->speed = ms > 0 ? (double)count / ms : 0;
    for (size_t i = 0; i < count; i++) {
        struct picture *picture = walk->pictures + me->indices[i];
        picture->engine = me->engine;
        picture->ms = ms / (double)count;
        walk->bytes -= picture->bytes;
        work->drop(work->user, picture->loaded);
        picture->loaded = NULL;
        enqueue(walk, me->indices[i]);
    }
    csg_lock_news(walk->lock);
}

static void run(void *user)
{
    struct runner *me = user;
    struct walk *walk = me->walk;
    csg_lock_enter(walk->lock);
    for (size_t count; (count = take(walk, me));)
        compute(walk, me, count);
    walk->alive--;
    csg_lock_news(walk->lock);
    csg_lock_leave(walk->lock);
}

/* ------------------------------------------------------------------------------------------ the calling thread */

static void tell(struct walk *walk)
{
    const struct csg_walk_work *work = walk->work;
    while (!walk->stop && walk->told < work->count && walk->pictures[walk->told].stage == OVER) {
        const struct picture *picture = walk->pictures + walk->told;
        const struct csg_walk_picture about = {walk->told, picture->problem, picture->engine, picture->ms};
        struct csg_error error = {0};
        bool elsewhere = picture->elsewhere;
        csg_lock_leave(walk->lock);
        int status = work->done && !elsewhere ? work->done(work->user, &about, &error) : CSG_OK;
        csg_lock_enter(walk->lock);
        walk->told++;
        if (status)
            stop(walk, status, &error);
    }
}

static void look(struct walk *walk)
{
    static const struct csg_error interrupted = {CSG_ERROR_INTERRUPTED, "interrupted"};
    const struct csg_walk_work *work = walk->work;
    const struct csg_walk_state state = {walk->over - walk->elsewhere, work->count, walk->unreadable, walk->stop};
    csg_lock_leave(walk->lock);
    bool wanted = work->watch && work->watch(work->user, &state);
    csg_lock_enter(walk->lock);
    if (wanted)
        stop(walk, CSG_ERROR_INTERRUPTED, &interrupted);
}

static int start(struct walk *walk, struct csg_error *err)
{
    const struct csg_walk_work *work = walk->work;
    int status = CSG_OK;
    for (size_t i = 0; status == CSG_OK && i < work->n_engines; i++) {
        struct runner *runner = walk->runners + i;
        *runner = (struct runner){.walk = walk, .engine = i};
        runner->indices = csg_calloc(walk->batch, sizeof *runner->indices);
        runner->loaded = csg_calloc(walk->batch, sizeof *runner->loaded);
        status = runner->indices && runner->loaded ? csg_thread_start(&runner->thread, run, runner, err) : csg_fail_memory(err);
        walk->alive += status == CSG_OK;
    }
    for (size_t i = 0; status == CSG_OK && i < walk->n_helpers; i++) {
        status = csg_thread_start(&walk->helpers[i], help, walk, err);
        walk->alive += status == CSG_OK;
    }
    return status;
}

static void watch_over(struct walk *walk)
{
    while (walk->alive) {
        csg_lock_wait(walk->lock, TICK_MS);
        tell(walk);
        look(walk);
    }
    tell(walk);
    look(walk);
}

static void release(struct walk *walk)
{
    for (size_t i = 0; walk->runners && i < walk->work->n_engines; i++) {
        csg_thread_join(&walk->runners[i].thread);
        free(walk->runners[i].indices);
        free(walk->runners[i].loaded);
    }
    for (size_t i = 0; walk->helpers && i < walk->n_helpers; i++)
        csg_thread_join(&walk->helpers[i]);
    for (size_t i = 0; walk->pictures && i < walk->work->count; i++) {
        if (walk->pictures[i].loaded)
            walk->work->drop(walk->work->user, walk->pictures[i].loaded);
        free(walk->pictures[i].problem);
    }
    free(walk->runners);
    free(walk->helpers);
    free(walk->pictures);
    csg_lock_destroy(&walk->lock);
}

int csg_task_walk(const struct csg_walk_work *work, struct csg_error *err)
{
    struct walk walk = {.work = work, .batch = work->batch ? work->batch : 1, .n_helpers = csg_processors(), .first = NONE};
    if (walk.batch > work->count)
        walk.batch = work->count;
    walk.pictures = csg_calloc(work->count, sizeof *walk.pictures);
    walk.runners = csg_calloc(work->n_engines, sizeof *walk.runners);
    walk.helpers = csg_calloc(walk.n_helpers, sizeof *walk.helpers);
    int status = walk.pictures && walk.runners && walk.helpers ? csg_lock_create(&walk.lock, err) : csg_fail_memory(err);
    if (status == CSG_OK) {
        struct csg_error error = {0};
        csg_lock_enter(walk.lock);
        status = start(&walk, &error);
        if (status)
            stop(&walk, status, &error);
        watch_over(&walk);
        csg_lock_leave(walk.lock);
        status = walk.status;
        if (status && err)
            *err = walk.error;
    }
    release(&walk);
    return status;
}
