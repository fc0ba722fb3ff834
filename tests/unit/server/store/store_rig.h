/* A store on the test's loop, and a real redis-server for it. */
#ifndef TESTS_STORE_RIG_H
#define TESTS_STORE_RIG_H

#include "server/store/store.h"

#include "base/clock.h"
#include "tests/redis.h"
#include "tests/test.h"

static struct {
    struct redis redis;
    struct loop loop;
    struct store *store;
    struct timer tick;
    bool (*until)(void);
    int64_t give_up_us;
} rig;

static struct {
    struct store_call call;
    int done;
    enum store_status status;
    int n_replies;
    char text[1024]; /* the replies; see append_reply() */
} seen;

/* "nil", "-ERR ...", "+OK", ":7", "a string", "[a,b]". */
static inline void append_reply(char *out, size_t size, const struct store_reply *reply)
{
    static const char *const marks[] = {
        [STORE_ERROR] = "-", [STORE_STATUS] = "+", [STORE_STRING] = ""};
    char *end = out + strlen(out);

    size -= (size_t)(end - out);
    if (reply->type == STORE_NIL)
        snprintf(end, size, "nil");
    else if (reply->type == STORE_INTEGER)
        snprintf(end, size, ":%lld", (long long)reply->integer);
    else if (reply->type != STORE_ARRAY)
        snprintf(end, size, "%s%.*s", marks[reply->type], VIEW_ARG(reply->text));
    else {
        snprintf(end, size, "[");
        for (int i = 0; i < reply->n; i++) {
            strcat(end, i ? "," : "");
            append_reply(end, size - 1, &reply->elements[i]);
        }
        strcat(end, "]");
    }
}

static inline void on_done(struct store_call *call, enum store_status status,
                           const struct store_reply *replies, int n_replies)
{
    CHECK(call == &seen.call);
    CHECK(status == STORE_OK || n_replies == 0);
    seen.done++;
    seen.status = status;
    seen.n_replies = n_replies;
    for (int i = 0; i < n_replies; i++) {
        if (i)
            strcat(seen.text, " ");
        append_reply(seen.text, sizeof(seen.text) - 1, &replies[i]);
    }
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
    return store_up(rig.store);
}

static inline bool is_down(void)
{
    return !store_up(rig.store);
}

static inline bool is_open(void)
{
    return store_breaker(rig.store) == BREAKER_OPEN;
}

static inline bool is_done(void)
{
    return seen.done > 0;
}

static inline struct store_settings settings_of(const char *url)
{
    static const struct view ping = VIEW_LIT("PING");
    static const struct store_command probe = {.args = &ping, .n_args = 1};

    return (struct store_settings){
        .redis = {.url = url, .timeout_ms = 50, .connect_ms = 500, .max_in_flight = 8},
        .probe = &probe};
}

static inline void rig_start(const char *const *extra, const struct store_settings *settings)
{
    struct store_settings chosen = settings ? *settings : settings_of(NULL);
    struct err err;

    memset(&rig, 0, sizeof(rig));
    redis_start(&rig.redis, extra);
    if (!chosen.redis.url)
        chosen.redis.url = rig.redis.url;
    CHECK_OK(loop_init(&rig.loop, NULL, &err), err);
    timer_init(&rig.tick, on_tick, NULL);
    CHECK_OK(store_new(&rig.loop, &chosen, 1, &rig.store, &err), err);
}

static inline void rig_start_up(const struct store_settings *settings)
{
    rig_start(NULL, settings);
    run_until(is_up);
}

static inline void rig_stop(void)
{
    store_free(rig.store);
    loop_timer_remove(&rig.loop, &rig.tick);
    loop_release(&rig.loop);
    redis_stop(&rig.redis);
}

#define RIG_COMMANDS 8

static const struct store_expected any_list = {.types = 1u << STORE_ARRAY,
                                               .elements = 1u << STORE_STRING,
                                               .otherwise = "nonsense: no list",
                                               .key_error = "WRONGTYPE"};

/* "GET k; SET k v": arguments separated by blanks; LRANGE expects a list. */
static inline void send_by(struct store_call *call, const char *text, int64_t budget_us)
{
    static char words[RIG_COMMANDS][512];
    static struct view args[RIG_COMMANDS][8];
    struct store_command commands[RIG_COMMANDS];
    int n = 0;

    for (const char *at = text; *at; n++) {
        size_t len = strcspn(at, ";");
        struct store_command *command = &commands[n];

        CHECK(n < RIG_COMMANDS && len < sizeof(words[0]));
        *command = (struct store_command){.args = args[n], .max_elements = 1000};
        snprintf(words[n], sizeof(words[n]), "%.*s", (int)len, at);
        for (char *rest, *word = strtok_r(words[n], " ", &rest); word;
             word = strtok_r(NULL, " ", &rest))
            args[n][command->n_args++] = view_of(word);
        if (view_is(args[n][0], "LRANGE"))
            command->expected = &any_list;
        at += len + (at[len] == ';');
    }
    call->start_us = clock_now_us();
    store_send(rig.store, call, commands, n, call->start_us + budget_us);
}

/* Sent and waited for. */
static inline void ask_by(const char *text, int64_t budget_us)
{
    memset(&seen, 0, sizeof(seen));
    seen.call.on_done = on_done;
    send_by(&seen.call, text, budget_us);
    if (!seen.done)
        run_until(is_done);
    CHECK_INT(seen.done, 1);
}

static inline void ask(const char *text)
{
    ask_by(text, 10000000);
}

static inline void ask_for(const char *text, enum store_status status)
{
    ask(text);
    CHECK_INT(seen.status, status);
}

#endif
