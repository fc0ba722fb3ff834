/*
 * struct crew: the threads that drive host lanes. It knows nothing about models: a table of
 * callbacks supplies the work and runs it. One lock over work and results; no thread waits for
 * another's operation.
 */
#ifndef MODEL_ENGINE_CREW_H
#define MODEL_ENGINE_CREW_H

#include <stdbool.h>

#include "base/err.h"

struct crew;

struct crew_ops {
    /* Under the lock: returns a piece of work that is ready, NULL when there is none. Each piece is
     * returned once. */
    void *(*next)(void *arg);
    /* Without the lock: runs it. thread counts from 0; pieces of one thread never overlap. */
    void (*run)(void *arg, void *work, int thread);
    /* Under the lock: it is done; other pieces may have become ready. Returns true to have notify
     * called. */
    bool (*done)(void *arg, void *work);
    /* Without the lock, on the thread that ran it. */
    void (*notify)(void *arg);
};

int crew_new(int n_threads, const struct crew_ops *ops, void *arg, struct crew **out,
             struct err *err) MUST_CHECK;
void crew_free(struct crew *crew); /* joins; work not started is abandoned */

void crew_lock(struct crew *crew);
void crew_unlock(struct crew *crew);
/* Under the lock, after work was added. */
void crew_wake(struct crew *crew);
/* Under the lock, which it drops and retakes: waits until some piece of work is done. */
void crew_wait_done(struct crew *crew);

#endif
