/* Jobs on their way to the engines of their model, and back to their owners. */
#ifndef SERVER_BATCH_SUBMIT_H
#define SERVER_BATCH_SUBMIT_H

#include "server/batch/gate.h"
#include "server/batch/job.h"
#include "server/batch/served.h"

/*
 * The second gate; decides immediately. job->model, home, letter.deliver, input, deadline_us and
 * room for the outputs are set. The executor is the model's primary one, or its fallback's once
 * that is broken. now_us is the caller's clock. Any thread; allocates nothing.
 *
 * Refused or failed, the job stays the caller's, with outcome JOB_REFUSED or JOB_FAILED.
 */
enum submit executor_submit(struct batch_job *job, int64_t now_us) MUST_CHECK;

/*
 * The first gate, cheap enough for every arrival: whether a job of this model would be refused with
 * SUBMIT_FULL now. Drops expired and cancelled jobs first. Takes the lock only where the queue was
 * recently full. Any thread that holds a reference to the model.
 */
bool executor_is_full(const struct served_model *model, int64_t now_us) MUST_CHECK;

/* The rest is for the executors' threads, without a lock. Each takes a list by `next`. */

/* Posts the letters and drops the jobs' references to their models. JOB_EXPIRED: cancelled jobs
 * return as JOB_CANCELLED. */
void works_return(struct work *works, enum job_outcome outcome);
/* Jobs of an executor that broke go to their model's fallback (at its cost, through its gate), or
 * are returned. */
void works_reroute(struct work *works);

#endif
