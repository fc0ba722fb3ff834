/*
 * The end of an executor: its device breaks, it is stopped with time to drain, it is closed. Pure:
 * is passed the time.
 */
#ifndef SERVER_BATCH_LIFE_H
#define SERVER_BATCH_LIFE_H

#include <stdbool.h>
#include <stdint.h>

enum executor_state { EXECUTOR_SERVING, EXECUTOR_BROKEN, EXECUTOR_STOPPING };

struct life {
    bool broken;            /* permanently: nothing is launched any more */
    bool stopping;          /* takes no new work */
    bool closing;           /* ends as soon as nothing is left to do */
    int64_t drain_until_us; /* when stopping: work still queued then fails */
    int64_t leak_after_us;  /* when closing: batches still in flight then are leaked */
    int64_t heartbeat_us;   /* see executor_heartbeat_us */
};

/* Broken takes precedence over stopping. */
enum executor_state life_state(const struct life *life);

/* The first call counts. */
void life_stop(struct life *life, int64_t now_us, int64_t drain_us);
/* After life_stop. The first call counts. */
void life_close(struct life *life, int64_t now_us);

/* Whether queued work fails now. */
bool life_drain_is_over(const struct life *life, int64_t now_us);

#endif
