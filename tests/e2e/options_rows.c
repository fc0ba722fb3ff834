/* What each option is for, as a client or an operator sees it. */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/client.h"
#include "tests/e2e/options.h"
#include "tests/loopback.h"

#define d (&option_driver)
#define PARSED "adrank_stage_duration_seconds_count{stage=\"parse\"}"
#define ONE_AD "{'rank':{'candidates':[{'adid':'a1'}]}}"
#define THREE_ADS "{'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'},{'adid':'a4'}]}}"

/* ---- what several looks do ------------------------------------------------------------------- */

static struct err err;

static const json_t *ranked(const char *body)
{
    const struct driver_response *response = driver_rank(d, js("%s", body));

    if (response->status != 200)
        FAIL("%d %s", response->status, response->body);
    return driver_json(response);
}

/* A request in work, on a connection of its own. */
static void begin_rank(struct http_client *client, const char *body)
{
    double seen = driver_metric(d, PARSED);

    client_open_rank(client, d->address, js("%s", body));
    WAIT_FOR(driver_metric(d, PARSED) >= seen + 1);
}

/* Status of the response to bytes that may be half a request; 0: none within so long. */
static int status_within(const char *bytes, int ms)
{
    struct client_response response;
    struct http_client client;
    int status = 0;

    CHECK_OK(http_client_init(&client, d->address, ms, &err), err);
    CHECK_OK(http_client_connect(&client, &err), err);
    client_send(&client, view_of(bytes));
    if (http_client_receive(&client, false, &response, &err) == 0)
        status = response.status;
    http_client_release(&client);
    return status;
}

static int threads_now(void)
{
    return (int)driver_metric(d, "process_threads");
}

static const char *verbose(const char *pointer)
{
    const char *text = json_string_value(
        driver_at(driver_json(driver_call(d->admin, "GET", "/readyz?verbose=1", NULL)), pointer));

    return text ? text : "";
}

static bool redis_is_up(void)
{
    return driver_metric(d, "adrank_redis_up") == 1;
}

static bool logs_a_line(const char *body)
{
    int before = driver_logged(d, "event=request");

    driver_rank(d, js("%s", body));
    return driver_logged(d, "event=request") > before;
}

/* What adrank-history put for u1 is read: the wide line tells how many events. */
static bool history_read(void)
{
    if (!option_within(5000, redis_is_up))
        return false;
    driver_rank(d, "{\"user\":{\"id\":\"u1\"},\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}");
    return driver_logged(d, " behaviour=1 ") > 0;
}

static void put_history(const char *url_end)
{
    driver_history(d, js("%s%s", option_redis.url, url_end), "put",
                   "{'user':'u1','t':1790000000000,'type':'click','item':'i1'}\n");
}

/* ---- http ------------------------------------------------------------------------------------ */

static bool on_another_address(void)
{
    CHECK_INT(driver_rank(d, js(ONE_AD))->status, 200);
    return strncmp(d->address, "127.0.0.2:", 10) == 0;
}

static bool admin_on_another_address(void)
{
    CHECK_INT(driver_call(d->admin, "GET", "/readyz", NULL)->status, 200);
    return strncmp(d->admin, "127.0.0.2:", 10) == 0;
}

/* A look before the change and one before the restart, each with the usual number. */
static bool three_threads_more(void)
{
    static int usual;

    if (!usual)
        usual = threads_now();
    if (threads_now() == usual)
        return false;
    CHECK_INT(threads_now(), usual + 3);
    usual = 0;
    return true;
}

static int connects_beside_a_stopped_daemon(int n)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fds[16], done = 0;

    CHECK(sscanf(strrchr(d->address, ':'), ":%hu", &to.sin_port) == 1);
    to.sin_port = htons(to.sin_port);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    driver_kill(d, SIGSTOP);
    for (int i = 0; i < n; i++) {
        struct pollfd wait;

        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fds[i], (struct sockaddr *)&to, sizeof(to));
        wait = (struct pollfd){.fd = fds[i], .events = POLLOUT};
        done += poll(&wait, 1, 100) == 1;
    }
    for (int i = 0; i < n; i++)
        close(fds[i]);
    driver_kill(d, SIGCONT);
    return done;
}

static bool few_wait_for_accept(void)
{
    return connects_beside_a_stopped_daemon(8) < 8;
}

/* The first is in work, so it does not make room. */
static bool second_connection_refused(void)
{
    struct http_client client;
    int status;

    begin_rank(&client, ONE_AD);
    status = driver_rank(d, js(ONE_AD))->status;
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

static const char *padded(int bytes)
{
    static char text[8192];

    CHECK(bytes < 8000);
    snprintf(text, sizeof(text), "%*s", bytes, js(ONE_AD));
    return text;
}

static bool long_body_refused(void)
{
    return driver_rank(d, padded(2000))->status == 413;
}

static bool second_large_body_refused(void)
{
    static char most[200000 + 100];
    struct http_client client;
    int status;

    if (!most[0])
        snprintf(most, sizeof(most),
                 "POST /rank HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n{%*s", 190000,
                 "");
    client_open(&client, d->address);
    client_send(&client, view_of(most));
    option_within(50, redis_is_up); /* it is there, or the second one is not refused */
    status = status_within(most, 1000);
    http_client_release(&client);
    return status == 503;
}

static bool idle_connection_closed(void)
{
    struct http_client client;
    bool closed;

    client_open_rank(&client, d->address, js(ONE_AD));
    client_receive(&client);
    closed = http_client_wait_end(&client, 1000) == HTTP_CLIENT_CLOSED;
    http_client_release(&client);
    return closed;
}

/* Requests without end, none of the answers is taken. */
static bool untaken_answer_cut(void)
{
    int64_t until_us = clock_now_us() + 1500000;
    struct view request =
        client_post("{\"imp\":[{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"3\"}]}", "");
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;
    bool cut = false;

    CHECK(sscanf(strrchr(d->address, ':'), ":%hu", &to.sin_port) == 1);
    to.sin_port = htons(to.sin_port);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    while (!cut && clock_now_us() < until_us) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};

        if (poll(&wait, 1, 20) == 1)
            cut = send(fd, request.ptr, request.len, MSG_NOSIGNAL | MSG_DONTWAIT) == -1 &&
                  wait.revents & (POLLERR | POLLHUP);
    }
    close(fd);
    return cut;
}

static bool stays_after_drain(void)
{
    CHECK_INT(driver_call(d->admin, "POST", "/admin/drain", NULL)->status, 202);
    return driver_wait(d, 1500) == -1 && driver_rank(d, js(ONE_AD))->status == 200;
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

static bool hang_is_told(void)
{
    struct http_client client;
    bool told;

    driver_write(d, "device", "hang");
    client_open_rank(&client, d->address, js(ONE_AD));
    told = option_within(800, not_live);
    driver_write(d, "device", "");
    client_receive_and_close(&client);
    return told;
}

static bool model_has_another_name(void)
{
    char link_path[256], target[4096];

    CHECK(getcwd(target, sizeof(target) - 64));
    strcat(target, "/tests/golden/models/e2e");
    snprintf(link_path, sizeof(link_path), "%s/other", d->folder);
    (void)!symlink(target, link_path);
    return strcmp(json_string_value(driver_at(ranked(ONE_AD), "/model")), "other") == 0;
}

static bool paced_serves(void)
{
    return strcmp(verbose("/backend/name"), "paced") == 0;
}

static bool device_one_serves(void)
{
    return strcmp(verbose("/backend/device"), "null device 1") == 0;
}

/* In bf16, or told why not. */
static bool bf16_or_told(void)
{
    if (strcmp(verbose("/model/precision"), "bf16") == 0)
        return true;
    return driver_logged(d, "bf16 was requested, but this processor has neither") > 0;
}

static bool one_request_many_batches(void)
{
    double before = driver_metric(d, "adrank_batch_tokens_count");

    driver_rank(d, "{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"click\",\"text\":\"a b c d e f g "
                   "h i j k l m n o p q r s t\"}]}}");
    return driver_metric(d, "adrank_batch_tokens_count") > before + 1;
}

/* Six at once beside a slow engine. */
static bool six_are_too_many(void)
{
    struct http_client clients[6];
    int refused = 0;

    for (int i = 0; i < 6; i++) {
        client_open_rank(&clients[i], d->address, js(ONE_AD));
    }
    for (int i = 0; i < 6; i++) {
        refused += client_receive_and_close(&clients[i]) == 503;
    }
    return refused > 0;
}

/* ---- features, privacy ----------------------------------------------------------------------- */

static bool redis_comes_up(void)
{
    return option_within(1500, redis_is_up);
}

static bool reads_database_three(void)
{
    put_history("/3");
    return history_read();
}

static bool other_key_finds_nothing(void)
{
    int before;

    put_history("");
    before = driver_logged(d, " behaviour=1 ");
    CHECK(option_within(5000, redis_is_up));
    driver_rank(d, "{\"user\":{\"id\":\"u1\"},\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}");
    return driver_logged(d, " behaviour=1 ") == before;
}

static double features_ms(const char *user)
{
    char body[256];

    snprintf(body, sizeof(body),
             "{\"user\":{\"id\":\"%s\"},\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}", user);
    return (double)json_integer_value(driver_at(ranked(body), "/timing_us/features")) / 1000;
}

static bool gives_redis_up_early(void)
{
    double ms;

    CHECK(option_within(5000, redis_is_up));
    redis_pause(&option_redis);
    ms = features_ms("u2");
    redis_resume(&option_redis);
    return ms < 900;
}

static bool second_does_not_wait(void)
{
    struct http_client client;
    double ms;

    CHECK(option_within(5000, redis_is_up));
    redis_pause(&option_redis);
    begin_rank(&client, "{\"user\":{\"id\":\"u3\"},\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}");
    ms = features_ms("u4");
    client_receive_and_close(&client);
    redis_resume(&option_redis);
    return ms < 900;
}

/* A server that accepts and says nothing: how often is it tried again? */
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
    accepted(300); /* ends what began with the option as it was */
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
    char catalog[5000];

    snprintf(catalog, sizeof(catalog), "{\"adid\":\"z1\",\"title\":\"tea\",\"bid\":1}%*s", 4500,
             "");
    return !takes_catalog(catalog);
}

static bool first_imp_only(void)
{
    const char *body = driver_rank(d, "{\"imp\":[{\"id\":\"1\"},{\"id\":\"2\"}]}")->body;

    return strstr(body, "\"impid\":\"1\"") && !strstr(body, "\"impid\":\"2\"");
}

/* ---- deadline -------------------------------------------------------------------------------- */

/* Behind what is in work: the last asks for an earlier deadline than the one before it. A batch
 * takes one. */
static bool first_come_first_served(void)
{
    enum { N = 5 };
    double queue_us[N];
    struct http_client clients[N];
    struct client_response response;
    char body[512];

    for (int i = 0; i < N; i++) {
        snprintf(body, sizeof(body),
                 "{\"tmax\":%d,\"rank\":{\"candidates\":[{\"adid\":\"a1\"},{\"adid\":\"a3\"},"
                 "{\"adid\":\"a4\"}],\"behaviour\":[{\"t\":1,\"type\":\"click\",\"text\":"
                 "\"a b c d e f g h i j k l m n\"}]}}",
                 i == N - 1 ? 8000 : 9000);
        begin_rank(&clients[i], body);
    }
    for (int i = 0; i < N; i++) {
        const char *at;

        CHECK_OK(http_client_receive(&clients[i], false, &response, &err), err);
        at = strstr(response.body.ptr, "\"queue\":");
        CHECK(at);
        queue_us[i] = strtod(at + 8, NULL);
        http_client_release(&clients[i]);
    }
    return queue_us[N - 2] < queue_us[N - 1];
}

/* Beside one in work: with the reserve there is no time left for the second. */
static bool second_is_late(void)
{
    struct http_client client;
    bool late;

    begin_rank(&client, ONE_AD);
    late = driver_lists(ranked("{'tmax':1000,'rank':{'candidates':[{'adid':'a1'}]}}"), "/degraded",
                        "deadline");
    client_receive_and_close(&client);
    return late;
}

/* ---- log ------------------------------------------------------------------------------------- */

static bool no_wide_line(void)
{
    return !logs_a_line(ONE_AD);
}

static bool wide_line(void)
{
    return logs_a_line(ONE_AD);
}

static long bytes_of(const char *name)
{
    char path[256];
    FILE *file;
    long n;

    snprintf(path, sizeof(path), "%s/%s", d->folder, name);
    file = fopen(path, "r");
    if (!file)
        return 0;
    fseek(file, 0, SEEK_END);
    n = ftell(file);
    fclose(file);
    return n;
}

static bool has_impressions(void)
{
    return bytes_of("impressions") > 0;
}

static bool writes_impressions(void)
{
    CHECK_INT(driver_rank(d, js(ONE_AD))->status, 200);
    return option_within(1000, has_impressions);
}

static long impressions_before;
static bool more_impressions(void)
{
    return bytes_of("impressions") > impressions_before;
}

static bool writes_no_impressions(void)
{
    impressions_before = bytes_of("impressions");
    CHECK_INT(driver_rank(d, js(ONE_AD))->status, 200);
    return !option_within(1000, more_impressions);
}

/* ---- looks that are data --------------------------------------------------------------------- */

bool option_seen(const struct option_case *row)
{
    const char *body = row->body ? row->body : ONE_AD;
    const json_t *answer;

    if (row->seen)
        return row->seen();
    if (row->bytes)
        return status_within(row->bytes, 1200) == row->status;
    if (row->status)
        return driver_rank(d, js("%s", body))->status == row->status;
    answer = ranked(body);
    if (row->degraded)
        return driver_lists(answer, "/degraded", row->degraded);
    if (row->at)
        return strcmp(json_string_value(driver_at(answer, row->at)), row->is) == 0;
    return json_array_size(driver_at(answer, "/results")) == row->n_results;
}

#define WITHIN(ms_) "{'tmax':" ms_ ",'rank':{'candidates':[{'adid':'a1'}]}}"
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
    {"/admin/stall_ms", "50", .seen = hang_is_told, .with = "{'model':{'backend':'failing'}}"},
    {"/model/path", "'other'", .seen = model_has_another_name},
    {"/model/backend", "'paced'", .seen = paced_serves},
    {"/model/device", "'1'", .seen = device_one_serves, .with = "{" PACED "}"},
    {"/model/precision", "'bf16'", .seen = bf16_or_told, .with = "{'model':{'backend':'cpu'}}"},
    {"/model/threads", "4", .seen = three_threads_more,
     .with = "{'model':{'backend':'cpu','threads':1}}"},
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

const int n_option_cases = (int)(sizeof(option_cases) / sizeof(option_cases[0]));
