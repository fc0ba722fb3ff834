/*
 * Performs what the schedule decided: the executor's thread, without its lock. What comes of it is
 * left in the facts for the next decision.
 */
#ifndef SERVER_BATCH_PERFORM_H
#define SERVER_BATCH_PERFORM_H

#include "server/batch/schedule.h"

struct launcher;
struct batch_stats;

struct performer {
    const char *backend; /* for the log */
    struct launcher *launcher;
    void (*on_batch)(void *arg, const struct batch_stats *stats); /* may be NULL */
    void *on_batch_arg;
    struct actions actions; /* the last decision */
    struct facts facts;     /* what happened since */
};

/* Does the actions; begins new facts. */
void performer_act(struct performer *performer);
/* Adds the batches that the device is through with to the facts. Never waits. */
void performer_collect(struct performer *performer);

#endif
