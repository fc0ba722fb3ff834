/* Every metric of the contract is told, and moves when it should; health. */
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/redis.h"
#include "tests/test.h"

#define ONE_AD "{\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"

static struct driver d;

static void start(const char *backend, const char *set, const char *env)
{
    driver_start(&d, &(struct driver_args){.backend = backend, .sets = {set}, .env = {env}});
}

static void stop(void)
{
    CHECK_INT(driver_stop(&d), 0);
}

/* A sample has the labels `{a,b}` of its row in OPERATIONS; a histogram has buckets. */
static void check_told(const char *metrics, const char *name, const char *labels)
{
    const char *help = strstr(metrics, js("# HELP %s ", name)), *type, *sample, *histogram;
    bool counts = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;

    if (!help || strchr(help, '\n') == help + strlen(js("# HELP %s ", name)))
        FAIL("no help of %s", name);
    histogram = js("\n# TYPE %s histogram\n", name);
    type = strstr(metrics, histogram);
    if (!type)
        type = strstr(metrics, js("\n# TYPE %s %s\n", name, counts ? "counter" : "gauge"));
    if (!type)
        FAIL("no type of %s", name);
    sample = strchr(type + 1, '\n');
    if (strcmp(name, "adrank_redis_up") == 0) /* without a Redis no sample */
        CHECK(sample[1] == '#');
    else if (strncmp(type, histogram, strlen(histogram)) == 0)
        CHECK(strncmp(sample, js("\n%s_bucket{", name), strlen(name) + 9) == 0);
    else
        CHECK(strncmp(sample + 1, name, strlen(name)) == 0 &&
              strchr(" {", sample[1 + strlen(name)]));
    for (const char *at = labels; *at == '{' || *at == ','; at += 1 + strcspn(at + 1, ",}")) {
        const char *label = js("%.*s='", (int)strcspn(at + 1, ",}"), at + 1);

        if (memmem(sample + 1, strcspn(sample + 1, "\n"), label, strlen(label)) == NULL)
            FAIL("%s has no label %s", name, label);
    }
}

/* Each of OPERATIONS' table, and no other. */
TEST(metrics__each_is_told)
{
    struct buf document AT_END(buf_release) = BUF_INIT;
    const struct driver_response *response;
    int n = 0, n_types = 0;
    struct err err;

    start(NULL, NULL, NULL);
    driver_rank(&d, ONE_AD);
    response = driver_call(d.admin, "GET", "/metrics", NULL);
    CHECK(strstr(response->head, "Content-Type: text/plain; version=0.0.4"));
    CHECK_OK(file_read("docs/OPERATIONS.md", 1 << 20, &document, &err), err);
    for (const char *row = strstr(buf_str(&document), "\n| `adrank_"); row && row[1] == '|';
         row = strchr(row + 1, '\n')) {
        const char *end = strstr(row, "` | ");

        for (const char *at = strchr(row, '`'); at && at < end; at = strchr(at + 1, '`'), n++) {
            int len = (int)strcspn(++at, "{`");

            check_told(response->body, js("%.*s", len, at), at + len);
            at = strchr(at, '`');
        }
    }
    for (const char *at = response->body; (at = strstr(at, "# TYPE ")); at++)
        n_types++;
    CHECK_INT(n, n_types);
    CHECK_INT(driver_metric(&d, "adrank_redis_configured"), 0);
    stop();
}

/* ---- moves ----------------------------------------------------------------------------------- */

static double base[8];
static int n_base;

/* The value now, remembered for moved(). */
static void remember(const char *sample)
{
    double value = driver_metric(&d, sample);

    base[n_base++] = value == -1 ? 0 : value; /* a label that was never counted */
}

static double moved(const char *sample, int i)
{
    return driver_metric(&d, sample) - base[i];
}

static void wait_for(const char *sample, double at_least)
{
    WAIT_FOR(driver_metric(&d, sample) >= at_least);
}

TEST(metrics__of_a_request)
{
    static const char *const each[] = {
        "adrank_requests_total{code=\"200\",path=\"/rank\"}",
        "adrank_request_duration_seconds_count",
        "adrank_stage_duration_seconds_count{stage=\"parse\"}",
        "adrank_stage_duration_seconds_count{stage=\"queue\"}",
        "adrank_stage_duration_seconds_count{stage=\"infer\"}",
        "adrank_stage_duration_seconds_count{stage=\"rank\"}",
        "adrank_stage_duration_seconds_count{stage=\"total\"}",
        "adrank_batch_requests_sum",
    };

    start(NULL, NULL, NULL);
    n_base = 0;
    for (size_t i = 0; i < 8; i++)
        remember(each[i]);
    for (int i = 0; i < 3; i++)
        CHECK_INT(driver_rank(&d, ONE_AD)->status, 200);
    for (int i = 0; i < 8; i++)
        if (moved(each[i], i) != 3)
            FAIL("%s moved by %g, not 3", each[i], moved(each[i], i));
    CHECK(driver_metric(&d, "adrank_batch_tokens_sum") >= 3 * 4);
    CHECK_INT(driver_metric(&d, "adrank_cost_estimate_ratio_count"), 3);
    CHECK_INT(driver_metric(&d, "adrank_late_total"), 0);
    CHECK_INT(driver_metric(&d, "adrank_client_gone_total"), 0);
    stop();
}

TEST(metrics__of_refusals)
{
    static const struct {
        const char *address, *method, *target, *body;
        int code;
        const char *path; /* what it is counted as */
    } rows[] = {
        {d.address, "POST", "/rank", "[", 400, "/rank"},
        {d.address, "GET", "/nowhere", NULL, 404, "other"},
        {d.address, "GET", "/rank", NULL, 405, "/rank"},
        {d.address, "POST", "/rank?a=b", "{\"imp\":1}", 422, "/rank"},
        {d.address, "HEAD", "/livez", NULL, 200, "/livez"},
        {d.address, "GET", "/readyz", NULL, 200, "/readyz"},
        {d.admin, "GET", "/livez", NULL, 200, "/livez"},
        {d.admin, "GET", "/admin/config", NULL, 200, "/admin"},
        {d.admin, "POST", "/admin/config", NULL, 405, "/admin"},
        {d.admin, "POST", "/admin/reload?x", NULL, 400, "/admin"},
        {d.admin, "GET", "/admin", NULL, 404, "other"},
    };
    char sample[96];

    start(NULL, NULL, NULL);
    for (int i = 0; i < COUNT(rows); i++) {
        snprintf(sample, sizeof(sample), "adrank_requests_total{code=\"%d\",path=\"%s\"}",
                 rows[i].code, rows[i].path);
        test_row("metrics__of_refusals %s %s", rows[i].target, sample);
        n_base = 0;
        remember(sample);
        CHECK_INT(
            driver_call(rows[i].address, rows[i].method, rows[i].target, rows[i].body)->status,
            rows[i].code);
        CHECK_INT(moved(sample, 0), 1);
    }
    CHECK_INT(driver_metric_sum(&d, "adrank_requests_total", "path=\"/rank\""), 3);
    n_base = 0;
    remember("adrank_requests_total{code=\"200\",path=\"/metrics\"}");
    CHECK_INT(moved("adrank_requests_total{code=\"200\",path=\"/metrics\"}", 0), 1);
    driver_rank(&d, "{\"imp\":[{\"id\":\"1\",\"bidfloor\":99}],\"rank\":{\"candidates\":[{\"adid\":"
                    "\"a1\"},{\"adid\":\"a3\"},{\"adid\":\"gone\"}]}}");
    CHECK_INT(driver_metric(&d, "adrank_filtered_total{reason=\"floor\"}"), 2);
    CHECK_INT(driver_metric(&d, "adrank_filtered_total{reason=\"unknown\"}"), 1);
    driver_rank(&d, "{\"regs\":{\"coppa\":1},\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}");
    CHECK_INT(driver_metric(&d, "adrank_degraded_total{reason=\"privacy\"}"), 1);
    stop();
}

/* The whole process stands still beyond the deadline: then even the early answer is late, whatever
 * it says. */
TEST(metrics__of_late_answers)
{
    static const struct {
        const char *on_late;
        int status;
    } rows[] = {{NULL, 200}, {"deadline.on_late=empty", 200}, {"deadline.on_late=reject", 503}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_client client;

        test_row("metrics__of_late_answers %s", rows[i].on_late ? rows[i].on_late : "prior");
        start("paced", rows[i].on_late, "ADRANK_PACED_FIXED_US=100000");
        client_open_rank(&client, d.address,
                         "{\"tmax\":400,\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}");
        wait_for("adrank_stage_duration_seconds_count{stage=\"parse\"}", 1);
        driver_kill(&d, SIGSTOP);
        usleep(600000);
        driver_kill(&d, SIGCONT);
        CHECK_INT(client_receive_and_close(&client), rows[i].status);
        CHECK_INT(driver_metric(&d, "adrank_late_total"), 1);
        CHECK_INT(driver_metric(&d, "adrank_late_client_total"), 0);
        /* Its timers came as much too late. */
        CHECK(driver_metric(&d, "adrank_loop_lag_seconds_sum") > 0.3);
        /* No budget from the start is not counted. */
        driver_rank(&d, "{\"tmax\":1,\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}");
        CHECK_INT(driver_metric(&d, "adrank_late_total"), 1);
        stop();
    }
}

/* The head at once, the body when the time is up: answered at once, and late by the client's doing
 * alone. */
TEST(metrics__of_late_requests)
{
    static const char *const on_late[] = {NULL, "deadline.on_late=empty",
                                          "deadline.on_late=reject"};

    for (int i = 0; i < 3; i++) {
        struct http_client client;

        test_row("metrics__of_late_requests %s", i ? on_late[i] : "prior");
        start(NULL, on_late[i], NULL);
        client_open(&client, d.address);
        for (int k = 0; k < 5; k++) {
            client_send(&client, VIEW_LIT("POST /rank HTTP/1.1\r\nHost: a\r\n"
                                          "Content-Length: 11\r\n\r\n"));
            usleep(80000);
            client_send(&client, VIEW_LIT("{\"tmax\":50}"));
            CHECK_INT(client_receive(&client), i == 2 ? 503 : 200);
        }
        http_client_release(&client);
        CHECK_INT(driver_metric(&d, "adrank_late_client_total"), 5);
        CHECK_INT(driver_metric(&d, "adrank_late_total"), 0);
        CHECK_INT(driver_metric(&d, "adrank_degraded_total{reason=\"deadline\"}"), 5);
        stop();
    }
}

TEST(metrics__of_clients_that_reset)
{
    struct http_client client;

    start("paced", NULL, "ADRANK_PACED_FIXED_US=200000");
    client_open_rank(&client, d.address, ONE_AD);
    wait_for("adrank_stage_duration_seconds_count{stage=\"parse\"}", 1);
    client_reset(&client);
    wait_for("adrank_client_gone_total", 1);
    stop();
}

/* Work that waits is dropped unpaid when its client resets: one batch runs, one request behind it
 * goes, one stays. */
TEST(metrics__of_work_that_is_not_paid)
{
    struct http_client clients[5];

    start("paced", "batch.max_tokens=64", "ADRANK_PACED_FIXED_US=300000");
    for (int i = 0; i < 5; i++) {
        client_open_rank(
            &clients[i], d.address,
            "{\"tmax\":5000,\"rank\":{\"candidates\":[{\"adid\":\"a1\"},{\"adid\":\"a3\"},{"
            "\"adid\":\"a4\"},{\"adid\":\"a5\"}]}}");
        wait_for("adrank_stage_duration_seconds_count{stage=\"parse\"}", i + 1);
    }
    wait_for("adrank_queue_depth", 1); /* at the least: so many that some are not launched */
    client_reset(&clients[4]);         /* the last of them */
    wait_for("adrank_client_gone_total", 1);
    for (int i = 0; i < 4; i++)
        CHECK_INT(client_receive_and_close(&clients[i]), 200);
    usleep(400000); /* longer than a batch: nothing of the fifth is under way */
    CHECK_INT(driver_metric(&d, "adrank_batch_requests_sum"), 4);
    CHECK_INT(driver_metric(&d, "adrank_queue_depth"), 0);
    stop();
}

#define QUEUED 12 /* more than a device takes at once */
TEST(metrics__of_connections_and_queue)
{
    struct http_client clients[QUEUED];
    double fds;

    start("paced", "batch.max_tokens=64", "ADRANK_PACED_FIXED_US=100000");
    fds = driver_metric(&d, "process_open_fds");
    CHECK_INT(driver_metric(&d, "adrank_queue_depth"), 0);
    for (int i = 0; i < QUEUED; i++)
        client_open(&clients[i], d.address);
    wait_for("adrank_connections", QUEUED);
    CHECK(driver_metric(&d, "process_open_fds") >= fds + QUEUED);
    for (int i = 0; i < QUEUED; i++)
        client_send(&clients[i],
                    client_post("{\"rank\":{\"candidates\":[{\"adid\":\"a1\"},{\"adid\":\"a3\"},{"
                                "\"adid\":\"a4\"},{\"adid\":\"a5\"}]}}",
                                ""));
    wait_for("adrank_queue_depth", 1);
    /* Being busy is no reason to be taken out. */
    CHECK_INT(driver_call(d.admin, "GET", "/readyz", NULL)->status, 200);
    for (int i = 0; i < QUEUED; i++)
        CHECK_INT(client_receive_and_close(&clients[i]), 200);
    CHECK_INT(driver_metric(&d, "adrank_queue_depth"), 0);
    stop();
}

TEST(metrics__of_redis)
{
    struct redis redis AT_END(redis_stop);

    redis_start(&redis, NULL);
    driver_start(&d, &(struct driver_args){.redis = redis.url});
    wait_for("adrank_redis_up", 1);
    driver_rank(&d, "{\"user\":{\"id\":\"u\"}}");
    CHECK_INT(driver_metric(&d, "adrank_redis_duration_seconds_count"), 1);
    CHECK_INT(driver_metric(&d, "adrank_stage_duration_seconds_count{stage=\"features\"}"), 1);
    CHECK_INT(driver_metric(&d, "adrank_redis_breaker_state"), 0);
    stop();
}

TEST(metrics__of_reloads)
{
    double at, now = (double)time(NULL);

    driver_start(&d, &(struct driver_args){0});
    CHECK_INT(driver_metric(&d, "adrank_config_generation"), 1);
    CHECK_INT(driver_metric(&d, "adrank_reload_success"), 1); /* the first load */
    CHECK_INT(driver_reload(&d, "{\"rank\":{\"top_n\":9}}")->status, 200);
    at = driver_metric(&d, "adrank_reload_timestamp_seconds");
    CHECK(at >= now - 1 && at < now + 60);
    CHECK_INT(driver_metric(&d, "adrank_config_generation"), 2);
    CHECK_INT(driver_reload(&d, "{\"rank\":{\"top_n\":0}}")->status, 422);
    CHECK_INT(driver_metric(&d, "adrank_reload_success"), 0);
    CHECK_INT(driver_metric(&d, "adrank_config_generation"), 2);
    CHECK(driver_metric(&d, "adrank_reload_timestamp_seconds") == at);
    CHECK_INT(driver_reload(&d, "{}")->status, 200);
    CHECK_INT(driver_metric(&d, "adrank_reload_success"), 1);
    CHECK(driver_metric(&d, "adrank_reload_timestamp_seconds") > at);
    stop();
}

TEST(metrics__of_model_and_build)
{
    char digest[16], text[512];

    start(NULL, NULL, NULL);
    snprintf(digest, sizeof(digest), "%s",
             json_string_value(driver_at(driver_json(driver_rank(&d, ONE_AD)), "/model_digest")));
    snprintf(text, sizeof(text),
             "adrank_model_info{name=\"e2e\",version=\"0\",digest=\"%s\",kind=\"cross\","
             "precision=\"f32\",backend=\"null\"}",
             digest);
    CHECK_INT(driver_metric(&d, text), 1);
    CHECK(strstr(driver_call(d.admin, "GET", "/metrics", NULL)->body,
                 "adrank_build_info{version=\"0."));
    stop();
}

/* An impression log that takes nothing. */
TEST(metrics__of_lost_lines)
{
    start(NULL, "log.impressions=/dev/full", NULL);
    CHECK_INT(driver_metric(&d, "adrank_log_dropped_total"), 0);
    for (int i = 0; i < 3; i++)
        CHECK_INT(driver_rank(&d, ONE_AD)->status, 200);
    wait_for("adrank_log_dropped_total", 3);
    stop();
}

TEST(metrics__of_the_process)
{
    struct rlimit limit;
    double cpu, now = (double)time(NULL);

    start(NULL, NULL, NULL);
    cpu = driver_metric(&d, "process_cpu_seconds_total");
    CHECK(cpu >= 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(driver_metric(&d, "process_max_fds") == (double)limit.rlim_cur);
    CHECK(driver_metric(&d, "process_resident_memory_bytes") > 1 << 20);
    CHECK(driver_metric(&d, "process_virtual_memory_bytes") >
          driver_metric(&d, "process_resident_memory_bytes"));
    CHECK(driver_metric(&d, "process_threads") >= 4);
    CHECK_NEAR(driver_metric(&d, "process_start_time_seconds"), now, 60);
    while (driver_metric(&d, "process_cpu_seconds_total") == cpu)
        for (int i = 0; i < 20; i++)
            driver_rank(&d, "{}");
    stop();
}

/* ---- health ---------------------------------------------------------------------------------- */

static int status_of(const char *address, const char *target)
{
    return driver_call(address, "GET", target, NULL)->status;
}

TEST(health__verbose_and_on_both_listeners)
{
    const json_t *answer;

    start(NULL, NULL, NULL);
    CHECK_INT(status_of(d.address, "/livez"), 200);
    CHECK_INT(status_of(d.address, "/readyz"), 200);
    CHECK_INT(status_of(d.admin, "/livez"), 200);
    CHECK_INT(status_of(d.address, "/metrics"), 404);
    answer = driver_json(driver_call(d.admin, "GET", "/readyz?verbose=1", NULL));
    CHECK_STR(json_string_value(driver_at(answer, "/status")), "ok");
    CHECK_STR(json_string_value(driver_at(answer, "/model/name")), "e2e");
    CHECK_INT(json_integer_value(driver_at(answer, "/model/generation")), 1);
    CHECK_STR(json_string_value(driver_at(answer, "/backend/state")), "serving");
    CHECK(json_is_integer(driver_at(answer, "/backend/heartbeat_age_ms")));
    CHECK_STR(json_string_value(driver_at(answer, "/redis")), "not configured");
    CHECK(json_is_false(driver_at(answer, "/draining")));
    stop();
}

static void wait_status(const char *target, int status)
{
    WAIT_FOR(status_of(d.admin, target) == status);
}

TEST(health__live_fails_while_the_executor_hangs)
{
    struct http_client client;

    start("failing", "admin.stall_ms=300", NULL);
    CHECK_INT(status_of(d.admin, "/livez"), 200);
    driver_write(&d, "device", "hang");
    client_open_rank(&client, d.address, ONE_AD);
    wait_status("/livez", 503);
    CHECK(strstr(driver_call(d.address, "GET", "/livez", NULL)->body, "the executor is stalled"));
    driver_write(&d, "device", "");
    CHECK_INT(client_receive_and_close(&client), 200);
    wait_status("/livez", 200);
    stop();
}

TEST(health__not_ready_without_a_backend)
{
    const json_t *answer;

    start("failing", NULL, NULL);
    CHECK_INT(status_of(d.admin, "/readyz"), 200);
    driver_write(&d, "device", "submit");
    answer = driver_json(driver_rank(&d, ONE_AD));
    CHECK_STR(json_string_value(driver_at(answer, "/degraded/0")), "model");
    CHECK_STR(json_string_value(driver_at(answer, "/results/0/source")), "prior");
    CHECK_INT(driver_metric(&d, "adrank_degraded_total{reason=\"model\"}"), 1);
    wait_status("/readyz", 503);
    CHECK(strstr(driver_call(d.address, "GET", "/readyz", NULL)->body, "no backend answers"));
    CHECK_INT(status_of(d.admin, "/livez"), 200);
    stop();
}
