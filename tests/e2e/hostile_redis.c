/*
 * A server in Redis' place that breaks every rule: the daemon survives, answers 200 with what it
 * has and marks the answer degraded, stays within its memory limit, logs the reason, and recovers
 * when a good server follows at the same address.
 */
#include <unistd.h>

#include "adrank/behaviour.h"
#include "base/clock.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/e2e/hostile_redis_peer.h"
#include "tests/test.h"

#define CALLS 7 /* per row: more than it takes to open the breaker */
/* Peak memory in bytes: the link's buffer, copies of it, and what is released late. */
#define MAX_GROWTH (16 << 20)
#define KEPT_BYTES 65536 /* charged to the budget by an idle link */
#define OF_USER "{'user':{'id':'u1'},'rank':{'candidates':[{'adid':'a1'}]}}"
#define OF_NOBODY "{'rank':{'candidates':[{'adid':'a1'}]}}"
#define WITH_EVENT                                                                                 \
    "{'rank':{'candidates':[{'adid':'a1'}],"                                                       \
    "'behaviour':[{'t':1790000000000,'type':'search','text':'red kettle'}]}}"

static const struct peer_row good = {.name = "good"};

static struct driver d;
static struct peer peer;
static struct buf list; /* what a good server answers */
static double with, without;

static void make_list(void)
{
    static const struct behaviour event = {
        .t_ms = 1790000000000, .type = BEHAVIOUR_SEARCH, .text = {"red kettle", 10}};
    struct buf packed AT_END(buf_release) = BUF_INIT;
    struct err err;

    CHECK_OK(behaviour_pack(&event, &packed, &err), err);
    buf_clear(&list);
    buf_printf(&list, "*1\r\n$%zu\r\n", packed.len);
    buf_add_view(&list, buf_view(&packed));
    buf_add_str(&list, "\r\n");
}

static double pctr_of(const char *body, bool *marked)
{
    const struct driver_response *response = driver_rank(&d, js("%s", body));
    const json_t *answer = driver_json(response), *reasons = driver_at(answer, "/degraded");
    const char *reason = json_string_value(json_array_get(reasons, 0));

    CHECK_INT(response->status, 200);
    CHECK(json_array_size(reasons) <= 1 && (!reason || strcmp(reason, "features") == 0));
    *marked = reason != NULL;
    return json_number_value(driver_at(answer, "/results/0/pctr"));
}

/* Marked and scored without history, or with the list if it has arrived. */
static bool call(bool lists)
{
    bool marked;
    const double pctr = pctr_of(OF_USER, &marked);

    if (marked ? pctr != without : !lists || (pctr != with && pctr != without))
        FAIL("pctr %g, %s; %g with history, %g without", pctr, marked ? "marked" : "not marked",
             with, without);
    return marked;
}

static void check_recovers(void)
{
    bool marked;

    WAIT_FOR(pctr_of(OF_USER, &marked) == with && !marked);
}

static void start(const char *set, const char *more)
{
    static char url[64];
    bool marked;

    make_list();
    peer_start(&peer, buf_view(&list));
    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", peer.port);
    driver_start(&d, &(struct driver_args){
                         .redis = url,
                         .sets = {"features.timeout_ms=40", "features.connect_ms=150", set, more}});
    without = pctr_of(OF_NOBODY, &marked);
    with = pctr_of(WITH_EVENT, &marked);
    CHECK(with != without);
    check_recovers();
}

static void stop(void)
{
    driver_end(&d);
    peer_stop(&peer);
}

/* A sanitizer's address space is terabytes, and it retains freed memory. */
static bool sanitized(void)
{
    return driver_status_bytes(&d, "VmPeak:") > 1LL << 40;
}

static double failed(const char *reason)
{
    return driver_metric(&d, js("adrank_features_failed_total{reason='%s'}", reason));
}

static void wait_failed(const char *reason, double more_than, bool lists)
{
    WAIT_FOR_MS(20000, (call(lists), failed(reason) > more_than));
}

/* An outage is logged once, or not at all while the rate limit drops such lines: then it takes
 * another outage. */
static void wait_logged(const struct peer_row *row, size_t from)
{
    int64_t until_us = clock_now_us() + 20000000;

    while (!strstr(driver_log(&d) + from, row->logged)) {
        if (clock_now_us() > until_us)
            FAIL("no \"%s\" in the log:\n%s", row->logged, driver_log(&d) + from);
        peer_set(&peer, &good);
        check_recovers();
        usleep(200000);
        peer_set(&peer, row);
        for (int i = 0; i < CALLS; i++) {
            call(row->lists);
            usleep(30000);
        }
    }
}

static void run_row(const struct peer_row *row)
{
    const size_t logged = strlen(driver_log(&d));
    const double before = row->reason ? failed(row->reason) : 0;

    test_row("hostile: %s", row->name);
    peer_set(&peer, row);
    for (int i = 0; i < CALLS; i++)
        call(row->lists);
    if (row->reason)
        wait_failed(row->reason, before, row->lists);
    if (row->logged)
        wait_logged(row, logged);
    peer_set(&peer, &good);
    check_recovers();
}

TEST(hostile_redis__breaks_nothing)
{
    int64_t start_bytes;

    start(NULL, NULL);
    run_row(&good);
    start_bytes = driver_status_bytes(&d, "VmHWM:");
    for (size_t i = 0; i < n_hostile_rows; i++) {
        run_row(&hostile_rows[i]);
        CHECK(driver_metric(&d, "adrank_memory_bytes{kind=\"redis\"}") <= KEPT_BYTES);
        if (!sanitized() && driver_status_bytes(&d, "VmHWM:") - start_bytes > MAX_GROWTH)
            FAIL("%lld more bytes than at the start",
                 (long long)(driver_status_bytes(&d, "VmHWM:") - start_bytes));
    }
    stop();
}

/* The server greets correctly and then talks nonsense, for 1.5 s and over many connections: one
 * outage. */
TEST(hostile_redis__is_logged_once_per_outage)
{
    static const struct peer_row nonsense = {.name = "nonsense", .to_lrange = VIEW_LIT(":1\r\n")};
    int gone, back;

    start(NULL, NULL);
    gone = driver_logged(&d, "event=redis_disconnected");
    back = driver_logged(&d, "event=redis_back");
    peer_set(&peer, &nonsense);
    for (int64_t until_us = clock_now_us() + 1500000; clock_now_us() < until_us; usleep(2000))
        call(false);
    CHECK(driver_logged(&d, "event=redis_disconnected") - gone <= 4);
    CHECK(driver_logged(&d, "event=redis_back") - back <=
          1); /* between the good server and nonsense */
    CHECK_INT(driver_metric(&d, "adrank_redis_up"), 0);
    peer_set(&peer, &good);
    check_recovers();
    CHECK_INT(driver_metric(&d, "adrank_redis_up"), 1);
    CHECK_INT(driver_metric(&d, "adrank_redis_configured"), 1);
    CHECK(driver_logged(&d, "event=redis_back") - back >= 1);
    stop();
}

/* The error of a refused AUTH is logged, but never the password that some servers repeat. */
TEST(hostile_redis__is_logged_with_its_reason_but_no_password)
{
    static const struct peer_row refusals[] = {
        {.name = "a wrong password",
         .to_auth = VIEW_LIT("-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
         .logged = "AUTH refused: WRONGPASS invalid username-password pair"},
        {.name = "no command of that name",
         .to_auth = VIEW_LIT("-ERR unknown command `AUTH`, with args beginning with: "
                             "`a key for tests, long enough`, \r\n"),
         .logged = "AUTH refused: ERR"},
        {.name = "the password repeated",
         .to_auth = VIEW_LIT("-ERR a key for tests, long enough is wrong\r\n"),
         .logged = "AUTH refused: ERR"},
        {.name = "no password wanted",
         .to_auth = VIEW_LIT("-ERR Client sent AUTH, but no password is set\r\n"),
         .logged = "AUTH refused: ERR Client sent AUTH, but no password is set"},
        {.name = "the password in a later error",
         .to_lrange = VIEW_LIT("-ERR a key for tests, long enough\r\n"),
         .logged = "event=redis_breaker_open reason=ERR"},
        {.name = "SELECT without AUTH",
         .to_select = VIEW_LIT("-NOAUTH Authentication required.\r\n"),
         .logged = "SELECT refused: NOAUTH Authentication required."},
    };

    start("features.password={\"$file\":\"key\"}", "features.user=somebody");
    for (int i = 0; i < COUNT(refusals); i++)
        run_row(&refusals[i]);
    CHECK(!strstr(driver_log(&d), DRIVER_KEY));
    stop();
}

static double charged(void)
{
    return driver_metric(&d, "adrank_memory_bytes{kind=\"redis\"}");
}

/* A long reply that never completes is charged while a request waits for it, and released once it
 * is late. */
TEST(hostile_redis__is_charged_for_what_it_sends)
{
    static struct peer_row half;
    static struct buf bytes;

    start("features.timeout_ms=1500", NULL);
    buf_add_str(&bytes, "*1\r\n$3000000\r\n");
    for (int i = 0; i < 2000000 / 16; i++)
        buf_add_str(&bytes, "0123456789abcdef");
    half = (struct peer_row){.name = "two thirds of 3 MB", .to_lrange = buf_view(&bytes)};
    peer_set(&peer, &half);
    while (charged() < 1 << 20) /* by requests with a shorter timeout, once there is a link */
        CHECK_INT(driver_rank(&d, js("{'tmax':60,'user':{'id':'u1'}}"))->status, 200);
    WAIT_FOR(charged() >= 2000000 && charged() <= 3 << 20);
    WAIT_FOR(charged() <= KEPT_BYTES);
    peer_set(&peer, &good);
    check_recovers();
    stop();
    buf_release(&bytes);
}
