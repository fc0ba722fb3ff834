/* Connections over real sockets: how much of a head, how many, how much memory. */
#include "server/net/connection.h"

#include <sys/socket.h>

#include "tests/unit/server/net/server_fixture.h"

static void repeat(struct http_client *client, const char *text, int n)
{
    struct buf out = BUF_INIT;
    struct err err;

    for (int i = 0; i < n; i++)
        buf_add_str(&out, text);
    CHECK_OK(http_client_send(client, buf_view(&out), &err), err);
    buf_release(&out);
}

TEST(connection__limits_the_head)
{
    struct http_client client;

    fixture_init();
    fixture_start();
    client = connect_client();
    send_text(&client, "GET /get HTTP/1.1\r\nHost: a\r\n");
    repeat(&client, "A: b\r\n", 64); /* Host is one of 64 */
    expect_code(&client, 431, "head_too_large");
    expect_end(&client);
    client = connect_client();
    send_text(&client, "GET /get HTTP/1.1\r\nHost: a\r\nX: ");
    repeat(&client, "x", 16384);
    expect_code(&client, 431, "head_too_large");
    expect_end(&client);
    client = connect_client(); /* just below both */
    send_text(&client, "GET /get HTTP/1.1\r\nHost: a\r\n");
    repeat(&client, "A: b\r\n", 62);
    send_text(&client, "X: ");
    repeat(&client, "x", 15000);
    send_text(&client, "\r\n\r\n");
    expect(&client, 200);
    http_client_release(&client);
    fixture_stop();
}

TEST(connection__limits_how_many)
{
    struct http_client a, b, c;
    struct http_response response;

    fixture_init();
    fixture.limits.max_connections = 2;
    fixture_start();
    a = connect_client();
    b = connect_client();
    expect_alive(&a);
    expect_alive(&b);
    c = connect_client();
    response = expect(&c, 503);
    CHECK_VIEW(http_response_header(&response, "retry-after"), "1");
    CHECK_VIEW(http_response_header(&response, "connection"), "close");
    expect_end(&c);
    http_client_release(&a);
    WAIT_UNTIL(server_connections(&fixture.server) == 1);
    c = connect_client();
    expect_alive(&c);
    http_client_release(&b);
    http_client_release(&c);
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

/* Limits are read anew at each use. */
TEST(connection__follows_new_limits)
{
    struct http_client client, other;

    fixture_init();
    fixture_start();
    client = connect_client();
    expect_alive(&client);
    fixture.limits.max_body_bytes = 10;
    fixture.limits.idle_ms = 100;
    server_set_limits(&fixture.server, &fixture.limits);
    expect_alive(&client);
    other = connect_client();
    send_text(&other, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    expect_code(&other, 413, "body_too_large");
    expect_end(&other);
    expect_end(&client);
    fixture_stop();
}

TEST_MAIN
