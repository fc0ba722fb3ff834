/* Wide lines: which exist, how many, and that they contain no user id. */
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

#define SECRET_USER "user-that-nobody-may-read"

static struct driver d;

/* Wide lines caused by requests. */
static int lines_of(const char *body)
{
    int before = driver_logged(&d, "event=request");

    CHECK_INT(driver_rank(&d, body)->status, 200);
    return driver_logged(&d, "event=request") - before;
}

TEST(logs__wide_lines_only_for_sampled_slow_and_degraded)
{
    int n = 0;

    driver_start(&d, &(struct driver_args){.sets = {"log.slow_ms=60000"}});
    for (int i = 0; i < 20; i++)
        CHECK_INT(lines_of(DRIVER_ONE_AD), 0);
    CHECK_INT(lines_of(js("{'device':{'lmt':1},'rank':{'candidates':[{'adid':'a1'}]}}")), 1);
    driver_check_log(&d, "degraded=privacy");
    CHECK_INT(driver_reload(&d, "{\"log\":{\"sample\":1}}")->status, 200);
    CHECK_INT(lines_of(DRIVER_ONE_AD), 1);
    CHECK_INT(driver_reload(&d, "{\"log\":{\"sample\":0.5}}")->status, 200);
    for (int i = 0; i < 200; i++)
        n += lines_of(DRIVER_ONE_AD);
    CHECK(n > 50 && n < 150); /* seven standard deviations */
    driver_start(&d, &(struct driver_args){.sets = {"log.slow_ms=100"},
                                           .backend = "paced",
                                           .env = {"ADRANK_PACED_FIXED_US=150000"}});
    CHECK_INT(lines_of(DRIVER_ONE_AD), 1);
}

/* ---- budgets of wide lines ------------------------------------------------------------------- */

#define FLOOD 300
#define PER_SECOND 20

/* The sum of held_back= over the lines that contain `mark`. */
static int held_back(const char *mark)
{
    int n = 0;

    for (const char *line = driver_log(&d); *line; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n'), *at = strstr(line, " held_back=");
        const char *marked = strstr(line, mark);

        if (!end)
            break;
        if (at && at < end && marked && marked < end)
            n += atoi(at + strlen(" held_back="));
    }
    return n;
}

/* FLOOD requests of one kind, as fast as possible: their lines are rate-limited, and every dropped
 * one is counted. */
static void flood(const char *body, const char *mark)
{
    int64_t start_us = clock_now_us(), seconds;
    int lines = driver_logged(&d, mark), held = held_back(mark), before = lines + held;

    for (int i = 0; i < FLOOD; i++)
        CHECK_INT(driver_rank(&d, body)->status, 200);
    seconds = (clock_now_us() - start_us) / 1000000 + 2;
    if (driver_logged(&d, mark) - lines > PER_SECOND * seconds)
        FAIL("%s: %d lines in %d s", body, driver_logged(&d, mark) - lines, (int)seconds);
    usleep(1100000); /* the next line reports what was held back */
    CHECK_INT(driver_rank(&d, body)->status, 200);
    CHECK_INT(driver_logged(&d, mark) + held_back(mark) - before, FLOOD + 1);
}

TEST(logs__lines_that_a_client_causes_are_bounded)
{
    static const struct {
        const char *body, *mark;
    } rows[] = {
        {"{'regs':{'coppa':1},'rank':{'candidates':[{'adid':'a1'}]}}", "degraded=privacy "},
        {"{'tmax':1,'rank':{'candidates':[{'adid':'a1'}]}}", "degraded=deadline "},
        {"{'rank':{'top_n':1}}", "degraded=candidates "}, /* from a truncated catalog */
    };

    driver_start(&d, &(struct driver_args){.sets = {"log.slow_ms=60000", "rank.max_candidates=3"}});
    for (int i = 0; i < COUNT(rows); i++) {
        test_row("logs__lines_that_a_client_causes_are_bounded %s", rows[i].mark);
        flood(js("%s", rows[i].body), rows[i].mark);
    }
}

/* The daemon's own events are not lost among them. */
TEST(logs__a_flood_hides_no_other_cause)
{
    const char *coppa = js("{'regs':{'coppa':1}}");

    driver_start(&d, &(struct driver_args){.sets = {"log.slow_ms=60000"},
                                           .redis = "redis://127.0.0.1:1"}); /* nothing listens */
    for (int i = 0; i < FLOOD; i++)
        CHECK_INT(driver_rank(&d, coppa)->status, 200);
    CHECK_INT(lines_of("{\"user\":{\"id\":\"u\"}}"), 1);
    driver_check_log(&d, "degraded=features ");
    CHECK_INT(driver_reload(&d, "{\"log\":{\"sample\":1}}")->status, 200);
    for (int i = 0; i < 2 * PER_SECOND; i++)
        CHECK_INT(lines_of(coppa), 1);
}

#define SENDERS 60

/* Requests slowed by their clients are rate-limited as well. */
TEST(logs__lines_of_slow_senders_are_bounded)
{
    static const char coming[] =
        "POST /rank HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        "Content-Length: 2\r\n\r\n{";
    struct http_client clients[SENDERS];
    int64_t start_us, seconds;

    driver_start(&d, &(struct driver_args){.sets = {"log.slow_ms=100"}});
    for (int i = 0; i < SENDERS; i++) {
        client_open(&clients[i], d.address);
        client_send(&clients[i], view_of(coming));
    }
    usleep(150000);
    start_us = clock_now_us();
    for (int i = 0; i < SENDERS; i++)
        client_send(&clients[i], VIEW_LIT("}"));
    for (int i = 0; i < SENDERS; i++)
        CHECK_INT(client_receive_and_close(&clients[i]), 200);
    seconds = (clock_now_us() - start_us) / 1000000 + 2;
    CHECK(driver_logged(&d, "event=request") >= 1);
    CHECK(driver_logged(&d, "event=request") <= PER_SECOND * seconds);
}

TEST(logs__a_wide_line_describes_the_request)
{
    static const char *const keys[] = {
        " traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ",
        " request_id=abc-1 ",
        " imps=2 ",
        " candidates=3 ",
        " behaviour=1 ",
        " results=4 ",
        " degraded=\"\" ",
        " features=\"\" ",
        " generation=1 ",
        " model=",
        " parse_us=",
        " features_us=",
        " queue_us=",
        " infer_us=",
        " rank_us=",
        " total_us=",
        " unknown_fields=1"};
    const char *body = js("{'wseat':[],'imp':[{'id':'1'},{'id':'2','tagid':'top'}],"
                          "'rank':{'top_n':2,'behaviour':[{'t':1,'type':'view','item':'i1'}],"
                          "'candidates':[{'adid':'a1'},{'adid':'a3'},{'adid':'a4'}]}}");
    static const char headers[] =
        "X-Request-Id: abc-1\r\nContent-Type: application/json\r\n"
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";

    driver_start(&d, &(struct driver_args){.sets = {"log.sample=1"}});
    CHECK_INT(driver_raw(d.address, client_post(body, headers))->status, 200);
    for (int i = 0; i < COUNT(keys); i++)
        driver_check_log(&d, keys[i]);
}

/* Refusals, health and admin calls with the id in every possible place. */
TEST(logs__no_user_id_in_errors)
{
    static const char *const bad[] = {
        "{'user':{'id':'" SECRET_USER "','id':'" SECRET_USER "'}}",
        "{'user':{'id':'" SECRET_USER "'},'imp':[{'id':[7]}]}",
        "{'user':{'id':'" SECRET_USER "'},'rank':{'candidates':[{'adid':'" SECRET_USER
        "','bid':-1}]}}",
        "{'user':'" SECRET_USER "'}",
        "{'user':{'id':'" SECRET_USER "'}} trailing",
        "{'user':{'" SECRET_USER "':1,'id':['" SECRET_USER "']}}",
        "'" SECRET_USER "'",
        SECRET_USER,
    };

    driver_start(&d, &(struct driver_args){.sets = {"log.sample=1", "log.level=debug"}});
    for (int i = 0; i < COUNT(bad); i++) {
        const struct driver_response *response = driver_rank(&d, js("%s", bad[i]));

        CHECK(response->status == 400 || response->status == 422);
        if (strstr(response->body, "nobody-may-read"))
            FAIL("%s", response->body);
    }
    CHECK(!strstr(driver_log(&d), "nobody-may-read"));
    CHECK(!strstr(driver_call(d.admin, "GET", "/metrics", NULL)->body, "nobody-may-read"));
}
