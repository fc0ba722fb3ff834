/*
 * The client's own state, shared by its five parts: features.c (life and calls), seats.c (commands that are out),
 * session.c (the connection, made again whenever it ends), features_breaker.c (the breaker and its probe) and
 * features_options.c (what a reload changes). Nobody else includes it. All of it runs on the worker's loop.
 */
#ifndef SERVER_STORE_FEATURES_STATE_H
#define SERVER_STORE_FEATURES_STATE_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/redis_url.h"
#include "base/rng.h"
#include "server/store/features.h"
#include "server/store/link.h"
#include "server/store/resolver.h"

#define SEATS_PER_CHUNK 64
#define MAX_CHUNKS (FEATURES_MAX_IN_FLIGHT / SEATS_PER_CHUNK)
#define TOKEN_PROBE UINT64_MAX /* of features_link_send: no seat's */
#define SETTLED_US 1000000

/*
 * A command on the wire. The seat stays taken until its reply comes or the link ends, so that no more than
 * max_in_flight commands are out whatever their callers gave up on. A caller may give up early, by a deadline of
 * its own; the store has failed only when overdue_us, which is timeout_ms, passes without a reply.
 */
struct seat {
    struct features_call *call; /* NULL: given up, the reply is thrown away */
    struct features *features;
    struct timer timer; /* the call's deadline, then overdue_us */
    int64_t overdue_us;
    int n_graces; /* turns that the timer was put off for what lies unread */
    int max_events;
    bool taken;
    uint32_t index, generation;
    struct seat *next_free;
};

struct features {
    struct loop *loop;
    struct rng rng;
    struct view strings; /* owns url's, user's and password's bytes; a secret */
    struct features_options options;
    struct redis_url url;

    struct features_link *link; /* NULL: between two */
    struct resolution *resolution;
    struct timer retry;
    int64_t retry_delay_us;
    struct addresses addresses; /* of url.host; the last ones that were found stay */
    unsigned next_address;      /* moves on when one does not serve */
    int n_told;                 /* reasons of this outage that were logged; 0: there is none */
    char told[192];             /* the last of them */
    int64_t ready_us;           /* when the link was */
    bool settled;               /* it has given a good reply, or has lasted SETTLED_US */
    int n_short;                /* links in a row that were ready, but did not settle */
    bool flapping;              /* so that being ready proves nothing */

    struct breaker breaker;
    struct timer probe;
    int lost_probes;

    struct seat *chunks[MAX_CHUNKS]; /* seats never move: timers are linked by address */
    uint32_t n_seats, n_taken;
    struct seat *free_seat;
    struct view *views; /* of the reply that is being told */
    size_t n_views;
    struct buf command;

    atomic_bool configured, up;
    atomic_int shown_breaker;
};

/* features.c */

void features_on_reply(struct features_link *link, uint64_t token, const struct redisReply *reply,
                       void *arg);

/* features_breaker.c */

/* Breaker or link changed: tells other threads, sets the probe's timer. */
void features_show(struct features *f);
void features_succeeded(struct features *f); /* a call's reply was as it should be */
void features_failed(struct features *f, const char *reason); /* it was not, or did not come */
void features_refused(struct features *f, struct view error); /* it was an error */
void features_on_probe(struct timer *timer, void *arg);
void features_on_probe_reply(struct features *f, enum features_status status);

/* seats.c */

struct seat *seat_at(struct features *f, uint32_t index);
/* NULL: max_in_flight are out, or no memory; *status says which. */
struct seat *seat_take(struct features *f, enum features_status *status);
/* on_done runs, unless the call gave up. The seat stays taken. */
void seat_tell(struct seat *seat, enum features_status status, const struct view *events, int n);
void seat_release(struct seat *seat);
/* Nobody waits for the reply any more. */
void seat_give_up(struct seat *seat);
/* Ends all calls that are out with status; their seats are free. */
void seats_fail(struct features *f, enum features_status status, const char *reason);

/* session.c */

/* Dials unless there is a link, one on its way, or no store. */
void session_connect(struct features *f);
/* Commands that are out on it never get a reply: their seats are free again. */
void session_drop(struct features *f);
/* The link has proven itself: an outage is over. */
void session_settle(struct features *f);
void session_on_retry(struct timer *timer, void *arg);

#endif
