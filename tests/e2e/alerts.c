/* config/prometheus/alerts.yml: every alert fires on what a real daemon reports during its outage,
 * and no other does. */
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

#define ONE_AD "{\"tmax\":9000,\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"
#define OF_A_USER                                                                                  \
    "{\"tmax\":9000,\"user\":{\"id\":\"u\"},\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"
#define HOPELESS "{\"tmax\":1,\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"

static struct driver d, other;
static struct redis redis;
static struct recording r;

static struct err err;

static void send(const char *body, int n, int status)
{
    for (int i = 0; i < n; i++)
        CHECK_INT(driver_rank(&d, body)->status, status);
}

/* Ten minutes in which all is well. */
static void begin(const struct driver_args *args)
{
    recording_init(&r);
    driver_start(&d, args);
    if (args->redis)
        while (driver_metric(&d, "adrank_redis_up") != 1)
            usleep(2000);
    send(args->redis ? OF_A_USER : ONE_AD, 20, 200);
    recording_stage(&r, 10);
    recording_take(&r, &d, "a");
}

/* What happened since then took so long. */
static void check(int minutes, const char *firing)
{
    recording_stage(&r, minutes);
    recording_take(&r, &d, "a");
    recording_check(&r, firing);
}

static void end(void)
{
    recording_release(&r);
    CHECK_INT(driver_stop(&d), 0);
}

static const char *redis_url(void)
{
    static char url[64];

    if (redis_start(&redis, NULL))
        SKIP("no redis-server");
    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", redis.port);
    return url;
}

static void down(void)
{
    begin(&(struct driver_args){0});
    recording_stage(&r, 5);
    recording_add(&r, "up{job=\"adrank\",instance=\"a\"}", 0);
    recording_check(&r, "AdrankDown");
    end();
}

static void bug(void)
{
    begin(&(struct driver_args){.program = "tests/adrankd-bugs"});
    send("{\"id\":\"step-fails\",\"tmax\":9000,\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}", 1,
         500);
    check(10, "AdrankBug");
    end();
}

/* Health checks are no answers to /rank: however many there are, they hide nothing. */
static void refuses(void)
{
    begin(&(struct driver_args){.sets = {"deadline.on_late=reject"}});
    send(ONE_AD, 20, 200);
    send(HOPELESS, 1, 503);
    for (int i = 0; i < 200; i++)
        CHECK_INT(driver_call(d.address, "GET", "/readyz", NULL)->status, 200);
    check(15, "AdrankOverloaded AdrankRefuses");
    end();
}

static void overloaded(void)
{
    begin(&(struct driver_args){0});
    send(HOPELESS, 10, 200);
    check(15, "AdrankOverloaded");
    end();
}

/* It stands still while it answers: late answers, lagging loops, batches slower than estimated. */
static void stands_still(void)
{
    begin(&(struct driver_args){.backend = "paced", .env = {"ADRANK_PACED_FIXED_US=60000"}});
    for (int i = 0; i < 3; i++) {
        struct http_client client;
        struct client_response response;
        struct buf bytes = BUF_INIT;
        double parsed = driver_metric(&d, "adrank_stage_duration_seconds_count{stage=\"parse\"}");

        client_open(&client, d.address);
        http_request_write(
            &bytes,
            &(struct http_request){
                .method = "POST",
                .target = "/rank",
                .body = VIEW_LIT("{\"tmax\":300,\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}")});
        client_send(&client, buf_view(&bytes));
        while (driver_metric(&d, "adrank_stage_duration_seconds_count{stage=\"parse\"}") == parsed)
            usleep(500);
        driver_kill(&d, SIGSTOP);
        usleep(500000);
        driver_kill(&d, SIGCONT);
        CHECK_OK(http_client_receive(&client, false, &response, &err), err);
        http_client_release(&client);
        buf_release(&bytes);
    }
    check(45, "AdrankLate AdrankLoopLags AdrankEstimateOff");
    end();
}

static void model_fails(void)
{
    char env[256], path[128];

    snprintf(path, sizeof(path), "/tmp/adrank-alerts-%d", (int)getpid());
    snprintf(env, sizeof(env), "ADRANK_FAILING_FILE=%s", path);
    begin(&(struct driver_args){.backend = "failing", .env = {env}});
    {
        CHECK_OK(file_write(path, VIEW_LIT("nan\n"), &err), err);
    }
    send(ONE_AD, 5, 200);
    unlink(path);
    check(6, "AdrankModelFails");
    end();
}

/* Refused connections, which never open the breaker. */
static void redis_is_killed(void)
{
    begin(&(struct driver_args){.redis = redis_url()});
    redis_kill(&redis);
    while (driver_metric(&d, "adrank_redis_up") != 0)
        usleep(2000);
    send(OF_A_USER, 20, 200);
    check(15, "AdrankRedis");
    redis_stop(&redis);
    end();
}

/* It accepts and never answers. */
static void redis_hangs(void)
{
    begin(&(struct driver_args){.redis = redis_url(), .sets = {"features.timeout_ms=5"}});
    redis_pause(&redis);
    while (driver_metric(&d, "adrank_redis_up") != 0)
        send(OF_A_USER, 1, 200);
    check(15, "AdrankFeaturesFail AdrankRedis"); /* by timeouts, until the breaker opens */
    redis_resume(&redis);
    redis_stop(&redis);
    end();
}

/* A user's history, and what somebody else does to its key: %s stands for redis-cli with the key
 * behind it. */
static void begin_with_history(const char *harm)
{
    char command[9000], cli[64];

    begin(&(struct driver_args){.redis = redis_url()});
    snprintf(cli, sizeof(cli), "redis-cli -p %d", redis.port);
    snprintf(
        command, sizeof(command),
        "set -e; echo '{\"user\":\"u\",\"t\":1790000000000,\"type\":\"click\",\"item\":\"i1\"}' |"
        " %s put --redis redis://127.0.0.1:%d --key-file %s/key; key=$(%s --raw keys '*'); { %s; } "
        ">/dev/null",
        driver_build_path("bin/adrank-history"), redis.port, d.folder, cli, harm);
    CHECK(setenv("CLI", cli, 1) == 0);
    CHECK_INT(system(command), 0);
}

static void key_is_no_list(void)
{
    begin_with_history("$CLI del \"$key\"; $CLI set \"$key\" text");
    send(OF_A_USER, 20, 200);
    check(15, "AdrankFeaturesFail");
    redis_stop(&redis);
    end();
}

/* One of two events: the other is used, which still is marked. */
static void event_is_corrupt(void)
{
    begin_with_history("$CLI rpush \"$key\" garbage");
    send(OF_A_USER, 5, 200);
    check(15, "AdrankEventsCorrupt AdrankFeaturesFail");
    redis_stop(&redis);
    end();
}

static void reload_fails(void)
{
    begin(&(struct driver_args){0});
    CHECK_INT(driver_reload(&d, "{\"nothing\":1}")->status, 422);
    check(5, "AdrankReloadFailed");
    end();
}

static void models_differ(void)
{
    begin(&(struct driver_args){0});
    driver_start(&other, &(struct driver_args){.model = "tests/golden/logits/one-layer"});
    recording_stage(&r, 35);
    recording_take(&r, &d, "a");
    recording_take(&r, &other, "b");
    recording_check(&r, "AdrankModelsDiffer");
    CHECK_INT(driver_stop(&other), 0);
    end();
}

static void log_is_lost(void)
{
    begin(&(struct driver_args){.log_pipe = true, .sets = {"log.sample=1"}});
    while (driver_metric(&d, "adrank_log_dropped_total") == 0)
        send(ONE_AD, 100, 200);
    check(10, "AdrankLogLost");
    recording_release(&r);
    driver_kill(&d, SIGTERM);
    CHECK_INT(driver_wait(&d, 40000), 0);
    CHECK_INT(driver_stop(&d), 0);
}

static void impressions_fail(void)
{
    begin(&(struct driver_args){0});
    CHECK_INT(driver_reload(&d, "{\"log\":{\"impressions\":\"/dev/full\"}}")->status, 200);
    send(ONE_AD, 5, 200);
    while (driver_metric(&d, "adrank_log_impressions_failed_total") < 5)
        usleep(2000);
    check(10, "AdrankImpressionsFail AdrankLogLost");
    end();
}

static void descriptors_run_out(void)
{
    struct rlimit few;

    begin(&(struct driver_args){0});
    few.rlim_cur = few.rlim_max = (rlim_t)driver_metric(&d, "process_open_fds") + 4;
    CHECK(prlimit(d.pid, RLIMIT_NOFILE, &few, NULL) == 0);
    check(10, "AdrankDescriptors");
    end();
}

/* Silent clients at the limit make room for each other. */
static void connections_fill_up(void)
{
    struct http_client silent[6];

    begin(&(struct driver_args){.sets = {"http.max_connections=2"}});
    for (int i = 0; i < 6; i++) {
        client_open(&silent[i], d.address);
    }
    while (driver_metric(&d, "adrank_connections_evicted_total") < 1)
        usleep(2000);
    check(10, "AdrankConnections");
    for (int i = 0; i < 6; i++)
        http_client_release(&silent[i]);
    end();
}

/* Ten ads of another kind, or fewer. */
static void change_catalog(const char *member, int n)
{
    struct buf catalog AT_END(buf_release) = BUF_INIT;

    for (int i = 0; i < n; i++)
        buf_printf(&catalog, "{\"adid\":\"n%d\",\"title\":\"tea\",\"bid\":1%s}\n", i, member);
    driver_write(&d, "catalog.jsonl", buf_str(&catalog));
}

static void catalog_is_empty(void)
{
    begin(&(struct driver_args){0});
    change_catalog(",\"end\":1700000000000", 10);
    CHECK_INT(driver_reload(&d, NULL)->status, 200);
    check(5, "AdrankCatalogEmpty");
    end();
}

static void catalog_shrinks(void)
{
    begin(&(struct driver_args){0});
    change_catalog("", 4);
    CHECK_INT(driver_reload(&d, NULL)->status, 200);
    check(10, "AdrankCatalogShrank");
    end();
}

static void catalog_is_old(void)
{
    const struct timespec times[2] = {{.tv_sec = time(NULL) - 90000},
                                      {.tv_sec = time(NULL) - 90000}};
    char path[256];

    begin(&(struct driver_args){0});
    change_catalog("", 10);
    snprintf(path, sizeof(path), "%s/catalog.jsonl", d.folder);
    CHECK(utimensat(AT_FDCWD, path, times, 0) == 0);
    CHECK_INT(driver_reload(&d, NULL)->status, 200);
    check(15, "AdrankCatalogOld");
    end();
}

#define HOLDERS 6

/* Bodies that never end, under a limit that was lowered. */
static void memory_runs_out(void)
{
    static char bytes[200000] =
        "POST /rank HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        "Content-Length: 250000\r\n\r\n";
    struct http_client holders[HOLDERS];

    memset(bytes + strlen(bytes), ' ', sizeof(bytes) - strlen(bytes));
    begin(&(struct driver_args){.sets = {"http.body_ms=60000"}});
    for (int i = 0; i < HOLDERS; i++) {
        client_open(&holders[i], d.address);
        client_send(&holders[i], (struct view){bytes, sizeof(bytes)});
    }
    while (driver_metric(&d, "adrank_memory_bytes{kind=\"body\"}") < HOLDERS * 180000)
        usleep(2000);
    CHECK_INT(driver_reload(&d, "{\"http\":{\"memory_bytes\":262144}}")->status, 200);
    check(10, "AdrankMemory");
    for (int i = 0; i < HOLDERS; i++)
        http_client_release(&holders[i]);
    end();
}

static const struct {
    const char *alerts;
    void (*run)(void);
} outages[] = {
    {"AdrankDown", down},
    {"AdrankBug", bug},
    {"AdrankRefuses AdrankOverloaded", refuses},
    {"AdrankOverloaded", overloaded},
    {"AdrankLate AdrankLoopLags AdrankEstimateOff", stands_still},
    {"AdrankModelFails", model_fails},
    {"AdrankRedis", redis_is_killed},
    {"AdrankRedis", redis_hangs},
    {"AdrankFeaturesFail", key_is_no_list},
    {"AdrankEventsCorrupt", event_is_corrupt},
    {"AdrankReloadFailed", reload_fails},
    {"AdrankModelsDiffer", models_differ},
    {"AdrankLogLost", log_is_lost},
    {"AdrankImpressionsFail", impressions_fail},
    {"AdrankConnections", connections_fill_up},
    {"AdrankDescriptors", descriptors_run_out},
    {"AdrankCatalogEmpty", catalog_is_empty},
    {"AdrankCatalogShrank", catalog_shrinks},
    {"AdrankCatalogOld", catalog_is_old},
    {"AdrankMemory", memory_runs_out},
};
#define N_OUTAGES (sizeof(outages) / sizeof(outages[0]))

static bool has_promtool(void)
{
    return system("command -v promtool >/dev/null") == 0;
}

TEST(alerts__fire_on_what_a_daemon_says)
{
    if (!has_promtool())
        SKIP("no promtool");
    for (size_t i = 0; i < N_OUTAGES; i++) {
        test_row("alerts__fire_on_what_a_daemon_says %s", outages[i].alerts);
        outages[i].run();
    }
}

/* With Redis, and with none because none is configured. */
TEST(alerts__stay_silent_while_all_is_well)
{
    if (!has_promtool())
        SKIP("no promtool");
    begin(&(struct driver_args){.redis = redis_url()});
    send(OF_A_USER, 20, 200);
    check(60, "");
    redis_stop(&redis);
    end();
    begin(&(struct driver_args){0});
    send(OF_A_USER, 20, 200);
    check(60, "");
    end();
}

/* ---- the file -------------------------------------------------------------------------------- */

static struct buf rules;

static const char *read_rules(void)
{
    CHECK_OK(file_read("config/prometheus/alerts.yml", 1 << 20, &rules, &err), err);
    return buf_str(&rules);
}

TEST(alerts__each_has_its_outage)
{
    const char *at = read_rules();
    int n = 0;

    for (; (at = strstr(at, "- alert: ")); n++) {
        char name[64];
        size_t i = 0;

        CHECK(sscanf(at += strlen("- alert: "), "%63s", name) == 1);
        while (i < N_OUTAGES && !strstr(outages[i].alerts, name))
            i++;
        if (i == N_OUTAGES)
            FAIL("no outage for %s", name);
    }
    CHECK(n > 10);
}

/* Whether a sample of that name has that label, and value unless it is empty. */
static bool is_told(const char *metrics, const char *name, size_t len, const char *label)
{
    for (const char *line = metrics; *line; line += strcspn(line, "\n") + 1) {
        size_t n = strcspn(line, "\n");
        const char *at;

        if (n <= len || memcmp(line, name, len) != 0 || !strchr("{ ", line[len]))
            continue;
        at = strstr(line, label);
        if (!label[0] || (at && at < line + n))
            return true;
    }
    return false;
}

/* {code="503",path="/rank"}: each of them, but for those that Prometheus adds. */
static const char *check_labels(const char *metrics, const char *name, size_t len, const char *at)
{
    while (*at != '}') {
        size_t n = strcspn(at, ",}");
        char label[128];

        snprintf(label, sizeof(label), "%.*s", (int)n, at);
        if (!strstr(label, "!=") && strncmp(label, "job=", 4) != 0 &&
            strncmp(label, "instance=", 9) != 0 && !is_told(metrics, name, len, label))
            FAIL("/metrics has no %.*s{%s}", (int)len, name, label);
        at += n + (at[n] == ',');
    }
    return at;
}

TEST(alerts__ask_for_what_is_told)
{
    const char *at = read_rules();
    char *metrics;
    int n = 0;

    driver_start(&d, &(struct driver_args){.sets = {"features.url=redis://127.0.0.1:1",
                                                    "privacy.user_key={\"$file\":\"key\"}"}});
    send(ONE_AD, 1, 200);
    metrics = strdup(driver_call(d.admin, "GET", "/metrics", NULL)->body);
    while ((at = strstr(at, "expr: "))) {
        const char *end = strchr(at, '\n');

        for (; at < end; n++) {
            size_t len;

            while (at < end && strncmp(at, "adrank_", 7) != 0 && strncmp(at, "process_", 8) != 0)
                at++;
            len = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
            if (at >= end)
                break;
            if (!is_told(metrics, at, len, ""))
                FAIL("/metrics has no %.*s", (int)len, at);
            at = at[len] == '{' ? check_labels(metrics, at, len, at + len + 1) : at + len;
        }
    }
    CHECK(n > 10);
    free(metrics);
    CHECK_INT(driver_stop(&d), 0);
}

TEST(alerts__are_rules)
{
    if (!has_promtool())
        SKIP("no promtool");
    CHECK_INT(system("promtool check rules config/prometheus/alerts.yml >/dev/null"), 0);
}
