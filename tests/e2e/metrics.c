/* Every metric of the contract is reported, and moves when it should; health. */
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "tests/e2e/contract.h"

#define ONE_AD "{'rank':{'candidates':[{'adid':'a1'}]}}"
#define FOUR_ADS                                                                                   \
    "{'tmax':9000,'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'},{'adid':'a4'},{'adid':'a5'}]}" \
    "}"
#define PARSED "adrank_stage_duration_seconds_count{stage=\"parse\"}"

static struct driver d; /* for one test, in addition to shared() */

static struct driver_response *get(const char *address, const char *target)
{
    return driver_call(address, "GET", target, NULL);
}

static double metric(const char *sample)
{
    return driver_metric(&d, sample);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* The values of labels in the order of /metrics, a blank after each. They are an interface, so they
 * are repeated here. */
static const struct {
    const char *name, *label, *values;
} labels[] = {
    {"adrank_requests_total", "code",
     "200 202 400 403 404 405 408 409 413 415 422 431 500 501 503 other "},
    {"adrank_requests_total", "path", "other /rank /livez /readyz /metrics /admin "},
    {"adrank_stage_duration_seconds", "stage", "parse features queue infer rank total "},
    {"adrank_degraded_total", "reason", "features privacy candidates truncated model deadline "},
    {"adrank_filtered_total", "reason",
     "unknown inactive duplicate floor blocked currency no_bid no_cvr "},
    {"adrank_request_privacy_total", "signal",
     "gdpr consent us_privacy gpp gpp_sid gpc coppa lmt dnt regs "},
    {"adrank_request_ignored_total", "what", "imps site "},
    {"adrank_memory_bytes", "kind", "body arena answer redis "},
    {"adrank_device_memory_bytes", "kind", "used total "},
    {"adrank_device_throttled", "reason", "power heat brake hardware "},
    {"adrank_features_failed_total", "reason",
     "timeout down busy refused wrong_type nonsense corrupt no_memory "},
    {"adrank_device_failed", "reason", "error hang "},
};

/* The samples of a family are adjacent, up to the next family's help. */
static void check_label(const char *samples, const char *name, const char *label)
{
    const char *at = samples, *end = samples + strcspn(samples, "#");
    struct buf seen AT_END(buf_release) = BUF_INIT;
    char key[32], value[64];
    int i = 0;

    while (i < COUNT(labels) &&
           (strcmp(labels[i].name, name) != 0 || strcmp(labels[i].label, label) != 0))
        i++;
    if (i == COUNT(labels))
        FAIL("%s has a label %s", name, label);
    snprintf(key, sizeof(key), "%s=\"", label);
    buf_add_str(&seen, " ");
    while ((at = strstr(at, key)) && at < end) {
        at += strlen(key);
        snprintf(value, sizeof(value), " %.*s ", (int)strcspn(at, "\""), at);
        if (!strstr(buf_str(&seen), value))
            buf_add_str(&seen, value + 1);
    }
    CHECK_STR(buf_str(&seen) + 1, labels[i].values);
}

/* Families that may have no sample: there is no Redis here, no GPU and no batch yet. device.c looks
 * at the GPU's. */
static bool is_absent(const char *name)
{
    return strcmp(name, "adrank_redis_up") == 0 || strncmp(name, "adrank_device_", 14) == 0 ||
           strcmp(name, "adrank_batch_age_seconds") == 0;
}

/* Matches its row in OPERATIONS, with the labels `{a,b}`. */
static int check_family(const char *metrics, const char *name, const char *named)
{
    const char *line = js("\n# TYPE %s ", name), *type = strstr(metrics, line), *samples;
    bool counts = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0, has_samples;
    int n = 0;

    if (!type)
        FAIL("no %s", name);
    type += strlen(line);
    samples = strchr(type, '\n') + 1;
    CHECK_INT(strncmp(type, "counter", 7) == 0, counts);
    has_samples = strncmp(samples, name, strlen(name)) == 0;
    CHECK(has_samples || is_absent(name));
    for (const char *at = named; *at == '{' || *at == ','; at += 1 + strcspn(at + 1, ",}"), n++)
        if (has_samples)
            check_label(samples, name, js("%.*s", (int)strcspn(at + 1, ",}"), at + 1));
    return n;
}

/* Exactly the metrics in OPERATIONS' table. */
TEST(metrics__each_is_documented)
{
    struct buf document AT_END(buf_release) = BUF_INIT;
    const struct driver_response *response = get(shared()->admin, "/metrics");
    int n = 0, n_types = 0, n_labels = 0;
    struct err err;

    CHECK(strstr(response->head, "Content-Type: text/plain; version=0.0.4"));
    CHECK_OK(file_read("docs/OPERATIONS.md", 1 << 20, &document, &err), err);
    for (const char *row = strstr(buf_str(&document), "\n| `adrank_"); row && row[1] == '|';
         row = strchr(row + 1, '\n')) {
        const char *end = strstr(row, "` | ");

        for (const char *at = strchr(row, '`'); at && at < end; at = strchr(at + 1, '`'), n++) {
            int len = (int)strcspn(++at, "{`");

            test_row("metric %.*s", len, at);
            n_labels += check_family(response->body, js("%.*s", len, at), at + len);
            at = strchr(at, '`');
        }
    }
    for (const char *at = response->body; (at = strstr(at, "# TYPE ")); at++)
        n_types++;
    CHECK_INT(n, n_types);
    CHECK_INT(n_labels, COUNT(labels));
    CHECK_INT(driver_metric(shared(), "adrank_redis_configured"), 0);
}

/* ---- moves ----------------------------------------------------------------------------------- */

TEST(metrics__of_a_request)
{
    static const char *const each[] = {
        "adrank_requests_total{code=\"200\",path=\"/rank\"}",
        "adrank_request_duration_seconds_count",
        PARSED,
        "adrank_stage_duration_seconds_count{stage=\"queue\"}",
        "adrank_stage_duration_seconds_count{stage=\"infer\"}",
        "adrank_stage_duration_seconds_count{stage=\"rank\"}",
        "adrank_stage_duration_seconds_count{stage=\"total\"}",
        "adrank_batch_requests_sum",
        "adrank_cost_estimate_ratio_count",
    };
    double before[COUNT(each)], tokens = driver_metric(shared(), "adrank_batch_tokens_sum");

    for (int i = 0; i < COUNT(each); i++)
        before[i] = driver_metric(shared(), each[i]);
    for (int i = 0; i < 3; i++)
        contract_rank(shared(), ONE_AD);
    for (int i = 0; i < COUNT(each); i++) {
        test_row("%s", each[i]);
        CHECK_INT(driver_metric(shared(), each[i]) - before[i], 3);
    }
    CHECK(driver_metric(shared(), "adrank_batch_tokens_sum") - tokens >= 3 * 4);
    CHECK_INT(driver_metric(shared(), "adrank_late_total"), 0);
    CHECK_INT(driver_metric(shared(), "adrank_client_gone_total"), 0);
}

TEST(metrics__of_refusals)
{
    static const struct {
        bool admin;
        const char *method, *target, *body;
        int code;
        const char *path; /* the label it is counted under */
    } rows[] = {
        {false, "POST", "/rank", "[", 400, "/rank"},
        {false, "GET", "/nowhere", NULL, 404, "other"},
        {false, "GET", "/rank", NULL, 405, "/rank"},
        {false, "POST", "/rank?a=b", "{\"imp\":1}", 422, "/rank"},
        {false, "HEAD", "/livez", NULL, 200, "/livez"},
        {false, "GET", "/readyz", NULL, 200, "/readyz"},
        {true, "GET", "/livez", NULL, 200, "/livez"},
        {true, "GET", "/admin/config", NULL, 200, "/admin"},
        {true, "POST", "/admin/config", NULL, 405, "/admin"},
        {true, "POST", "/admin/reload?x", NULL, 400, "/admin"},
        {true, "GET", "/admin", NULL, 404, "other"},
    };
    const char *scrapes = "adrank_requests_total{code=\"200\",path=\"/metrics\"}";
    double before;

    for (int i = 0; i < COUNT(rows); i++) {
        const char *sample =
            js("adrank_requests_total{code='%d',path='%s'}", rows[i].code, rows[i].path);

        test_row("metrics__of_refusals %s %s", rows[i].target, sample);
        before = driver_metric(shared(), sample);
        CHECK_INT(driver_call(rows[i].admin ? shared()->admin : shared()->address, rows[i].method,
                              rows[i].target, rows[i].body)
                      ->status,
                  rows[i].code);
        CHECK_INT(driver_metric(shared(), sample) - before, 1);
    }
    before = driver_metric(shared(), scrapes);
    CHECK_INT(driver_metric(shared(), scrapes) - before, 1);
}

/* The whole process stops until the deadline has passed: then even the early answer is late. */
static void check_late_answer(int status)
{
    double late = metric("adrank_late_total"), lag_s = metric("adrank_loop_lag_seconds_sum"),
           of_clients = metric("adrank_late_client_total"), parsed = metric(PARSED);
    struct http_client client;

    client_open_rank(&client, d.address, js("{'tmax':400,'rank':{'candidates':[{'adid':'a1'}]}}"));
    WAIT_FOR(metric(PARSED) > parsed);
    driver_kill(&d, SIGSTOP);
    usleep(600000);
    driver_kill(&d, SIGCONT);
    CHECK_INT(client_receive_and_close(&client), status);
    CHECK(metric("adrank_loop_lag_seconds_sum") - lag_s > 0.3); /* its timers were late as well */
    test_row("a request that starts without budget is not counted");
    driver_rank(&d, js("{'tmax':1,'rank':{'candidates':[{'adid':'a1'}]}}"));
    CHECK_INT(metric("adrank_late_total") - late, 1);
    CHECK_INT(metric("adrank_late_client_total") - of_clients, 0);
}

/* The head immediately, the body when the time is up: answered immediately, and late only because
 * of the client. */
static void check_late_requests(int status)
{
    static const char degraded[] = "adrank_degraded_total{reason=\"deadline\"}";
    double late = metric("adrank_late_total"), of_clients = metric("adrank_late_client_total"),
           before = metric(degraded);
    struct http_client client AT_END(http_client_release);

    client_open(&client, d.address);
    for (int i = 0; i < 5; i++) {
        client_send(&client, VIEW_LIT("POST /rank HTTP/1.1\r\nHost: a\r\n"
                                      "Content-Length: 11\r\n\r\n"));
        usleep(80000);
        client_send(&client, VIEW_LIT("{\"tmax\":50}"));
        CHECK_INT(client_receive(&client), status);
    }
    CHECK_INT(metric("adrank_late_total") - late, 0);
    CHECK_INT(metric("adrank_late_client_total") - of_clients, 5);
    CHECK_INT(metric(degraded) - before, 5);
}

TEST(metrics__of_late_answers)
{
    static const char *const modes[] = {"prior", "empty", "reject"};

    driver_start(
        &d, &(struct driver_args){.backend = "paced", .env = {"ADRANK_PACED_FIXED_US=100000"}});
    for (int i = 0; i < COUNT(modes); i++) {
        CHECK_INT(driver_reload(&d, js("{'deadline':{'on_late':'%s'}}", modes[i]))->status, 200);
        test_row("late answer, %s", modes[i]);
        check_late_answer(i == 2 ? 503 : 200);
        test_row("late requests, %s", modes[i]);
        check_late_requests(i == 2 ? 503 : 200);
    }
}

/* One batch runs; of the requests queued after it one is cancelled with its client, before any
 * cost, and one stays. */
static void check_unpaid(void)
{
    double paid = metric("adrank_batch_requests_sum"), gone = metric("adrank_client_gone_total"),
           parsed = metric(PARSED);
    struct http_client clients[5];

    for (int i = 0; i < 5; i++) {
        client_open_rank(&clients[i], d.address, js(FOUR_ADS));
        WAIT_FOR(metric(PARSED) > parsed + i);
    }
    WAIT_FOR(metric("adrank_queue_depth") >= 1); /* so many that some are not launched */
    client_reset(&clients[4]);                   /* the last of them */
    WAIT_FOR(metric("adrank_client_gone_total") == gone + 1);
    for (int i = 0; i < 4; i++)
        CHECK_INT(client_receive_and_close(&clients[i]), 200);
    usleep(400000); /* longer than a batch: nothing of the fifth is running */
    CHECK_INT(metric("adrank_batch_requests_sum") - paid, 4);
    CHECK_INT(metric("adrank_queue_depth"), 0);
}

static void check_queue(void)
{
    struct http_client clients[12]; /* more than a device takes at a time */
    double fds = metric("process_open_fds");

    for (int i = 0; i < COUNT(clients); i++)
        client_open(&clients[i], d.address);
    WAIT_FOR(metric("adrank_connections") == COUNT(clients));
    CHECK(metric("process_open_fds") >= fds + COUNT(clients));
    for (int i = 0; i < COUNT(clients); i++)
        client_send(&clients[i], client_post(js(FOUR_ADS), ""));
    WAIT_FOR(metric("adrank_queue_depth") >= 1);
    /* A busy daemon stays ready. */
    CHECK_INT(get(d.admin, "/readyz")->status, 200);
    for (int i = 0; i < COUNT(clients); i++)
        CHECK_INT(client_receive_and_close(&clients[i]), 200);
    CHECK_INT(metric("adrank_queue_depth"), 0);
}

TEST(metrics__of_work)
{
    struct http_client client;

    driver_start(&d, &(struct driver_args){.backend = "paced",
                                           .sets = {"batch.max_tokens=64"},
                                           .env = {"ADRANK_PACED_FIXED_US=200000"}});
    test_row("a client that resets while its batch runs");
    client_open_rank(&client, d.address, js(ONE_AD));
    WAIT_FOR(metric(PARSED) == 1);
    client_reset(&client);
    WAIT_FOR(metric("adrank_client_gone_total") == 1);
    test_row("a client that resets while its work waits");
    WAIT_FOR(metric("adrank_batch_requests_sum") == 1);
    check_unpaid();
    test_row("connections and a queue");
    check_queue();
}

TEST(metrics__of_reloads)
{
    struct driver *daemon = shared();
    double at, now = (double)time(NULL),
               generation = driver_metric(daemon, "adrank_config_generation");

    CHECK_INT(driver_metric(daemon, "adrank_reload_success"), 1); /* the first load */
    CHECK_INT(driver_reload(daemon, js("{'rank':{'top_n':9}}"))->status, 200);
    at = driver_metric(daemon, "adrank_reload_timestamp_seconds");
    CHECK(at >= now - 1 && at < now + 60);
    CHECK_INT(driver_reload(daemon, js("{'rank':{'top_n':0}}"))->status, 422);
    CHECK_INT(driver_metric(daemon, "adrank_reload_success"), 0);
    CHECK_INT(driver_metric(daemon, "adrank_config_generation"), generation + 1);
    CHECK(driver_metric(daemon, "adrank_reload_timestamp_seconds") == at);
    CHECK_INT(driver_reload(daemon, "{}")->status, 200);
    CHECK_INT(driver_metric(daemon, "adrank_reload_success"), 1);
    CHECK(driver_metric(daemon, "adrank_reload_timestamp_seconds") > at);
}

/* contract_answer.c covers adrank_model_info. */
TEST(metrics__of_the_process)
{
    double cpu_s = driver_metric(shared(), "process_cpu_seconds_total");
    struct rlimit limit;

    CHECK(strstr(get(shared()->admin, "/metrics")->body, "adrank_build_info{version=\"0."));
    CHECK(cpu_s >= 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(driver_metric(shared(), "process_max_fds") == (double)limit.rlim_cur);
    CHECK(driver_metric(shared(), "process_resident_memory_bytes") > 1 << 20);
    CHECK(driver_metric(shared(), "process_virtual_memory_bytes") >
          driver_metric(shared(), "process_resident_memory_bytes"));
    CHECK(driver_metric(shared(), "process_threads") >= 4);
    CHECK_NEAR(driver_metric(shared(), "process_start_time_seconds"), (double)time(NULL), 60);
    while (driver_metric(shared(), "process_cpu_seconds_total") == cpu_s)
        for (int i = 0; i < 20; i++)
            driver_rank(shared(), "{}");
}

/* ---- health ---------------------------------------------------------------------------------- */

TEST(health__verbose_and_on_both_listeners)
{
    const json_t *answer;

    CHECK_INT(get(shared()->address, "/livez")->status, 200);
    CHECK_INT(get(shared()->address, "/readyz")->status, 200);
    CHECK_INT(get(shared()->admin, "/livez")->status, 200);
    CHECK_INT(get(shared()->address, "/metrics")->status, 404);
    answer = driver_json(get(shared()->admin, "/readyz?verbose=1"));
    CHECK_STR(json_string_value(driver_at(answer, "/status")), "ok");
    CHECK_STR(json_string_value(driver_at(answer, "/model/name")), "e2e");
    CHECK_INT(json_integer_value(driver_at(answer, "/model/generation")),
              driver_metric(shared(), "adrank_config_generation"));
    CHECK_STR(json_string_value(driver_at(answer, "/backend/state")), "serving");
    CHECK(json_is_integer(driver_at(answer, "/backend/heartbeat_age_ms")));
    CHECK_STR(json_string_value(driver_at(answer, "/redis")), "not configured");
    CHECK(json_is_false(driver_at(answer, "/draining")));
}

TEST(health__fails_with_the_backend)
{
    const json_t *answer;
    struct http_client client;

    driver_start(
        &d, &(struct driver_args){.backend = "failing",
                                  .sets = {"admin.stall_ms=300", "model.on_device_failure=cpu"}});
    test_row("not live while the executor hangs");
    CHECK_INT(get(d.admin, "/livez")->status, 200);
    driver_write(&d, "device", "hang");
    client_open_rank(&client, d.address, js(ONE_AD));
    WAIT_FOR(get(d.admin, "/livez")->status == 503);
    CHECK(strstr(get(d.address, "/livez")->body, "the executor is stalled"));
    driver_write(&d, "device", "");
    CHECK_INT(client_receive_and_close(&client), 200);
    WAIT_FOR(get(d.admin, "/livez")->status == 200);
    test_row("ready while the processor answers");
    driver_write(&d, "device", "submit");
    answer = contract_rank(&d, ONE_AD);
    CHECK_STR(answer_degraded(answer), "model");
    answer_check_source(answer, "model");
    CHECK_INT(metric("adrank_degraded_total{reason=\"model\"}"), 1);
    driver_wait_log(&d, "event=device_failed");
    CHECK_INT(metric("adrank_device_failed{reason=\"error\"}"), 1);
    CHECK_INT(get(d.admin, "/readyz")->status, 200);
    CHECK_INT(get(d.admin, "/livez")->status, 200);
}

CONTRACT_DAEMON_ENDS(metrics)
