/*
 * Batch formation: what runs next when the engine is free. In the order of the queue, growing until the
 * batch holds options.max_tokens or max_jobs, until the next entry belongs to another engine, or until
 * now + cost(batch) + reserve would pass the earliest deadline in it. Cancelled work, work whose deadline has
 * passed and work that can no longer make it even alone is dropped unpaid. A job larger than a batch comes out
 * alone, to be run in work->parts parts one after the other.
 *
 * Pure: told the time. The gate plans with the same rule (see gate.h), so what was promised is what is done.
 */
#ifndef SERVER_BATCH_PICK_H
#define SERVER_BATCH_PICK_H

#include "server/batch/queue.h"

struct pick {
    struct work **chosen; /* room for options.max_jobs */
    int n_chosen;
    struct work **dropped; /* room for as many as the queue holds */
    int n_dropped;
    struct input_shape shape; /* sum over chosen */
    double cost_us;           /* corrected estimate, all parts of a split job included */
    double base_us;           /* the engine's own estimate of the same */
};

/* Takes chosen and dropped out of the queue. chosen and dropped arrays are the caller's. n_chosen is 0 only when
 * nothing is left in the queue. */
void pick_batch(struct queue *queue, const struct batch_options *options, int64_t now_us,
                struct pick *pick);

#endif
