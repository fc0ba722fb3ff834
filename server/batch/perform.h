/*
 * Performs what the schedule decided: the executor's thread, without its lock. The results are left
 * in the facts for the next decision.
 */
#ifndef SERVER_BATCH_PERFORM_H
#define SERVER_BATCH_PERFORM_H

#include "server/batch/schedule.h"

struct launcher;
struct served_engine;

struct performer {
    struct launcher *launcher;
    void (*on_batch)(void *arg, const struct batch_stats *stats);
    void *on_batch_arg;
    void (*on_failure)(void *arg, enum executor_failure failure, const struct err *err); /* once */
    void *on_failure_arg;
    struct served_engine *const *engines; /* of the executor: the first one runs beats */
    bool watches;                         /* the device may hang: batches are queued on it */
    bool broken;                          /* the device is: was reported */
    struct actions actions;               /* the last decision */
    struct facts facts;                   /* what happened since */
};

/* Performs the actions; starts new facts. */
void performer_act(struct performer *performer);
/* Undoes and ends tasks, a list by `next`; any thread, without the lock. */
void tasks_end(struct task *tasks);
/* Adds the batches that the device completed to the facts. Never waits. */
void performer_collect(struct performer *performer);

#endif
