/*
 * What other threads hand to an executor and read of it: jobs (executor_submit of submit.h, which
 * comes here), background tasks, its state. Any thread, but where it says otherwise.
 */
#ifndef SERVER_BATCH_INTAKE_H
#define SERVER_BATCH_INTAKE_H

#include "server/batch/background.h"
#include "server/batch/job.h"
#include "server/batch/life.h"

struct executor;

/* Refused or failed, the job stays the caller's, with outcome JOB_REFUSED or JOB_FAILED. */
enum submit {
    SUBMIT_ADMITTED, /* lent; its letter will come */
    SUBMIT_LATE,     /* refused: it, or somebody admitted before, would be late */
    SUBMIT_FULL,     /* refused: batch.max_queue */
    SUBMIT_FAILED,   /* no engine of the model works, or the executor is stopping */
};

/*
 * Takes the job into this executor's queue if its gate lets it, at the cost of the engine that is
 * to run it. The job holds its reference to the model already. *dropped is a list of jobs that left
 * the queue, for the caller to return, whatever the answer is.
 */
enum submit executor_admit(struct executor *executor, struct batch_job *job, struct cost *cost,
                           int64_t now_us, int64_t *wait_us, struct work **dropped) MUST_CHECK;

/* Whether a job would be refused with SUBMIT_FULL now. Takes the lock only where the queue was full
 * a moment ago. *dropped as above. */
bool executor_queue_is_full(struct executor *executor, int64_t now_us,
                            struct work **dropped) MUST_CHECK;

/*
 * Runs a background task (step, abandon and arg are set; a copy is taken) and waits for its end.
 * Not for workers, nor for the executor's own thread. While an engine is served its steps should
 * take 10 ms at most each: the gate leaves that much room for them, not more. -1: err is that of
 * the step that failed, or ERR_UNAVAILABLE when the executor is broken or stopping.
 */
int executor_run_task(struct executor *executor, const struct task *task,
                      struct err *err) MUST_CHECK;
/* Has a task run that always runs, and does not wait. Its memory is lent until ended(). */
void executor_post_task(struct executor *executor, struct task *task);

enum executor_state executor_state(const struct executor *executor);

/* When the executor was last seen well (monotonic): while batches are launched, since when the
 * oldest one is, or since when it is the oldest; else the last turn of its loop, at least every
 * 100 ms. Older than admin.stall_ms: it hangs. */
int64_t executor_heartbeat_us(const struct executor *executor);

/* A batch that was computed, for metrics. */
struct batch_stats {
    int64_t tokens;
    int requests;
    double cost_ratio; /* real over estimated duration */
};

/* Jobs admitted and not launched. */
int executor_queue_depth(struct executor *executor);

#endif
