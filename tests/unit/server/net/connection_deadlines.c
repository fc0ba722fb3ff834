/* Connections over real sockets: who is slow to send or to read. */
#include "server/net/connection_pool.h"

#include "tests/unit/server/net/server_fixture.h"

#define GET "GET /get HTTP/1.1\r\nHost: a\r\n\r\n"

/* The answer reaches a client that goes on sending what nobody will read. */
TEST(connection__lingers_after_refusing)
{
    struct http_client client;
    char junk[65536];
    struct err err;

    memset(junk, 'j', sizeof(junk));
    fixture_init();
    fixture_start();
    for (int round = 0; round < 5; round++) {
        client = connect_client();
        send_text(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n");
        for (int i = 0; i < 8; i++)
            CHECK_OK(http_client_send(&client, (struct view){junk, sizeof(junk)}, &err), err);
        expect_code(&client, 413, "body_too_large");
        expect_end(&client);
    }
    fixture_stop();
}

/* Sends text a byte at a time, far slower than limit_ms allows, until the server answers; how many
 * went. */
static size_t drip(struct http_client *client, const char *text, size_t repeat_last)
{
    size_t len = strlen(text), n = 0;
    struct err err;

    while (n < len + repeat_last && http_client_wait_end(client, 10) == HTTP_CLIENT_OPEN) {
        CHECK_OK(http_client_send(client, (struct view){text + (n < len ? n : len - 1), 1}, &err),
                 err);
        n++;
    }
    return n;
}

TEST(connection__cuts_a_slow_head)
{
    struct http_client client;

    fixture_init();
    fixture.options.head_ms = 100;
    fixture_start();
    client = connect_client();
    CHECK(drip(&client, "GET /get HTTP/1.1\r\nHost: a\r\nX: x", 2000) < 2000);
    expect_code(&client, 408, "request_timeout");
    expect_end(&client);
    client = connect_client(); /* one that stops */
    send_text(&client, "GET /get HT");
    expect_code(&client, 408, "request_timeout");
    expect_end(&client);
    fixture_stop();
}

TEST(connection__cuts_a_slow_body)
{
    struct http_client client;

    fixture_init();
    fixture.options.body_ms = 100;
    fixture_start();
    client = connect_client();
    send_text(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n");
    CHECK(drip(&client, "x", 1990) < 1990);
    expect_code(&client, 408, "request_timeout");
    expect_end(&client);
    client = connect_client();
    send_text(&client,
              "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
    expect_code(&client, 408, "request_timeout");
    expect_end(&client);
    fixture_stop();
}

TEST(connection__closes_idle_ones_without_a_word)
{
    struct http_client client, never;

    fixture_init();
    fixture.options.idle_ms = 100;
    fixture_start();
    never = connect_client();
    client = connect_client();
    send_text(&client, GET);
    expect(&client, 200);
    expect_end(&client);
    expect_end(&never);
    client = connect_client(); /* an empty line is no request */
    send_text(&client, "\r\n");
    expect_end(&client);
    fixture_stop();
}

/* A new connection has first_byte_ms, or idle_ms where that is less; from the first request on
 * idle_ms alone. */
TEST(connection__closes_silent_ones_early)
{
    struct http_client client, never, empty;

    fixture_init();
    fixture.options.first_byte_ms = 100;
    fixture_start();
    client = connect_client();
    expect_alive(&client);
    never = connect_client();
    empty = connect_client();
    send_text(&empty, "\r\n"); /* no first byte of a request, and no time bought */
    expect_end(&never);
    expect_end(&empty);
    CHECK_INT(http_client_wait_end(&client, 300), HTTP_CLIENT_OPEN);
    expect_alive(&client);
    http_client_release(&client);
    fixture_stop();
}

TEST(connection__cuts_who_does_not_read)
{
    struct http_client client;
    char bytes[65536];
    size_t got = 0;
    ssize_t n;

    fixture_init();
    fixture.options.write_ms = 100;
    fixture_start();
    client = connect_client();
    send_text(&client, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_UNTIL(fixture.answered == 1);
    WAIT_UNTIL(server_connections(&fixture.server) == 0);
    do {
        n = recv(client.fd, bytes, sizeof(bytes), 0);
        got += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    CHECK(got < BIG_BYTES);
    http_client_release(&client);
    fixture_stop();
}

TEST(connection__writes_what_does_not_fit_at_once)
{
    struct http_client client;
    struct client_response response;

    fixture_init();
    fixture_start();
    client = connect_client();
    send_text(&client, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n" GET);
    usleep(20000); /* let the socket fill */
    response = expect(&client, 200);
    CHECK_INT(response.body.len, BIG_BYTES);
    for (size_t i = 0; i < BIG_BYTES; i++)
        if (response.body.ptr[i] != 'x')
            FAIL("byte %zu", i);
    response = expect(&client, 200);
    CHECK_VIEW(response.body, "ok");
    http_client_release(&client);
    fixture_stop();
}
