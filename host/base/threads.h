/* Threads, and a lock whose holders tell each other news. */
#ifndef CSG_BASE_THREADS_H
#define CSG_BASE_THREADS_H

#include "base/status.h"

struct csg_thread;
/* CSG_ERROR: the system has no more of them. user must outlive it. */
int csg_thread_start(struct csg_thread **out, void (*run)(void *user), void *user, struct csg_error *err);
/* Waits for its end; accepts NULL. */
void csg_thread_join(struct csg_thread **thread);
/* Lets it go on alone; it has begun to run. */
void csg_thread_leave(struct csg_thread **thread);

struct csg_lock;
int csg_lock_create(struct csg_lock **out, struct csg_error *err);
void csg_lock_destroy(struct csg_lock **lock);
void csg_lock_enter(struct csg_lock *lock);
void csg_lock_leave(struct csg_lock *lock);
/* Of its holder: lets others in until there is news, for most_ms at most (negative: however long it takes). May return without either. */
void csg_lock_wait(struct csg_lock *lock, double most_ms);
/* Of its holder: wakes all that wait. */
void csg_lock_news(struct csg_lock *lock);

/* The one lock of the process, for what its libraries do not bear in two threads at once. Its holder waits for nothing else. */
void csg_process_lock_enter(void);
void csg_process_lock_leave(void);

/* Processors that the system runs on, at least 1. */
size_t csg_processors(void);

#endif
