/*
 * How an executor ends, and whether it is well: its device breaks, it is stopped with time to
 * drain, it is closed. Pure: told the time.
 */
#ifndef SERVER_BATCH_LIFE_H
#define SERVER_BATCH_LIFE_H

#include <stdbool.h>
#include <stdint.h>

enum executor_state { EXECUTOR_SERVING, EXECUTOR_BROKEN, EXECUTOR_STOPPING };

struct life {
    bool broken;            /* for good: nothing is launched any more */
    bool stopping;          /* takes nothing new */
    bool closing;           /* ends as soon as nothing is left to do */
    int64_t drain_until_us; /* when stopping: what is still queued then fails */
    int64_t leak_after_us;  /* when closing: what has not come back by then is left behind */
    int64_t heartbeat_us;   /* see executor_heartbeat_us */
};

/* Broken counts for more than stopping. */
enum executor_state life_state(const struct life *life);

/* The first call counts. */
void life_stop(struct life *life, int64_t now_us, int64_t drain_us);
/* After life_stop. The first call counts. */
void life_close(struct life *life, int64_t now_us);

/* Whether what is queued fails now. */
bool life_drain_is_over(const struct life *life, int64_t now_us);

#endif
