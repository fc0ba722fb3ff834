/* The connection to the store, made again whenever it ends. */
#include "server/store/session.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/host_port.h"
#include "base/log.h"
#include "server/store/breaker.h"
#include "server/store/resolver.h"

#define MAX_REASONS 4 /* of an outage that are logged */
#define SETTLED_US 1000000
#define ADDRESS_BYTES 300

static void on_retry(struct timer *timer, void *arg);

void store_session_init(struct store_session *session, struct loop *loop, struct rng *rng,
                        const struct store_settings *settings,
                        const struct store_session_events *events)
{
    *session =
        (struct store_session){.loop = loop, .rng = rng, .settings = settings, .events = *events};
    timer_init(&session->retry, on_retry, session);
}

void store_session_release(struct store_session *session)
{
    resolver_abandon(session->resolution);
    store_link_close(session->link);
    loop_timer_remove(session->loop, &session->retry);
}

bool store_session_ready(const struct store_session *session)
{
    return session->link && store_link_ready(session->link);
}

bool store_session_up(const struct store_session *session)
{
    return store_session_ready(session) && (session->settled || !session->flapping);
}

static void retry_later(struct store_session *session)
{
    session->retry_delay_us = backoff_next_us(session->retry_delay_us);
    loop_timer_set(session->loop, &session->retry,
                   clock_now_us() + backoff_jitter_us(session->retry_delay_us, session->rng));
}

static const char *address_text(const struct store_session *session, char out[ADDRESS_BYTES])
{
    const struct redis_url *url = &session->url;

    if (url->is_unix)
        snprintf(out, ADDRESS_BYTES, "unix:%s", url->host);
    else
        snprintf(out, ADDRESS_BYTES, strchr(url->host, ':') ? "[%s]:%d" : "%s:%d", url->host,
                 url->port);
    return out;
}

/* ---- outages in the log ---------------------------------------------------------------------- */

/* Once per outage, and again when the reason changes: a server that is back may refuse. */
static void log_down(struct store_session *session, const char *why)
{
    char address[ADDRESS_BYTES];

    if (session->settings->quiet || session->n_logged == MAX_REASONS ||
        (session->n_logged && strcmp(why, session->logged) == 0))
        return;
    log_warn("redis_disconnected", LOG_STR("reason", why),
             LOG_STR("address", address_text(session, address)));
    snprintf(session->logged, sizeof(session->logged), "%s", why);
    session->n_logged++;
}

static void log_back(struct store_session *session)
{
    if (session->n_logged)
        log_info("redis_back");
    session->n_logged = 0;
}

/* ---- a link's life --------------------------------------------------------------------------- */

void store_session_settle(struct store_session *session)
{
    if (session->settled)
        return;
    session->settled = true;
    session->flapping = false;
    session->n_short = 0;
    session->retry_delay_us = 0;
    log_back(session);
    session->events.on_settled(session->events.arg);
}

static void on_ready(void *arg)
{
    struct store_session *session = arg;

    session->ready_us = clock_now_us();
    session->settled = false;
    /* A fresh link that was greeted is trusted, unless the last one failed after its greeting. */
    if (session->flapping)
        loop_timer_set(session->loop, &session->retry, session->ready_us + SETTLED_US);
    else
        log_back(session);
    session->events.on_ready(session->events.arg);
}

static void on_answer(const struct store_answer *answer, void *arg)
{
    struct store_session *session = arg;

    session->events.on_answer(answer, session->events.arg);
}

/* Decides, by how a greeted link ended, whether the next one is trusted. */
static void judge(struct store_session *session, enum store_status status)
{
    const bool lasted = session->settled || clock_now_us() - session->ready_us >= SETTLED_US;

    session->n_short = lasted ? 0 : session->n_short + 1;
    session->flapping = !lasted && (status != STORE_DOWN || session->n_short > 1);
    if (lasted)
        session->retry_delay_us = 0;
}

static void on_end(struct store_link *link, enum store_status status, const char *why, void *arg)
{
    struct store_session *session = arg;

    if (link && store_link_ready(link))
        judge(session, status);
    else
        session->next_address++; /* another address of the name may work */
    session->link = NULL;
    log_down(session, why);
    session->events.on_end(status, why, session->events.arg);
    retry_later(session);
}

static void drop(struct store_session *session)
{
    store_link_close(session->link);
    session->link = NULL;
    session->events.on_end(STORE_DOWN, "the connection was abandoned", session->events.arg);
}

/* ---- dialling -------------------------------------------------------------------------------- */

static void cannot_dial(struct store_session *session, const char *why)
{
    on_end(NULL, STORE_DOWN, why, session);
}

static void dial(struct store_session *session)
{
    const struct store_settings *settings = session->settings;
    struct address address =
        session->addresses.list[session->next_address % (unsigned)session->addresses.n];
    struct err err;
    struct store_link_args args = {
        .loop = session->loop,
        .address = &address,
        .user = view_of(settings->redis.user),
        .password = settings->redis.password.value,
        .database = (int)settings->redis.database,
        .connect_ms = (int)settings->redis.connect_ms,
        .memory = settings->memory,
        .events = {.on_ready = on_ready, .on_answer = on_answer, .on_end = on_end, .arg = session},
    };

    address_set_port(&address, session->url.port);
    if (store_link_open(&args, &session->link, &err))
        cannot_dial(session, err.text);
}

/* If the name server fails, the addresses found before are still tried. */
static void on_resolved(void *arg, const struct addresses *found, const char *reason)
{
    struct store_session *session = arg;
    char why[RESOLVER_WHY_BYTES + 64];

    session->resolution = NULL;
    if (found->n)
        session->addresses = *found;
    if (session->addresses.n) {
        dial(session);
        return;
    }
    snprintf(why, sizeof(why), "cannot resolve the name: %s", reason);
    cannot_dial(session, why);
}

/* Does nothing if a link exists or is being made, or no store is configured. */
static void connect_now(struct store_session *session)
{
    char text[ADDRESS_BYTES];
    struct err err;

    if (!session->settings->redis.url || session->link || session->resolution)
        return;
    if (session->url.is_unix || host_is_address(session->url.host)) {
        if (addresses_resolve(&session->addresses, address_text(session, text), &err))
            cannot_dial(session, err.text);
        else
            dial(session);
        return;
    }
    session->resolution =
        resolver_start(session->url.host, &session->loop->mailbox, on_resolved, session);
    if (!session->resolution)
        cannot_dial(session, "cannot start a thread to resolve the name");
}

/* Either a link is to be made, or the current one has lasted long enough to be trusted. */
static void on_retry(struct timer *timer, void *arg)
{
    struct store_session *session = arg;

    (void)timer;
    if (store_session_ready(session))
        store_session_settle(session);
    else
        connect_now(session);
}

void store_session_redial(struct store_session *session)
{
    drop(session);
    connect_now(session);
}

void store_session_set_server(struct store_session *session, const struct redis_url *url)
{
    resolver_abandon(session->resolution);
    session->resolution = NULL;
    session->url = *url;
    drop(session);
    session->retry_delay_us = 0;
    session->addresses.n = 0;
    session->next_address = 0;
    session->n_logged = 0;
    session->flapping = false;
    loop_timer_set(session->loop, &session->retry, clock_now_us());
}
