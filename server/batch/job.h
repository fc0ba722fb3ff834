/*
 * struct batch_job: one request's work for the engine, with everything in it that another thread
 * needs: token ids, room for the outputs, its owner and deadline. No pointer into an arena or a
 * request.
 *
 * Life: the owner takes a job from its thread's pool (batch_jobs_take), fills it, passes it to
 * executor_submit. If admitted, the job is lent: only batch_job_cancel may be called until its
 * letter arrives in the mailbox `home`, always exactly once, whatever happened. Then the owner
 * compares owner.generation with its slot (stale: the request was answered long ago) and puts the
 * job back (batch_jobs_put).
 */
#ifndef SERVER_BATCH_JOB_H
#define SERVER_BATCH_JOB_H

#include "adrank/input.h"
#include "base/budget.h"
#include "base/mailbox.h"
#include "server/batch/queue.h"

struct served_model;
struct executor;

struct job_owner {
    uint32_t slot;
    uint64_t generation;
};

struct batch_job {
    /* In: set by the owner before submit. */
    struct letter letter; /* deliver(letter, reader) runs on the owner's thread; see batch_job_of */
    struct mailbox *home; /* where the letter goes */
    struct job_owner owner;
    struct served_model *model; /* the caller holds a reference across submit */
    struct input input;         /* memory stays with the job: model_input() writes into it */
    int64_t deadline_us; /* monotonic: the latest time at which scores are of use to the request */

    /* Out: valid once the letter has come; outcome also after a submit that does not admit. */
    enum job_outcome outcome;
    float *out;       /* (input.n_read, width) */
    bool by_fallback; /* the second engine computed it: degraded:["model"] */
    int64_t queue_us; /* submit to launch */
    int64_t infer_us; /* launch to completion */

    /* The executor's. */
    struct work work;
    int part_tokens;     /* of one larger than a batch: the limit its parts were counted with */
    int64_t launched_us; /* its first part */
    int n_out, max_out;
    int64_t buffer_bytes; /* of input and out, charged to the pool's budget */
    struct batch_job *next_free;
};

struct batch_job *batch_job_of(struct letter *letter);
struct batch_job *batch_job_of_work(struct work *work);

/* Any thread; the job is lent. It returns as JOB_CANCELLED, or with its own outcome if it was
 * already launched. */
void batch_job_cancel(struct batch_job *job);

/* For the executor: sets what the scheduler has to know, at this arrival. */
void batch_job_prepare(struct batch_job *job, struct cost *cost,
                       const struct batch_options *options, int64_t now_us);

/* A pool of jobs for one thread. Fixed in number; their buffers grow with use and are kept, as far
 * as budget and keep_bytes allow. */
struct batch_jobs {
    struct batch_job *items;
    struct batch_job *free; /* with buffers, last put first */
    struct batch_job *cold; /* free, without buffers */
    int n, n_free;
    struct budget *budget;
    int64_t keep_bytes, kept_bytes; /* by free ones; keep_bytes is the caller's to change */
};

/* budget outlives them; buffers are charged to it as BUDGET_ARENA. NULL: they are not charged. */
int batch_jobs_init(struct batch_jobs *jobs, int n, struct budget *budget,
                    struct err *err) MUST_CHECK;
void batch_jobs_release(struct batch_jobs *jobs); /* a BUG while one is taken */
/* NULL when all are taken. Zeroed except for its buffers. */
struct batch_job *batch_jobs_take(struct batch_jobs *jobs);
void batch_jobs_put(struct batch_jobs *jobs, struct batch_job *job);
/* Frees the buffers of free jobs. */
void batch_jobs_reclaim(struct batch_jobs *jobs);

/* Makes room for the outputs and charges them and the input to the budget; before submit, on the
 * owner's thread. ERR_NOMEM over the budget, too: then the job may only be put back. */
int batch_jobs_reserve(struct batch_jobs *jobs, struct batch_job *job, int width,
                       struct err *err) MUST_CHECK;

#endif
