/*
 * The executor: one thread per device, the only caller of it and of its engines. It forms batches
 * whenever the engine is free, brings results back to their owners' mailboxes, learns what batches
 * cost, and in between opens and closes models step by step.
 *
 * Threads. executor_submit and the readers may be called by any thread. After the start, submitting
 * and running allocates nothing. One lock, that of the queue, held for a walk over the queue at
 * most.
 *
 * Failure. Once the engine says that its backend is broken, the executor is EXECUTOR_BROKEN for
 * good: jobs that were queued or launched are offered to the fallback engine of their model (at its
 * cost, through its gate), else they come back as JOB_FAILED at once. New submits go to the
 * fallback directly.
 */
#ifndef SERVER_BATCH_EXECUTOR_H
#define SERVER_BATCH_EXECUTOR_H

#include "base/hist.h"
#include "server/batch/gate.h"
#include "server/batch/job.h"
#include "server/batch/served.h"

struct executor;

/* A finished batch, for metrics. */
struct executor_batch {
    int64_t tokens;
    int requests;
    double cost_ratio; /* real over estimated duration */
};

struct executor_args {
    struct launcher_args launcher; /* on_progress and arg are the executor's own */
    int max_queue;                 /* capacity; options.max_queue may be anything up to it */
    int max_batch_jobs;            /* capacity; options.max_jobs may be anything up to it */
    struct batch_options options;
    /* On the executor's thread, behind each batch that did not fail; may be NULL, must not
     * block. */
    void (*on_batch)(void *arg, const struct executor_batch *batch);
    void *on_batch_arg;
};

/* Starts the thread, which opens the device; waits for that. */
int executor_open(const struct executor_args *args, struct executor **out,
                  struct err *err) MUST_CHECK;

/* Refuses new work (SUBMIT_FAILED) and new models, fails openings under way. What is admitted is
 * still served for at most drain_us; what then remains queued comes back as JOB_FAILED.
 * Idempotent. */
void executor_stop(struct executor *executor, int64_t drain_us);

/* Stops with what was asked for by executor_stop (else at once), joins the thread and frees all.
 * Every served_model of it has been unreferenced; a batch that the device never gives back is
 * leaked with its engine and told in the log. */
void executor_close(struct executor *executor);

/* Values outside what was opened are clamped. Any thread; takes effect with the next job and
 * batch. */
void executor_set_options(struct executor *executor, const struct batch_options *options);

/* Refused or failed, the job stays the caller's, with outcome JOB_REFUSED or JOB_FAILED. */
enum submit {
    SUBMIT_ADMITTED, /* lent; its letter will come */
    SUBMIT_LATE,     /* refused: it, or somebody admitted before, would be late */
    SUBMIT_FULL,     /* refused: batch.max_queue */
    SUBMIT_FAILED,   /* no engine of the model works, or the executor is stopping */
};

/*
 * The second gate, decided at once. job->model, home, letter.deliver, input, deadline_us and room
 * for logits are set. The executor is the model's primary one, or its fallback's once that is
 * broken. now_us is the caller's clock. *wait_us: planned work up to and with it, for Retry-After;
 * always set.
 */
enum submit executor_submit(struct batch_job *job, int64_t now_us, int64_t *wait_us) MUST_CHECK;

/* The first gate, cheap enough for every arrival: whether a job of this model would be refused with
 * SUBMIT_FULL now. Drops what is expired or cancelled before it says so. Any thread that holds a
 * reference to the model. */
bool executor_is_full(const struct served_model *model) MUST_CHECK;

enum executor_state { EXECUTOR_SERVING, EXECUTOR_BROKEN, EXECUTOR_STOPPING };
enum executor_state executor_state(const struct executor *executor);

/* When the executor was last seen well (monotonic): while batches are launched, since when the
 * oldest one is, or since when it is the oldest; else the last turn of its loop, at least every
 * 100 ms. Older than admin.stall_ms: it hangs. */
int64_t executor_heartbeat_us(const struct executor *executor);

/* Jobs admitted and not launched. Any thread. */
int executor_queue_depth(struct executor *executor);

/* Constant after the open. */
const struct device_caps *executor_caps(const struct executor *executor);
const char *executor_backend(const struct executor *executor);

/* For metrics; a consistent copy. 35 KB: not for the stack of a small thread. */
struct executor_snapshot {
    int queue_depth;            /* jobs admitted and not launched */
    int launched;               /* batches in flight */
    double cost_estimate_ratio; /* of the engine that ran last; 1 before the first batch */
    uint64_t admitted, refused; /* by this executor's gate */
    uint64_t outcomes[JOB_OUTCOMES];
    uint64_t late; /* JOB_OK that came after their deadline */
    struct hist batch_tokens, batch_requests;
};
void executor_snapshot(struct executor *executor, struct executor_snapshot *out);

#endif
