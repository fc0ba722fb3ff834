#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/features/features_state.h"

void session_drop(struct features *f)
{
    features_link_close(f->link);
    f->link = NULL;
    seats_fail(f);
}

static void retry_later(struct features *f)
{
    f->retry_delay_us = backoff_next_us(f->retry_delay_us);
    loop_timer_set(f->loop, &f->retry,
                   clock_now_us() + backoff_jitter_us(f->retry_delay_us, &f->rng));
}

static void on_ready(struct features_link *link, void *arg)
{
    struct features *f = arg;

    (void)link;
    f->retry_delay_us = 0;
    if (f->told_down)
        log_info("redis_back");
    f->told_down = false;
    f->lost_probes = 0;
    /* A fresh connection that was greeted has proven itself. */
    loop_timer_set(f->loop, &f->probe, TIMER_NEVER);
    breaker_success(&f->breaker);
    features_show(f);
}

static void on_end(struct features_link *link, const char *why, void *arg)
{
    struct features *f = arg;

    if (!link || !features_link_ready(link))
        f->next_address++; /* the name may have another one that serves */
    f->link = NULL;
    if (!f->told_down && !f->options.quiet)
        log_warn("redis_gone", LOG_STR("reason", why));
    f->told_down = !f->options.quiet;
    seats_fail(f);
    features_show(f);
    retry_later(f);
}

static void dial(struct features *f)
{
    const unsigned n = (unsigned)f->addresses.n; /* 0: the host is numeric, or a path */
    const char *why = NULL;
    struct features_link_args args = {
        .loop = f->loop,
        .url = &f->url,
        .address = n ? f->addresses.numeric[f->next_address % n] : f->url.host,
        .user = view_of(f->options.user),
        .password = f->options.password,
        .database = f->options.database,
        .connect_ms = f->options.connect_ms,
        .events = {.on_ready = on_ready, .on_reply = features_on_reply, .on_end = on_end, .arg = f},
    };

    f->link = features_link_open(&args, &why);
    if (!f->link)
        on_end(NULL, why, f);
}

/* A name server that fails takes nothing away: what was found before is still tried. */
static void on_resolved(void *arg, const struct addresses *addresses)
{
    struct features *f = arg;

    f->resolution = NULL;
    if (addresses->n)
        f->addresses = *addresses;
    if (f->addresses.n)
        dial(f);
    else
        on_end(NULL, "its name does not resolve", f);
}

void session_connect(struct features *f)
{
    if (!f->options.url || f->link || f->resolution)
        return;
    if (f->url.is_unix || resolver_is_numeric(f->url.host)) {
        dial(f);
        return;
    }
    f->resolution = resolver_start(f->url.host, &f->loop->mailbox, on_resolved, f);
    if (!f->resolution)
        retry_later(f);
}

void session_on_retry(struct timer *timer, void *arg)
{
    (void)timer;
    session_connect(arg);
}
