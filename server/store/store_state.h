/*
 * The client's own state, seen by its three parts: store.c (life, settings, the connection's
 * events), call.c (a call's way from store_send() to on_done) and health.c (the breaker and its
 * probe). All of it runs on the worker's loop.
 */
#ifndef SERVER_STORE_STORE_STATE_H
#define SERVER_STORE_STORE_STATE_H

#include <stdatomic.h>

#include "base/rng.h"
#include "server/store/breaker.h"
#include "server/store/pending.h"
#include "server/store/session.h"
#include "server/store/settings.h"

#define TOKEN_PROBE UINT64_MAX /* no pending's: their numbers are below PENDING_MAX */

struct store {
    struct loop *loop;
    struct rng rng;
    struct store_settings settings;
    struct store_session session;
    struct pendings pendings;
    struct breaker breaker;
    struct timer probe;
    int lost_probes;

    /* For other threads; see health_publish(). */
    atomic_bool configured, up;
    atomic_int shown_breaker;
};

/* ---- call.c ---------------------------------------------------------------------------------- */

void call_on_answer(struct store *store, const struct store_answer *answer);
void call_on_timer(struct timer *timer, void *arg);
/* The connection has ended: all calls that are out end with status. */
void calls_fail(struct store *store, enum store_status status, const char *reason);

/* ---- health.c -------------------------------------------------------------------------------- */

/* Breaker or connection changed: publishes it to other threads, sets the probe's timer. */
void health_publish(struct store *store);
/* A call got good replies. */
void health_succeeded(struct store *store);
/* Its replies were bad, or did not arrive. */
void health_failed(struct store *store, const char *reason);
/* One of them was an error that counts against the store. */
void health_refused(struct store *store, struct view error);
/* A new connection was made: earlier failures no longer count. */
void health_reset(struct store *store);
void health_on_probe(struct timer *timer, void *arg);
void health_on_probe_answer(struct store *store, const struct store_answer *answer);

#endif
