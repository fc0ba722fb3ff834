/*
 * Stored behaviour from Redis: one client per worker, on the worker's loop, over hiredis' async interface.
 * One pipelined round trip per request, a deadline of its own for each, and never a failure: what is late,
 * missing or nonsense is told by status and the request goes on without.
 *
 * Connection: names are resolved off the worker threads; connect, AUTH and SELECT under features.connect_ms;
 * reconnects back off with jitter, at most 250 ms apart. A breaker opens when replies fail or stay out, so that
 * requests do not wait for a Redis that is not there; half-open it lets one probe through, at most 250 ms apart.
 * A reply that comes after its call was answered is recognised by generation and thrown away.
 *
 * The store is not trusted: what it may send is bounded (reply_bounds.c), and a peer that breaks the protocol loses its
 * connection, so that no call gets the reply of another.
 *
 * Everything here runs on the worker's thread. No allocation of ours per call after warm-up.
 */
#ifndef SERVER_STORE_FEATURES_H
#define SERVER_STORE_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/view.h"
#include "server/net/loop.h"
#include "server/store/breaker.h"
#include "server/store/redis_options.h"

struct budget;
struct features;

/* Strings are copied. Changed by a reload without dropping calls in flight. */
struct features_options {
    /* "redis://host:port" or "unix:/path"; NULL: no store, every call is FEATURES_NONE. */
    const char *url;
    const char *user;
    struct view password; /* empty: no AUTH */
    int database;
    int timeout_ms, connect_ms, max_in_flight;
    int max_events;        /* of a call; more may be asked for */
    struct budget *memory; /* what replies take is charged to it; NULL: nothing is */
    bool quiet;            /* an outage is not logged yet */
};

enum features_status {
    FEATURES_OK,         /* events, newest first; none is an answer too */
    FEATURES_NONE,       /* no store is configured */
    FEATURES_LATE,       /* not back in time */
    FEATURES_DOWN,       /* not connected, or the breaker is open: told at once */
    FEATURES_BUSY,       /* max_in_flight are out: told at once */
    FEATURES_REFUSED,    /* an error reply */
    FEATURES_WRONG_TYPE, /* the error reply of a key that holds no list: that user's trouble alone */
    FEATURES_NONSENSE,   /* no reply of RESP2, or of another kind than a list of strings */
    FEATURES_NO_MEMORY,
    FEATURES_STATUSES
};

/* Part of the request; the client's from fetch until on_done, which may run before fetch returns. */
struct features_call {
    /* Views are valid during the call only. */
    void (*on_done)(struct features_call *call, enum features_status status,
                    const struct view *events, int n_events);
    int64_t start_us; /* the caller's: when it asked */
    uint32_t seat;    /* the client's */
};

int features_new(struct loop *loop, const struct features_options *options, uint64_t seed,
                 struct features **out, struct err *err) MUST_CHECK;
void features_free(struct features *features); /* no call is in flight */
int features_set(struct features *features, const struct features_options *options,
                 struct err *err) MUST_CHECK;

/* At most max_events newest events under key, by deadline_us (monotonic) or timeout_ms, whichever is earlier. */
void features_fetch(struct features *features, struct features_call *call, const char *key,
                    int max_events, int64_t deadline_us);
/* The call is the caller's again; on_done will not run. */
void features_cancel(struct features *features, struct features_call *call);

bool features_configured(const struct features *features);            /* any thread */
bool features_up(const struct features *features);                    /* any thread */
enum breaker_state features_breaker(const struct features *features); /* any thread */

#endif
