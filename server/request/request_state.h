/*
 * struct request: one call of /rank on its way. A state machine owns the steps: each step is a file, does its
 * part and says what is next; no step calls another.
 *
 *   decode -> features -> candidates -> tokens -> batch -> rank -> answered
 *
 * Two timers of the contract guard it: the feature store's own, and the answer's, encode_reserve before the
 * deadline; when that fires, whatever is missing is marked and the answer is written by deadline.on_late.
 *
 * Life: taken from the worker's free list when the call comes, given back once it is answered or its client
 * is gone. What is out at that moment (jobs) comes back later and is recognised by generation. All memory that a
 * request needs comes from its arena, which keeps its chunks.
 *
 * Private to server/request. The worker's thread only.
 */
#ifndef SERVER_REQUEST_REQUEST_STATE_H
#define SERVER_REQUEST_REQUEST_STATE_H

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "adrank/behaviour.h"
#include "adrank/decode.h"
#include "base/rng.h"
#include "server/batch/job.h"
#include "server/request/answer.h"
#include "server/request/worker.h"

enum step {
    STEP_DECODE,
    STEP_FEATURES,
    STEP_CANDIDATES,
    STEP_TOKENS,
    STEP_BATCH,
    STEP_RANK,
    STEPS
};

enum step_result {
    STEP_NEXT,  /* done: the next step runs at once */
    STEP_WAIT,  /* something is out; request_resume() goes on with the next step */
    STEP_LATE,  /* no time or no place: answer now by deadline.on_late */
    STEP_ENDED, /* answered with an error; the request is gone */
};

/* What is scored together: imps of equal context. */
struct score_group {
    const struct imp *imp; /* the first of them */
    struct batch_job *job; /* lent or back; NULL: none */
    bool out;              /* lent: its letter has not come */
    bool scored;           /* logits are right */
    const float *logits;   /* (ads.n, labels), in the job */
};

/* A worker's side; see worker.h. */
struct request_worker {
    struct net_thread *worker;
    struct metrics_shard *shard;
    struct impression_log *impressions;
    struct store *store;
    struct letter may_log; /* request_worker_may_log()'s */
    bool quiet;            /* that has not come yet */
    struct world *world;   /* a reference; NULL before the first */
    struct batch_jobs jobs;
    struct request **slots; /* (n_slots) all requests ever made, by slot */
    uint32_t n_slots;
    struct request *warm;          /* free ones whose arenas keep memory, the last used first */
    struct request *cold;          /* the other free ones */
    size_t kept_bytes, keep_bytes; /* by warm ones; at most */
    struct budget *memory;
    struct letter reclaim; /* request_worker_reclaim_soon()'s */
    atomic_bool reclaim_posted;
    struct rng rng;  /* sampling */
    struct buf body; /* of the answer that is being written */
    struct buf line; /* of the impression log */
};

static inline struct request_worker *request_worker_of(void *reader)
{
    return ((struct net_thread *)reader)->user;
}

static inline struct request *request_worker_slot(struct request_worker *rw, uint32_t slot)
{
    return rw->slots[slot];
}

/* worker.c: more free ones. -1: out of memory. */
int request_worker_more(struct request_worker *rw);

/* worker_memory.c */
struct request *request_worker_take(struct request_worker *rw); /* NULL: out of memory */
/* Its arena is reset and keeps what it may. */
void request_worker_put(struct request_worker *rw, struct request *r);
/* How much may be kept: a share of the budget, whose limit may have changed. */
void request_worker_set_keep(struct request_worker *rw);
/* Lets go of what is only kept for later. */
void request_worker_reclaim(struct request_worker *rw);

void request_init(struct request *r, struct request_worker *rw, uint32_t slot);

struct timing {
    int64_t parse_us, features_us, queue_us, infer_us, rank_us;
};

struct request {
    struct request_worker *worker;
    uint32_t slot;
    uint64_t generation; /* changes whenever the slot is given back */
    struct request *next_free;

    struct arena arena;
    struct http_call *call; /* NULL: the client is gone */
    struct world *world;    /* a reference */
    enum step step;         /* the one that runs, or that something is out for */
    struct timer answer_timer;
    int64_t deadline_us; /* monotonic: when the answer must be on its way */
    int64_t now_ms;      /* unix: what the context's hour is taken from */
    uint32_t degraded;   /* bit per enum degraded_reason */
    bool in_step;        /* a step runs: what it waits for may come before it returns */
    bool refused;        /* some job found no place in time */
    bool late;           /* is being answered by deadline.on_late */
    struct timing timing;

    struct impression_request decoded;
    char pid[BEHAVIOUR_PID_HEX + 1]; /* "" without a user */
    struct store_call features;
    bool features_out;
    enum features_reason features_reason; /* of DEGRADED_FEATURES */
    const struct behaviour *behaviours;   /* merged, oldest first, texts filled in */
    int n_behaviours;

    struct candidates ads;
    struct input_args input; /* imp is that of the context that was built last */
    struct score_group *groups;
    int *group_of; /* (n_imps) */
    int n_groups;
    int jobs_out;
};

/* The steps. */
enum step_result step_decode(struct request *r);
enum step_result step_features(struct request *r);
enum step_result step_candidates(struct request *r);
enum step_result step_tokens(struct request *r);
enum step_result step_batch(struct request *r);
enum step_result step_rank(struct request *r);

/* Runs from this step on until something is out or the request has ended. */
void request_go(struct request *r, enum step step);
/* Goes on behind the step that waited. */
void request_resume(struct request *r);
/* Answers now, by deadline.on_late; the request is gone. */
void request_late(struct request *r);
/* Answers 200 with what was ranked since start_us; the request is gone. */
enum step_result request_respond(struct request *r, const struct ranked *ranked, int64_t start_us);
/* Counts an answer that is about to be written after its deadline. */
void request_count_late(struct request *r);
/* It was answered: everything goes back. */
void request_end(struct request *r);
/* Answers with a problem and gives the request back. */
enum step_result request_refuse(struct request *r, enum problem_code code, const char *detail,
                                const struct problems *problems);
/* The same after a failure: out of memory is told to the client, anything else is a bug of ours. */
enum step_result request_fail(struct request *r, const struct err *err);

static inline void request_degrade(struct request *r, enum degraded_reason reason)
{
    r->degraded |= 1u << reason;
}

/* Stored behaviour is missing, or some of it: marked, and counted once. */
void request_lacks_features(struct request *r, enum features_reason reason);

/* Who it was in logs: user ids never appear, only the first 12 digits of <pid>. */
static inline struct view request_user_logged(const struct request *r)
{
    return (struct view){r->pid, strnlen(r->pid, 12)};
}

/* score_group.c. From candidates on; -1: out of memory. */
int score_groups_init(struct request *r);
/* A job with the context's input, not yet submitted. LATE: there is none to be had, or the request has had more than
 * its share; ENDED: failed, and the request is gone. */
enum step_result score_group_build(struct request *r, struct score_group *group);

/* A finished job's letter, of whatever request. */
void step_batch_on_letter(struct letter *letter, void *reader);
/* What is out is called back: features are cancelled, jobs are left to come back as strangers. */
void step_features_abandon(struct request *r);
void step_batch_abandon(struct request *r);

/* Tells a finished 200: wide log line and line for the trainer, as configured. */
void request_log(struct request *r, const struct answer_args *answer);
void impression_line_add(struct request *r, const struct answer_args *answer);

#endif
