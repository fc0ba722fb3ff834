/*
 * struct batch: some jobs of one engine, or a part of a large one, that run together, from the
 * moment they are picked until they are returned. Allocated once; the executor has as many as may
 * be launched.
 */
#ifndef SERVER_BATCH_BATCH_H
#define SERVER_BATCH_BATCH_H

#include "adrank/engine.h"
#include "server/batch/queue.h"

#define BATCH_MAX_LAUNCHED 4

struct batch {
    struct work **works;      /* (max_jobs) */
    int n;                    /* of works; 0: the batch is free */
    int part;                 /* of works[0], which is then alone; -1: all of works, whole */
    struct input_shape shape; /* of a part: known once it is cut */
    double base_us, cost_us;  /* estimates, see cost.h */
    int64_t launched_us;
    int64_t submitted_us; /* when the engine had taken it */
    /* Once it is done. */
    bool submitted; /* the engine took it */
    enum batch_status status;
    int64_t completed_us;
    int64_t took_us; /* time on the device */

    /* What the engine reads and writes: the executor's thread only, outside the lock. */
    struct engine_batch engine_batch;
    struct engine_job *engine_jobs; /* (max_jobs) */
    struct engine_job **pointers;   /* (max_jobs) */
    struct input input; /* the part that was cut; memory reserved when an engine opens */
};

/* A batch that was computed, for metrics. */
struct batch_stats {
    int64_t tokens;
    int64_t rung_tokens; /* that the device computed: tokens and padding */
    int64_t took_us;     /* on the device */
    int requests;
    double cost_ratio; /* actual over estimated duration */
};

int batch_init(struct batch *batch, int max_jobs, struct err *err) MUST_CHECK;
void batch_release(struct batch *batch); /* does nothing if zeroed */

#endif
