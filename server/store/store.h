/*
 * struct store: a client of Redis, one for each worker, on the worker's loop. A call is some
 * commands, reads or writes, that are sent together, and as many replies, in the same order. A call
 * has a deadline of its own and never fails harder than by status: what is late, missing or
 * nonsense is reported, and the caller continues without. If a call ended with a status other than
 * OK, some or all of its commands may have been carried out.
 *
 * Connection: names are resolved off the worker threads; connect, AUTH and SELECT under connect_ms;
 * reconnects back off with jitter, at most 250 ms apart. A breaker opens when replies fail or stay
 * out, so that callers do not wait for a Redis that is not there; half-open it lets one probe
 * through, at most 250 ms apart. A reply that comes after its call has ended is recognised and
 * dropped.
 *
 * The store is not trusted: what it may send is bounded by each command (command.h) and charged to
 * a budget, and a peer that breaks the protocol loses its connection.
 *
 * Everything here runs on the worker's thread. No allocation after warm-up.
 */
#ifndef SERVER_STORE_STORE_H
#define SERVER_STORE_STORE_H

#include "base/err.h"
#include "server/net/loop.h"
#include "server/store/breaker.h"
#include "server/store/command.h"
#include "server/store/settings.h"

struct store;

/* Part of the caller's request; the store's from store_send() until on_done, which may run before
 * store_send() returns. */
struct store_call {
    /* replies: one for each command with STORE_OK, else none. Views are valid during the call
     * only. */
    void (*on_done)(struct store_call *call, enum store_status status,
                    const struct store_reply *replies, int n_replies);
    int64_t start_us; /* the caller's: when it started */
    uint32_t pending; /* the store's */
};

int store_new(struct loop *loop, const struct store_settings *settings, uint64_t seed,
              struct store **out, struct err *err) MUST_CHECK;
void store_free(struct store *store); /* no call is out. May be NULL */
/* A reload's settings, with a url that its row has checked; those before may go afterwards. Cannot
 * fail. Calls in flight continue, unless another server is named. */
void store_set(struct store *store, const struct store_settings *settings);

/* Ends by deadline_us (monotonic) or timeout_ms after start_us, whichever is earlier. */
void store_send(struct store *store, struct store_call *call, const struct store_command *commands,
                int n_commands, int64_t deadline_us);
/* The call is the caller's again; on_done will not run. */
void store_cancel(struct store *store, struct store_call *call);

bool store_configured(const struct store *store);            /* any thread */
bool store_up(const struct store *store);                    /* any thread */
enum breaker_state store_breaker(const struct store *store); /* any thread */

#endif
