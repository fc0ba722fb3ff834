#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/store/features_state.h"

#define MAX_REASONS 4 /* of an outage that are logged */

void session_drop(struct features *f)
{
    features_link_close(f->link);
    f->link = NULL;
    seats_fail(f, FEATURES_DOWN, "the connection was given up");
}

static void retry_later(struct features *f)
{
    f->retry_delay_us = backoff_next_us(f->retry_delay_us);
    loop_timer_set(f->loop, &f->retry,
                   clock_now_us() + backoff_jitter_us(f->retry_delay_us, &f->rng));
}

static const char *address_text(const struct features *f, char *out, size_t size)
{
    const struct redis_url *url = &f->url;

    if (url->is_unix)
        snprintf(out, size, "unix:%s", url->host);
    else
        snprintf(out, size, strchr(url->host, ':') ? "[%s]:%d" : "%s:%d", url->host, url->port);
    return out;
}

/* Once per outage, and again where another reason shows: a server that is back may refuse. */
static void tell_down(struct features *f, const char *why)
{
    char address[300];

    if (f->options.quiet)
        return;
    if (f->n_told == MAX_REASONS || (f->n_told && strcmp(why, f->told) == 0))
        return;
    log_warn("redis_gone", LOG_STR("reason", why),
             LOG_STR("address", address_text(f, address, sizeof(address))));
    snprintf(f->told, sizeof(f->told), "%s", why);
    f->n_told++;
}

static void tell_back(struct features *f)
{
    if (f->n_told)
        log_info("redis_back");
    f->n_told = 0;
}

void session_settle(struct features *f)
{
    f->settled = true;
    f->flapping = false;
    f->n_short = 0;
    f->retry_delay_us = 0;
    tell_back(f);
    features_show(f);
}

static void on_ready(struct features_link *link, void *arg)
{
    struct features *f = arg;

    (void)link;
    f->ready_us = clock_now_us();
    f->settled = false;
    f->lost_probes = 0;
    /* A fresh connection that was greeted has proven itself, unless the last one did so and then went wrong. */
    if (f->flapping)
        loop_timer_set(f->loop, &f->retry, f->ready_us + SETTLED_US);
    else
        tell_back(f);
    loop_timer_set(f->loop, &f->probe, TIMER_NEVER);
    breaker_success(&f->breaker);
    features_show(f);
}

/* How a connection ended that had been greeted: whether the next one is to be trusted. */
static void judge(struct features *f, enum features_status status)
{
    const bool lasted = f->settled || clock_now_us() - f->ready_us >= SETTLED_US;

    f->n_short = lasted ? 0 : f->n_short + 1;
    f->flapping = !lasted && (status != FEATURES_DOWN || f->n_short > 1);
    if (lasted)
        f->retry_delay_us = 0;
}

static void on_end(struct features_link *link, enum features_status status, const char *why,
                   void *arg)
{
    struct features *f = arg;

    if (link && features_link_ready(link))
        judge(f, status);
    else
        f->next_address++; /* the name may have another one that serves */
    f->link = NULL;
    tell_down(f, why);
    seats_fail(f, status, why);
    features_show(f);
    retry_later(f);
}

static void cannot_try(struct features *f, const char *why)
{
    on_end(NULL, FEATURES_DOWN, why, f);
}

static void dial(struct features *f)
{
    const unsigned n = (unsigned)f->addresses.n; /* 0: the host is numeric, or a path */
    struct err err;
    struct features_link_args args = {
        .loop = f->loop,
        .url = &f->url,
        .address = n ? f->addresses.numeric[f->next_address % n] : f->url.host,
        .user = view_of(f->options.user),
        .password = f->options.password,
        .database = f->options.database,
        .connect_ms = f->options.connect_ms,
        .max_elements = f->options.max_events,
        .memory = f->options.memory,
        .events = {.on_ready = on_ready, .on_reply = features_on_reply, .on_end = on_end, .arg = f},
    };

    if (features_link_open(&args, &f->link, &err))
        cannot_try(f, err.text);
}

/* A name server that fails takes nothing away: what was found before is still tried. */
static void on_resolved(void *arg, const struct addresses *addresses)
{
    struct features *f = arg;
    char why[RESOLVER_WHY + 64];

    f->resolution = NULL;
    if (addresses->n)
        f->addresses = *addresses;
    if (f->addresses.n)
        dial(f);
    else {
        snprintf(why, sizeof(why), "its name does not resolve: %s", addresses->why);
        cannot_try(f, why);
    }
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
        cannot_try(f, "no thread to resolve its name");
}

/* Due: a connection is to be made, or the one that is there has lasted. */
void session_on_retry(struct timer *timer, void *arg)
{
    struct features *f = arg;

    (void)timer;
    if (f->link && features_link_ready(f->link))
        session_settle(f);
    else
        session_connect(f);
}
