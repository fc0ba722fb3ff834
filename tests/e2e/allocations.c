/*
 * After warm-up the request path allocates nothing itself: the preloaded library counts the calls
 * that adrankd's own code makes while requests are answered on kept connections. Allocations by
 * hiredis, libevent and oneDNN are counted separately and printed.
 */
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/client.h"
#include "tests/e2e/crowd.h"
#include "tests/e2e/driver.h"
#include "tests/fault/fault.h"
#include "tests/redis.h"
#include "tests/test.h"

#define WARM_UP 100
#define MEASURED 300
#define CLIENTS 3

static struct driver d;
static struct fault fault;

static const char full[] =
    "{'id':'r-1','user':{'id':'u42'},'device':{'devicetype':4,'os':'android','language':'en',"
    "'geo':{'country':'DEU','city':'BER','utcoffset':60}},"
    "'site':{'domain':'shop.example','cat':['IAB22'],'search':'trail shoes'},"
    "'badv':['bad.example'],'imp':[{'id':'1','tagid':'home-top','bidfloor':0.1},{'id':'2'}],"
    "'rank':{'behaviour':[{'t':1790000000000,'type':'click','item':'i1'},"
    "{'t':1790000000001,'type':'search','text':'跑步鞋 shoes'}],"
    "'candidates':[{'adid':'a1'},{'adid':'a3'},"
    "{'adid':'x','bid':0.8,'text':'Waterproof hiking jacket'},{'adid':'gone'}]}}";
static const char of_catalog[] = "{}";
static const char wrong[] = "{'imp':[{'id':7}],'rank':{'top_n':0}}";

static struct err err;

static void start(const char *backend, const char *redis, const char *set)
{
    char path[128], preload[4200], board[192];

    snprintf(path, sizeof(path), "/tmp/adrank-e2e-fault-%d", (int)getpid());
    CHECK_OK(fault_open(&fault, path, &err), err);
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", fault_library());
    snprintf(board, sizeof(board), "ADRANK_FAULT=%s", path);
    driver_start(&d, &(struct driver_args){.backend = backend,
                                           .redis = redis,
                                           .sets = {"log.slow_ms=60000", set},
                                           .env = {preload, board}});
}

static void stop(void)
{
    driver_end(&d);
    fault_close(&fault);
}

static struct client_response call(struct http_client *client, const char *body)
{
    struct client_response response;

    client_send(client, client_post(js("%s", body), ""));
    CHECK_OK(http_client_receive(client, false, &response, &err), err);
    CHECK(response.status == 200 || response.status == 422);
    return response;
}

/* Allocation calls during MEASURED requests, after enough requests to warm up. */
static uint64_t count(const char *body, unsigned on)
{
    struct http_client clients[CLIENTS];
    uint64_t seen;

    for (int i = 0; i < CLIENTS; i++)
        client_open(&clients[i], d.address);
    for (int i = 0; i < WARM_UP; i++)
        call(&clients[i % CLIENTS], body);
    fault_set(&fault, FAULT_MALLOC, &(struct fault_plan){.on = on});
    for (int i = 0; i < MEASURED; i++)
        call(&clients[i % CLIENTS], body);
    seen = fault_seen(&fault, FAULT_MALLOC);
    fault_set(&fault, FAULT_MALLOC, NULL);
    for (int i = 0; i < CLIENTS; i++)
        http_client_release(&clients[i]);
    return seen;
}

static uint64_t check_none(const char *what, const char *body)
{
    uint64_t ours, all;

    test_row("allocations: %s", what);
    ours = count(body, FAULT_OURS);
    all = count(body, 0);
    printf("     %s: %llu of our own, %.2f a request of libraries\n", what,
           (unsigned long long)ours, (double)all / MEASURED);
    CHECK_INT(ours, 0);
    return all;
}

/* The counter works: otherwise the checks below mean nothing. */
TEST(allocations__are_seen)
{
    start("null", NULL, NULL);
    fault_set(&fault, FAULT_MALLOC, &(struct fault_plan){.on = FAULT_OURS});
    CHECK_INT(driver_call(d.admin, "POST", "/admin/reload", NULL)->status, 200);
    CHECK(fault_seen(&fault, FAULT_MALLOC) > 0);
    stop();
}

/* Starts with the daemon's k-th own allocation failing; ready is false if it exited. */
static int status_without(int k, bool *ready)
{
    char preload[4200], plan[96];
    int64_t until_us = clock_now_us() + 20000000;
    int status;

    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", fault_library());
    snprintf(plan, sizeof(plan), "ADRANK_FAULT_PLAN=malloc:from=%d,count=1,on=ours", k);
    driver_start(&d, &(struct driver_args){.no_wait = true, .env = {preload, plan}});
    do {
        status = driver_wait(&d, 5);
        *ready = strstr(driver_log(&d), "event=ready");
    } while (status == -1 && !*ready && clock_now_us() < until_us);
    if (status == -1 && !*ready)
        FAIL("neither ready nor exited: %s", driver_log(&d));
    if (status != -1 && !strstr(driver_log(&d), "adrankd: "))
        FAIL("exited with %d and logged no reason: %s", status, driver_log(&d));
    driver_kill(&d, SIGTERM);
    (void)driver_wait(&d, 2000);
    driver_stop(&d);
    return status;
}

/* When an allocation fails during startup, the daemon exits with 70 and reports why, or continues
 * if it can do without. */
TEST(allocations__that_fail_at_the_start)
{
    int n_ended = 0, n_ready = 0;
    bool ready;

    for (int k = 1; n_ready < 3; k += k < 40 ? 1 : 7) {
        int status = status_without(k, &ready);

        test_row("allocations: startup, allocation %d fails", k);
        if (status != -1)
            CHECK_INT(status, 70);
        n_ended += status == 70;
        n_ready = ready ? n_ready + 1 : 0; /* three in a row: startup makes no more */
    }
    CHECK(n_ended >= 20);
}

/* ---- a reload -------------------------------------------------------------------------------- */

#define WORKERS 3

/* A reload whose k-th allocation fails; returns whether it made that many. */
static bool reload_without(unsigned k)
{
    struct http_client client;
    struct client_response response;
    bool fired;

    driver_write(&d, "config.json",
                 k % 2 ? "{\"rank\":{\"top_n\":2}}" : "{\"rank\":{\"top_n\":4}}");
    fault_set(&fault, FAULT_MALLOC, &(struct fault_plan){.from = k, .count = 1, .on = FAULT_OURS});
    CHECK_OK(http_client_init(&client, d.admin, 20000, &err), err);
    (void)!http_client_call(&client,
                            &(struct http_request){.method = "POST", .target = "/admin/reload"},
                            &response, &err); /* it may be too short of memory to answer */
    http_client_release(&client);
    fired = fault_fired(&fault, FAULT_MALLOC) > 0;
    fault_set(&fault, FAULT_MALLOC, NULL);
    while (driver_call(d.admin, "POST", "/admin/reload?dry_run=1", NULL)->status == 409)
        usleep(1000); /* without an answer the reload may still be running */
    return fired;
}

static int64_t generation_of(struct http_client *client)
{
    const char *at = strstr(client_text(call(client, "{}").body), "\"generation\":");

    CHECK(at);
    return strtoll(at + strlen("\"generation\":"), NULL, 10);
}

/* Whichever allocation fails, all workers serve the same world, the old one or the new one. */
TEST(allocations__that_fail_in_a_reload)
{
    struct http_client clients[WORKERS];
    int n_applied = 0, n_kept = 0, n_quiet = 0;
    int64_t before = 1;

    start("null", NULL, "http.workers=3");
    for (int i = 0; i < WORKERS; i++) { /* one per worker: the least loaded takes it */
        client_open(&clients[i], d.address);
        (void)generation_of(&clients[i]);
    }
    for (unsigned k = 1; n_quiet < 3; k++) {
        int64_t now;

        n_quiet = reload_without(k) ? 0 : n_quiet + 1;
        test_row("allocations: reload, allocation %u fails", k);
        now = generation_of(&clients[0]);
        for (int i = 1; i < WORKERS; i++)
            CHECK_INT(generation_of(&clients[i]), now);
        CHECK(now == before || now == before + 1);
        n_applied += now != before;
        n_kept += now == before;
        before = now;
    }
    CHECK(n_applied >= 3 && n_kept >= 20);
    for (int i = 0; i < WORKERS; i++)
        http_client_release(&clients[i]);
    stop();
}

/* ---- requests -------------------------------------------------------------------------------- */

TEST(allocations__none_of_ours_for_a_request)
{
    static const struct {
        const char *what, *backend, *set;
    } rows[] = {
        {"wide lines", "null", "log.sample=1"},
        {"impression lines", "null", "log.impressions=impressions"},
        {"on the CPU", "cpu", "model.threads=2"},
    };
    struct redis redis;

    start("null", NULL, NULL);
    check_none("the catalog's ads", of_catalog);
    check_none("a refusal", wrong);
    CHECK_INT(check_none("not even a library's", full), 0);
    stop();
    for (int i = 0; i < COUNT(rows); i++) {
        start(rows[i].backend, NULL, rows[i].set);
        check_none(rows[i].what, full);
        stop();
    }
    redis_start(&redis, NULL);
    start("null", redis.url, NULL);
    check_none("with Redis", full);
    stop();
    redis_stop(&redis);
}

/* After a crowd of large requests, later ones are still served from cached memory. */
TEST(allocations__none_after_a_storm)
{
    struct crowd crowd = {.reads = true};
    struct buf body = BUF_INIT, out = BUF_INIT;

    start("null", NULL, NULL);
    check_none("before the storm", full);
    buf_add_str(&body, "{\"badv\":[\"\"");
    while (body.len < 200000)
        buf_add_str(&body, ",\"\"");
    buf_add_str(&body, "]}");
    buf_printf(&out, "POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s", body.len,
               buf_str(&body));
    crowd.bytes = buf_view(&out);
    crowd_open(&crowd, d.address, 100);
    CHECK(crowd_run(&crowd, 20000));
    crowd_close(&crowd);
    buf_release(&body);
    buf_release(&out);
    sleep(3); /* by then the extra memory has been released */
    check_none("after the storm", full);
    stop();
}
