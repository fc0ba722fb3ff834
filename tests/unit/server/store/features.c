/* The feature client against a real redis-server, well and unwell. */
#include <netdb.h>

#include "tests/unit/server/store/features_rig.h"

TEST(features__reads_the_newest_events)
{
    rig_start(NULL, NULL);
    redis_do("LPUSH k one two three");
    run_until(is_up);
    fetch("k", 2);
    CHECK_INT(seen.status, FEATURES_OK);
    CHECK_INT(seen.n_events, 2);
    CHECK_STR(seen.first, "three");
    fetch("nobody", 2);
    CHECK_INT(seen.status, FEATURES_OK);
    CHECK_INT(seen.n_events, 0);
    rig_stop();
}

TEST(features__speaks_over_a_unix_socket)
{
    struct features_options options = options_of("unix:/nowhere");
    char url[128];
    struct err err;

    rig_start(NULL, &options);
    CHECK(is_down());
    fetch("k", 1);
    CHECK_INT(seen.status, FEATURES_DOWN);
    snprintf(url, sizeof(url), "unix:%s", rig.redis.socket);
    options.url = url;
    CHECK_OK(features_set(rig.features, &options, &err), err);
    run_until(is_up);
    fetch("k", 1);
    CHECK_INT(seen.status, FEATURES_OK);
    rig_stop();
}

/* For the resolver: a bare root has no /etc/hosts, but every resolver knows the short form. */
static const char *own_name(void)
{
    struct addrinfo *found;

    if (getaddrinfo("localhost", NULL, NULL, &found) != 0)
        return "127.1";
    freeaddrinfo(found);
    return "localhost";
}

TEST(features__authenticates_and_resolves_names)
{
    struct features_options options = options_of(NULL);
    char url[64];
    struct err err;

    rig_start((const char *[]){"--requirepass", "sesame", NULL}, &options);
    run_until(is_down);
    snprintf(url, sizeof(url), "redis://%s:%d", own_name(), rig.redis.port);
    options.url = url;
    options.password = VIEW_LIT("sesame");
    options.database = 3;
    CHECK_OK(features_set(rig.features, &options, &err), err);
    run_until(is_up);
    fetch("k", 1);
    CHECK_INT(seen.status, FEATURES_OK);
    options.password = VIEW_LIT("wrong");
    CHECK_OK(features_set(rig.features, &options, &err), err);
    fetch("k", 1);
    CHECK_INT(seen.status, FEATURES_DOWN);
    rig_stop();
}

TEST(features__key_of_another_type_is_bad_and_closes_nothing)
{
    rig_start(NULL, NULL);
    redis_do("SET s text");
    run_until(is_up);
    for (int i = 0; i < 3 * BREAKER_FAILURES; i++) {
        fetch("s", 1);
        CHECK_INT(seen.status, FEATURES_WRONG_TYPE);
    }
    CHECK(is_up());
    rig_stop();
}

TEST(features__late_replies_are_thrown_away_and_the_breaker_opens)
{
    rig_start(NULL, NULL);
    redis_do("LPUSH k old");
    run_until(is_up);
    redis_pause(&rig.redis);
    for (int i = 0; i < BREAKER_FAILURES; i++) {
        fetch("k", 1);
        CHECK_INT(seen.status, FEATURES_LATE);
    }
    CHECK_INT(features_breaker(rig.features), BREAKER_OPEN);
    fetch("k", 1);
    CHECK_INT(seen.status, FEATURES_DOWN); /* at once */
    redis_resume(&rig.redis);
    run_until(is_up); /* by the probe, without a request */
    CHECK_INT(features_breaker(rig.features), BREAKER_CLOSED);
    fetch("k", 1);
    CHECK_INT(seen.status, FEATURES_OK);
    CHECK_INT(seen.done, 1);
    rig_stop();
}

TEST(features__in_flight_is_bounded_by_what_is_on_the_wire)
{
    static struct features_call calls[16];
    struct features_options options = options_of(NULL);

    options.max_in_flight = 4;
    rig_start(NULL, &options);
    run_until(is_up);
    redis_pause(&rig.redis);
    memset(&seen, 0, sizeof(seen));
    for (int i = 0; i < 4; i++) {
        calls[i] = (struct features_call){.start_us = clock_now_us()};
        features_fetch(rig.features, &calls[i], "k", 1, INT64_MAX);
    }
    seen.call.on_done = on_done;
    seen.call.start_us = clock_now_us();
    features_fetch(rig.features, &seen.call, "k", 1, INT64_MAX);
    CHECK_INT(seen.status, FEATURES_BUSY);
    for (int i = 0; i < 4; i++)
        features_cancel(rig.features, &calls[i]);
    redis_resume(&rig.redis);
    rig_stop();
}

static int64_t killed_us;

static int64_t comes_back_us(void)
{
    int64_t back_us;

    rig_start(NULL, NULL);
    run_until(is_up);
    redis_kill(&rig.redis);
    run_until(is_down);
    fetch("k", 1);
    CHECK_INT(seen.status, FEATURES_DOWN);
    redis_restart(&rig.redis);
    killed_us = clock_now_us();
    run_until(is_up);
    back_us = clock_now_us() - killed_us;
    fetch("k", 1);
    CHECK_INT(seen.status, FEATURES_OK);
    rig_stop();
    return back_us;
}

/* It is tried again that soon; on a machine that is busy with others not each time. */
TEST(features__comes_back_within_a_second_of_a_restart)
{
    int tries = 0;

    while (comes_back_us() >= 1000000)
        CHECK(++tries < 10);
}

TEST_MAIN
