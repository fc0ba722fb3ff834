/*
 * Connections that share a loop take turns: what one client sends does not hold up, or shut out,
 * the others. One thread: sockets are filled first, then the loop runs until the request that stops
 * it.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/net/connection_pool.h"
#include "tests/test.h"
#include "tests/unit/server/net/http_defaults.h"

#define GET "GET /get HTTP/1.1\r\nHost: a\r\n\r\n"
#define STOP "GET /stop HTTP/1.1\r\nHost: a\r\n\r\n"

struct rig {
    struct loop loop;
    struct net_shared shared;
    struct budget memory;
    struct connection_pool pool;
    int n_gets;
    int64_t last_duration_us;
    struct timer stop;
    int clients[16], n_clients; /* closed by rig_close() */
};

static struct rig rig;

static void respond(struct http_call *x, struct view body)
{
    http_call_respond(x, &(struct http_response){.status = 200, .body = body});
}

static void handle_get(struct http_call *x, void *arg)
{
    (void)arg;
    rig.n_gets++;
    respond(x, VIEW_LIT("ok"));
}

static void handle_stop(struct http_call *x, void *arg)
{
    (void)arg;
    respond(x, VIEW_LIT("stop"));
    loop_stop(&rig.loop);
}

static const struct http_route routes[] = {
    {"GET", "/get", handle_get, NULL, 0},
    {"POST", "/get", handle_get, NULL, 0},
    {"GET", "/stop", handle_stop, NULL, 0},
};
static const struct router router = {routes, COUNT(routes)};

static void on_answer(void *user, int label, int status, int64_t duration_us)
{
    (void)user;
    (void)label;
    (void)status;
    rig.last_duration_us = duration_us;
}

static void on_stop_timer(struct timer *timer, void *arg)
{
    (void)timer;
    (void)arg;
    loop_stop(&rig.loop);
}

static void rig_open(void)
{
    struct err err;

    rig = (struct rig){.n_gets = 0};
    timer_init(&rig.stop, on_stop_timer, NULL);
    CHECK_OK(loop_init(&rig.loop, &rig, &err), err);
    budget_init(&rig.memory, 1 << 27, http_defaults.max_body_bytes);
    rig.shared.memory = &rig.memory;
    rig.pool = (struct connection_pool){.loop = &rig.loop,
                                        .shared = &rig.shared,
                                        .limits = net_limits_of(&http_defaults),
                                        .router = &router,
                                        .hooks.on_response = on_answer};
    CHECK_OK(connection_pool_init(&rig.pool, &err), err);
}

static int64_t body_bytes(void)
{
    int64_t bytes[BUDGET_KINDS];

    budget_read(&rig.memory, bytes);
    return bytes[BUDGET_BODY];
}

static void rig_close(void)
{
    for (int i = 0; i < rig.n_clients; i++)
        close(rig.clients[i]);
    connection_pool_release(&rig.pool);
    loop_timer_remove(&rig.loop, &rig.stop);
    loop_release(&rig.loop);
    CHECK_INT(body_bytes(), 0);
}

/* Returns the client's end, and the server's in *server unless that is NULL. */
static int connect_client(int *server)
{
    int ends[2];

    CHECK(rig.n_clients < COUNT(rig.clients));
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    CHECK_INT(connection_admit(&rig.shared, &rig.pool.limits), 0);
    connection_pool_open(&rig.pool, ends[1], false);
    if (server)
        *server = ends[1];
    return rig.clients[rig.n_clients++] = ends[0];
}

static void put(int fd, const char *text, size_t len)
{
    CHECK_INT(write(fd, text, len), (ssize_t)len);
}

static void put_text(int fd, const char *text)
{
    put(fd, text, strlen(text));
}

static void run_for(int64_t us)
{
    loop_timer_set(&rig.loop, &rig.stop, clock_now_us() + us);
    loop_run(&rig.loop);
}

TEST(turns__a_pipeline_lets_others_in_between)
{
    enum { N = 500 };
    char requests[N * (sizeof(GET) - 1)];
    int many, one;

    rig_open();
    for (int i = 0; i < N; i++)
        memcpy(requests + (size_t)i * (sizeof(GET) - 1), GET, sizeof(GET) - 1);
    many = connect_client(NULL);
    one = connect_client(NULL);
    put(many, requests, sizeof(requests)); /* less than one read takes */
    put_text(one, STOP);
    loop_run(&rig.loop);
    if (rig.n_gets > 64)
        FAIL("%d requests of another client went first", rig.n_gets);
    for (int turns = 0; rig.n_gets < N && turns < 100; turns++) {
        while (read(many, requests, sizeof(requests)) > 0)
            ;
        run_for(2000);
    }
    CHECK_INT(rig.n_gets, N); /* and all of them are answered in turn */
    rig_close();
}

TEST(turns__a_flood_after_the_end_is_thrown_away_in_parts)
{
    static char junk[160 * 1024];
    int size = 2 * (int)sizeof(junk), left, flood, server, one;

    rig_open();
    flood = connect_client(&server);
    one = connect_client(NULL);
    CHECK_INT(setsockopt(flood, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    put_text(flood, "bad\r\n\r\n");
    run_for(10000); /* answered 400, lingers */
    memset(junk, 'x', sizeof(junk));
    put(flood, junk, sizeof(junk));
    put_text(one, STOP);
    loop_run(&rig.loop);
    CHECK_INT(ioctl(server, FIONREAD, &left), 0);
    CHECK(left > 0);
    rig_close();
}

/* Otherwise a few bytes a second would keep out all other bodies. */
TEST(turns__heads_that_only_announce_a_body_cost_nothing)
{
    int one;

    rig_open();
    budget_set_limit(&rig.memory, 1 << 20, 0);
    for (int i = 0; i < 8; i++)
        put_text(connect_client(NULL),
                 "POST /get HTTP/1.1\r\nHost: a\r\nContent-Length: 262144\r\n\r\nx");
    run_for(10000);
    CHECK(body_bytes() <= 8 * 4096);
    one = connect_client(NULL);
    put_text(one, "POST /get HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}" STOP);
    loop_run(&rig.loop);
    CHECK_INT(rig.n_gets, 1);
    rig_close();
}

/* The clock of a request starts at its own first byte, even after empty lines. */
TEST(turns__an_empty_line_does_not_start_the_next_request)
{
    int64_t from_us = clock_now_us();
    int one;

    rig_open();
    one = connect_client(NULL);
    put_text(one, "POST /get HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}\r\n");
    run_for(200000);
    CHECK_INT(rig.n_gets, 1);
    put_text(one, STOP);
    loop_run(&rig.loop);
    CHECK(rig.last_duration_us <
          clock_now_us() - from_us - 199000); /* the loop ran that long without it */
    rig_close();
}

/* A request that waited in the buffer while two others were served did wait. */
TEST(turns__waiting_behind_others_counts)
{
    int one;

    rig_open();
    one = connect_client(NULL);
    put_text(one, GET GET "GET /stop HTTP/1.1\r\n");
    run_for(200000);
    CHECK_INT(rig.n_gets, 2);
    put_text(one, "Host: a\r\n\r\n");
    loop_run(&rig.loop);
    CHECK(rig.last_duration_us >= 200000);
    rig_close();
}

TEST(turns__a_large_buffer_is_not_kept_for_half_an_empty_line)
{
    static char body[262144];
    int one, size = 1 << 20;

    memset(body, 'b', sizeof(body));
    rig_open();
    one = connect_client(NULL);
    CHECK_INT(setsockopt(one, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    put_text(one, "POST /get HTTP/1.1\r\nHost: a\r\nContent-Length: 262144\r\n\r\n");
    for (size_t at = 0; at < sizeof(body); at += 65536) {
        put(one, body + at, 65536);
        if (at + 65536 == sizeof(body))
            put_text(one, "\r");
        run_for(5000);
    }
    CHECK_INT(rig.n_gets, 1);
    CHECK(rig.pool.buffers.spare_bytes >= sizeof(body)); /* the free list has it */
    put_text(one, "\n" STOP);
    loop_run(&rig.loop);
    rig_close();
}
