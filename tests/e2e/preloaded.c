/* What is seen only when the fault library is preloaded. Not built with a sanitizer, which cannot be preloaded over. */
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/driver.h"
#include "tests/fault/fault.h"
#include "tests/test.h"

#define ONE_AD "{\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"

/* Exit status of adrankd for somebody; it ends for want of a catalog when it does not refuse. */
static int started_by(const char *euid, const char *argument)
{
    char command[9000];

    snprintf(command, sizeof(command),
             "LD_PRELOAD='%s' ADRANK_FAULT_PLAN=user:euid=%s '%s' %s -c config/adrankd.json"
             " --set catalog.path=/nonexistent.jsonl --set http.address=127.0.0.1:0"
             " --set admin.address=127.0.0.1:0 2>/dev/null",
             fault_library(), euid, driver_build_path("bin/adrankd"), argument);
    return system(command) >> 8;
}

TEST(cli__refuses_root_unless_told)
{
    CHECK_INT(started_by("0", ""), 64);
    CHECK_INT(started_by("0", "--allow-root"), 66);
    CHECK_INT(started_by("10001", ""), 66);
}

static void wait_live(struct driver *d, int status)
{
    int64_t until_us = clock_now_us() + 10000000;

    while (driver_call(d->admin, "GET", "/livez", NULL)->status != status) {
        if (clock_now_us() > until_us)
            FAIL("/livez does not become %d", status);
        usleep(5000);
    }
}

static void send_rank(struct driver *d, struct http_client *client)
{
    struct buf bytes = BUF_INIT;
    struct err err;

    CHECK_OK(http_client_init(client, d->address, 30000, &err), err);
    CHECK_OK(http_client_connect(client, &err), err);
    http_request_write(&bytes, &(struct http_request){
                                   .method = "POST", .target = "/rank", .body = view_of(ONE_AD)});
    CHECK_OK(http_client_send(client, buf_view(&bytes), &err), err);
    buf_release(&bytes);
}

/* A worker that is held in a system call for two seconds. */
TEST(health__live_fails_while_a_worker_stalls)
{
    char preload[4200], board[256], path[160];
    struct http_client client;
    struct http_response response;
    struct driver d;
    struct fault fault;
    struct err err;

    snprintf(path, sizeof(path), "/tmp/adrank-e2e-fault-%d", (int)getpid());
    CHECK_OK(fault_open(&fault, path, &err), err);
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", fault_library());
    snprintf(board, sizeof(board), "ADRANK_FAULT=%s", path);
    driver_start(&d,
                 &(struct driver_args){.sets = {"admin.stall_ms=500"}, .env = {preload, board}});
    CHECK_INT(driver_rank(&d, ONE_AD)->status, 200);
    fault_set(
        &fault, FAULT_SEND,
        &(struct fault_plan){.from = 1, .count = 1, .delay_us = 2000000, .on = FAULT_ON_SOCKET});
    send_rank(&d, &client);
    while (!fault_fired(&fault, FAULT_SEND))
        usleep(1000);
    wait_live(&d, 503);
    CHECK(strstr(driver_call(d.admin, "GET", "/livez", NULL)->body, "a worker stalls"));
    CHECK_OK(http_client_receive(&client, false, &response, &err), err);
    CHECK_INT(response.status, 200);
    http_client_release(&client);
    wait_live(&d, 200);
    CHECK_INT(driver_stop(&d), 0);
    fault_close(&fault);
}

/* Nothing else runs in which the signal could be remembered. */
TEST(cli__hup_without_memory_is_told)
{
    char preload[4200], board[256], path[160];
    struct fault fault;
    struct driver d;
    struct err err;

    snprintf(path, sizeof(path), "/tmp/adrank-e2e-fault-%d", (int)getpid());
    CHECK_OK(fault_open(&fault, path, &err), err);
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", fault_library());
    snprintf(board, sizeof(board), "ADRANK_FAULT=%s", path);
    driver_start(&d, &(struct driver_args){.env = {preload, board}});
    fault_set(&fault, FAULT_MALLOC, &(struct fault_plan){.from = 1, .count = 1, .on = FAULT_OURS});
    driver_kill(&d, SIGHUP);
    driver_wait_log(&d, "event=reload_not_started error=\"out of memory\"");
    fault_clear(&fault);
    driver_kill(&d, SIGHUP);
    driver_wait_log(&d, "event=reload status=unchanged");
    usleep(200000);
    CHECK(!strstr(strstr(driver_log(&d), "event=reload ") + 1, "event=reload "));
    CHECK_INT(driver_stop(&d), 0);
    fault_close(&fault);
}

TEST_MAIN
