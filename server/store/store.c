/* The client's life: made, set up anew by a reload, freed; and what its connection reports. */
#include "server/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "server/store/store_state.h"

static void on_ready(void *arg)
{
    health_reset(arg);
}

static void on_settled(void *arg)
{
    health_publish(arg);
}

static void on_answer(const struct store_answer *answer, void *arg)
{
    if (answer->token == TOKEN_PROBE)
        health_on_probe_answer(arg, answer);
    else
        call_on_answer(arg, answer);
}

static void on_end(enum store_status status, const char *why, void *arg)
{
    calls_fail(arg, status, why);
    health_publish(arg);
}

int store_new(struct loop *loop, const struct store_settings *settings, uint64_t seed,
              struct store **out, struct err *err)
{
    struct store *store = calloc(1, sizeof(*store));
    const struct store_session_events events = {.on_ready = on_ready,
                                                .on_settled = on_settled,
                                                .on_answer = on_answer,
                                                .on_end = on_end,
                                                .arg = store};

    if (!store)
        return err_set(err, ERR_NOMEM, "features: out of memory");
    store->loop = loop;
    rng_init(&store->rng, seed);
    breaker_init(&store->breaker);
    timer_init(&store->probe, health_on_probe, store);
    pendings_init(&store->pendings, store, loop, call_on_timer);
    store_session_init(&store->session, loop, &store->rng, &store->settings, &events);
    store_set(store, settings);
    *out = store;
    return 0;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    store_session_release(&store->session);
    calls_fail(store, STORE_DOWN, "the store is closed");
    loop_timer_remove(store->loop, &store->probe);
    pendings_release(&store->pendings);
    free(store);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether a connection made with one serves for the other. */
static bool same_server(const struct redis_options *a, const struct redis_options *b)
{
    return same_text(a->url, b->url) && same_text(a->user, b->user) &&
           view_eq(a->password.value, b->password.value) && a->database == b->database;
}

void store_set(struct store *store, const struct store_settings *settings)
{
    const bool same = same_server(&store->settings.redis, &settings->redis);
    struct redis_url url = {0};
    struct err err;

    BUG_ON(settings->redis.url && redis_options_url(settings->redis.url, &url, &err));
    store->settings = *settings;
    atomic_store(&store->configured, settings->redis.url != NULL);
    if (same)
        return;
    store_session_set_server(&store->session, &url);
    health_reset(store);
}

bool store_configured(const struct store *store)
{
    return atomic_load(&store->configured);
}

bool store_up(const struct store *store)
{
    return atomic_load(&store->up);
}

enum breaker_state store_breaker(const struct store *store)
{
    return (enum breaker_state)atomic_load(&store->shown_breaker);
}
