/* Tests that need the fault library preloaded. Not built with a sanitizer, which does not allow
 * that. */
#include <signal.h>
#include <unistd.h>

#include "tests/e2e/contract.h"
#include "tests/e2e/shell.h"
#include "tests/fault/fault.h"
#include "tests/test.h"

static struct driver d;
static struct err err;

/* Exit status of adrankd run as this user; unless it refuses, it exits for lack of a catalog. */
static int started_by(const char *euid, const char *argument)
{
    return shell(NULL,
                 "LD_PRELOAD='%s' ADRANK_FAULT_PLAN=user:euid=%s '%s' %s -c config/adrankd.json"
                 " --set catalog.path=/nonexistent.jsonl --set http.address=127.0.0.1:0"
                 " --set admin.address=127.0.0.1:0 2>/dev/null",
                 fault_library(), euid, driver_build_path("bin/adrankd"), argument);
}

TEST(cli__refuses_root_unless_allowed)
{
    CHECK_INT(started_by("0", ""), 64);
    CHECK_INT(started_by("0", "--allow-root"), 66);
    CHECK_INT(started_by("10001", ""), 66);
}

static void start_faulty(struct fault *fault, const char *backend, const char *set)
{
    const char *path = js("/tmp/adrank-e2e-fault-%d", (int)getpid());

    CHECK_OK(fault_open(fault, path, &err), err);
    driver_start(&d, &(struct driver_args){.backend = backend,
                                           .sets = {set},
                                           .env = {js("LD_PRELOAD=%s", fault_library()),
                                                   js("ADRANK_FAULT=%s", path)}});
}

/* A worker blocked in a system call for two seconds. */
TEST(health__live_fails_while_a_worker_stalls)
{
    struct http_client client;
    struct fault fault AT_END(fault_close);

    start_faulty(&fault, NULL, "admin.stall_ms=500");
    CHECK_INT(driver_rank(&d, DRIVER_ONE_AD)->status, 200);
    fault_set(
        &fault, FAULT_SEND,
        &(struct fault_plan){.from = 1, .count = 1, .delay_us = 2000000, .on = FAULT_ON_SOCKET});
    client_open_rank(&client, d.address, DRIVER_ONE_AD);
    WAIT_FOR(fault_fired(&fault, FAULT_SEND));
    WAIT_FOR(driver_call(d.admin, "GET", "/livez", NULL)->status == 503);
    CHECK(strstr(driver_call(d.admin, "GET", "/livez", NULL)->body, "a worker is stalled"));
    CHECK_INT(client_receive_and_close(&client), 200);
    WAIT_FOR(driver_call(d.admin, "GET", "/livez", NULL)->status == 200);
}

/* No reload is running that could remember the signal. */
TEST(cli__hup_without_memory_is_logged)
{
    struct fault fault AT_END(fault_close);

    start_faulty(&fault, NULL, NULL);
    fault_set(&fault, FAULT_MALLOC, &(struct fault_plan){.from = 1, .count = 1, .on = FAULT_OURS});
    driver_kill(&d, SIGHUP);
    driver_wait_log(&d, "event=reload_not_started error=\"out of memory\"");
    fault_clear(&fault);
    driver_kill(&d, SIGHUP);
    driver_wait_log(&d, "event=reload status=unchanged");
    usleep(200000);
    CHECK(!strstr(strstr(driver_log(&d), "event=reload ") + 1, "event=reload "));
}

/* ---- memory on the processor ----------------------------------------------------------------- */

#define SIX_ADS                                                                                    \
    "{'rank':{'candidates':[{'adid':'a1'},{'adid':'a2'},{'adid':'a3'},{'adid':'a4'},{'adid':'a5'}" \
    ",{'adid':'a6'}]}}"

/* One request, with or without memory: the right answer, or a degraded one or a 503, for which it
 * returns true. */
static bool is_starved(struct http_client *client, const json_t *right)
{
    struct client_response response;
    const json_t *answer;
    const char *body;

    client_send(client, client_post(js(SIX_ADS), ""));
    response = client_answer(client);
    body = client_text(response.body);
    if (response.status == 503) {
        CHECK(strstr(body, "\"code\":\"out_of_memory\""));
        return true;
    }
    CHECK_INT(response.status, 200);
    answer = contract_answer(body);
    if (*answer_degraded(answer) == '\0') {
        CHECK(answer_same_scores(answer, right));
        return false;
    }
    CHECK_STR(answer_degraded(answer), "model");
    answer_check_source(answer, "prior");
    return true;
}

/* Allocations fail while it serves, most of them in oneDNN: only their batches fail. */
TEST(backend__want_of_memory_costs_a_batch_and_no_more)
{
    struct http_client client;
    struct fault fault AT_END(fault_close);
    int n_starved = 0;

    start_faulty(&fault, "cpu", "model.threads=2");
    for (int i = 0; i < 100; i++) {
        const json_t *right = contract_rank(&d, SIX_ADS);

        test_row("request %d", i);
        CHECK_STR(answer_degraded(right), "");
        client_open(&client, d.address);
        CHECK(!is_starved(&client, right)); /* and the connection still works */
        fault_set(&fault, FAULT_MALLOC,
                  &(struct fault_plan){.from = 1 + (uint64_t)i % 50, .one_in = 20});
        n_starved += is_starved(&client, right);
        fault_clear(&fault);
        http_client_release(&client);
        CHECK_INT(driver_call(d.admin, "GET", "/readyz", NULL)->status, 200);
    }
    printf("     %d answers without the model\n", n_starved);
    CHECK(n_starved >= 20);
    driver_check_log(&d, "event=batch_no_memory");
}
