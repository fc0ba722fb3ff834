/*
 * struct batch_job: one request's work for the engine, with everything in it that another thread
 * needs: token ids, room for logits, whose it is and by when. No pointer into an arena or a
 * request.
 *
 * Life: the worker takes a job from its own pool (batch_jobs_take), fills it, hands it to
 * executor_submit. When that admits it, the job is lent: only `cancelled` may be touched until its
 * letter arrives in the worker's mailbox, always exactly once, whatever happened. Then the worker
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

extern const char *const job_outcome_names[JOB_OUTCOMES]; /* "ok", "not_finite", ... */

struct job_owner {
    uint32_t worker;
    uint32_t slot;
    uint64_t generation;
};

struct batch_job {
    /* In: the owner's, set before submit. */
    struct letter letter; /* deliver(letter, reader) runs on the owner's thread; see batch_job_of */
    struct mailbox *home; /* where the letter goes */
    struct job_owner owner;
    /* The caller holds a reference across submit; the executor takes its own. */
    struct served_model *model;
    struct input input; /* memory stays with the job: model_input() writes straight into it */
    /* Monotonic, when scores are of use: the request's less the encode reserve. */
    int64_t deadline_us;

    /* Out: valid once the letter has come (outcome REFUSED also after a refusing submit). */
    enum job_outcome outcome;
    float *logits;    /* (input.n_read, labels) */
    bool by_fallback; /* the second engine computed it: degraded:["model"] */
    int64_t queue_us; /* submit to launch */
    int64_t infer_us; /* launch to completion */

    /* The executor's. */
    struct work work;
    int part_tokens;     /* of one larger than a batch: what its parts were counted with */
    int64_t launched_us; /* its first part */
    int n_logits, max_logits;
    int64_t buffer_bytes; /* of input and logits, charged to the pool's budget */
    struct batch_job *next_free;
};

struct batch_job *batch_job_of(struct letter *letter);
struct batch_job *batch_job_of_work(struct work *work);

/* Any thread; the job is lent. It comes back as JOB_CANCELLED, or as what it became if it was
 * launched already. */
void batch_job_cancel(struct batch_job *job);

/* For the executor: what the scheduler has to know, at this arrival. */
void batch_job_prepare(struct batch_job *job, struct cost *cost,
                       const struct batch_options *options, int64_t now_us);

/* A worker's own jobs. Fixed in number; their buffers grow with use and are kept, as far as budget
 * and keep_bytes allow. */
struct batch_jobs {
    struct batch_job *items;
    struct batch_job *free; /* with buffers, last returned first */
    struct batch_job *cold; /* free ones without */
    int n, n_free;
    struct budget *budget;
    int64_t keep_bytes, kept_bytes; /* by free ones; keep_bytes is the caller's to change */
};

/* budget outlives them; buffers are charged to it as BUDGET_ARENA. NULL: they are not charged. */
int batch_jobs_init(struct batch_jobs *jobs, int n, struct budget *budget,
                    struct err *err) MUST_CHECK;
void batch_jobs_release(struct batch_jobs *jobs); /* all are back: a BUG otherwise */
/* NULL when all are lent. Clean but for its buffers. */
struct batch_job *batch_jobs_take(struct batch_jobs *jobs);
void batch_jobs_put(struct batch_jobs *jobs, struct batch_job *job);
/* Frees the buffers of free ones. */
void batch_jobs_reclaim(struct batch_jobs *jobs);

/* Room for input.n_read * labels logits, and the charge for the input; before submit, on the
 * owner's thread. ERR_NOMEM over the budget, too: the job is good for batch_jobs_put() only. */
int batch_jobs_reserve(struct batch_jobs *jobs, struct batch_job *job, int labels,
                       struct err *err) MUST_CHECK;

#endif
