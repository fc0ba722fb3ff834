/* CONTRACT 3: what is stored of a user, and what becomes of answers when Redis is unwell. */
#include <sys/socket.h>

#include "tests/e2e/contract.h"
#include "tests/redis.h"

static struct redis redis;

static void start(struct driver *d, const char *set)
{
    if (!redis.port)
        redis_start(&redis, NULL);
    driver_start(d, &(struct driver_args){.redis = redis.url, .sets = {"log.sample=1", set}});
}

/* One command of redis-server's inline protocol; what it answers, up to the first line's end. */
static const char *redis_say(const char *command)
{
    static char answer[512];
    char address[64];
    struct http_client client;
    ssize_t n;

    snprintf(address, sizeof(address), "127.0.0.1:%d", redis.port);
    client_open(&client, address);
    client_send(&client, view_of(js("%s\r\n", command)));
    CHECK_INT(http_client_wait_end(&client, 10000), HTTP_CLIENT_MORE);
    n = recv(client.fd, answer, sizeof(answer) - 1, 0);
    CHECK(n > 0);
    answer[n] = '\0';
    http_client_release(&client);
    return answer;
}

static json_t *rank_as(struct driver *d, const char *members, const char *events)
{
    return contract_rank(d,
                         "{%s'rank':{'behaviour':[%s],"
                         "'candidates':[{'adid':'a1'},{'adid':'a3'}]}}",
                         members, events);
}

/* Until an answer is degraded so: the client of Redis comes back by itself. */
static json_t *rank_until(struct driver *d, const char *members, const char *degraded)
{
    json_t *answer;

    WAIT_FOR_MS(20000,
                (answer = rank_as(d, members, ""), strcmp(answer_degraded(answer), degraded) == 0));
    return answer;
}

/* ---- what is stored -------------------------------------------------------------------------- */

static const char u1_events[] =
    "{'user':'u1','t':1000,'type':'view','item':'s1','text':'trail shoes'}\n"
    "{'user':'u1','t':2000,'type':'buy','text':'yoga mat'}\n";
static const char u1_as_sent[] = "{'t':1000,'type':'view','item':'s1','text':'trail shoes'},"
                                 "{'t':2000,'type':'buy','text':'yoga mat'}";

#define U1 "'user':{'id':'u1'},"

/* With u1's events stored, and Redis there. */
static void start_stored(struct driver *d, const char *set)
{
    start(d, set);
    driver_history(d, redis.url, "put", u1_events);
    rank_until(d, U1, "");
}

CONTRACT_TEST(user, history)
{
    struct driver d AT_END(driver_end);
    json_t *known, *sent, *nobody;

    start_stored(&d, "log.sample=1");
    known = rank_as(&d, U1, "");
    sent = rank_as(&d, "", u1_as_sent);
    nobody = rank_as(&d, "'user':{'id':'u9'},", "");
    CHECK(answer_same_scores(known, sent));
    CHECK(!answer_same_scores(known, nobody));
    CHECK(answer_same_scores(nobody, rank_as(&d, "", "")));
    CHECK_STR(answer_degraded(nobody), ""); /* no history is a history */
    test_row("no user id in the log");
    CHECK(!strstr(driver_log(&d), "u1") && !strstr(driver_log(&d), "u9"));
}

CONTRACT_TEST(user, buyeruid)
{
    struct driver d AT_END(driver_end);
    json_t *b;

    start_stored(&d, "log.sample=1");
    driver_history(&d, redis.url, "put",
                   "{'user':'b7','t':5,'type':'click','text':'electric kettle'}\n");
    b = rank_as(&d, "", "{'t':5,'type':'click','text':'electric kettle'}");
    CHECK(answer_same_scores(rank_as(&d, "'user':{'buyeruid':'b7'},", ""), b));
    CHECK(answer_same_scores(rank_as(&d, "'user':{'id':'u1','buyeruid':'b7'},", ""), b));
    CHECK(answer_same_scores(rank_as(&d, "'user':{'buyeruid':'b7','id':'u1'},", ""), b));
    CHECK(!answer_same_scores(rank_as(&d, U1, ""), b));
    test_row("an empty one is none");
    CHECK(answer_same_scores(rank_as(&d, "'user':{'id':'u1','buyeruid':''},", ""),
                             rank_as(&d, "", u1_as_sent)));
}

CONTRACT_TEST(behaviour, merged)
{
    struct driver d AT_END(driver_end);
    json_t *merged;

    start_stored(&d, "log.sample=1");
    test_row("between the stored events, in order of t");
    merged = rank_as(&d, U1, "{'t':1500,'type':'cart','text':'hose'}");
    CHECK(answer_same_scores(merged, rank_as(&d, "",
                                             "{'t':1000,'type':'view','text':'trail shoes'},"
                                             "{'t':1500,'type':'cart','text':'hose'},"
                                             "{'t':2000,'type':'buy','text':'yoga mat'}")));
    CHECK(!answer_same_scores(
        merged, rank_as(&d, "", js("%s,{'t':9,'type':'cart','text':'hose'}", u1_as_sent))));
    test_row("the same t, type and item is one event");
    CHECK(answer_same_scores(rank_as(&d, U1, u1_as_sent), rank_as(&d, "", u1_as_sent)));
    test_row("the same t and type of another text is another event");
    CHECK(!answer_same_scores(rank_as(&d, U1, "{'t':2000,'type':'buy','text':'hose'}"),
                              rank_as(&d, "", u1_as_sent)));
    test_row("a stored item has the catalog's text");
    driver_history(&d, redis.url, "put", "{'user':'u2','t':7,'type':'view','item':'i5'}\n");
    CHECK(answer_same_scores(rank_as(&d, "'user':{'id':'u2'},", ""),
                             rank_as(&d, "", "{'t':7,'type':'view','text':'yoga mat'}")));
}

/* ---- when Redis is unwell -------------------------------------------------------------------- */

/* Degraded, and as if nothing were stored; the metric tells. */
static void check_without(struct driver *d)
{
    double before = contract_metric(d, "degraded_total", "reason", "features");
    json_t *answer = rank_as(d, U1, "");

    CHECK_STR(answer_degraded(answer), "features");
    answer_check_source(answer, "model");
    CHECK(answer_same_scores(answer, rank_as(d, "", "")));
    CHECK_INT(contract_metric(d, "degraded_total", "reason", "features") - before, 1);
    test_row("what was sent is used all the same");
    CHECK(answer_same_scores(rank_as(d, U1, u1_as_sent), rank_as(d, "", u1_as_sent)));
    contract_good(d);
}

/* In this order: answers are kept for a few calls only, and the first may take many. */
static void check_back(struct driver *d)
{
    json_t *stored = rank_until(d, U1, "");

    CHECK(answer_same_scores(stored, rank_as(d, "", u1_as_sent)));
}

CONTRACT_TEST(redis, late)
{
    struct driver d AT_END(driver_end);

    start_stored(&d, "features.timeout_ms=100");
    redis_pause(&redis);
    check_without(&d);
    test_row("and again, until the breaker opens");
    for (int i = 0; i < 20; i++)
        CHECK_STR(answer_degraded(rank_as(&d, U1, "")), "features");
    CHECK_INT(driver_metric(&d, "adrank_redis_up"), 0);
    CHECK_INT(driver_call(d.admin, "GET", "/readyz", NULL)->status, 200);
    redis_resume(&redis);
    test_row("back again");
    check_back(&d);
    CHECK_INT(driver_metric(&d, "adrank_redis_up"), 1);
}

CONTRACT_TEST(redis, down)
{
    struct driver d AT_END(driver_end);

    start(&d, "log.sample=1");
    rank_until(&d, U1, "");
    redis_kill(&redis);
    rank_until(&d, U1, "features");
    check_without(&d);
    CHECK_INT(driver_call(d.admin, "GET", "/readyz", NULL)->status, 200);
    redis_restart(&redis);
    driver_history(&d, redis.url, "put", u1_events);
    test_row("back again");
    check_back(&d);
}

CONTRACT_TEST(redis, down_at_start)
{
    struct driver d;

    start(&d, "log.sample=1"); /* so that there is a server to stop */
    CHECK_INT(driver_stop(&d), 0);
    redis_kill(&redis);
    start(&d, "log.sample=1");
    check_without(&d);
    redis_restart(&redis);
    driver_history(&d, redis.url, "put", u1_events);
    test_row("comes later");
    check_back(&d);
    CHECK_INT(driver_stop(&d), 0);
}

/* The only key that there is. */
static const char *only_key(void)
{
    static char key[128];
    const char *answer = redis_say("KEYS *"), *at = strstr(answer, "adrank:{u:");

    CHECK(strncmp(answer, "*1\r\n", 4) == 0 && at);
    snprintf(key, sizeof(key), "%.*s", (int)strcspn(at, "\r"), at);
    return key;
}

CONTRACT_TEST(redis, wrong_type)
{
    struct driver d AT_END(driver_end);

    start(&d, "log.sample=1");
    redis_say("FLUSHALL");
    driver_history(&d, redis.url, "put", u1_events);
    rank_until(&d, U1, "");
    CHECK(strstr(redis_say(js("SET %s text", only_key())), "+OK"));
    check_without(&d);
    for (int i = 0; i < 8; i++)
        CHECK_STR(answer_degraded(rank_as(&d, U1, "")), "features");
    test_row("others are not harmed");
    CHECK_INT(driver_metric(&d, "adrank_redis_up"), 1);
    CHECK_STR(answer_degraded(rank_as(&d, "'user':{'id':'u9'},", "")), "");
    redis_say("FLUSHALL");
}

/* What is none: tests/unit/impression/behaviour.c. */
CONTRACT_TEST(redis, garbage_event)
{
    static const char *const garbage[] = {"", "garbage", "\\x01\\x09aaaaaaaaaaaa"};
    struct driver d AT_END(driver_end);
    json_t *answer;

    start(&d, "log.sample=1");
    redis_say("FLUSHALL");
    driver_history(&d, redis.url, "put", u1_events);
    rank_until(&d, U1, "");
    for (int i = 0; i < COUNT(garbage); i++) {
        test_row("garbage %s", garbage[i]);
        CHECK(strstr(redis_say(js("LPUSH %s '%s'", only_key(), garbage[i])), ":3"));
        answer = rank_as(&d, U1, "");
        CHECK_STR(answer_degraded(answer), "features");
        CHECK_INT(driver_metric(&d, "adrank_stored_events_corrupt_total"), i + 1);
        CHECK_INT(contract_metric(&d, "features_failed_total", "reason", "corrupt"), i + 1);
        CHECK(answer_same_scores(answer, rank_as(&d, "", u1_as_sent))); /* the good ones are used */
        CHECK(strstr(redis_say(js("LPOP %s", only_key())), "$"));
        CHECK_STR(answer_degraded(rank_as(&d, U1, "")), "");
    }
    contract_good(&d);
}

/* A server that asks for a password which adrankd was not given. */
CONTRACT_TEST(redis, error_replies)
{
    struct driver d;

    start(&d, "log.sample=1");
    rank_until(&d, U1, "");
    /* Together: a new connection would not be let in any more. */
    CHECK(strstr(redis_say("CONFIG SET requirepass secret\r\nCLIENT KILL TYPE normal"), "+OK"));
    rank_until(&d, U1, "features");
    check_without(&d);
    CHECK_INT(driver_stop(&d), 0);
    redis_stop(&redis);
    redis.port = 0;
}
