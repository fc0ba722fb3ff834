/* A feature client on a loop of the test's own, and a real redis-server for it. */
#ifndef TESTS_FEATURES_RIG_H
#define TESTS_FEATURES_RIG_H

#include "server/store/features.h"

#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "tests/redis.h"
#include "tests/test.h"

static struct {
    struct redis redis;
    struct loop loop;
    struct features *features;
    struct timer tick;
    bool (*until)(void);
    int64_t give_up_us;
} rig;

static struct {
    struct features_call call;
    int done;
    enum features_status status;
    int n_events;
    char first[64];
} seen;

static inline void on_done(struct features_call *call, enum features_status status,
                           const struct view *events, int n)
{
    CHECK(call == &seen.call);
    seen.done++;
    seen.status = status;
    seen.n_events = n;
    seen.first[0] = '\0';
    if (n)
        snprintf(seen.first, sizeof(seen.first), "%.*s", VIEW_ARG(events[0]));
}

static inline void on_tick(struct timer *timer, void *arg)
{
    (void)arg;
    if (rig.until() || clock_now_us() > rig.give_up_us)
        loop_stop(&rig.loop);
    else
        loop_timer_set(&rig.loop, timer, clock_now_us() + 1000);
}

static inline void run_until(bool (*until)(void))
{
    rig.until = until;
    rig.give_up_us = clock_now_us() + 5000000;
    loop_timer_set(&rig.loop, &rig.tick, clock_now_us());
    loop_run(&rig.loop);
    CHECK(until());
}

static inline bool is_up(void)
{
    return features_up(rig.features);
}

static inline bool is_down(void)
{
    return !features_up(rig.features);
}

static inline bool is_done(void)
{
    return seen.done > 0;
}

static inline void redis_do(const char *command)
{
    redisContext *c = redisConnect("127.0.0.1", rig.redis.port);
    redisReply *reply;

    CHECK(c && !c->err);
    reply = redisCommand(c, command);
    CHECK(reply && reply->type != REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    redisFree(c);
}

static inline struct features_options options_of(const char *url)
{
    return (struct features_options){
        .url = url, .timeout_ms = 50, .connect_ms = 500, .max_in_flight = 8};
}

static inline const char *tcp_url(void)
{
    static char url[64];

    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", rig.redis.port);
    return url;
}

static inline void rig_start(const char *const *extra, const struct features_options *options)
{
    struct features_options tcp;
    struct err err;

    memset(&rig, 0, sizeof(rig));
    if (redis_start(&rig.redis, extra))
        SKIP("no redis-server");
    tcp = options ? *options : options_of(NULL);
    if (!tcp.url)
        tcp.url = tcp_url();
    CHECK_OK(loop_init(&rig.loop, NULL, &err), err);
    timer_init(&rig.tick, on_tick, NULL);
    CHECK_OK(features_new(&rig.loop, &tcp, 1, &rig.features, &err), err);
}

static inline void rig_stop(void)
{
    features_free(rig.features);
    loop_timer_remove(&rig.loop, &rig.tick);
    loop_release(&rig.loop);
    redis_stop(&rig.redis);
}

static inline void fetch(const char *key, int max_events)
{
    memset(&seen, 0, sizeof(seen));
    seen.call.on_done = on_done;
    seen.call.start_us = clock_now_us();
    features_fetch(rig.features, &seen.call, key, max_events, seen.call.start_us + 10000000);
    if (!seen.done)
        run_until(is_done);
    CHECK_INT(seen.done, 1);
}

#endif
