/*
 * struct request: one call on its way through the steps (steps.h). It is taken from the worker's
 * pool when the call arrives and put back once the call is answered or the client has gone. Jobs
 * that are out at that time return later and are recognised by generation. All its memory comes
 * from its arena.
 *
 * Each step owns the struct with its name; later steps read it. Private to server/request; the
 * worker's thread only.
 */
#ifndef SERVER_REQUEST_REQUEST_STATE_H
#define SERVER_REQUEST_REQUEST_STATE_H

#include <string.h>

#include "adrank/behaviour.h"
#include "adrank/model.h"
#include "server/net/timers.h"
#include "server/request/steps.h"
#include "server/request/wire.h"
#include "server/store/store.h"

struct request_worker;
struct score_group;
struct world;

/* step_features: the user's behaviour. */
struct history_state {
    char pid[BEHAVIOUR_PID_HEX + 1]; /* "" without a user */
    struct store_call call;
    bool out;                           /* the call is */
    enum features_reason reason;        /* of DEGRADED_FEATURES */
    const struct behaviour *behaviours; /* (n) merged, oldest first, texts filled in */
    int n;
};

/* step_tokens: what is scored together (score_group.h). */
struct tokens_state {
    struct input_args input; /* imp: of the group built last */
    struct score_group *groups;
    int *group_of; /* (n_imps) */
    int n_groups;
};

/* step_batch */
struct batch_state {
    int jobs_out;
};

/* step_rank */
struct rank_state {
    int64_t start_us;     /* 0: it did not run */
    struct ranked ranked; /* without results then */
};

struct request {
    struct request_worker *worker;
    uint32_t slot;
    uint64_t generation; /* changes whenever the slot is put back */
    struct request *next_free;

    struct arena arena;
    struct http_call *call; /* NULL: answered, or the client has gone */
    const struct wire_format *format;
    struct world *world;       /* a reference */
    enum step step;            /* the one that runs or waits */
    bool running;              /* inside its run() */
    enum step_result resumed;  /* result passed to request_resume() meanwhile; else STEP_WAIT */
    struct timer answer_timer; /* encode_reserve before the deadline */
    int64_t arrived_us;        /* monotonic: its last byte, at the earliest */
    int64_t deadline_us;       /* monotonic: when the answer must be on its way */
    int64_t now_ms;            /* unix: what the context's hour is taken from */
    uint32_t degraded;         /* bit per enum degraded_reason */
    bool refused;              /* some job was not admitted */
    bool late;                 /* is being answered by deadline.on_late */
    int64_t timing_us[STAGES]; /* each step sets its own */

    /* Owned by the steps. */
    struct impression_request decoded;
    struct history_state history;
    struct candidates ads;
    struct tokens_state tokens;
    struct batch_state batch;
    struct rank_state rank;
};

static inline void request_degrade(struct request *r, enum degraded_reason reason)
{
    r->degraded |= 1u << reason;
}

/* The user in logs: never the id, only the first 12 digits of <pid>. */
static inline struct view request_user_logged(const struct request *r)
{
    return (struct view){r->history.pid, strnlen(r->history.pid, 12)};
}

#endif
