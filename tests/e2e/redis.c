/* Redis unwell in every way: always 200, marked, and well again within a second. And
 * adrank-history. */
#include <hiredis/hiredis.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/redis.h"
#include "tests/test.h"

#define RECOVERY_MS 1000 /* as promised; counted from when Redis answers again */
#define OF_USER                                                                                    \
    "{\"user\":{\"id\":\"u1\"},\"rank\":{\"candidates\":[{\"adid\":\"a1\"},{\"adid\":\"a3\"}]}}"

static struct driver d;
static struct redis redis;

static void start_at(const char *url, const char *timeout)
{
    driver_start(
        &d, &(struct driver_args){.redis = url,
                                  .sets = {timeout, "log.sample=1", "features.connect_ms=300"}});
}

/* A redis-server and a daemon that reads it. */
static void start(const char *timeout)
{
    redis_start(&redis, NULL);
    start_at(redis.url, timeout);
}

static void stop(void)
{
    CHECK_INT(driver_stop(&d), 0);
    redis_stop(&redis);
}

static void redis_do(const char *format, ...)
{
    redisContext *c = redisConnect("127.0.0.1", redis.port);
    redisReply *reply;
    va_list args;

    CHECK(c && !c->err);
    va_start(args, format);
    reply = redisvCommand(c, format, args);
    va_end(args);
    CHECK(reply && reply->type != REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    redisFree(c);
}

/* Answered all the same; whether features are marked missing. */
static bool degraded(void)
{
    const struct driver_response *response = driver_rank(&d, OF_USER);
    const json_t *answer;
    const char *reason;

    CHECK_INT(response->status, 200);
    answer = driver_json(response);
    CHECK_INT(json_array_size(driver_at(answer, "/results")), 2);
    CHECK_STR(json_string_value(driver_at(answer, "/results/0/source")), "model");
    reason = json_string_value(driver_at(answer, "/degraded/0"));
    CHECK(!reason || strcmp(reason, "features") == 0);
    return reason;
}

/* Ends when the answer is (not) marked; how long that took. */
static int64_t wait_until(bool marked)
{
    int64_t start_us = clock_now_us();

    while (degraded() != marked) {
        if (clock_now_us() - start_us > 5000000)
            FAIL("%s after 5 s", marked ? "not marked" : "still marked");
        usleep(5000);
    }
    return (clock_now_us() - start_us) / 1000;
}

static void wait_metric(const char *sample, double value)
{
    WAIT_FOR(driver_metric(&d, sample) == value);
}

static void check_recovers(void)
{
    int64_t ms = wait_until(false);

    if (ms > RECOVERY_MS)
        FAIL("recovered after %lld ms", (long long)ms);
    wait_metric("adrank_redis_up", 1);
    wait_metric("adrank_redis_breaker_state", 0);
}

static void check_still_ready(void)
{
    const json_t *answer = driver_json(driver_call(d.admin, "GET", "/readyz?verbose=1", NULL));

    CHECK_STR(json_string_value(driver_at(answer, "/status")), "ok");
    CHECK(json_is_false(driver_at(answer, "/redis")));
}

TEST(redis__stopped_opens_the_breaker_and_comes_back)
{
    double missed;

    start("features.timeout_ms=30");
    wait_until(false);
    wait_metric("adrank_redis_up", 1);
    CHECK(driver_metric(&d, "adrank_redis_duration_seconds_count") > 0);
    missed = driver_metric(&d, "adrank_degraded_total{reason=\"features\"}");
    redis_pause(&redis);
    for (int i = 0; i < 8; i++)
        CHECK(degraded());
    CHECK(driver_metric(&d, "adrank_degraded_total{reason=\"features\"}") >= missed + 8);
    wait_metric("adrank_redis_up", 0);
    CHECK(driver_metric(&d, "adrank_redis_breaker_state") > 0);
    check_still_ready();
    redis_resume(&redis);
    check_recovers();
    stop();
}

TEST(redis__killed_and_restarted)
{
    start("features.timeout_ms=200");
    wait_until(false);
    for (int i = 0; i < 3; i++) {
        redis_kill(&redis);
        wait_until(true);
        for (int k = 0; k < 8; k++)
            CHECK(degraded());
        wait_metric("adrank_redis_up", 0);
        check_still_ready();
        redis_restart(&redis);
        check_recovers();
    }
    stop();
}

/* It lives and answers nobody for half a second, then all of them: too late. */
TEST(redis__held_up)
{
    start("features.timeout_ms=30");
    wait_until(false);
    redis_do("CLIENT PAUSE 500");
    wait_until(true);
    wait_until(false);
    wait_metric("adrank_redis_up", 1);
    stop();
}

TEST(redis__wants_a_password)
{
    static const char *const locked[] = {"--requirepass", "x", NULL};
    char config[256];

    redis_start(&redis, locked);
    start_at(redis.url, "features.timeout_ms=200");
    for (int i = 0; i < 8; i++)
        CHECK(degraded());
    CHECK_INT(driver_metric(&d, "adrank_redis_up"), 0);
    driver_write(&d, "password", "x\n");
    snprintf(config, sizeof(config), "{\"features\":{\"password\":{\"$file\":\"password\"}}}");
    CHECK_INT(driver_reload(&d, config)->status, 200);
    check_recovers();
    stop();
}

/* ---- what is stored -------------------------------------------------------------------------- */

/* Events that the last request was ranked with, by its wide line. */
static int events_used(const char *user)
{
    const struct driver_response *response;
    const char *at, *last = NULL;
    char body[256];

    snprintf(body, sizeof(body),
             "{\"user\":{\"id\":\"%s\"},\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}", user);
    response = driver_rank(&d, body);
    CHECK_INT(response->status, 200);
    CHECK(strstr(response->body, "\"degraded\":[]"));
    for (at = driver_log(&d); (at = strstr(at, " behaviour=")); at++)
        last = at;
    CHECK(last);
    return atoi(last + 11);
}

static double pctr_of(const json_t *answer, const char *adid)
{
    const json_t *results = driver_at(answer, "/results");

    for (size_t i = 0; i < json_array_size(results); i++)
        if (strcmp(json_string_value(driver_at(json_array_get(results, i), "/adid")), adid) == 0)
            return json_number_value(driver_at(json_array_get(results, i), "/pctr"));
    FAIL("no %s", adid);
}

static const char two_events[] =
    "{'user':'u1','t':1790000000000,'type':'click','item':'i1'}\n"
    "{'user':'u1','t':1790000001000,'type':'search','text':'red kettle'}\n";

TEST(redis__history_changes_the_scores_and_erase_takes_it_away)
{
    double without, with;
    const char *out;

    start("features.timeout_ms=1000");
    wait_until(false);
    CHECK_INT(events_used("u1"), 0);
    without = pctr_of(driver_json(driver_rank(&d, OF_USER)), "a1");
    driver_history(&d, redis.url, "put", two_events);
    CHECK_INT(events_used("u1"), 2);
    with = pctr_of(driver_json(driver_rank(&d, OF_USER)), "a1");
    CHECK(with != without);
    /* The same as a request that brings them. */
    CHECK(pctr_of(driver_json(driver_rank(
                      &d, "{\"rank\":{\"candidates\":[{\"adid\":\"a1\"}],\"behaviour\":["
                          "{\"t\":1790000000000,\"type\":\"click\",\"item\":\"i1\"},"
                          "{\"t\":1790000001000,\"type\":\"search\",\"text\":\"red kettle\"}]}}")),
                  "a1") == with);
    out = driver_history(&d, redis.url, "get", "{'user':'u1'}\n");
    CHECK(strstr(out, "red kettle") && strstr(out, "1790000000000"));
    driver_history(&d, redis.url, "erase", "{'user':'u1'}\n");
    CHECK_INT(events_used("u1"), 0);
    CHECK(pctr_of(driver_json(driver_rank(&d, OF_USER)), "a1") == without);
    stop();
}

/* ---- late ------------------------------------------------------------------------------------ */

/* Later than it is waited for: marked, and the late replies are taken for nobody else's. */
TEST(redis__late_replies_are_thrown_away)
{
    start("features.timeout_ms=50");
    wait_until(false);
    driver_history(&d, redis.url, "put", two_events);
    redis_pause(&redis);
    for (int i = 0; i < 4; i++)
        CHECK(degraded());
    redis_resume(&redis);
    wait_until(false);
    for (int i = 0; i < 10; i++) {
        CHECK_INT(events_used("u2"), 0);
        CHECK_INT(events_used("u1"), 2);
    }
    stop();
}

/* Ready means that the store is asked, too: the first answer has its features. */
TEST(redis__is_connected_when_ready)
{
    for (int i = 0; i < 5; i++) {
        start("features.timeout_ms=1000");
        CHECK(!degraded());
        stop();
    }
}

/* The deadline comes while Redis is still asked: both are told, and the answer is in time. */
TEST(redis__is_silent_until_the_deadline)
{
    const struct driver_response *response;
    const json_t *answer;

    start("features.timeout_ms=10000");
    CHECK_INT(wait_until(false) >= 0, 1);
    redis_pause(&redis);
    response = driver_rank(
        &d, "{\"tmax\":300,\"user\":{\"id\":\"u1\"},\"rank\":{\"candidates\":[{\"adid\":"
            "\"a1\"},{\"adid\":\"a2\"}]}}");
    CHECK_INT(response->status, 200);
    answer = driver_json(response);
    CHECK_INT(json_array_size(driver_at(answer, "/degraded")), 2);
    CHECK_STR(json_string_value(driver_at(answer, "/degraded/0")), "features");
    CHECK_STR(json_string_value(driver_at(answer, "/degraded/1")), "deadline");
    CHECK_STR(json_string_value(driver_at(answer, "/results/0/source")), "prior");
    redis_resume(&redis);
    stop();
}
