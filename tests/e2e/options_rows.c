/* The effect of each option, as a client or an operator sees it. */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/client.h"
#include "tests/e2e/options.h"
#include "tests/loopback.h"

#define d (&option_driver)
#define PARSED "adrank_stage_duration_seconds_count{stage=\"parse\"}"
#define WITHIN(ms_) "{'tmax':" ms_ ",'rank':{'candidates':[{'adid':'a1'}]}}"
#define THREE_ADS "{'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'},{'adid':'a4'}]}}"

/* ---- shared by several checks ---------------------------------------------------------------- */

static struct err err;

static const json_t *ranked(const char *body)
{
    const struct driver_response *response = driver_rank(d, js("%s", body));

    if (response->status != 200)
        FAIL("%d %s", response->status, response->body);
    return driver_json(response);
}

static const char *one_ad_for(const char *user)
{
    return js("{'user':{'id':'%s'},'rank':{'candidates':[{'adid':'a1'}]}}", user);
}

/* A request being served, on a separate connection. */
static void begin_rank(struct http_client *client, const char *body)
{
    double seen = driver_metric(d, PARSED);

    client_open_rank(client, d->address, body);
    WAIT_FOR(driver_metric(d, PARSED) >= seen + 1);
}

/* Status of the response to bytes that may be half a request; 0: none within this time. */
static int status_within(const char *bytes, int ms)
{
    struct client_response response;
    struct http_client client;
    int status = 0;

    client_open(&client, d->address);
    client.timeout_ms = ms;
    client_send(&client, view_of(bytes));
    if (http_client_receive(&client, false, &response, &err) == 0)
        status = response.status;
    http_client_release(&client);
    return status;
}

static bool redis_is_up(void)
{
    return driver_metric(d, "adrank_redis_up") == 1;
}

/* ---- http ------------------------------------------------------------------------------------ */

static bool on_another_address(void)
{
    CHECK_INT(driver_rank(d, DRIVER_ONE_AD)->status, 200);
    return strncmp(d->address, "127.0.0.2:", 10) == 0;
}

static bool admin_on_another_address(void)
{
    CHECK_INT(driver_call(d->admin, "GET", "/readyz", NULL)->status, 200);
    return strncmp(d->admin, "127.0.0.2:", 10) == 0;
}

/* One check before the change and one before the restart, each with the usual number. */
static bool three_threads_more(void)
{
    static int usual;
    int threads = (int)driver_metric(d, "process_threads");

    if (!usual)
        usual = threads;
    if (threads == usual)
        return false;
    CHECK_INT(threads, usual + 3);
    usual = 0;
    return true;
}

/* While the daemon is stopped (SIGSTOP). */
static bool few_wait_for_accept(void)
{
    struct http_client clients[8];
    int done = 0;

    driver_kill(d, SIGSTOP);
    for (int i = 0; i < COUNT(clients); i++) {
        CHECK_OK(http_client_init(&clients[i], d->address, 100, &err), err);
        done += http_client_connect(&clients[i], &err) == 0;
    }
    for (int i = 0; i < COUNT(clients); i++)
        http_client_release(&clients[i]);
    driver_kill(d, SIGCONT);
    return done < COUNT(clients);
}

/* The first is being served, so it does not make room. */
static bool second_connection_refused(void)
{
    struct http_client client;
    int status;

    begin_rank(&client, DRIVER_ONE_AD);
    status = driver_rank(d, DRIVER_ONE_AD)->status;
    http_client_release(&client);
    return status == 503;
}

static bool long_body_refused(void)
{
    return driver_rank(d, js("%2000s", DRIVER_ONE_AD))->status == 413;
}

static bool second_large_body_refused(void)
{
    const char *most =
        js("POST /rank HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n{%*s", 190000, "");
    struct http_client client;
    int status;

    client_open(&client, d->address);
    client_send(&client, view_of(most));
    option_within(50, redis_is_up); /* it must be connected, or the second one is not refused */
    status = status_within(most, 1000);
    http_client_release(&client);
    return status == 503;
}

static bool silent_connection_closed(void)
{
    struct http_client client;
    bool closed;

    client_open(&client, d->address);
    closed = http_client_wait_end(&client, 1000) == HTTP_CLIENT_CLOSED;
    http_client_release(&client);
    return closed;
}

static bool idle_connection_closed(void)
{
    struct http_client client;
    bool closed;

    client_open_rank(&client, d->address, DRIVER_ONE_AD);
    client_receive(&client);
    closed = http_client_wait_end(&client, 1000) == HTTP_CLIENT_CLOSED;
    http_client_release(&client);
    return closed;
}

/* Endless requests whose answers are never read. */
static bool untaken_answer_cut(void)
{
    struct view request = client_post(js("{'imp':[{'id':'1'},{'id':'2'},{'id':'3'}]}"), "");
    struct http_client client;

    client_open(&client, d->address);
    client.timeout_ms = 1500;
    while (http_client_send(&client, request, &err) == 0)
        continue;
    http_client_release(&client);
    return strstr(err.text, "cannot send") != NULL; /* otherwise the sending only timed out */
}

static bool stays_after_drain(void)
{
    CHECK_INT(driver_call(d->admin, "POST", "/admin/drain", NULL)->status, 202);
    return driver_wait(d, 1500) == -1 && driver_rank(d, DRIVER_ONE_AD)->status == 200;
}

static bool held_connection_cut(void)
{
    struct http_client client;
    bool ended;

    client_open(&client, d->address);
    client_send(&client, view_of("POST /rank HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"));
    WAIT_FOR(driver_metric(d, "adrank_connections") >= 1);
    driver_kill(d, SIGTERM);
    ended = driver_wait(d, 2500) == 0;
    http_client_release(&client);
    return ended;
}

/* ---- admin, model, batch --------------------------------------------------------------------- */

static bool not_live(void)
{
    return driver_call(d->admin, "GET", "/livez", NULL)->status == 503;
}

/* While the device hangs in a request, which is answered afterwards. */
static bool seen_in_a_hang(int ms, bool (*seen)(void))
{
    struct http_client client;
    bool is;

    driver_write(d, "device", "hang");
    client_open_rank(&client, d->address, DRIVER_ONE_AD);
    is = option_within(ms, seen);
    driver_write(d, "device", "");
    CHECK_INT(client_receive_and_close(&client), 200);
    return is;
}

static bool hang_is_reported(void)
{
    return seen_in_a_hang(800, not_live);
}

static bool device_failed(void)
{
    return driver_metric(d, "adrank_device_failed{reason=\"hang\"}") == 1;
}

static bool has_memory_for_two(void)
{
    driver_wait_log(d, "event=engine_opened");
    return driver_logged(d, " resident=2 ") > 0;
}

static bool hang_is_failure(void)
{
    return seen_in_a_hang(1500, device_failed);
}

/* In bf16, or the log has the reason why not. */
static bool bf16_or_a_warning(void)
{
    const json_t *ready = driver_json(driver_call(d->admin, "GET", "/readyz?verbose=1", NULL));

    return strcmp(driver_text(ready, "/model/precision"), "bf16") == 0 ||
           driver_logged(d, "bf16 was requested, but this processor has neither") > 0;
}

static bool one_request_many_batches(void)
{
    double before = driver_metric(d, "adrank_batch_tokens_count");

    ranked("{'rank':{'behaviour':[{'t':1,'type':'click',"
           "'text':'a b c d e f g h i j k l m n o p q r s t'}]}}");
    return driver_metric(d, "adrank_batch_tokens_count") > before + 1;
}

/* Six at the same time on a slow engine. */
static bool six_are_too_many(void)
{
    struct http_client clients[6];
    int refused = 0;

    for (int i = 0; i < COUNT(clients); i++)
        client_open_rank(&clients[i], d->address, DRIVER_ONE_AD);
    for (int i = 0; i < COUNT(clients); i++)
        refused += client_receive_and_close(&clients[i]) == 503;
    return refused > 0;
}

/* ---- features, privacy ----------------------------------------------------------------------- */

static bool redis_comes_up(void)
{
    return option_within(1500, redis_is_up);
}

/* Whether a user's event stored by adrank-history is read: the wide line counts it. */
static bool reads_history_of(const char *url_end)
{
    int before;

    driver_history(d, js("%s%s", option_redis.url, url_end), "put",
                   "{'user':'u1','t':1790000000000,'type':'click','item':'i1'}\n");
    CHECK(option_within(5000, redis_is_up));
    before = driver_logged(d, " behaviour=1 ");
    driver_rank(d, one_ad_for("u1"));
    return driver_logged(d, " behaviour=1 ") > before;
}

static bool reads_database_three(void)
{
    return reads_history_of("/3");
}

static bool other_key_finds_nothing(void)
{
    return !reads_history_of("");
}

/* Redis does not answer. second: while another request already waits for it. */
static bool features_end_early(bool second)
{
    struct http_client client;
    json_int_t us;

    CHECK(option_within(5000, redis_is_up));
    redis_pause(&option_redis);
    if (second)
        begin_rank(&client, one_ad_for("u3"));
    us = driver_int(ranked(one_ad_for("u4")), "/timing_us/features");
    if (second)
        client_receive_and_close(&client);
    redis_resume(&option_redis);
    return us < 900000;
}

static bool gives_redis_up_early(void)
{
    return features_end_early(false);
}

static bool second_does_not_wait(void)
{
    return features_end_early(true);
}

/* A server that accepts and never answers: counts the retries. */
static int silent_fd = -1;
int option_silent_port(void)
{
    static int port;

    if (silent_fd == -1)
        silent_fd = loopback_listen(&port);
    return port;
}

static int accepted(int ms)
{
    int64_t until_us = clock_now_us() + ms * 1000LL;
    int fds[64], n = 0;

    while (n < 64 && clock_now_us() < until_us) {
        struct pollfd wait = {.fd = silent_fd, .events = POLLIN};

        if (poll(&wait, 1, 50) == 1)
            fds[n++] = accept(silent_fd, NULL, NULL);
    }
    for (int i = 0; i < n; i++)
        close(fds[i]);
    return n;
}

static bool silent_server_tried_again(void)
{
    accepted(300); /* finishes attempts begun with the old value */
    return accepted(1500) > 2;
}

/* ---- catalog, rank --------------------------------------------------------------------------- */

static bool other_catalog(void)
{
    return strstr(driver_rank(d, "{}")->body, "\"z1\"") != NULL;
}

/* A dry run of a reload with that catalog, which is then put back. */
static bool takes_catalog(const char *catalog)
{
    int status;

    driver_write(d, "catalog.jsonl", catalog);
    status = driver_call(d->admin, "POST", "/admin/reload?dry_run=1", NULL)->status;
    driver_write(d, "catalog.jsonl", driver_catalog);
    return status == 200;
}

static bool empty_catalog_taken(void)
{
    return takes_catalog("");
}

static bool large_catalog_refused(void)
{
    return !takes_catalog(js("{'adid':'z1','title':'tea','bid':1}%*s", 4500, ""));
}

static bool first_imp_only(void)
{
    const char *body = driver_rank(d, js("{'imp':[{'id':'1'},{'id':'2'}]}"))->body;

    return strstr(body, "\"impid\":\"1\"") && !strstr(body, "\"impid\":\"2\"");
}

/* ---- deadline -------------------------------------------------------------------------------- */

/* Queued after a running batch: the last request has an earlier deadline than the one before it. A
 * batch takes one request. */
static bool first_come_first_served(void)
{
    struct http_client clients[5];
    double queue_us[COUNT(clients)];

    for (int i = 0; i < COUNT(clients); i++)
        begin_rank(&clients[i],
                   js("{'tmax':%d,'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'},{'adid':'a4'}],"
                      "'behaviour':[{'t':1,'type':'click','text':'a b c d e f g h i j k l m n'}]}}",
                      i == COUNT(clients) - 1 ? 8000 : 9000));
    for (int i = 0; i < COUNT(clients); i++) {
        const char *at = strstr(client_answer(&clients[i]).body.ptr, "\"queue\":");

        CHECK(at);
        queue_us[i] = strtod(at + 8, NULL);
        http_client_release(&clients[i]);
    }
    return queue_us[3] < queue_us[4];
}

/* While one is running: with the reserve there is no time left for the second. */
static bool second_is_late(void)
{
    struct http_client client;
    bool late;

    begin_rank(&client, DRIVER_ONE_AD);
    late = driver_lists(ranked(WITHIN("1000")), "/degraded", "deadline");
    client_receive_and_close(&client);
    return late;
}

/* ---- log ------------------------------------------------------------------------------------- */

static bool wide_line(void)
{
    int before = driver_logged(d, "event=request");

    driver_rank(d, DRIVER_ONE_AD);
    return driver_logged(d, "event=request") > before;
}

static bool no_wide_line(void)
{
    return !wide_line();
}

static long impressions_before;

static long impression_bytes(void)
{
    struct stat st;

    return stat(js("%s/impressions", d->folder), &st) == 0 ? st.st_size : 0;
}

static bool more_impressions(void)
{
    return impression_bytes() > impressions_before;
}

static bool writes_impressions(void)
{
    impressions_before = impression_bytes();
    CHECK_INT(driver_rank(d, DRIVER_ONE_AD)->status, 200);
    return option_within(1000, more_impressions);
}

static bool writes_no_impressions(void)
{
    return !writes_impressions();
}

/* ---- the table ------------------------------------------------------------------------------- */

bool option_seen(const struct option_case *row)
{
    const char *body = row->body ? row->body : DRIVER_ONE_AD;
    const json_t *answer;

    if (row->seen)
        return row->seen();
    if (row->bytes)
        return status_within(row->bytes, 1200) == row->status;
    if (row->status)
        return driver_rank(d, js("%s", body))->status == row->status;
    answer =
        row->target ? driver_json(driver_call(d->admin, "GET", row->target, NULL)) : ranked(body);
    if (row->degraded)
        return driver_lists(answer, "/degraded", row->degraded);
    if (row->at)
        return strcmp(driver_text(answer, row->at), row->is) == 0;
    return json_array_size(driver_at(answer, "/results")) == row->n_results;
}

#define READY "/readyz?verbose=1"
#define PACED "'model':{'backend':'paced'}"
#define REDIS "'features':{'url':'redis://127.0.0.1:@R','timeout_ms':1000}"
#define KEY "'privacy':{'user_key':{'$file':'key'}}"

static const char *const plain_redis[] = {NULL};
static const char *const locked_redis[] = {"--requirepass", DRIVER_KEY, NULL};
static const char *const listed_redis[] = {"--requirepass", "x",  "--user", "ann",   "on",
                                           ">" DRIVER_KEY,  "~*", "&*",     "+@all", NULL};

const struct option_case option_cases[] = {
    {"/http/address", "'127.0.0.2:0'", .seen = on_another_address},
    {"/http/workers", "4", .seen = three_threads_more},
    {"/http/backlog", "1", .seen = few_wait_for_accept},
    {"/http/max_connections", "1", .seen = second_connection_refused, .with = "{" PACED "}",
     .env = {"ADRANK_PACED_FIXED_US=300000"}},
    {"/http/max_body_bytes", "1024", .seen = long_body_refused},
    {"/http/memory_bytes", "262144", .seen = second_large_body_refused},
    {"/http/first_byte_ms", "50", .seen = silent_connection_closed},
    {"/http/head_ms", "50", .bytes = "POST /rank HTTP/1.1\r\nHo", .status = 408},
    {"/http/body_ms", "50", .bytes = "POST /rank HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
     .status = 408},
    {"/http/idle_ms", "50", .seen = idle_connection_closed},
    {"/http/write_ms", "50", .seen = untaken_answer_cut},
    {"/http/drain_grace_ms", "20000", .seen = stays_after_drain, .ends = true},
    {"/http/drain_max_ms", "0", .seen = held_connection_cut, .ends = true},
    {"/admin/address", "'127.0.0.2:0'", .seen = admin_on_another_address},
    {"/admin/stall_ms", "50", .seen = hang_is_reported, .with = "{'model':{'backend':'failing'}}"},
    {"/model/path", "'other'", .at = "/model", .is = "other"},
    {"/model/backend", "'paced'", .target = READY, .at = "/backend/name", .is = "paced"},
    {"/model/device", "'1'", .target = READY, .at = "/backend/device", .is = "null device 1",
     .with = "{" PACED "}"},
    {"/model/precision", "'bf16'", .seen = bf16_or_a_warning,
     .with = "{'model':{'backend':'cpu'}}"},
    {"/model/gelu", "'tanh'", .target = READY, .at = "/model/activation", .is = "gelu_tanh"},
    {"/model/threads", "4", .seen = three_threads_more,
     .with = "{'model':{'backend':'cpu','threads':1}}"},
    {"/model/on_device_failure", "'cpu'", .target = READY, .at = "/fallback/name", .is = "cpu",
     .with = "{" PACED "}"},
    {"/model/resident", "2", .seen = has_memory_for_two, .with = "{" PACED "}"},
    {"/batch/hang_ms", "50", .seen = hang_is_failure,
     .with = "{'model':{'backend':'failing','on_device_failure':'cpu'}}",
     .env = {"LSAN_OPTIONS=detect_leaks=0"}}, /* what hangs is leaked */
    {"/batch/max_tokens", "64", .seen = one_request_many_batches},
    {"/batch/max_queue", "1", .seen = six_are_too_many,
     .with = "{" PACED ",'deadline':{'on_late':'reject'}}",
     .env = {"ADRANK_PACED_FIXED_US=100000"}},
    {"/features/url", "'redis://127.0.0.1:@R'", .seen = redis_comes_up, .with = "{" KEY "}",
     .redis = plain_redis},
    {"/features/user", "'ann'", .seen = redis_comes_up,
     .with = "{'features':{'url':'redis://127.0.0.1:@R','password':{'$file':'key'}}," KEY "}",
     .redis = listed_redis},
    {"/features/password", "{'$file':'key'}", .seen = redis_comes_up, .with = "{" REDIS "," KEY "}",
     .redis = locked_redis},
    {"/features/database", "3", .seen = reads_database_three,
     .with = "{" REDIS "," KEY ",'log':{'sample':1}}", .redis = plain_redis},
    {"/features/timeout_ms", "50", .seen = gives_redis_up_early, .with = "{" REDIS "," KEY "}",
     .redis = plain_redis},
    {"/features/connect_ms", "20", .seen = silent_server_tried_again,
     .with = "{'features':{'url':'redis://127.0.0.1:@S','connect_ms':60000}," KEY "}"},
    {"/features/max_in_flight", "1", .seen = second_does_not_wait, .with = "{" REDIS "," KEY "}",
     .redis = plain_redis, .ends = true},
    {"/catalog/path", "'other.jsonl'", .seen = other_catalog},
    {"/catalog/min_ads", "0", .seen = empty_catalog_taken},
    {"/catalog/max_bytes", "4096", .seen = large_catalog_refused},
    {"/rank/currency", "'EUR'", .at = "/cur", .is = "EUR"},
    {"/rank/top_n", "1", .body = THREE_ADS, .n_results = 1},
    {"/rank/max_top_n", "4", .body = "{'rank':{'top_n':5}}", .status = 422},
    {"/rank/max_candidates", "2", .body = THREE_ADS, .status = 422},
    {"/rank/max_imps", "1", .seen = first_imp_only},
    {"/rank/max_behaviour", "1",
     .body = "{'rank':{'behaviour':[{'t':1,'type':'click','text':'a'},"
             "{'t':2,'type':'click','text':'b'}]}}",
     .degraded = "truncated"},
    {"/rank/unique", "'request'",
     .body = "{'imp':[{'id':'1'},{'id':'2'}],'rank':{'candidates':[{'adid':'a1'}]}}",
     .n_results = 1},
    {"/deadline/default_ms", "20", .degraded = "deadline", .with = "{" PACED "}",
     .env = {"ADRANK_PACED_FIXED_US=60000"}},
    {"/deadline/max_ms", "20", .body = WITHIN("9000"), .degraded = "deadline",
     .with = "{" PACED ",'deadline':{'default_ms':20}}", .env = {"ADRANK_PACED_FIXED_US=60000"}},
    {"/deadline/network_ms", "8990", .body = WITHIN("9000"), .degraded = "deadline",
     .with = "{" PACED "}", .env = {"ADRANK_PACED_FIXED_US=60000"}},
    {"/deadline/min_ms", "20000", .seen = first_come_first_served,
     .with = "{" PACED ",'batch':{'max_tokens':64}}", .env = {"ADRANK_PACED_FIXED_US=100000"}},
    {"/deadline/reserve_us", "1000000", .seen = second_is_late, .with = "{" PACED "}",
     .env = {"ADRANK_PACED_FIXED_US=100000"}},
    {"/deadline/encode_reserve_us", "1000000", .body = WITHIN("900"), .degraded = "deadline"},
    {"/deadline/on_late", "'reject'", .body = WITHIN("1"), .status = 503},
    {"/privacy/user_key", "{'$file':'otherkey'}", .seen = other_key_finds_nothing,
     .with = "{" REDIS "," KEY ",'log':{'sample':1}}", .redis = plain_redis},
    {"/log/level", "'error'", .seen = no_wide_line, .with = "{'log':{'sample':1}}"},
    {"/log/sample", "1", .seen = wide_line, .with = "{'log':{'slow_ms':60000}}"},
    {"/log/slow_ms", "0", .seen = wide_line, .with = "{'log':{'slow_ms':60000}}"},
    {"/log/impressions", "'impressions'", .seen = writes_impressions},
    {"/log/impressions_sample", "0", .seen = writes_no_impressions,
     .with = "{'log':{'impressions':'impressions'}}"},
};

const int n_option_cases = COUNT(option_cases);
