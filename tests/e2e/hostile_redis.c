/*
 * A server at Redis' place that breaks every rule: the daemon lives, answers 200 with what it has and marks it, takes no
 * more memory than it says, tells why, and is well again when a good server follows at the same address.
 */
#include <unistd.h>

#include "adrank/behaviour.h"
#include "base/clock.h"
#include "tests/e2e/driver.h"
#include "tests/e2e/hostile_redis_peer.h"
#include "tests/test.h"

#define CALLS 7 /* of each row: more than open a breaker */
#define MAX_GROWTH                                                                                 \
    (40                                                                                            \
     << 10) /* KiB of memory at its peak: the budget of the link, copies of it, and what is let go late */
#define OF_USER "{\"user\":{\"id\":\"u1\"},\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"
#define OF_NOBODY "{\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"
#define WITH_EVENT                                                                                 \
    "{\"rank\":{\"candidates\":[{\"adid\":\"a1\"}],\"behaviour\":[{\"t\":1790000000000,"           \
    "\"type\":\"search\",\"text\":\"red kettle\"}]}}"

#define V VIEW_LIT
#define ONE_KIB                                                                                    \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"   \
    "abcdef0123456789abcdef0123456789abcdef"
#define TEN "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"

static const struct peer_row rows[] = {
    /* replies that nobody waits for */
    {"SELECT is answered twice", .to_select = V("+OK\r\n+OK\r\n"), .lists = true,
     .logged = "nonsense: a reply that nobody waits for"},
    {"every list comes twice", .answers = 2, .lists = true},
    {"an integer comes later", .later = V(":1\r\n"), .lists = true},
    {"an error comes later", .later = V("-ERR what\r\n"), .lists = true},
    {"a list comes later", .later = V("*1\r\n$1\r\nx\r\n"), .lists = true},
    {"nil comes later", .later = V("$-1\r\n"), .lists = true},
    {"half a string comes later", .later = V("$5\r\nab"), .lists = true},
    {"one byte comes later", .later = V("+"), .lists = true},
    {"a message of a channel", .later = V("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n"),
     .lists = true},
    {"a subscription", .later = V("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"), .lists = true},
    {"the end of a subscription", .later = V("*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"),
     .lists = true},
    {"a line of MONITOR", .later = V("+1790000000.1 [0 127.0.0.1:1] \"PING\"\r\n"), .lists = true},
    {"a push", .later = V(">2\r\n$10\r\ninvalidate\r\n*0\r\n"), .lists = true},
    {"OK without end", .then = V("+OK\r\n+OK\r\n+OK\r\n+OK\r\n"), .lists = true},
    {"empty lists without end", .to_lrange = V("*0\r\n"), .then = V("*0\r\n*0\r\n*0\r\n"),
     .lists = true},
    {"says something before it is asked", .greets = V("+OK\r\n+OK\r\n+OK\r\n")},
    /* memory */
    {"4 GB are announced, and come", .to_lrange = V("*1\r\n$4000000000\r\n"),
     .then = V(ONE_KIB ONE_KIB ONE_KIB), .reason = "nonsense",
     .logged = "nonsense: a reply that is too long"},
    {"4 GB are announced, and do not come", .to_lrange = V("*1\r\n$4000000000\r\n"),
     .reason = "nonsense"},
    {"more than there are numbers", .to_lrange = V("*1\r\n$99999999999999999999\r\n"),
     .reason = "nonsense"},
    {"3 MB that end nowhere", .to_lrange = V("*1\r\n$3000000\r\n" ONE_KIB), .reason = "timeout"},
    {"a list without end", .to_lrange = V("*100\r\n"), .then = V("$128\r\n" ONE_KIB "\r\n")},
    {"a list of strings that are too long", .to_lrange = V("*100\r\n"),
     .then = V("$4000000\r\n" ONE_KIB ONE_KIB)},
    {"2 billion elements", .to_lrange = V("*2147483647\r\n"), .reason = "nonsense"},
    {"4 billion elements", .to_lrange = V("*4294967295\r\n"), .reason = "nonsense"},
    {"one element more than was asked for", .to_lrange = V("*101\r\n$1\r\nx\r\n"),
     .reason = "nonsense", .logged = "nonsense: more elements than were asked for"},
    {"lists in lists", .to_lrange = V("*1\r\n*1\r\n$1\r\nx\r\n"), .reason = "nonsense",
     .logged = "nonsense: a list in a list"},
    {"lists in lists without end", .to_lrange = V("*100\r\n"),
     .then = V("*100\r\n*100\r\n*100\r\n"), .reason = "nonsense"},
    {"lists in lists, deep", .to_lrange = V(TEN TEN), .reason = "nonsense"},
    {"a line without end", .to_lrange = V("+"), .then = V(ONE_KIB ONE_KIB), .reason = "nonsense"},
    {"an error without end", .to_lrange = V("-"), .then = V(ONE_KIB ONE_KIB), .reason = "nonsense"},
    {"a length without end", .to_lrange = V("$"), .then = V("1111111111111111"),
     .reason = "nonsense"},
    {"a count without end", .to_lrange = V("*"), .then = V("1111111111111111"),
     .reason = "nonsense"},
    {"an integer without end", .to_lrange = V(":"), .then = V("1111111111111111"),
     .reason = "nonsense"},
    /* other kinds */
    {"a line", .to_lrange = V("+OK\r\n"), .reason = "nonsense",
     .logged = "nonsense: not a list of strings"},
    {"an integer", .to_lrange = V(":7\r\n"), .reason = "nonsense"},
    {"an integer that is none", .to_lrange = V(":seven\r\n"), .reason = "nonsense"},
    {"a string", .to_lrange = V("$1\r\nx\r\n"), .reason = "nonsense"},
    {"nil", .to_lrange = V("*-1\r\n"), .reason = "nonsense"},
    {"integers in the list", .to_lrange = V("*2\r\n:1\r\n:2\r\n"), .reason = "nonsense"},
    {"nil in the list", .to_lrange = V("*1\r\n$-1\r\n"), .reason = "nonsense"},
    {"an error in the list", .to_lrange = V("*1\r\n-ERR x\r\n"), .reason = "nonsense"},
    {"a negative length", .to_lrange = V("*1\r\n$-5\r\nhello\r\n"), .reason = "nonsense"},
    {"a negative count", .to_lrange = V("*-7\r\n"), .reason = "nonsense"},
    {"a map", .to_lrange = V("%1\r\n$1\r\na\r\n$1\r\nb\r\n"), .reason = "nonsense"},
    {"a set", .to_lrange = V("~1\r\n$1\r\na\r\n"), .reason = "nonsense"},
    {"a push in place of the answer", .to_lrange = V(">1\r\n$1\r\na\r\n"), .reason = "nonsense"},
    {"an attribute", .to_lrange = V("|1\r\n$1\r\na\r\n$1\r\nb\r\n*0\r\n"), .reason = "nonsense"},
    {"a double", .to_lrange = V(",1.5\r\n"), .reason = "nonsense"},
    {"a truth value", .to_lrange = V("#t\r\n"), .reason = "nonsense"},
    {"null", .to_lrange = V("_\r\n"), .reason = "nonsense"},
    {"a big number", .to_lrange = V("(12345678901234567890\r\n"), .reason = "nonsense"},
    {"a verbatim string", .to_lrange = V("=5\r\ntxt:x\r\n"), .reason = "nonsense"},
    {"a stream of RESP3", .to_lrange = V("$?\r\n;1\r\nx\r\n;0\r\n"), .reason = "nonsense"},
    {"a page of HTTP", .to_lrange = V("HTTP/1.1 400 Bad Request\r\n\r\n"), .reason = "nonsense",
     .logged = "nonsense: Protocol error"},
    {"binary", .to_lrange = {"\0\1\2\3\0\0\0\0\xff\xfe", 10}, .reason = "nonsense"},
    {"blank lines", .to_lrange = V("\r\n\r\n"), .reason = "nonsense"},
    /* errors */
    {"loading", .to_lrange = V("-LOADING Redis is loading the dataset in memory\r\n"),
     .reason = "refused", .logged = "LOADING Redis is loading"},
    {"a cluster", .to_lrange = V("-MOVED 3999 127.0.0.1:6381\r\n"), .reason = "refused",
     .logged = "MOVED 3999"},
    {"a lost master", .to_lrange = V("-MASTERDOWN Link with MASTER is down\r\n"),
     .reason = "refused", .logged = "MASTERDOWN"},
    {"no permission",
     .to_lrange = V("-NOPERM this user has no permissions to run the 'lrange' command\r\n"),
     .reason = "refused", .logged = "NOPERM"},
    {"an empty error", .to_lrange = V("-\r\n"), .reason = "refused"},
    {"another type",
     .to_lrange = V("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
     .reason = "wrong_type"},
    /* what is stored */
    {"an event of another version", .to_lrange = V("*1\r\n$14\r\n\x07-------------\r\n"),
     .reason = "corrupt"},
    {"an event that is too long", .to_lrange = V("*1\r\n$5\r\nabcde\r\n"), .reason = "corrupt"},
    /* the greeting */
    {"SELECT is refused", .to_select = V("-ERR DB index is out of range\r\n"), .reason = "down",
     .logged = "SELECT refused: ERR DB index is out of range"},
    {"too many clients", .greets = V("-ERR max number of clients reached\r\n"), .closes = true,
     .reason = "down"},
    {"protected", .greets = V("-DENIED Redis is running in protected mode\r\n"), .reason = "down",
     .logged = "refused: DENIED"},
    {"SELECT is answered with a number", .to_select = V(":1\r\n"), .reason = "down",
     .logged = "nonsense: an answer to SELECT other than OK"},
    {"SELECT is answered with a list", .to_select = V("*1\r\n$2\r\nOK\r\n"), .reason = "down"},
    {"SELECT is answered with another line", .to_select = V("+QUEUED\r\n"), .reason = "down"},
    {"SELECT is not answered", .to_select = {"", 0}, .reason = "down",
     .logged = "connecting took too long"},
    {"a greeting that is late", .greets_ms = 400, .reason = "down"},
    /* ends */
    {"closes at once", .greets = {"", 0}, .closes = true, .reason = "down"},
    {"closes on SELECT", .closes_on_select = true, .reason = "down",
     .logged = "the connection ended"},
    {"closes behind the list", .closes = true, .lists = true},
    {"closes in the list", .to_lrange = V("*2\r\n$5\r\nab"), .closes = true, .reason = "down"},
    {"half a list, then nothing", .to_lrange = V("*2\r\n$5\r\nab"), .reason = "timeout"},
    {"nothing", .mute = true, .reason = "timeout", .logged = "no reply within features.timeout_ms"},
    {"byte by byte", .by_bytes = true, .lists = true},
};

static const struct peer_row good = {.name = "good"};

static struct driver d;
static struct peer peer;
static struct buf list; /* what a good server answers */
static double with, without;

static void make_list(void)
{
    static const struct behaviour event = {
        .t_ms = 1790000000000, .type = BEHAVIOUR_SEARCH, .text = {"red kettle", 10}};
    struct buf packed = BUF_INIT;
    struct err err;

    CHECK_OK(behaviour_pack(&event, &packed, &err), err);
    buf_clear(&list);
    buf_printf(&list, "*1\r\n$%zu\r\n", packed.len);
    buf_add_view(&list, buf_view(&packed));
    buf_add_str(&list, "\r\n");
    buf_release(&packed);
}

static double pctr_of(const char *body, bool *marked)
{
    const struct driver_response *response = driver_rank(&d, body);
    const json_t *answer = driver_json(response), *reasons = driver_at(answer, "/degraded");
    const char *reason = json_string_value(json_array_get(reasons, 0));

    CHECK_INT(response->status, 200);
    CHECK(json_array_size(reasons) <= 1 && (!reason || strcmp(reason, "features") == 0));
    *marked = reason != NULL;
    return json_number_value(driver_at(answer, "/results/0/pctr"));
}

/* Marked and without history, or with the list, where that has come. */
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
    int64_t until_us = clock_now_us() + 20000000;
    bool marked;

    while (pctr_of(OF_USER, &marked) != with || marked) {
        if (clock_now_us() > until_us)
            FAIL("still without history after 20 s:\n%s", driver_log(&d));
        usleep(3000);
    }
}

static void start(const char *set)
{
    static char url[64];
    bool marked;

    make_list();
    peer_start(&peer, buf_view(&list));
    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", peer.port);
    driver_start(
        &d, &(struct driver_args){
                .redis = url, .sets = {"features.timeout_ms=40", "features.connect_ms=150", set}});
    without = pctr_of(OF_NOBODY, &marked);
    with = pctr_of(WITH_EVENT, &marked);
    CHECK(with != without);
    check_recovers();
}

static void stop(void)
{
    CHECK_INT(driver_stop(&d), 0);
    peer_stop(&peer);
}

/* A line of /proc/PID/status in KiB. */
static int64_t status_kib(const char *name)
{
    char path[64], line[256];
    int64_t kib = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)d.pid);
    file = fopen(path, "re");
    CHECK(file);
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtoll(line + strlen(name), NULL, 10);
    fclose(file);
    return kib;
}

/* A sanitizer's address space is terabytes, and it keeps what was freed. */
static bool sanitized(void)
{
    return status_kib("VmPeak:") > 1 << 30;
}

static double failed(const char *reason)
{
    char sample[96];

    snprintf(sample, sizeof(sample), "adrank_features_failed_total{reason=\"%s\"}", reason);
    return driver_metric(&d, sample);
}

static void wait_failed(const char *reason, double more_than, bool lists)
{
    int64_t until_us = clock_now_us() + 20000000;

    while (failed(reason) <= more_than) {
        if (clock_now_us() > until_us)
            FAIL("no request without history for %s:\n%s", reason, driver_log(&d));
        call(lists);
        usleep(3000);
    }
}

/* An outage is told once, and not at all where lines of its kind are held back: then it takes another. */
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
    int64_t kib;

    start(NULL);
    run_row(&good);
    kib = status_kib("VmHWM:");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run_row(&rows[i]);
        if (!sanitized() && status_kib("VmHWM:") - kib > MAX_GROWTH)
            FAIL("%lld KiB more than at the start", (long long)(status_kib("VmHWM:") - kib));
    }
    stop();
}

TEST_MAIN
