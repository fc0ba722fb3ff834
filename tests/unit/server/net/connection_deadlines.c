/* Connections over real sockets: slow clients, in addition to tests/e2e/contract_time.c. */
#include "server/net/connection_pool.h"

#include "tests/unit/server/net/server_fixture.h"

/* The answer reaches a client that keeps sending data that is never read. */
TEST(connection__lingers_after_refusing)
{
    char junk[65536];

    memset(junk, 'j', sizeof(junk));
    fixture_begin();
    for (int round = 0; round < 5; round++) {
        struct http_client *client = connect_client();

        send_text(client, POST("9999999"));
        for (int i = 0; i < 8; i++)
            send_bytes(client, junk, sizeof(junk));
        expect_code(client, 413, "body_too_large");
        expect_end(client);
    }
    fixture_stop();
}

/* A new connection has first_byte_ms, or idle_ms if that is less; after the first request only
 * idle_ms applies. */
TEST(connection__closes_silent_ones_early)
{
    struct http_client *client, *never, *empty;

    fixture_init();
    fixture.options.first_byte_ms = 100;
    fixture_start();
    client = connect_client();
    expect_alive(client);
    never = connect_client();
    empty = connect_client();
    send_text(empty, "\r\n"); /* not the first byte of a request, so it gains no time */
    expect_end(never);
    expect_end(empty);
    CHECK_INT(http_client_wait_end(client, 300), HTTP_CLIENT_OPEN);
    expect_alive(client);
    fixture_stop();
}

TEST(connection__writes_what_does_not_fit_at_once)
{
    struct http_client *client = fixture_begin_client();
    struct client_response response;

    send_text(client, GET("/big") GET("/get"));
    usleep(20000); /* let the socket fill */
    response = expect(client, 200);
    CHECK_INT(response.body.len, BIG_BYTES);
    for (size_t i = 0; i < BIG_BYTES; i++)
        if (response.body.ptr[i] != 'x')
            FAIL("byte %zu", i);
    CHECK_VIEW(expect(client, 200).body, "ok");
    fixture_stop();
}
