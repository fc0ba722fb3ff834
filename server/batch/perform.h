/*
 * Performs what the schedule decided: the executor's thread, without its lock. The results are left
 * in the facts for the next decision.
 */
#ifndef SERVER_BATCH_PERFORM_H
#define SERVER_BATCH_PERFORM_H

#include "server/batch/schedule.h"

struct launcher;

struct performer {
    struct launcher *launcher;
    void (*on_batch)(void *arg, const struct batch_stats *stats);
    void *on_batch_arg;
    bool broken;            /* the device is: was logged */
    struct actions actions; /* the last decision */
    struct facts facts;     /* what happened since */
};

/* Performs the actions; starts new facts. */
void performer_act(struct performer *performer);
/* Adds the batches that the device completed to the facts. Never waits. */
void performer_collect(struct performer *performer);

#endif
