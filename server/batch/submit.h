/*
 * Jobs on their way to the engines of their model, and back to their owners.
 */
#ifndef SERVER_BATCH_SUBMIT_H
#define SERVER_BATCH_SUBMIT_H

#include "server/batch/intake.h"
#include "server/batch/served.h"

/*
 * The second gate, decided at once. job->model, home, letter.deliver, input, deadline_us and room
 * for logits are set. The executor is the model's primary one, or its fallback's once that is
 * broken. now_us is the caller's clock. *wait_us: planned work up to and with it, for Retry-After;
 * always set. Any thread; allocates nothing.
 */
enum submit executor_submit(struct batch_job *job, int64_t now_us, int64_t *wait_us) MUST_CHECK;

/* The first gate, cheap enough for every arrival: whether a job of this model would be refused
 * with SUBMIT_FULL now. Drops what is expired or cancelled first. Any thread that holds a reference
 * to the model. */
bool executor_is_full(const struct served_model *model, int64_t now_us) MUST_CHECK;

/* The rest is the executors' own: any thread, without a lock. */

/* The letter goes out, the model's reference goes. The job is no longer ours. */
void job_return(struct batch_job *job, enum job_outcome outcome);
/* A job of an executor that broke goes to its model's fallback (at its cost, through its gate), or
 * back. */
void job_reroute(struct batch_job *job);
/* The same for a list by `next`. JOB_EXPIRED: those that are cancelled go back as that. */
void works_return(struct work *works, enum job_outcome outcome);
void works_reroute(struct work *works);

/* The engine that runs it. */
static inline struct served_engine *job_engine(const struct batch_job *job)
{
    return &job->model->engines[job->by_fallback ? SERVED_FALLBACK : SERVED_PRIMARY];
}

#endif
