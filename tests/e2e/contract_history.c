/* CONTRACT 3: a user's stored history, and answers while Redis fails. */
#include "tests/e2e/contract.h"
#include "tests/redis.h"

#define RECOVERY_MS 1000 /* promised by the contract; counted from when Redis answers again */

static struct redis redis;
static struct driver daemon_; /* shared by most cases */

static void start(struct driver *d, const char *set)
{
    if (!redis.port)
        redis_start(&redis, NULL);
    driver_start(d, &(struct driver_args){
                        .kept = d == &daemon_, .redis = redis.url, .sets = {"log.sample=1", set}});
}

static json_t *rank_as(struct driver *d, const char *members, const char *events)
{
    return contract_rank(d,
                         "{%s'rank':{'behaviour':[%s],"
                         "'candidates':[{'adid':'a1'},{'adid':'a3'}]}}",
                         members, events);
}

/* Waits until an answer is degraded like this: the Redis client reconnects by itself. */
static void rank_until(struct driver *d, const char *members, const char *degraded)
{
    WAIT_FOR_MS(20000, strcmp(answer_degraded(rank_as(d, members, "")), degraded) == 0);
}

/* ---- what is stored -------------------------------------------------------------------------- */

static const char u1_events[] =
    "{'user':'u1','t':1000,'type':'view','item':'s1','text':'trail shoes'}\n"
    "{'user':'u1','t':2000,'type':'buy','text':'yoga mat'}\n";
static const char u1_as_sent[] = "{'t':1000,'type':'view','item':'s1','text':'trail shoes'},"
                                 "{'t':2000,'type':'buy','text':'yoga mat'}";

#define U1 "'user':{'id':'u1'},"

static void store(struct driver *d, const char *lines)
{
    driver_history(d, redis.url, "erase", "{'user':'u1'}\n{'user':'u2'}\n{'user':'b7'}\n");
    driver_history(d, redis.url, "put", lines);
}

/* With u1's events stored. Ready implies that the store is up: the first answer has its features.
 */
static struct driver *mine(void)
{
    if (daemon_.pid)
        return &daemon_;
    start(&daemon_, NULL);
    CHECK_STR(answer_degraded(rank_as(&daemon_, U1, "")), "");
    store(&daemon_, u1_events);
    return &daemon_;
}

static void check_stored(struct driver *d)
{
    CHECK(answer_same_scores(rank_as(d, U1, ""), rank_as(d, "", u1_as_sent)));
}

static void check_nobody(struct driver *d, const char *user)
{
    json_t *nobody = rank_as(d, user, "");

    CHECK(answer_same_scores(nobody, rank_as(d, "", "")));
    CHECK_STR(answer_degraded(nobody), ""); /* an empty history is not degraded */
}

#define STAGED "adrank_stage_duration_seconds_count{stage=\"features\"}"

CONTRACT_TEST(user, history)
{
    double asked, staged;

    check_stored(mine());
    CHECK(!answer_same_scores(rank_as(mine(), U1, ""), rank_as(mine(), "", "")));
    test_row("no user");
    asked = driver_metric(mine(), "adrank_redis_duration_seconds_count");
    staged = driver_metric(mine(), STAGED);
    check_nobody(mine(), "'user':{'id':'u9'},");
    CHECK_INT(driver_metric(mine(), "adrank_redis_duration_seconds_count") - asked, 1);
    CHECK_INT(driver_metric(mine(), STAGED) - staged, 1);
    test_row("no user id in the log");
    CHECK(!strstr(driver_log(mine()), "u1") && !strstr(driver_log(mine()), "u9"));
    test_row("erased");
    driver_history(mine(), redis.url, "erase", "{'user':'u1'}\n");
    check_nobody(mine(), U1);
}

CONTRACT_TEST(user, buyeruid)
{
    json_t *b;

    store(mine(), js("%s{'user':'b7','t':5,'type':'click','text':'electric kettle'}\n", u1_events));
    b = rank_as(mine(), "", "{'t':5,'type':'click','text':'electric kettle'}");
    CHECK(answer_same_scores(rank_as(mine(), "'user':{'buyeruid':'b7'},", ""), b));
    CHECK(answer_same_scores(rank_as(mine(), "'user':{'id':'u1','buyeruid':'b7'},", ""), b));
    CHECK(answer_same_scores(rank_as(mine(), "'user':{'buyeruid':'b7','id':'u1'},", ""), b));
    CHECK(!answer_same_scores(rank_as(mine(), U1, ""), b));
    test_row("an empty id counts as none");
    CHECK(answer_same_scores(rank_as(mine(), "'user':{'id':'u1','buyeruid':''},", ""),
                             rank_as(mine(), "", u1_as_sent)));
}

CONTRACT_TEST(behaviour, merged)
{
    struct driver *d = mine();
    json_t *merged;

    store(d, js("%s{'user':'u2','t':7,'type':'view','item':'i5'}\n", u1_events));
    test_row("merged with the stored events, ordered by t");
    merged = rank_as(d, U1, "{'t':1500,'type':'cart','text':'hose'}");
    CHECK(answer_same_scores(merged, rank_as(d, "",
                                             "{'t':1000,'type':'view','text':'trail shoes'},"
                                             "{'t':1500,'type':'cart','text':'hose'},"
                                             "{'t':2000,'type':'buy','text':'yoga mat'}")));
    CHECK(!answer_same_scores(
        merged, rank_as(d, "", js("%s,{'t':9,'type':'cart','text':'hose'}", u1_as_sent))));
    test_row("the same t, type and item is one event");
    CHECK(answer_same_scores(rank_as(d, U1, u1_as_sent), rank_as(d, "", u1_as_sent)));
    test_row("the same t and type of another text is another event");
    CHECK(!answer_same_scores(rank_as(d, U1, "{'t':2000,'type':'buy','text':'hose'}"),
                              rank_as(d, "", u1_as_sent)));
    test_row("a stored item has the catalog's text");
    CHECK(answer_same_scores(rank_as(d, "'user':{'id':'u2'},", ""),
                             rank_as(d, "", "{'t':7,'type':'view','text':'yoga mat'}")));
}

/* ---- when Redis fails ------------------------------------------------------------------------ */

/* Degraded, scored as if nothing were stored, and counted by the metric. */
static void check_without(struct driver *d)
{
    double before = contract_metric(d, "degraded_total", "reason", "features");
    json_t *answer = rank_as(d, U1, "");

    CHECK_STR(answer_degraded(answer), "features");
    answer_check_source(answer, "model");
    CHECK(answer_same_scores(answer, rank_as(d, "", "")));
    CHECK_INT(contract_metric(d, "degraded_total", "reason", "features") - before, 1);
    test_row("the behaviour in the request is still used");
    CHECK(answer_same_scores(rank_as(d, U1, u1_as_sent), rank_as(d, "", u1_as_sent)));
    contract_good(d);
}

/* The daemon notices that Redis is down and stays ready. */
static void check_down(struct driver *d)
{
    const json_t *health;

    check_without(d);
    for (int i = 0; i < 20; i++)
        CHECK_STR(answer_degraded(rank_as(d, U1, "")), "features");
    WAIT_FOR(driver_metric(d, "adrank_redis_up") == 0);
    health = driver_json(driver_call(d->admin, "GET", "/readyz?verbose=1", NULL));
    CHECK_STR(json_string_value(driver_at(health, "/status")), "ok");
    CHECK(json_is_false(driver_at(health, "/redis")));
}

static void check_back(struct driver *d)
{
    int64_t back_us = clock_now_us();

    test_row("back again");
    rank_until(d, U1, "");
    CHECK((clock_now_us() - back_us) / 1000 <= RECOVERY_MS);
    WAIT_FOR(driver_metric(d, "adrank_redis_up") == 1);
    WAIT_FOR(driver_metric(d, "adrank_redis_breaker_state") == 0);
}

/* Redis accepts connections and never answers: timeouts until the breaker opens. */
CONTRACT_TEST(redis, late)
{
    struct driver d;
    json_t *answer;

    start(&d, "features.timeout_ms=200");
    rank_until(&d, U1, "");
    store(&d, u1_events);
    redis_pause(&redis);
    test_row("later than the deadline");
    answer = rank_as(&d, "'tmax':100," U1, "");
    CHECK_STR(answer_degraded(answer), "features deadline");
    answer_check_source(answer, "prior");
    check_down(&d);
    CHECK(driver_metric(&d, "adrank_redis_breaker_state") > 0);
    redis_resume(&redis);
    check_back(&d);
    test_row("a late reply is not used for another user");
    for (int i = 0; i < 10; i++) {
        check_nobody(&d, "'user':{'id':'u9'},");
        check_stored(&d);
    }
    test_row("half a second late");
    redis_say(&redis, "CLIENT PAUSE 500");
    rank_until(&d, U1, "features");
    rank_until(&d, U1, "");
}

CONTRACT_TEST(redis, down)
{
    mine();
    for (int i = 0; i < 3; i++) {
        redis_kill(&redis);
        rank_until(mine(), U1, "features");
        check_down(mine());
        redis_restart(&redis);
        check_back(mine());
    }
    store(mine(), u1_events);
    check_stored(mine());
}

CONTRACT_TEST(redis, down_at_start)
{
    struct driver d;

    mine(); /* starts the server that is then stopped */
    redis_kill(&redis);
    start(&d, NULL);
    check_down(&d);
    redis_restart(&redis);
    check_back(&d);
    store(&d, u1_events);
    check_stored(&d);
}

/* The only key is u1's. */
static void store_one_key(void)
{
    mine();
    redis_say(&redis, "FLUSHALL");
    store(mine(), u1_events);
    rank_until(mine(), U1, "");
}

CONTRACT_TEST(redis, wrong_type)
{
    store_one_key();
    redis_say(&redis, js("SET %s text", redis_only_key(&redis)));
    check_without(mine());
    for (int i = 0; i < 8; i++)
        CHECK_STR(answer_degraded(rank_as(mine(), U1, "")), "features");
    test_row("other users are not affected");
    CHECK_INT(driver_metric(mine(), "adrank_redis_up"), 1);
    check_nobody(mine(), "'user':{'id':'u9'},");
}

/* tests/unit/impression/behaviour.c covers which bytes are not an event. */
CONTRACT_TEST(redis, garbage_event)
{
    static const char *const garbage[] = {"", "garbage", "\\x01\\x09aaaaaaaaaaaa"};

    store_one_key();
    for (int i = 0; i < COUNT(garbage); i++) {
        const char *key = redis_only_key(&redis);
        json_t *answer;

        test_row("garbage %s", garbage[i]);
        redis_say(&redis, js("LPUSH %s '%s'", key, garbage[i]));
        answer = rank_as(mine(), U1, "");
        CHECK_STR(answer_degraded(answer), "features");
        CHECK_INT(driver_metric(mine(), "adrank_stored_events_corrupt_total"), i + 1);
        CHECK_INT(contract_metric(mine(), "features_failed_total", "reason", "corrupt"), i + 1);
        CHECK(answer_same_scores(answer, rank_as(mine(), "", u1_as_sent))); /* the good ones */
        redis_say(&redis, js("LPOP %s", key));
        CHECK_STR(answer_degraded(rank_as(mine(), U1, "")), "");
    }
    contract_good(mine());
}

/* A server that requires a password, which a reload sets. */
CONTRACT_TEST(redis, error_replies)
{
    rank_until(mine(), U1, "");
    redis_say(&redis, "CONFIG SET requirepass secret\r\nCLIENT KILL TYPE normal");
    rank_until(mine(), U1, "features");
    check_down(mine());
    driver_write(mine(), "password", "secret\n");
    CHECK_INT(driver_reload(mine(), js("{'features':{'password':{'$file':'password'}}}"))->status,
              200);
    check_back(mine());
}

TEST(history__the_daemon_ends_well)
{
    driver_end(mine());
    redis_stop(&redis);
}
