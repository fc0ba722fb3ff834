/* config/prometheus/alerts.yml: every alert fires on the metrics of a real daemon during its
 * outage, and no other alert does. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/alerts_recording.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/redis.h"
#include "tests/test.h"

#define ONE_AD "{'tmax':9000,'rank':{'candidates':[{'adid':'a1'}]}}"
#define OF_A_USER "{'tmax':9000,'user':{'id':'u'},'rank':{'candidates':[{'adid':'a1'}]}}"
#define HOPELESS "{'tmax':1,'rank':{'candidates':[{'adid':'a1'}]}}"
#define WITH_A_BUG "{'id':'step-fails','tmax':9000,'rank':{'candidates':[{'adid':'a1'}]}}"

/* Ten quiet minutes, then the row's events in this order. */
struct outage {
    const char *firing;      /* exactly these alerts */
    struct driver_args args; /* redis: any text starts a server for this row */
    void (*happen)(void);
    const char *body; /* NULL: none; else sent n times (0: 20), expecting status (0: 200) */
    int n, status;
    int minutes; /* how long the outage lasted */
    void (*record)(void);
    void (*after)(void);
};

static struct driver d, other;
static struct redis redis;
static struct recording r;
static struct http_client clients[6];

static struct err err;

static void send(const char *body, int n, int status)
{
    for (int i = 0; i < n; i++)
        CHECK_INT(driver_rank(&d, js("%s", body))->status, status);
}

static void begin(struct driver_args args)
{
    const char *body = args.redis ? OF_A_USER : ONE_AD;

    recording_init(&r);
    if (args.redis) {
        redis_start(&redis, NULL);
        args.redis = redis.url;
    }
    driver_start(&d, &args);
    if (args.redis)
        WAIT_FOR(driver_metric(&d, "adrank_redis_up") == 1);
    send(body, 20, 200);
    recording_stage(&r, 10);
    recording_take(&r, &d, "a");
}

static void run(const struct outage *outage)
{
    begin(outage->args);
    if (outage->happen)
        outage->happen();
    if (outage->body)
        send(outage->body, outage->n ? outage->n : 20, outage->status ? outage->status : 200);
    recording_stage(&r, outage->minutes);
    if (outage->record)
        outage->record();
    else
        recording_take(&r, &d, "a");
    recording_check(&r, outage->firing);
    if (outage->after)
        outage->after();
    if (outage->args.redis)
        redis_stop(&redis);
    recording_release(&r);
    driver_end(&d);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void record_down(void)
{
    recording_add(&r, "up{job=\"adrank\",instance=\"a\"}", 0);
}

/* Health checks do not count as /rank answers, so they cannot mask failures. */
static void many_are_well(void)
{
    send(ONE_AD, 20, 200);
    for (int i = 0; i < 200; i++)
        CHECK_INT(driver_call(d.address, "GET", "/readyz", NULL)->status, 200);
}

/* Stalls while it answers: late answers, lagging loops, batches slower than estimated. */
static void stands_still(void)
{
    static const char parsed[] = "adrank_stage_duration_seconds_count{stage=\"parse\"}";

    for (int i = 0; i < 3; i++) {
        double before = driver_metric(&d, parsed);

        client_open_rank(&clients[0], d.address,
                         js("{'tmax':300,'rank':{'candidates':[{'adid':'a1'}]}}"));
        WAIT_FOR(driver_metric(&d, parsed) > before);
        driver_kill(&d, SIGSTOP);
        usleep(500000);
        driver_kill(&d, SIGCONT);
        client_receive_and_close(&clients[0]);
    }
}

/* Device readings arrive after the daemon is ready. */
static void gpu_is_read(void)
{
    WAIT_FOR(driver_metric(&d, "adrank_device_throttled{reason=\"heat\"}") == 1);
}

static void model_fails(void)
{
    driver_write(&d, "device", "nan\n");
}

/* Refused connections, which never open the breaker. */
static void redis_is_killed(void)
{
    redis_kill(&redis);
    WAIT_FOR(driver_metric(&d, "adrank_redis_up") == 0);
}

/* Redis accepts and never answers: timeouts until the breaker opens. */
static void redis_hangs(void)
{
    redis_pause(&redis);
    while (driver_metric(&d, "adrank_redis_up") != 0)
        send(OF_A_USER, 1, 200);
}

static void redis_is_back(void)
{
    redis_resume(&redis);
}

static void store_event(void)
{
    driver_history(&d, redis.url, "put",
                   "{'user':'u','t':1790000000000,'type':'click','item':'i1'}\n");
}

static void history_is_no_list(void)
{
    store_event();
    redis_say(&redis, js("SET %s text", redis_only_key(&redis)));
}

/* One of two events is bad: the other is used, and the answer is still degraded. */
static void event_is_garbage(void)
{
    store_event();
    redis_say(&redis, js("RPUSH %s garbage", redis_only_key(&redis)));
}

static void record_another_model(void)
{
    driver_start(&other, &(struct driver_args){.model = "tests/golden/logits/one-layer"});
    recording_take(&r, &d, "a");
    recording_take(&r, &other, "b");
    driver_end(&other);
}

static void log_is_lost(void)
{
    while (driver_metric(&d, "adrank_log_dropped_total") == 0)
        send(ONE_AD, 100, 200);
}

static void impressions_fail(void)
{
    CHECK_INT(driver_reload(&d, js("{'log':{'impressions':'/dev/full'}}"))->status, 200);
    send(ONE_AD, 5, 200);
    WAIT_FOR(driver_metric(&d, "adrank_log_impressions_failed_total") >= 5);
}

static void descriptors_run_out(void)
{
    struct rlimit few;

    few.rlim_cur = few.rlim_max = (rlim_t)driver_metric(&d, "process_open_fds") + 4;
    CHECK(prlimit(d.pid, RLIMIT_NOFILE, &few, NULL) == 0);
}

/* At the limit, idle clients are closed to make room. */
static void connections_fill_up(void)
{
    for (int i = 0; i < COUNT(clients); i++)
        client_open(&clients[i], d.address);
    WAIT_FOR(driver_metric(&d, "adrank_connections_evicted_total") >= 1);
}

static void close_clients(void)
{
    for (int i = 0; i < COUNT(clients); i++)
        http_client_release(&clients[i]);
}

static void reload_fails(void)
{
    CHECK_INT(driver_reload(&d, js("{'nothing':1}"))->status, 422);
}

/* A catalog of that age, with other ads or fewer of them. */
static void change_catalog(const char *member, int n, int age_s)
{
    const struct timespec at = {.tv_sec = time(NULL) - age_s}, times[2] = {at, at};
    struct buf catalog AT_END(buf_release) = BUF_INIT;

    for (int i = 0; i < n; i++)
        buf_printf(&catalog, "{\"adid\":\"n%d\",\"title\":\"tea\",\"bid\":1%s}\n", i, member);
    driver_write(&d, "catalog.jsonl", buf_str(&catalog));
    CHECK(utimensat(AT_FDCWD, js("%s/catalog.jsonl", d.folder), times, 0) == 0);
    CHECK_INT(driver_reload(&d, NULL)->status, 200);
}

static void catalog_is_empty(void)
{
    change_catalog(",\"end\":1700000000000", 10, 0);
}

static void catalog_shrinks(void)
{
    change_catalog("", 4, 0);
}

static void catalog_is_old(void)
{
    change_catalog("", 10, 90000);
}

/* Bodies that never end, under a lowered limit. */
static void memory_runs_out(void)
{
    const char *bytes = js("POST /rank HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                           "Content-Length: 250000\r\n\r\n%*s",
                           199900, "");

    for (int i = 0; i < COUNT(clients); i++) {
        client_open(&clients[i], d.address);
        client_send(&clients[i], view_of(bytes));
    }
    WAIT_FOR(driver_metric(&d, "adrank_memory_bytes{kind=\"body\"}") >= COUNT(clients) * 180000);
    CHECK_INT(driver_reload(&d, js("{'http':{'memory_bytes':262144}}"))->status, 200);
}

static const struct outage outages[] = {
    {"", {.redis = ""}, .body = OF_A_USER, .minutes = 60},
    {"", .body = OF_A_USER, .minutes = 60}, /* no Redis is configured */
    {"AdrankDown", .minutes = 5, .record = record_down},
    {"AdrankBug",
     {.program = "tests/adrankd-bugs"},
     .body = WITH_A_BUG,
     .n = 1,
     .status = 500,
     .minutes = 10},
    {"AdrankOverloaded AdrankRefuses",
     {.sets = {"deadline.on_late=reject"}},
     many_are_well,
     .body = HOPELESS,
     .n = 1,
     .status = 503,
     .minutes = 15},
    {"AdrankOverloaded", .body = HOPELESS, .minutes = 15},
    {"AdrankLate AdrankLoopLags AdrankEstimateOff",
     {.backend = "paced", .env = {"ADRANK_PACED_FIXED_US=60000"}},
     stands_still,
     .minutes = 45},
    {"AdrankModelFails", {.backend = "failing"}, model_fails, .body = ONE_AD, .minutes = 6},
    {"AdrankGpuMemory AdrankGpuThrottled",
     {.backend = "simt",
      .sets = {"batch.max_tokens=256"},
      .env = {"ADRANK_SIMT_NVML=hot full"},
      .libraries = "lib/nvml"},
     gpu_is_read,
     .minutes = 15},
    {"AdrankRedis", {.redis = ""}, redis_is_killed, .body = OF_A_USER, .minutes = 15},
    {"AdrankFeaturesFail AdrankRedis",
     {.redis = "", .sets = {"features.timeout_ms=5"}},
     redis_hangs,
     .minutes = 15,
     .after = redis_is_back},
    {"AdrankFeaturesFail", {.redis = ""}, history_is_no_list, .body = OF_A_USER, .minutes = 15},
    {"AdrankEventsCorrupt AdrankFeaturesFail",
     {.redis = ""},
     event_is_garbage,
     .body = OF_A_USER,
     .minutes = 15},
    {"AdrankReloadFailed", .happen = reload_fails, .minutes = 5},
    {"AdrankModelsDiffer", .minutes = 35, .record = record_another_model},
    {"AdrankLogLost", {.log_pipe = true, .sets = {"log.sample=1"}}, log_is_lost, .minutes = 10},
    {"AdrankImpressionsFail AdrankLogLost", .happen = impressions_fail, .minutes = 10},
    {"AdrankConnections",
     {.sets = {"http.max_connections=2"}},
     connections_fill_up,
     .minutes = 10,
     .after = close_clients},
    {"AdrankDescriptors", .happen = descriptors_run_out, .minutes = 10},
    {"AdrankCatalogEmpty", .happen = catalog_is_empty, .minutes = 5},
    {"AdrankCatalogShrank", .happen = catalog_shrinks, .minutes = 10},
    {"AdrankCatalogOld", .happen = catalog_is_old, .minutes = 15},
    {"AdrankMemory",
     {.sets = {"http.body_ms=60000"}},
     memory_runs_out,
     .minutes = 10,
     .after = close_clients},
};

TEST(alerts__fire_on_what_a_daemon_reports)
{
    if (system("command -v promtool >/dev/null"))
        SKIP("no promtool");
    CHECK_INT(system("promtool check rules config/prometheus/alerts.yml >/dev/null"), 0);
    for (int i = 0; i < COUNT(outages); i++) {
        test_row("alerts: \"%s\"", outages[i].firing);
        run(&outages[i]);
    }
}

/* tests/style/operations checks that the alerts use exported metrics. */
TEST(alerts__each_has_its_outage)
{
    struct buf rules AT_END(buf_release) = BUF_INIT;
    int n = 0;

    CHECK_OK(file_read("config/prometheus/alerts.yml", 1 << 20, &rules, &err), err);
    for (const char *at = buf_str(&rules); (at = strstr(at, "- alert: ")); n++) {
        char name[64];
        int i = 0;

        CHECK(sscanf(at += strlen("- alert: "), "%63s", name) == 1);
        while (i < COUNT(outages) && !strstr(outages[i].firing, name))
            i++;
        if (i == COUNT(outages))
            FAIL("no outage for %s", name);
    }
    CHECK(n > 10);
}
