/* Connections over real sockets: how many, and how much memory. */
#include "server/net/connection_pool.h"

#include "tests/unit/server/net/server_fixture.h"

#define PARK "GET /park HTTP/1.1\r\nHost: a\r\n\r\n"

TEST(connection__limits_how_many)
{
    struct http_client a, b, c;
    struct client_response response;

    fixture_init();
    fixture.options.max_connections = 2;
    fixture_start();
    a = connect_client();
    b = connect_client();
    send_text(&a, PARK); /* in work: none of them may go */
    send_text(&b, PARK);
    WAIT_UNTIL(fixture.parked == 2);
    c = connect_client();
    response = expect(&c, 503);
    CHECK_VIEW(http_response_header(&response, "retry-after"), "1");
    CHECK_VIEW(http_response_header(&response, "connection"), "close");
    expect_end(&c);
    WAIT_UNTIL(server_connections(&fixture.server) == 2);
    CHECK_INT(fixture.evicted, 0);
    http_client_close(&a);
    http_client_release(&a);
    http_client_release(&b);
    fixture_stop();
}

/* Which of the workers has it does not matter: three are there, and who goes has been idle longest.
 */
TEST(connection__makes_room_by_the_longest_idle)
{
    struct http_client silent, used, busy, c;

    fixture_init();
    fixture.options.workers = 1;
    fixture.options.max_connections = 3;
    fixture_start();
    silent = connect_client();
    WAIT_UNTIL(server_connections(&fixture.server) == 1);
    busy = connect_client();
    send_text(&busy, PARK);
    used = connect_client();
    expect_alive(&used);
    c = connect_client();
    expect_alive(&c);
    expect_code(&silent, 503, "too_many_connections"); /* whatever it was about to ask */
    expect_end(&silent);
    expect_alive(&c); /* so that the other has been idle longer */
    silent = connect_client();
    expect_alive(&silent);
    expect_end(&used); /* without a word */
    expect_alive(&c);
    CHECK_INT(fixture.evicted, 2);
    CHECK_INT(fixture.gone, 0);
    http_client_release(&silent);
    http_client_release(&busy);
    http_client_release(&c);
    fixture_stop();
}

/* A flood of connections without a byte costs itself: who has been served stays, however long it
 * has been idle. */
TEST(connection__makes_room_by_the_silent_first)
{
    struct http_client used[2], silent[20];

    fixture_init();
    fixture.options.workers = 1;
    fixture.options.max_connections = 5;
    fixture_start();
    for (int i = 0; i < 2; i++) {
        used[i] = connect_client();
        expect_alive(&used[i]);
    }
    for (int i = 0; i < 20; i++)
        silent[i] = connect_client();
    WAIT_UNTIL(fixture.evicted == 17);
    for (int i = 0; i < 2; i++) {
        expect_alive(&used[i]);
        http_client_release(&used[i]);
    }
    for (int i = 0; i < 17; i++)
        expect_code(&silent[i], 503, "too_many_connections");
    for (int i = 0; i < 20; i++)
        http_client_release(&silent[i]);
    fixture_stop();
}

/* A newcomer is refused until those that are there count as slow. */
static struct http_client connect_until_served(void)
{
    const int64_t until_us = clock_now_us() + WAIT_MS * 1000;

    for (;;) {
        struct http_client c = connect_client();
        struct client_response response;
        struct err err;

        send_text(&c, "GET /get HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK_OK(http_client_receive(&c, false, &response, &err), err);
        if (response.status == 200)
            return c;
        CHECK(response.status == 503 && clock_now_us() < until_us);
        http_client_release(&c);
        usleep(50000);
    }
}

/* Whoever keeps a worker waiting within a request or an answer goes once nobody is idle. */
TEST(connection__makes_room_by_the_slow)
{
    static const char *const begun[] = {
        "G", "GET /get HTTP/1.1\r\nHost:",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1",
        "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"};

    for (size_t i = 0; i < sizeof(begun) / sizeof(begun[0]); i++) {
        struct http_client slow[2], c;

        test_row("connection__makes_room_by_the_slow %s", begun[i]);
        fixture_init();
        fixture.options.max_connections = 2;
        fixture.options.head_ms = fixture.options.body_ms = fixture.options.write_ms = 60000;
        fixture_start();
        for (int k = 0; k < 2; k++) {
            slow[k] = connect_client();
            send_text(&slow[k], begun[i]);
        }
        c = connect_until_served(); /* long before their limits */
        CHECK_INT(fixture.evicted, 1);
        http_client_release(&c);
        for (int k = 0; k < 2; k++)
            http_client_release(&slow[k]);
        fixture_stop();
    }
}

TEST(connection__makes_room_on_whatever_worker)
{
    struct http_client clients[8], parked[2], c[4];

    fixture_init();
    fixture.options.max_connections = 10;
    fixture_start();
    for (int i = 0; i < 2; i++) {
        parked[i] = connect_client();
        send_text(&parked[i], PARK);
    }
    for (int i = 0; i < 8; i++) {
        clients[i] = connect_client();
        expect_alive(&clients[i]);
    }
    for (int i = 0; i < 4; i++) {
        c[i] = connect_client();
        expect_alive(&c[i]);
    }
    CHECK_INT(fixture.evicted, 4);
    for (int i = 0; i < 8; i++)
        http_client_release(&clients[i]);
    for (int i = 0; i < 4; i++)
        http_client_release(&c[i]);
    for (int i = 0; i < 2; i++)
        http_client_release(&parked[i]);
    fixture_stop();
}

static void connect_idle(struct http_client *clients, int n)
{
    for (int i = 0; i < n; i++) {
        clients[i] = connect_client();
        expect_alive(&clients[i]);
    }
}

static void release(struct http_client *clients, int n)
{
    for (int i = 0; i < n; i++)
        http_client_release(&clients[i]);
}

/* However many there are too many: others that are being refused are none of its business. */
TEST(connection__a_newcomer_costs_one_other)
{
    struct http_client clients[4], c;

    fixture_begin();
    connect_idle(clients, 4);
    fixture_set_limits(&(struct net_limits){&fixture.options, 2, 1024}, true);
    c = connect_client();
    expect_alive(&c);
    CHECK_INT(fixture.evicted, 1);
    http_client_release(&c);
    release(clients, 4);
    fixture_stop();
}

/* Many more than a new limit and all that may be refused: newcomers are not shut out by those who
 * came before. */
TEST(connection__follows_a_lower_limit_of_how_many)
{
    struct http_client clients[150], c;

    fixture_begin();
    connect_idle(clients, 150);
    fixture_set_limits(&(struct net_limits){&fixture.options, 4, 2}, false);
    WAIT_UNTIL(server_connections(&fixture.server) == 4);
    CHECK_INT(fixture.evicted, 146);
    c = connect_client();
    expect_alive(&c);
    http_client_release(&c);
    release(clients, 150);
    fixture_stop();
}

/* The same where all are in work at that time, and idle only later. */
TEST(connection__a_lower_limit_holds_for_those_who_are_idle_later)
{
    struct http_client clients[10], c;

    fixture_begin();
    connect_idle(clients, 10);
    fixture_set_limits(&(struct net_limits){&fixture.options, 4, 2}, true);
    c = connect_client();
    expect(&c, 503);
    WAIT_UNTIL(server_connections(&fixture.server) == 4);
    http_client_release(&c);
    c = connect_client();
    expect_alive(&c);
    http_client_release(&c);
    release(clients, 10);
    fixture_stop();
}

TEST(connection__limits_memory_of_bodies)
{
    struct http_client a, b;
    char body[90000];
    struct err err;

    memset(body, 'b', sizeof(body));
    fixture_init();
    fixture.memory_bytes = 100000;
    fixture_start();
    a = connect_client();
    b = connect_client();
    send_text(&a, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n");
    CHECK_OK(http_client_send(&a, (struct view){body, 80000}, &err), err);
    WAIT_UNTIL(fixture_body_bytes() >= 80000);
    send_text(&b, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n");
    CHECK_OK(http_client_send(&b, (struct view){body, sizeof(body)}, &err), err);
    expect_code(&b, 503, "body_memory");
    expect_end(&b);
    b = connect_client(); /* the same by chunks */
    send_text(&b, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n15f90\r\n");
    CHECK_OK(http_client_send(&b, (struct view){body, sizeof(body)}, &err), err);
    expect_code(&b, 503, "body_memory");
    expect_end(&b);
    CHECK_OK(http_client_send(&a, (struct view){body + 80000, sizeof(body) - 80000}, &err), err);
    CHECK_INT(expect(&a, 200).body.len, sizeof(body));
    WAIT_UNTIL(fixture_body_bytes() == 0);
    http_client_release(&a);
    fixture_stop();
}

/* From the next use on. */
TEST(connection__follows_new_limits)
{
    struct http_options next = http_defaults;
    struct http_client client, other;
    struct net_limits limits;

    client = fixture_begin_client();
    expect_alive(&client);
    next.max_body_bytes = 10;
    next.idle_ms = 100;
    limits = net_limits_of(&next);
    fixture_set_limits(&limits, false);
    expect_alive(&client);
    other = connect_client();
    send_text(&other, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    expect_code(&other, 413, "body_too_large");
    expect_end(&other);
    expect_end(&client);
    fixture_stop();
}
