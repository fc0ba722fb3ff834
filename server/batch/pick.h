/*
 * Batch formation: what runs next when the engine is free. In the order of the queue, growing until
 * the batch holds options.max_tokens or max_jobs, until the next entry belongs to another engine,
 * or until now + cost(batch) + reserve would pass the earliest deadline in it. Cancelled work, work
 * whose deadline has passed and work that can no longer make it even alone is dropped unpaid. A job
 * larger than a batch comes out alone, to be run in work->parts parts one after the other.
 *
 * Pure: is passed the time. The gate plans with the same rule (pick_extent), so its promises are
 * kept.
 */
#ifndef SERVER_BATCH_PICK_H
#define SERVER_BATCH_PICK_H

#include "server/batch/queue.h"

/* The batch that a free engine would take from entry `from` on: entries [from, end) without dropped
 * work. */
struct extent {
    int end;
    int n;                    /* jobs in it; 0: nothing is left from there on */
    struct input_shape shape; /* sum over them */
    int batches;              /* 1, or the parts of a split job */
    const struct cost *cost;  /* of the engine */
    double base_us;           /* the engine's own estimate of the whole */
    double cost_us;           /* the same, corrected */
    int64_t earliest_us; /* deadline in it; trials do not count. INT64_MAX when there is none */
};

void pick_extent(const struct queue *queue, int from, const struct batch_options *options,
                 int64_t now_us, struct extent *extent);

/* Whether work is dropped when an engine is free for it at now_us. Inline: the gate checks every
 * entry. */
static inline bool work_dropped(const struct work *work, int64_t now_us)
{
    if (atomic_load_explicit(&work->cancelled, memory_order_relaxed) || work->deadline_us <= now_us)
        return true;
    double alone_us = work->cost->ratio * work->base_us;
    return !work->trial && (double)now_us + alone_us > (double)work->deadline_us;
}

/* Takes the next batch out of the queue, into works[0] to works[extent->n - 1]: room for
 * options->max_jobs. extent->n is 0 only when nothing is left in the queue. Returns what was
 * dropped on the way, a list by `next`, front first. */
struct work *pick_batch(struct queue *queue, const struct batch_options *options, int64_t now_us,
                        struct work **works, struct extent *extent);

/* Removes all dropped work; a list by `next`, front first. For a queue that is full: otherwise it
 * leaves the queue when a batch would reach it. */
struct work *pick_dropped(struct queue *queue, int64_t now_us);

#endif
