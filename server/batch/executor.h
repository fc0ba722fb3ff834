/*
 * The executor: one thread per device, the only caller of it and of its engines. It forms batches
 * whenever the engine is free, brings results back to their owners' mailboxes, learns what batches
 * cost, and in between runs background tasks step by step, such as opening a model.
 *
 * Each turn of its thread decides under the lock what is to be done (schedule.h) and then does it
 * without (perform.h). The lock is held for a walk over the queue at most. Others hand in jobs
 * (submit.h), models (served.h) and tasks (intake.h). After the start, submitting and running
 * allocates nothing.
 *
 * Failure. Once the engine says that its backend is broken, the executor is EXECUTOR_BROKEN for
 * good: jobs that were queued or launched are offered to the fallback engine of their model (at its
 * cost, through its gate), else they come back as JOB_FAILED at once. New submits go to the
 * fallback directly.
 */
#ifndef SERVER_BATCH_EXECUTOR_H
#define SERVER_BATCH_EXECUTOR_H

#include "adrank/engine.h"
#include "server/batch/deadline_options.h"
#include "server/batch/executor_options.h"
#include "server/batch/intake.h"

struct executor_args {
    struct launcher_args launcher; /* on_progress and arg are the executor's own */
    int max_queue;                 /* capacity; options.max_queue may be anything up to it */
    int max_batch_jobs;            /* of one batch */
    const struct executor_options *options; /* both until executor_open() returns */
    const struct deadline_options *deadline;
    /* On the executor's thread, behind each batch that did not fail; may be NULL, must not
     * block. */
    void (*on_batch)(void *arg, const struct batch_stats *stats);
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

/* Values outside what was opened are clamped. Any thread; read during the call, in effect with the
 * next job and batch. */
void executor_set_options(struct executor *executor, const struct executor_options *options,
                          const struct deadline_options *deadline);

/* Constant after the open. */
const struct device_caps *executor_caps(const struct executor *executor);
const char *executor_backend(const struct executor *executor);

#endif
