/*
 * A running server for socket tests: an acceptor thread, workers and a few routes.
 *
 *   GET  /get     "ok"
 *   POST /echo    the body
 *   GET  /late    answers "late" from a timer, 20 ms later
 *   GET  /park    is never answered
 *   GET  /big     8 MiB of "x"
 *   GET  /nothing neither answers nor defers
 *   GET  /id      the request id, the query, the authority and the traceparent, blanks between
 *
 * Clients belong to the fixture: fixture_stop() releases them.
 */
#ifndef TESTS_SERVER_FIXTURE_H
#define TESTS_SERVER_FIXTURE_H

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/http_client.h"
#include "server/net/server.h"
#include "tests/test.h"
#include "tests/unit/server/net/http_defaults.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(length) "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " length "\r\n\r\n"
#define BIG_BYTES (8u << 20)
#define MAX_CLIENTS 160
#define WAIT_MS 5000 /* far more than a working server needs, even on a busy machine */

struct fixture {
    struct loop loop;
    struct server server;
    pthread_t acceptor;
    struct http_options options; /* the test's until fixture_start() */
    struct budget memory;
    int64_t memory_bytes; /* 0: plenty */
    bool running;
    atomic_int gone, parked, answered, evicted, drained;
    _Atomic int64_t cut;
    struct letter drain;
    char *big;
    struct http_client clients[MAX_CLIENTS];
    int n_clients;
};

static struct fixture fixture;

struct late {
    struct timer timer;
    struct http_call *x;
};

static struct net_thread *worker_of(struct http_call *x)
{
    return http_call_user(x);
}

static void respond(struct http_call *x, struct view body)
{
    http_call_respond(
        x, &(struct http_response){.status = 200, .content_type = "text/plain", .body = body});
}

static void handle_get(struct http_call *x, void *arg)
{
    (void)arg;
    respond(x, VIEW_LIT("ok"));
}

static void handle_echo(struct http_call *x, void *arg)
{
    (void)arg;
    /* bytes after the body must be readable: a sanitizer checks */
    for (size_t i = 0; i < HTTP_CALL_BODY_PADDING; i++)
        (void)*(volatile const char *)(x->body.ptr + x->body.len + i);
    respond(x, x->body);
}

static void on_late(struct timer *timer, void *arg)
{
    struct late *late = arg;

    (void)timer;
    respond(late->x, VIEW_LIT("late"));
    free(late);
}

static void on_late_gone(struct http_call *x, void *arg)
{
    struct late *late = arg;

    loop_timer_remove(&worker_of(x)->loop, &late->timer);
    free(late);
    atomic_fetch_add(&fixture.gone, 1);
}

static void handle_late(struct http_call *x, void *arg)
{
    struct late *late = malloc(sizeof(*late));

    (void)arg;
    late->x = x;
    timer_init(&late->timer, on_late, late);
    http_call_defer(x, on_late_gone, late);
    loop_timer_set(&worker_of(x)->loop, &late->timer, clock_now_us() + 20000);
}

static void on_park_gone(struct http_call *x, void *arg)
{
    (void)x;
    (void)arg;
    atomic_fetch_add(&fixture.gone, 1);
}

static void handle_park(struct http_call *x, void *arg)
{
    http_call_defer(x, on_park_gone, arg);
    atomic_fetch_add(&fixture.parked, 1);
}

static void handle_big(struct http_call *x, void *arg)
{
    (void)arg;
    respond(x, (struct view){fixture.big, BIG_BYTES});
}

static void handle_nothing(struct http_call *x, void *arg)
{
    (void)x;
    (void)arg;
}

static void handle_id(struct http_call *x, void *arg)
{
    struct view authority = http_call_authority(x);
    char text[512];
    int n = snprintf(text, sizeof(text), "%s %.*s %.*s %.*s", x->request_id, VIEW_ARG(x->query),
                     VIEW_ARG(authority), VIEW_ARG(x->traceparent));

    (void)arg;
    respond(x, (struct view){text, (size_t)n});
}

static const struct http_route fixture_routes[] = {
    {"GET", "/get", handle_get, NULL, 0},         {"POST", "/echo", handle_echo, NULL, 0},
    {"GET", "/late", handle_late, NULL, 0},       {"GET", "/park", handle_park, NULL, 0},
    {"GET", "/big", handle_big, NULL, 0},         {"GET", "/id", handle_id, NULL, 0},
    {"GET", "/nothing", handle_nothing, NULL, 0}, {"POST", "/get", handle_get, NULL, 0},
};

static void on_fixture_answer(void *user, int label, int status, int64_t duration_us)
{
    (void)user;
    (void)label;
    (void)status;
    if (duration_us >= 0)
        atomic_fetch_add(&fixture.answered, 1);
}

static void on_fixture_evicted(void *user)
{
    (void)user;
    atomic_fetch_add(&fixture.evicted, 1);
}

/* Bytes of incomplete bodies, over all workers. */
static int64_t fixture_body_bytes(void)
{
    int64_t bytes[BUDGET_KINDS];

    budget_read(&fixture.memory, bytes);
    return bytes[BUDGET_BODY];
}

static void *run_acceptor(void *arg)
{
    loop_run(arg);
    return NULL;
}

/* fixture.options are set by the test before. */
static void fixture_start(void)
{
    struct err err;

    fixture.running = true;
    fixture.big = malloc(BIG_BYTES);
    memset(fixture.big, 'x', BIG_BYTES);
    budget_init(&fixture.memory, fixture.memory_bytes ? fixture.memory_bytes : 1 << 30,
                fixture.memory_bytes);
    CHECK_OK(loop_init(&fixture.loop, &fixture, &err), err);
    CHECK_OK(server_open(
                 &fixture.server,
                 &(struct server_args){
                     .accept_loop = &fixture.loop,
                     .options = &fixture.options,
                     .memory = &fixture.memory,
                     .routes = fixture_routes,
                     .n_routes = COUNT(fixture_routes),
                     .hooks = {.on_response = on_fixture_answer, .on_evicted = on_fixture_evicted},
                 },
                 &err),
             err);
    for (int i = 0; i < fixture.server.n_threads; i++)
        fixture.server.threads[i].pool.user = &fixture.server.threads[i];
    CHECK_OK(server_start(&fixture.server, &err), err);
    CHECK(pthread_create(&fixture.acceptor, NULL, run_acceptor, &fixture.loop) == 0);
}

static void fixture_stop(void);

/* A failed test leaves its server running. */
static void fixture_init(void)
{
    if (fixture.running)
        fixture_stop();
    fixture = (struct fixture){.options = http_defaults};
}

static inline void fixture_begin(void)
{
    fixture_init();
    fixture_start();
}

/* ---- new limits, set as the daemon does: by a letter to each loop ---------------------------- */

struct limits_letter {
    struct letter letter;
    struct net_limits limits;
    bool quietly; /* no connection has to be closed for them immediately */
};

static atomic_int n_limits_taken;

static void on_thread_limits(struct letter *letter, void *reader)
{
    ((struct net_thread *)reader)->pool.limits = ((struct limits_letter *)letter)->limits;
    atomic_fetch_add(&n_limits_taken, 1);
}

static void on_accept_limits(struct letter *letter, void *reader)
{
    const struct limits_letter *news = (struct limits_letter *)letter;

    (void)reader;
    if (news->quietly)
        fixture.server.limits = news->limits;
    else
        server_set_limits(&fixture.server, &news->limits);
    atomic_fetch_add(&n_limits_taken, 1);
}

/* limits->http stays until the fixture stops. */
static inline void fixture_set_limits(const struct net_limits *limits, bool quietly)
{
    const int n = fixture.server.n_threads;
    static struct limits_letter letters[9];

    atomic_store(&n_limits_taken, 0);
    CHECK(n < 9);
    for (int i = 0; i <= n; i++) {
        letters[i] = (struct limits_letter){.limits = *limits, .quietly = quietly};
        letters[i].letter.deliver = i < n ? on_thread_limits : on_accept_limits;
        loop_post(i < n ? &fixture.server.threads[i].loop : &fixture.loop, &letters[i].letter);
    }
    while (atomic_load(&n_limits_taken) <= n)
        usleep(100);
}

static void fixture_stop(void)
{
    fixture.running = false;
    loop_stop(&fixture.loop);
    pthread_join(fixture.acceptor, NULL);
    server_stop(&fixture.server);
    server_close(&fixture.server);
    CHECK_INT(server_connections(&fixture.server), 0);
    CHECK_INT(fixture_body_bytes(), 0);
    loop_release(&fixture.loop);
    free(fixture.big);
    for (int i = 0; i < fixture.n_clients; i++)
        http_client_release(&fixture.clients[i]);
}

/* ---- the client's side ----------------------------------------------------------------------- */

static struct http_client *connect_client(void)
{
    struct http_client *client = &fixture.clients[fixture.n_clients++];
    struct err err;

    CHECK(fixture.n_clients <= MAX_CLIENTS);
    CHECK_OK(http_client_init(client, listener_text(&fixture.server.listener), WAIT_MS, &err), err);
    CHECK_OK(http_client_connect(client, &err), err);
    return client;
}

/* For a test of one client. */
static inline struct http_client *fixture_begin_client(void)
{
    fixture_begin();
    return connect_client();
}

static void send_bytes(struct http_client *client, const void *bytes, size_t n)
{
    struct err err;

    CHECK_OK(http_client_send(client, (struct view){bytes, n}, &err), err);
}

static inline void send_text(struct http_client *client, const char *text)
{
    send_bytes(client, text, strlen(text));
}

/* Receives an answer and checks its status; returns it for further checks. */
static struct client_response expect(struct http_client *client, int status)
{
    struct client_response response;
    struct err err;

    CHECK_OK(http_client_receive(client, false, &response, &err), err);
    CHECK_INT(response.status, status);
    return response;
}

static inline struct client_response ask(struct http_client *client, const char *text, int status)
{
    send_text(client, text);
    return expect(client, status);
}

static void check_code(const struct client_response *response, const char *code)
{
    char want[64];

    snprintf(want, sizeof(want), "\"code\":\"%s\"", code);
    if (!memmem(response->body.ptr, response->body.len, want, strlen(want)))
        FAIL("body is %.*s, want %s", VIEW_ARG(response->body), want);
    CHECK_VIEW(http_response_header(response, "content-type"), "application/problem+json");
}

static inline void expect_code(struct http_client *client, int status, const char *code)
{
    struct client_response response = expect(client, status);

    check_code(&response, code);
}

static void expect_end(struct http_client *client)
{
    CHECK_INT(http_client_wait_end(client, WAIT_MS), HTTP_CLIENT_CLOSED);
    http_client_release(client);
}

/* Checks that the connection still works. */
static inline void expect_alive(struct http_client *client)
{
    CHECK_VIEW(ask(client, GET("/get"), 200).body, "ok");
}

/* n simultaneous clients, each of which has been served. */
static inline struct http_client *connect_idle(int n)
{
    struct http_client *clients = &fixture.clients[fixture.n_clients];

    for (int i = 0; i < n; i++)
        expect_alive(connect_client());
    return clients;
}

#define WAIT_UNTIL(cond)                                                                           \
    do {                                                                                           \
        int64_t until_us = clock_now_us() + WAIT_MS * 1000;                                        \
        while (!(cond) && clock_now_us() < until_us)                                               \
            usleep(1000);                                                                          \
        CHECK(cond);                                                                               \
    } while (0)

#endif
