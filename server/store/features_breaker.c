#include "base/clock.h"
#include "base/log.h"
#include "server/store/features_state.h"
#include "server/store/refusal.h"

#define PROBE_US 200000 /* a probe without an answer for this long has failed */
#define PROBES_BEFORE_RECONNECT 2
/* What calls do, so that whatever refuses them refuses it: the history of nobody, for every user has a <pid>. */
#define PROBE "*4\r\n$6\r\nLRANGE\r\n$13\r\nadrank:{u:}:h\r\n$1\r\n0\r\n$1\r\n0\r\n"

bool features_configured(const struct features *f)
{
    return atomic_load(&f->configured);
}

bool features_up(const struct features *f)
{
    return atomic_load(&f->up);
}

enum breaker_state features_breaker(const struct features *f)
{
    return (enum breaker_state)atomic_load(&f->shown_breaker);
}

void features_show(struct features *f)
{
    atomic_store(&f->shown_breaker, (int)f->breaker.state);
    atomic_store(&f->up, f->link && features_link_ready(f->link) && !(f->flapping && !f->settled) &&
                             f->breaker.state == BREAKER_CLOSED);
    if (f->breaker.state == BREAKER_OPEN)
        loop_timer_set(f->loop, &f->probe, f->breaker.probe_us);
}

void features_succeeded(struct features *f)
{
    if (!f->settled)
        session_settle(f);
    if (f->breaker.state != BREAKER_CLOSED)
        return; /* only a probe closes it */
    breaker_success(&f->breaker);
    features_show(f);
}

void features_failed(struct features *f, const char *reason)
{
    if (f->breaker.state != BREAKER_CLOSED)
        return;
    breaker_failure(&f->breaker, clock_now_us(), &f->rng);
    if (f->breaker.state == BREAKER_OPEN)
        log_warn("redis_breaker_open", LOG_STR("reason", reason));
    features_show(f);
}

void features_refused(struct features *f, struct view error)
{
    char text[REFUSAL_BYTES];

    if (f->breaker.state != BREAKER_CLOSED)
        return;
    refusal_text(error, f->options.password, text);
    features_failed(f, text);
}

static void probe_failed(struct features *f)
{
    breaker_failure(&f->breaker, clock_now_us(), &f->rng);
    features_show(f);
    if (++f->lost_probes < PROBES_BEFORE_RECONNECT || !f->link || !features_link_ready(f->link))
        return;
    /* A peer that vanished without a word answers nothing ever again: try another connection. */
    f->lost_probes = 0;
    session_drop(f);
    session_connect(f);
}

/* Due: either the breaker wants its probe, or the probe that is out was not answered. */
void features_on_probe(struct timer *timer, void *arg)
{
    struct features *f = arg;
    int64_t now_us = clock_now_us();

    (void)timer;
    if (f->breaker.state == BREAKER_HALF_OPEN) {
        probe_failed(f);
        return;
    }
    if (!f->link || !features_link_ready(f->link))
        return; /* the connection that is being made is the probe: its greeting closes the breaker */
    if (!breaker_probe(&f->breaker, now_us))
        return;
    if (features_link_send(f->link, VIEW_LIT(PROBE), 1, TOKEN_PROBE)) {
        probe_failed(f);
        return;
    }
    features_show(f);
    loop_timer_set(f->loop, &f->probe, now_us + PROBE_US);
}

void features_on_probe_reply(struct features *f, enum features_status status)
{
    if (f->breaker.state != BREAKER_HALF_OPEN)
        return; /* of an earlier, lost one */
    if (status != FEATURES_OK) {
        probe_failed(f);
        return;
    }
    f->lost_probes = 0;
    loop_timer_set(f->loop, &f->probe, TIMER_NEVER);
    breaker_success(&f->breaker);
    log_info("redis_breaker_closed");
    features_show(f);
}
