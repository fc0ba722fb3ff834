/*
 * struct executor, for the files that work on it: executor.c (life and loop), executor_watch.c
 * (what a watching thread does), submit.c and run_task.c (what other threads hand in), served.c
 * (engines opened and closed on its thread).
 */
#ifndef SERVER_BATCH_EXECUTOR_STATE_H
#define SERVER_BATCH_EXECUTOR_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/batch/schedule.h"

struct executor {
    /* Constant after the start. */
    struct launcher *launcher; /* NULL: not open */
    const struct device_caps *caps;
    const char *backend;
    pthread_t thread;

    /* Of the schedule, for threads that do not take the lock. */
    _Atomic(enum executor_state) state;
    _Atomic int64_t heartbeat_us;
    atomic_bool gave_up;           /* by a watching thread: the device is not called any more */
    struct served_engine *engines; /* open, newest first; the executor's thread only */
    atomic_int n_engines;          /* open; changed by the executor's thread only */
    atomic_bool looks_full;        /* the queue was full at the last check under the lock */

    atomic_bool progress;  /* the device has something to report */
    pthread_mutex_t lock;  /* held for a walk over the queue at most */
    pthread_cond_t wake;   /* the executor's thread waits here; monotonic clock */
    pthread_cond_t notice; /* others wait here: for the start, for the end of their task */

    /* Under the lock. */
    struct schedule schedule;
    uint64_t turns; /* of the loop: the thread comes back from the device */
    bool started;   /* the launcher is open, or start_err says why not */
    struct err start_err;
    enum executor_failure failure;
    struct err failure_err;

    /* The watching thread only. */
    uint64_t turns_seen;
    int64_t still_us; /* for how long of its own time there was no turn */
};

#endif
