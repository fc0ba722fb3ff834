/*
 * Admitted work in the order in which it will run: earliest deadline first, equal ones first come
 * first. The order counts a deadline as no nearer than options.min_us after the arrival, so that
 * requests with tiny budgets do not always overtake all others.
 *
 * An array kept sorted: the gate walks it from front to back at every arrival, and a walk over
 * neighbours in memory plus a short memmove beats a heap at the few hundred entries that deadlines
 * leave in it.
 *
 * Pure: is passed the time, memory only at init. The executor guards it by its lock.
 */
#ifndef SERVER_BATCH_QUEUE_H
#define SERVER_BATCH_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bug.h"
#include "server/batch/cost.h"

/* Options that may change while it runs. */
struct batch_options {
    int max_tokens;     /* batch.max_tokens: of one batch */
    int max_jobs;       /* of one batch; the engine's slots */
    int max_queue;      /* batch.max_queue: more are refused */
    int64_t min_us;     /* deadline.min_ms: floor of the order */
    int64_t hang_us;    /* batch.hang_ms: of a launched batch; 0: never */
    int64_t reserve_us; /* batch.reserve_us: between the planned end of a batch and its deadlines */
};

/* How a job ended. */
enum job_outcome {
    JOB_OK,         /* the outputs are set */
    JOB_NOT_FINITE, /* the model computed NaN or infinity for this job */
    JOB_REFUSED,    /* by the gate of the fallback engine, after the primary one broke */
    JOB_EXPIRED,    /* its deadline passed, or could no longer be met */
    JOB_CANCELLED,
    JOB_FAILED, /* no working backend, no memory for its batch, or the daemon is stopping */
    JOB_OUTCOMES
};

/*
 * What the scheduler knows of a job; part of it (intrusive). Constant while queued, but for
 * cancelled. The same pointer cost means the same engine: only work of one engine shares a batch.
 */
struct work {
    /* Set by the owner. */
    int64_t arrival_us;    /* monotonic */
    int64_t deadline_us;   /* monotonic: when the owner needs the scores */
    struct cost *cost;     /* of the engine that runs it */
    atomic_bool cancelled; /* the client is gone; any thread may set it: dropped when next seen */
    /* Set by work_prepare. */
    int64_t order_us;         /* max(deadline, arrival + min_us) */
    struct input_shape shape; /* as charged: a parent that is repeated in parts counts again */
    int parts;                /* batches that it needs for itself; 1 unless larger than one */
    double base_us;           /* cost_base_us of it alone, all parts */
    /* Set by the gate. */
    bool trial; /* admitted by an idle engine despite the estimate: not dropped because of it */
    struct work *next; /* in a list of work that left the queue */
};

/* parts: batches that it needs for itself; shape is the sum over them. */
void work_prepare(struct work *work, const struct input_shape *shape, int parts,
                  const struct batch_options *options);

struct queue_entry {
    int64_t order_us;
    struct work *work;
};

struct queue {
    struct queue_entry *entries; /* (n) front first, from first on */
    int first, n, capacity;
};

int queue_init(struct queue *queue, int capacity, struct err *err) MUST_CHECK;
void queue_release(struct queue *queue);

/* A BUG when the queue is full. After all of equal order. */
void queue_insert(struct queue *queue, struct work *work);
/* The place of a newcomer of that order: 0..n. */
int queue_place(const struct queue *queue, int64_t order_us);
/* 0 is the front. */
static inline struct work *queue_at(const struct queue *queue, int i)
{
    BUG_ON(i < 0 || i >= queue->n);
    return queue->entries[queue->first + i].work;
}

/* Removes entry i. O(n) unless near the front. */
void queue_remove(struct queue *queue, int i);
/* Removes all; a list by `next`, front first. */
struct work *queue_empty(struct queue *queue);

#endif
