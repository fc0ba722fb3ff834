/* Tests of tools/history/history.c. */
#include "tools/history/history.h"

#include <hiredis/hiredis.h>

#include "adrank/behaviour.h"
#include "tests/js.h"
#include "tests/redis.h"
#include "tests/test.h"
#include "tools/history/link.h"

static struct redis redis;

/* The last run. */
static struct {
    int rc;
    struct err err;
    char out[8192], errors[4096];
} run;

static void options_init(struct options *options, enum history_verb verb)
{
    *options = (struct options){.verb = verb, .max_events = 3, .ttl_days = 2};
    options->redis = (struct redis_url){.is_unix = true};
    snprintf(options->redis.host, sizeof(options->redis.host), "%s", redis.socket);
    options->key = secret_copy(VIEW_LIT("a key"));
}

/* lines: with ' for ". */
static void run_with(struct options *options, const char *lines)
{
    const char *text = js("%s", lines);
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    FILE *out = fmemopen(run.out, sizeof(run.out), "w");
    FILE *errors = fmemopen(run.errors, sizeof(run.errors), "w");

    CHECK(in && out && errors);
    run.rc = history_run(options, in, out, errors, &run.err);
    fclose(in);
    fclose(out);
    fclose(errors);
    options_release(options);
}

static void run_lines(enum history_verb verb, const char *lines)
{
    struct options options;

    options_init(&options, verb);
    run_with(&options, lines);
}

static void check_lines(enum history_verb verb, const char *lines)
{
    run_lines(verb, lines);
    CHECK_OK(run.rc, run.err);
}

/* Of a user's history. */
static const char *key_of(const char *user)
{
    static char key[BEHAVIOUR_KEY_BYTES];
    char pid[BEHAVIOUR_PID_HEX + 1];

    behaviour_pid(VIEW_LIT("a key"), view_of(user), pid);
    behaviour_redis_key(pid, key);
    return key;
}

/* The integer reply to a single command. */
static long long ask(const char *fmt, ...)
{
    redisContext *c = redisConnectUnix(redis.socket);
    redisReply *reply;
    long long value;
    va_list args;

    va_start(args, fmt);
    reply = redisvCommand(c, fmt, args);
    va_end(args);
    value = reply ? reply->integer : -1;
    if (reply)
        freeReplyObject(reply);
    redisFree(c);
    return value;
}

TEST(history__gets_what_was_put)
{
    const char *lines = "{'user':'u1','t':1,'type':'view','item':'a'}\n"
                        "{'user':'u2','t':5,'type':'search','text':'\xe8\xb7\x91 \\'x\\''}\n"
                        "{'user':'u1','t':2,'type':'buy','item':'b','text':'B'}\n";
    struct options options;

    redis_start(&redis, NULL);
    check_lines(HISTORY_PUT, lines);
    CHECK_STR(run.out, "");
    check_lines(HISTORY_GET, "{'user':'u1'}\n\n{'user':'nobody'}\n{'user':'u2'}");
    CHECK_STR(run.out, js("{'user':'u1','t':1,'type':'view','item':'a'}\n"
                          "{'user':'u1','t':2,'type':'buy','item':'b','text':'B'}\n"
                          "{'user':'u2','t':5,'type':'search','text':'\xe8\xb7\x91 \\'x\\''}\n"));
    CHECK_STR(run.errors, "");
    check_lines(HISTORY_ERASE, "{'user':'u1'}\n");
    CHECK_INT(ask("EXISTS %s", key_of("u1")), 0);
    CHECK_INT(ask("EXISTS %s", key_of("u2")), 1);
    options_init(&options, HISTORY_PUT);
    options.redis.db = 1;
    run_with(&options, lines);
    CHECK_OK(run.rc, run.err);
    CHECK_INT(ask("EXISTS %s", key_of("u1")), 0); /* in database 0 */
    redis_stop(&redis);
}

TEST(history__keeps_the_newest_until_they_expire)
{
    redis_start(&redis, NULL);
    check_lines(HISTORY_PUT, "{'user':'u','t':1,'type':'view','item':'a'}\n"
                             "{'user':'u','t':2,'type':'view','item':'b'}\n"
                             "{'user':'u','t':3,'type':'view','item':'c'}\n"
                             "{'user':'u','t':4,'type':'view','item':'d'}\n");
    CHECK_INT(ask("LLEN %s", key_of("u")), 3);
    CHECK(ask("TTL %s", key_of("u")) > 2 * 86400 - 60 && ask("TTL %s", key_of("u")) <= 2 * 86400);
    check_lines(HISTORY_GET, "{'user':'u'}");
    CHECK(!strstr(run.out, js("'a'")));
    CHECK(strstr(run.out, js("'b'")) < strstr(run.out, js("'d'")));
    redis_stop(&redis);
}

TEST(history__pipelines_more_than_one_batch)
{
    struct buf lines = BUF_INIT, users = BUF_INIT;
    struct options options;
    int printed = 0;

    redis_start(&redis, NULL);
    for (int i = 0; i < 1500; i++) {
        buf_printf(&lines, "{'user':'u%d','t':%d,'type':'view','item':'i'}\n", i % 20, i);
    }
    options_init(&options, HISTORY_PUT);
    options.max_events = 10000;
    run_with(&options, buf_str(&lines));
    CHECK_OK(run.rc, run.err);
    CHECK_INT(ask("LLEN %s", key_of("u7")), 75);
    for (int i = 0; i < 1200; i++)
        buf_printf(&users, "{'user':'%s%d'}\n", i % 100 ? "nobody" : "u", i / 100);
    check_lines(HISTORY_ERASE, "{'user':'u1'}");
    options_init(&options, HISTORY_PUT);
    options.max_events = 1;
    run_with(&options, buf_str(&lines));
    CHECK_OK(run.rc, run.err);
    check_lines(HISTORY_GET, buf_str(&users));
    for (const char *p = run.out; (p = strstr(p, js("'user':'"))); p++, printed++) {
        const char *want = js("'u%d'", printed);

        CHECK(strncmp(p + 7, want, strlen(want)) == 0);
    }
    CHECK_INT(printed, 12);
    buf_release(&lines);
    buf_release(&users);
    redis_stop(&redis);
}

TEST(history__skips_bad_lines)
{
    redis_start(&redis, NULL);
    run_lines(HISTORY_PUT, "SECRET\n"
                           "{'user':'SECRET','t':1,'type':'view'}\n"
                           "{'user':'SECRET','t':-1,'type':'view','item':'a'}\n"
                           "{'user':'SECRET','t':1,'type':'like','item':'a'}\n"
                           "{'user':'u','t':1,'type':'view','item':'a','x':1}\n");
    CHECK_ERR(run.rc, run.err, "4 bad lines");
    CHECK_INT(run.err.code, ERR_DATA);
    CHECK(strstr(run.errors, "line 1: not JSON"));
    CHECK(strstr(run.errors, "line 2: must have an item or a text"));
    CHECK(strstr(run.errors, "line 3: /t: must be at least 0"));
    CHECK(strstr(run.errors, "line 4: /type: must be one of"));
    CHECK(strstr(run.errors, "1 unknown keys ignored"));
    CHECK(!strstr(run.errors, "SECRET"));
    CHECK_INT(ask("LLEN %s", key_of("u")), 1);
    redis_stop(&redis);
}

/* Times in seconds are stored, with a warning for each of ten lines and a count of the rest. */
TEST(history__warns_about_times_in_another_unit)
{
    struct buf lines = BUF_INIT;

    redis_start(&redis, NULL);
    for (int i = 0; i < 12; i++)
        buf_printf(&lines, "{'user':'u','t':%d,'type':'click','item':'a'}\n", 1764279600 + i);
    check_lines(HISTORY_PUT, buf_str(&lines));
    CHECK(strstr(run.errors,
                 "line 10: /t: 1764279609 looks like seconds; unix milliseconds are expected"));
    CHECK(!strstr(run.errors, "line 11"));
    CHECK(strstr(run.errors, "/t: 2 more lines like these"));
    CHECK_INT(ask("LLEN %s", key_of("u")), 3);
    buf_release(&lines);
    redis_stop(&redis);
}

TEST(history__reports_unreadable_stored_events)
{
    redis_start(&redis, NULL);
    check_lines(HISTORY_PUT, "{'user':'u','t':1,'type':'view','item':'a'}\n");
    ask("LPUSH %s %b", key_of("u"), "\x02garbage-garbage", (size_t)16);
    ask("SET %s x", key_of("s"));
    run_lines(HISTORY_GET, "{'user':'u'}");
    CHECK_ERR(run.rc, run.err, "1 bad lines or events");
    CHECK(strstr(run.errors, "line 1: event 0: a stored event has version 2"));
    CHECK(strstr(run.out, js("'a'")));
    run_lines(HISTORY_GET, "{'user':'u'}\n{'user':'s'}");
    CHECK_ERR(run.rc, run.err, "line 2: redis: WRONGTYPE");
    CHECK_INT(run.err.code, ERR_UNAVAILABLE);
    redis_stop(&redis);
}

TEST(history__reports_failures_of_redis)
{
    static const char *const password[] = {"--requirepass", "p@ss", NULL};
    struct options options;

    redis_start(&redis, password);
    run_lines(HISTORY_GET, "{'user':'u'}");
    CHECK_ERR(run.rc, run.err, "NOAUTH");
    CHECK_INT(run.err.code, ERR_UNAVAILABLE);
    options_init(&options, HISTORY_GET);
    options.redis = (struct redis_url){.host = "127.0.0.1", .port = redis.port, .db = 3};
    snprintf(options.redis.password, sizeof(options.redis.password), "p@ss");
    run_with(&options, "{'user':'u'}");
    CHECK_OK(run.rc, run.err);
    options_init(&options, HISTORY_GET);
    snprintf(options.redis.password, sizeof(options.redis.password), "wrong");
    run_with(&options, "{'user':'u'}");
    CHECK_ERR(run.rc, run.err, "redis: AUTH:");
    CHECK(!strstr(run.err.text, "wrong "));
    redis_kill(&redis);
    run_lines(HISTORY_GET, "{'user':'u'}");
    CHECK_ERR(run.rc, run.err, "redis: ");
    CHECK_INT(run.err.code, ERR_UNAVAILABLE);
    redis_stop(&redis);
}
