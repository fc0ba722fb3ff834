/* The store with a real redis-server, working and failing. */
#include <netdb.h>

#include "tests/unit/server/store/store_rig.h"

/* In order, on one server: later rows read what earlier ones wrote. */
TEST(store__answers_calls_of_several_commands)
{
    static const struct {
        const char *commands, *replies;
    } rows[] = {
        {"GET k", "nil"},
        {"SET k 41; GET k; INCRBY k 1", "+OK 41 :42"},
        {"GET k", "42"},
        {"RPUSH l one two three; LRANGE l 0 1; LRANGE l 0 -1; LRANGE nobody 0 5",
         ":3 [one,two] [one,two,three] []"},
        {"GET nobody; INCRBY l 1; LRANGE k 0 1; GET k",
         "nil -WRONGTYPE Operation against a key holding the wrong kind of value "
         "-WRONGTYPE Operation against a key holding the wrong kind of value 42"},
        {"SET s x; INCRBY s 1; APPEND s yz; GET s",
         "+OK -ERR value is not an integer or out of range :3 xyz"},
        {"MGET k nobody s; EVAL return{1,'a',false} 0", "[42,nil,xyz] [:1,a,nil]"},
        {"DEL k l s; EXISTS k l s", ":3 :0"},
        {"MULTI; SET k 1; INCRBY k 2; EXEC", "+OK +QUEUED +QUEUED [+OK,:3]"},
        {"SET a 1; SET b 2; SET c 3; INCRBY a 1; INCRBY b 1; INCRBY c 1; MGET a b c; DEL a b c",
         "+OK +OK +OK :2 :3 :4 [2,3,4] :3"},
    };

    rig_start_up(NULL);
    for (int i = 0; i < COUNT(rows); i++) {
        test_row("store: %s", rows[i].commands);
        ask_for(rows[i].commands, STORE_OK);
        CHECK_STR(seen.text, rows[i].replies);
    }
    rig_stop();
}

static int64_t until_us;

static bool is_later(void)
{
    return clock_now_us() > until_us;
}

static void wait_us(int64_t us)
{
    until_us = clock_now_us() + us;
    run_until(is_later);
}

/* A call ends as late although its first reply has arrived; the rest is dropped, and the next call
 * gets its own replies, as does one sent earlier. The same holds after a cancelled call. */
TEST(store__a_call_that_is_late_by_part_leaves_its_replies_to_nobody)
{
    static struct store_call cancelled;
    struct store_settings settings = settings_of(NULL);

    settings.redis.timeout_ms = 2000;
    rig_start_up(&settings);
    for (int i = 0; i < 2; i++) {
        ask_by("SET k first; BLPOP nobody 0.5; SET k third; GET k", 20000);
        CHECK_INT(seen.status, STORE_LATE);
        CHECK_INT(seen.n_replies, 0);
        ask_by("GET k", 20000);
        CHECK_INT(seen.status, STORE_LATE);
        ask_for("APPEND k -and-more; GET k", STORE_OK);
        CHECK_STR(seen.text, ":14 third-and-more");
        send_by(&cancelled, "SET k second; BLPOP nobody 0.5; GET k", 10000000);
        wait_us(20000);
        store_cancel(rig.store, &cancelled);
        ask("GET k");
        CHECK_STR(seen.text, "second");
    }
    CHECK_INT(store_breaker(rig.store), BREAKER_CLOSED);
    rig_stop();
}

TEST(store__speaks_over_a_unix_socket)
{
    struct store_settings settings = settings_of("unix:/nowhere");
    char url[128];

    rig_start(NULL, &settings);
    CHECK(is_down());
    ask_for("GET k", STORE_DOWN);
    snprintf(url, sizeof(url), "unix:%s", rig.redis.socket);
    settings.redis.url = url;
    store_set(rig.store, &settings);
    run_until(is_up);
    ask_for("GET k", STORE_OK);
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

TEST(store__authenticates_and_resolves_names)
{
    struct store_settings settings = settings_of(NULL);
    char url[64];

    rig_start((const char *[]){"--requirepass", "sesame", NULL}, &settings);
    run_until(is_down);
    snprintf(url, sizeof(url), "redis://%s:%d", own_name(), rig.redis.port);
    settings.redis.url = url;
    settings.redis.password.value = VIEW_LIT("sesame");
    settings.redis.database = 3;
    store_set(rig.store, &settings);
    run_until(is_up);
    ask_for("GET k", STORE_OK);
    settings.redis.password.value = VIEW_LIT("wrong");
    store_set(rig.store, &settings);
    ask_for("GET k", STORE_DOWN);
    rig_stop();
}

static struct view large;

static void on_large(struct store_call *call, enum store_status status,
                     const struct store_reply *replies, int n_replies)
{
    (void)call;
    seen.done++;
    seen.status = status;
    CHECK(n_replies == 0 || view_eq(replies[n_replies - 1].text, large));
}

static void send_large(const struct store_command *commands, int n, enum store_status status)
{
    memset(&seen, 0, sizeof(seen));
    seen.call = (struct store_call){.on_done = on_large, .start_us = clock_now_us()};
    store_send(rig.store, &seen.call, commands, n, INT64_MAX);
    run_until(is_done);
    CHECK_INT(seen.status, status);
}

/* More than a socket or the first buffers hold, in both directions. */
TEST(store__writes_and_reads_what_is_large)
{
    enum { BYTES = 3 << 20 };
    static char value[BYTES + 1];
    static struct view set[] = {VIEW_LIT("SET"), VIEW_LIT("k"), {value, BYTES}};
    static struct view get[] = {VIEW_LIT("GET"), VIEW_LIT("k")};
    struct store_command commands[7];
    struct store_settings settings = settings_of(NULL);

    for (int i = 0; i < BYTES; i++)
        value[i] = (char)('a' + i % 23);
    large = set[2];
    for (int i = 0; i < 7; i++)
        commands[i] = i < 5 ? (struct store_command){.args = set, .n_args = 3}
                            : (struct store_command){.args = get, .n_args = 2};
    settings.redis.timeout_ms = 10000;
    rig_start_up(&settings);
    send_large(commands, 6, STORE_OK);
    send_large(&commands[5], 2, STORE_NONSENSE); /* more than 4 MiB for one call */
    rig_stop();
}

/* Errors are returned as replies; only those not caused by the key count against the store. */
TEST(store__errors_of_a_key_close_nothing)
{
    rig_start_up(NULL);
    ask("SET s text");
    for (int i = 0; i < 3 * BREAKER_FAILURES; i++) {
        ask_for("GET s; LRANGE s 0 0", STORE_OK);
        CHECK(strncmp(seen.text, "text -WRONGTYPE ", 16) == 0);
    }
    CHECK(is_up());
    for (int i = 0; i < 2 * BREAKER_FAILURES - 1; i++) {
        CHECK_INT(store_breaker(rig.store), BREAKER_CLOSED);
        ask(i == BREAKER_FAILURES - 1 ? "GET s" : "GET s; LRANGE s x 0"); /* the count restarts */
    }
    CHECK_STR(seen.text, "text -ERR value is not an integer or out of range");
    ask("GET s; NOSUCHCOMMAND");
    CHECK_INT(store_breaker(rig.store), BREAKER_OPEN);
    run_until(is_up); /* by the probe */
    rig_stop();
}

TEST(store__a_reply_of_another_kind_ends_the_connection)
{
    rig_start_up(NULL);
    ask_for("LRANGE l 0 0; EVAL return{{1}} 0; GET k", STORE_NONSENSE);
    run_until(is_up); /* by another probe */
    ask("GET k");
    CHECK_STR(seen.text, "nil");
    rig_stop();
}

TEST(store__late_replies_are_thrown_away_and_the_breaker_opens)
{
    rig_start_up(NULL);
    ask("SET k old");
    redis_pause(&rig.redis);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        ask_for("GET k", STORE_LATE);
    run_until(is_open);
    ask_for("GET k", STORE_DOWN);
    redis_resume(&rig.redis);
    run_until(is_up); /* by the probe, without a request */
    CHECK_INT(store_breaker(rig.store), BREAKER_CLOSED);
    ask_for("GET k", STORE_OK);
    CHECK_INT(seen.done, 1);
    redis_pause(&rig.redis);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        ask("GET k");
    run_until(is_open);
    redis_kill(&rig.redis);
    wait_us(500000); /* probes are due, but there is no connection */
    redis_restart(&rig.redis);
    run_until(is_up);
    rig_stop();
}

TEST(store__in_flight_is_bounded_by_what_is_on_the_wire)
{
    static struct store_call calls[16];
    struct store_settings settings = settings_of(NULL);

    settings.redis.max_in_flight = 4;
    rig_start_up(&settings);
    redis_pause(&rig.redis);
    memset(&seen, 0, sizeof(seen));
    for (int i = 0; i < 4; i++)
        send_by(&calls[i], "GET k", 1000000000);
    seen.call.on_done = on_done;
    send_by(&seen.call, "GET k", 1000000000);
    CHECK_INT(seen.status, STORE_BUSY);
    for (int i = 0; i < 4; i++)
        store_cancel(rig.store, &calls[i]);
    redis_resume(&rig.redis);
    rig_stop();
}

static int64_t comes_back_us(void)
{
    int64_t back_us, killed_us;

    rig_start_up(NULL);
    redis_kill(&rig.redis);
    run_until(is_down);
    ask_for("GET k", STORE_DOWN);
    redis_restart(&rig.redis);
    killed_us = clock_now_us();
    run_until(is_up);
    back_us = clock_now_us() - killed_us;
    ask_for("GET k", STORE_OK);
    rig_stop();
    return back_us;
}

/* It is retried that soon, though not every time on a busy machine. */
TEST(store__comes_back_within_a_second_of_a_restart)
{
    int tries = 0;

    while (comes_back_us() >= 1000000)
        CHECK(++tries < 10);
}
