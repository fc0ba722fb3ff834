/* adrankd terminates on request, whatever hangs or is in progress (CONTRACT 2, OPERATIONS). */
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

#define RANK_SOON "{\"tmax\":300,\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"
#define LARGER_BATCH "{\"batch\":{\"max_tokens\":16384}}" /* opens a new engine */
/* Takes a third of a second to load; even under TSan on a busy machine less than the stop limit. */
#define MANY_ADS 120000
#define END_MS 20000 /* it should take at most three seconds; 70 is the status of a hang */

/* A device that never completes a batch is deliberately leaked, and logged, so LeakSanitizer would
 * complain. A forced exit joins no threads, so TSan would too. */
#define LEAKS "LSAN_OPTIONS=detect_leaks=0"

static struct driver d;

static void start_on_failing(const char *env_too)
{
    const char *options = getenv("TSAN_OPTIONS");
    const char *tsan = js("TSAN_OPTIONS=%s:report_thread_leaks=0", options ? options : "");

    driver_start(&d, &(struct driver_args){.backend = "failing",
                                           .env = {tsan, env_too},
                                           .sets = {"admin.stall_ms=300"}});
}

/* Waits until the executor waits for the device. A stalled executor is not enough: under a
 * sanitizer it may stall in the middle of its work. */
static void wait_stalled(void)
{
    const char *hangs = js("%s/device.hangs", d.folder);

    WAIT_FOR(access(hangs, F_OK) == 0 &&
             driver_call(d.admin, "GET", "/livez", NULL)->status != 200);
}

static void hang_in_a_batch(void)
{
    driver_write(&d, "device", "hang");
    CHECK_INT(driver_rank(&d, RANK_SOON)->status, 200);
    wait_stalled();
}

static void reload_with_a_new_engine(void)
{
    driver_write(&d, "config.json", LARGER_BATCH);
    driver_kill(&d, SIGHUP);
}

TEST(end__with_a_hanging_device)
{
    start_on_failing(LEAKS);
    hang_in_a_batch();
    driver_kill(&d, SIGTERM);
    CHECK_INT(driver_wait(&d, END_MS), 0);
    driver_check_log(&d, "event=executor_leaked");
}

/* Opening waits for the batch to complete. */
TEST(end__with_a_hanging_device_that_a_reload_waits_for)
{
    start_on_failing(LEAKS);
    hang_in_a_batch();
    reload_with_a_new_engine();
    usleep(500000);
    driver_kill(&d, SIGTERM);
    CHECK_INT(driver_wait(&d, END_MS), 0);
    driver_check_log(&d, "event=executor_leaked");
    driver_check_log(&d, "event=reload_failed");
}

static void hang_in_an_opening(void)
{
    start_on_failing(NULL);
    driver_write(&d, "device", "hang");
    reload_with_a_new_engine();
    wait_stalled();
}

TEST(end__with_an_opening_that_hangs)
{
    hang_in_an_opening();
    driver_kill(&d, SIGTERM);
    CHECK_INT(driver_wait(&d, 40000), 70);
    driver_check_log(&d, "adrankd: shutdown timed out");
}

TEST(end__at_a_further_signal_with_an_opening_that_hangs)
{
    int64_t until_us;

    hang_in_an_opening();
    driver_kill(&d, SIGTERM);
    driver_wait_log(&d, "event=drained");
    for (until_us = clock_now_us() + END_MS * 1000LL; clock_now_us() < until_us;) {
        driver_kill(&d, SIGTERM);
        if (driver_wait(&d, 100) != -1)
            break;
    }
    CHECK_INT(driver_wait(&d, 0), 128 + SIGTERM);
}

/* ---- a load in progress ---------------------------------------------------------------------- */

/* A load is in progress: the signal has been read, and the loop has made two turns since. */
static void reload_many_ads(void)
{
    driver_write(
        &d, "catalog.jsonl",
        js_repeat(MANY_ADS, "{'adid':'m#','title':'trail running shoes, number #','bid':1}\n"));
    driver_kill(&d, SIGHUP);
    for (int i = 0; i < 2; i++)
        CHECK_INT(driver_call(d.admin, "GET", "/livez", NULL)->status, 200);
}

static void check_given_up(void)
{
    const char *failed = strstr(driver_log(&d), "event=reload_failed");

    if (!failed || !strstr(failed, "stopping") || strstr(driver_log(&d), "generation=2"))
        FAIL("the load was not aborted:\n%s", driver_log(&d));
}

/* Without a connection the drain is short; with one, a second signal ends it. */
TEST(end__gives_up_a_load)
{
    for (int twice = 0; twice < 2; twice++) {
        struct http_client client;

        test_row("end: %s", twice ? "TERM, TERM" : "TERM");
        driver_start(&d, &(struct driver_args){0});
        if (twice)
            client_open(&client, d.address);
        reload_many_ads();
        driver_kill(&d, SIGTERM);
        if (twice) {
            driver_wait_log(&d, "event=draining");
            driver_kill(&d, SIGTERM);
        }
        CHECK_INT(driver_wait(&d, END_MS), 0);
        check_given_up();
        CHECK_INT(strstr(driver_log(&d), "event=forced_shutdown") != NULL, twice);
        if (twice)
            http_client_release(&client);
    }
}

TEST(end__hup_during_a_load_is_not_lost)
{
    driver_start(&d, &(struct driver_args){0});
    reload_many_ads();
    driver_write(&d, "config.json", "{\"rank\":{\"top_n\":7}}");
    driver_kill(&d, SIGHUP);
    WAIT_FOR_MS(60000, driver_logged(&d, "event=reload ") == 2);
    CHECK(strstr(driver_call(d.admin, "GET", "/admin/config", NULL)->body, "\"top_n\":7"));
}

/* ---- a drain --------------------------------------------------------------------------------- */

/* As a preStop hook followed by the platform's SIGTERM: requests in flight are answered. */
TEST(end__first_signal_goes_on_with_an_admins_drain)
{
    struct http_client client;

    start_on_failing(NULL);
    driver_write(&d, "device", "hang");
    client_open_rank(&client, d.address, DRIVER_ONE_AD);
    wait_stalled();
    CHECK_INT(driver_call(d.admin, "POST", "/admin/drain", NULL)->status, 202);
    driver_kill(&d, SIGTERM);
    usleep(300000);
    driver_write(&d, "device", "");
    CHECK_INT(client_receive(&client), 200);
    CHECK_INT(driver_wait(&d, END_MS), 0);
    driver_check_log(&d, "event=drained cut=0");
    http_client_release(&client);
}
