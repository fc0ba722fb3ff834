/* Whether the store is healthy: the breaker, and the probe that closes it again. */
#include "base/clock.h"
#include "base/log.h"
#include "server/store/refusal.h"
#include "server/store/store_state.h"

#define PROBE_US 200000 /* a probe unanswered for this long has failed */
#define PROBES_BEFORE_RECONNECT 2

void health_publish(struct store *store)
{
    const bool closed = store->breaker.state == BREAKER_CLOSED;

    atomic_store(&store->shown_breaker, (int)store->breaker.state);
    atomic_store(&store->up, closed && store_session_up(&store->session));
    if (store->breaker.state == BREAKER_OPEN)
        loop_timer_set(store->loop, &store->probe, store->breaker.probe_us);
}

void health_reset(struct store *store)
{
    store->lost_probes = 0;
    loop_timer_set(store->loop, &store->probe, TIMER_NEVER);
    breaker_init(&store->breaker);
    health_publish(store);
}

void health_succeeded(struct store *store)
{
    store_session_settle(&store->session);
    if (store->breaker.state != BREAKER_CLOSED)
        return; /* only a probe closes it */
    breaker_success(&store->breaker);
    health_publish(store);
}

void health_failed(struct store *store, const char *reason)
{
    if (store->breaker.state != BREAKER_CLOSED)
        return;
    breaker_failure(&store->breaker, clock_now_us(), &store->rng);
    if (store->breaker.state == BREAKER_OPEN)
        log_warn("redis_breaker_open", LOG_STR("reason", reason));
    health_publish(store);
}

void health_refused(struct store *store, struct view error)
{
    char text[REFUSAL_BYTES];

    if (store->breaker.state != BREAKER_CLOSED)
        return;
    refusal_text(error, store->settings.redis.password.value, text);
    health_failed(store, text);
}

static void probe_failed(struct store *store)
{
    breaker_failure(&store->breaker, clock_now_us(), &store->rng);
    health_publish(store);
    if (++store->lost_probes < PROBES_BEFORE_RECONNECT || !store_session_ready(&store->session))
        return;
    /* A peer that vanished without a reset never answers again: try another connection. */
    store->lost_probes = 0;
    store_session_redial(&store->session);
}

/* Either the breaker needs its probe, or the outstanding probe was not answered in time. */
void health_on_probe(struct timer *timer, void *arg)
{
    struct store *store = arg;
    const int64_t now_us = clock_now_us();

    (void)timer;
    if (store->breaker.state == BREAKER_HALF_OPEN) {
        probe_failed(store);
        return;
    }
    if (!store_session_ready(&store->session))
        return; /* the next connection serves as the probe: its greeting closes the breaker */
    if (!breaker_probe(&store->breaker, now_us))
        return;
    if (store_link_send(store->session.link, store->settings.probe, 1, TOKEN_PROBE)) {
        probe_failed(store);
        return;
    }
    health_publish(store);
    loop_timer_set(store->loop, &store->probe, now_us + PROBE_US);
}

void health_on_probe_answer(struct store *store, const struct store_answer *answer)
{
    if (store->breaker.state != BREAKER_HALF_OPEN)
        return; /* the answer to an earlier probe that was given up */
    if (answer->replies[0].type == STORE_ERROR) {
        probe_failed(store);
        return;
    }
    health_reset(store);
    log_info("redis_breaker_closed");
}
