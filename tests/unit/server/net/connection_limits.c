/* Connections over real sockets: limits on their number and memory. */
#include "server/net/connection_pool.h"

#include "tests/unit/server/net/server_fixture.h"

static void begin(int64_t max_connections, int64_t workers)
{
    fixture_init();
    fixture.options.max_connections = max_connections;
    fixture.options.workers = workers;
    fixture_start();
}

/* A client whose request is being served: it may not be closed for others. */
static struct http_client *connect_busy(void)
{
    struct http_client *client = connect_client();
    const int before = fixture.parked;

    send_text(client, GET("/park"));
    WAIT_UNTIL(fixture.parked == before + 1);
    return client;
}

TEST(connection__limits_how_many)
{
    struct http_client *busy, *refused;
    struct client_response response;

    begin(2, 2);
    busy = connect_busy();
    connect_busy();
    refused = connect_client();
    response = expect(refused, 503);
    CHECK_VIEW(http_response_header(&response, "retry-after"), "1");
    CHECK_VIEW(http_response_header(&response, "connection"), "close");
    expect_end(refused);
    WAIT_UNTIL(server_connections(&fixture.server) == 2);
    CHECK_INT(fixture.evicted, 0);
    http_client_close(busy);
    fixture_stop();
}

/* It does not matter which of the three workers has it: the connection idle longest is closed. */
TEST(connection__makes_room_by_the_longest_idle)
{
    struct http_client *silent, *used, *newcomer;

    begin(3, 1);
    silent = connect_client();
    WAIT_UNTIL(server_connections(&fixture.server) == 1);
    connect_busy();
    used = connect_idle(1);
    newcomer = connect_idle(1);
    expect_code(silent, 503, "too_many_connections"); /* whatever it was about to request */
    expect_end(silent);
    expect_alive(newcomer); /* so that the other one has been idle longer */
    connect_idle(1);
    expect_end(used); /* without a response */
    expect_alive(newcomer);
    CHECK_INT(fixture.evicted, 2);
    CHECK_INT(fixture.gone, 0);
    fixture_stop();
}

/* A flood of silent connections displaces only itself: a served connection stays, however long it
 * has been idle. */
TEST(connection__makes_room_by_the_silent_first)
{
    struct http_client *used, *silent[20];

    begin(5, 1);
    used = connect_idle(2);
    for (int i = 0; i < 20; i++)
        silent[i] = connect_client();
    WAIT_UNTIL(fixture.evicted == 17);
    for (int i = 0; i < 2; i++) {
        expect_alive(&used[i]);
        http_client_release(&used[i]);
    }
    for (int i = 0; i < 17; i++)
        expect_code(silent[i], 503, "too_many_connections");
    fixture_stop();
}

/* A new connection is refused until existing ones count as slow. */
static void connect_until_served(void)
{
    const int64_t until_us = clock_now_us() + WAIT_MS * 1000;

    for (;;) {
        struct http_client *client = connect_client();
        struct client_response response;
        struct err err;

        send_text(client, GET("/get"));
        CHECK_OK(http_client_receive(client, false, &response, &err), err);
        if (response.status == 200)
            return;
        CHECK(response.status == 503 && clock_now_us() < until_us);
        http_client_release(client);
        usleep(50000);
    }
}

/* If no connection is idle, one that is slow within a request or an answer is closed. */
TEST(connection__makes_room_by_the_slow)
{
    static const char *const begun[] = {"G", "GET /get HTTP/1.1\r\nHost:", POST("9") "1",
                                        GET("/big")};

    for (int i = 0; i < COUNT(begun); i++) {
        test_row("connection__makes_room_by_the_slow %s", begun[i]);
        fixture_init();
        fixture.options.max_connections = 2;
        fixture.options.head_ms = fixture.options.body_ms = fixture.options.write_ms = 60000;
        fixture_start();
        for (int k = 0; k < 2; k++)
            send_text(connect_client(), begun[i]);
        connect_until_served(); /* long before their limits */
        CHECK_INT(fixture.evicted, 1);
        fixture_stop();
    }
}

TEST(connection__makes_room_on_whatever_worker)
{
    begin(10, 2);
    for (int i = 0; i < 2; i++)
        connect_busy();
    connect_idle(8);
    connect_idle(4);
    CHECK_INT(fixture.evicted, 4);
    fixture_stop();
}

/* However many exceed the limit: other connections being refused do not matter. */
TEST(connection__a_newcomer_costs_one_other)
{
    fixture_begin();
    connect_idle(4);
    fixture_set_limits(&(struct net_limits){&fixture.options, 2, 1024}, true);
    connect_idle(1);
    CHECK_INT(fixture.evicted, 1);
    fixture_stop();
}

/* Many more than a new limit plus all refusal slots: old connections do not shut out new ones. */
TEST(connection__follows_a_lower_limit_of_how_many)
{
    fixture_begin();
    connect_idle(150);
    fixture_set_limits(&(struct net_limits){&fixture.options, 4, 2}, false);
    WAIT_UNTIL(server_connections(&fixture.server) == 4);
    CHECK_INT(fixture.evicted, 146);
    connect_idle(1);
    fixture_stop();
}

/* The same if all are being served at that time and become idle only later. */
TEST(connection__a_lower_limit_holds_for_those_who_are_idle_later)
{
    struct http_client *refused;

    fixture_begin();
    connect_idle(10);
    fixture_set_limits(&(struct net_limits){&fixture.options, 4, 2}, true);
    refused = connect_client();
    expect(refused, 503);
    WAIT_UNTIL(server_connections(&fixture.server) == 4);
    http_client_release(refused);
    connect_idle(1);
    fixture_stop();
}

TEST(connection__limits_memory_of_bodies)
{
    static const char *const heads[] = {
        POST("90000"), /* the same in chunks */
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n15f90\r\n"};
    struct http_client *served, *refused;
    char body[90000];

    memset(body, 'b', sizeof(body));
    fixture_init();
    fixture.memory_bytes = 100000;
    fixture_start();
    served = connect_client();
    send_text(served, POST("90000"));
    send_bytes(served, body, 80000);
    WAIT_UNTIL(fixture_body_bytes() >= 80000);
    for (int i = 0; i < COUNT(heads); i++) {
        refused = connect_client();
        send_text(refused, heads[i]);
        send_bytes(refused, body, sizeof(body));
        expect_code(refused, 503, "body_memory");
        expect_end(refused);
    }
    send_bytes(served, body, sizeof(body) - 80000);
    CHECK_INT(expect(served, 200).body.len, sizeof(body));
    WAIT_UNTIL(fixture_body_bytes() == 0);
    fixture_stop();
}

/* Applies from the next use on. */
TEST(connection__follows_new_limits)
{
    struct http_client *client = fixture_begin_client(), *other;
    struct http_options next = http_defaults;
    struct net_limits limits;

    expect_alive(client);
    next.max_body_bytes = 10;
    next.idle_ms = 100;
    limits = net_limits_of(&next);
    fixture_set_limits(&limits, false);
    expect_alive(client);
    other = connect_client();
    send_text(other, POST("11"));
    expect_code(other, 413, "body_too_large");
    expect_end(other);
    expect_end(client);
    fixture_stop();
}
