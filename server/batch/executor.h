/*
 * The executor: one thread per device, the only caller of it and of its engines. It forms batches
 * whenever the engine is free, returns results to their owners' mailboxes, learns what batches
 * cost, and in between runs background tasks step by step, such as opening a model.
 *
 * Each turn of its thread decides under the lock what to do (schedule.h) and then does it without
 * the lock (perform.h). The lock is held for a walk over the queue at most. Other threads hand in
 * jobs (submit.h), models and their catalogs (served.h), and tasks (run_task.h). After the start,
 * submitting and running allocates nothing.
 *
 * Failure. Once the engine reports that its backend is broken, the executor is EXECUTOR_BROKEN
 * permanently: jobs that were queued or launched are offered to the fallback engine of their model
 * (at its cost, through its gate), or else return as JOB_FAILED immediately. New submits go to the
 * fallback directly.
 *
 * Hangs. Where work is queued on a device, the oldest launched batch may take options.hang_ms, and
 * 20 times its estimate; then the executor is broken in the same way, and the device is not called
 * any more: engines are not closed, and what they hold is leaked. If the thread itself does not
 * come back from a call of the device, executor_watch() notices: the jobs that are queued go to the
 * fallback. Those launched stay lent, as the thread may still come back and touch them: their
 * requests end by their deadlines.
 */
#ifndef SERVER_BATCH_EXECUTOR_H
#define SERVER_BATCH_EXECUTOR_H

#include "adrank/engine.h"
#include "server/batch/deadline_options.h"
#include "server/batch/executor_options.h"
#include "server/batch/schedule.h"

struct executor;

extern const char *const executor_failure_names[EXECUTOR_FAILURES + 1];

struct executor_args {
    struct launcher_args launcher; /* on_progress and arg are the executor's own */
    int max_queue;                 /* capacity; options.max_queue may be anything up to it */
    int max_batch_jobs;            /* of one batch */
    const struct executor_options *options; /* both until executor_open() returns */
    const struct deadline_options *deadline;
    /* On the executor's thread, after each batch that did not fail; must not block. */
    void (*on_batch)(void *arg, const struct batch_stats *stats);
    void *on_batch_arg;
};

/* Starts the thread and waits until it has opened the device. */
int executor_open(const struct executor_args *args, struct executor **out,
                  struct err *err) MUST_CHECK;

/* Refuses new jobs (SUBMIT_FAILED) and tasks, fails openings in progress. Admitted jobs are still
 * served for at most drain_us; those still queued then return as JOB_FAILED. Idempotent. */
void executor_stop(struct executor *executor, int64_t drain_us);

/*
 * Stops as executor_stop requested (else without a drain), joins the thread and frees all. Every
 * served_model of it has been unreferenced; a batch that the device never completes is leaked with
 * its engine, which is logged. -1: the thread does not come back from a call of the device. Jobs
 * are still lent to it: they, their mailboxes and all else of it must outlive the process.
 */
int executor_close(struct executor *executor);

/* Values outside what was opened are clamped. Any thread; read during the call, in effect with the
 * next job and batch. */
void executor_set_options(struct executor *executor, const struct executor_options *options,
                          const struct deadline_options *deadline);

/* Constant after the open. */
const struct device_caps *executor_caps(const struct executor *executor);
const char *executor_backend(const struct executor *executor);
/* As launcher_readings; until executor_stop. */
void executor_readings(struct executor *executor, struct device_readings *out);

/* Any thread. */
enum executor_state executor_state(const struct executor *executor);
/* When the executor was last seen working (monotonic): while batches are launched, since when the
 * oldest one is, or since when it is the oldest; otherwise the last turn of its loop, at least
 * every 100 ms. Older than admin.stall_ms: it hangs. */
int64_t executor_heartbeat_us(const struct executor *executor);
/* Why it is broken; text is for the log. Any thread. */
enum executor_failure executor_failure(struct executor *executor, struct err *text);

#define EXECUTOR_WATCH_US 100000
/*
 * To be called every EXECUTOR_WATCH_US by one thread that is not the executor's: breaks one whose
 * thread does not come back from its device. Only time in which the caller itself ran is counted,
 * so a process that was stopped breaks nothing.
 */
void executor_watch(struct executor *executor);

/* Jobs admitted and not launched. */
int executor_queue_depth(struct executor *executor);

#endif
