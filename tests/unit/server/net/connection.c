/* Connections over real sockets: persistence, order, refusals, handlers. */
#include "server/net/connection_pool.h"

#include "tests/unit/server/net/server_fixture.h"

TEST(connection__keeps_alive)
{
    struct http_client *client = fixture_begin_client();
    char id[17] = "";

    for (int i = 0; i < 3; i++) {
        struct client_response response = ask(client, GET("/get"), 200);

        CHECK_VIEW(response.body, "ok");
        CHECK(response.keep_alive);
        CHECK_VIEW(http_response_header(&response, "content-length"), "2");
        CHECK_VIEW(http_response_header(&response, "cache-control"), "no-store");
        CHECK_INT(http_response_header(&response, "date").len, 29);
        CHECK_INT(http_response_header(&response, "x-request-id").len, 16);
        CHECK(!view_is(http_response_header(&response, "x-request-id"), id));
        memcpy(id, http_response_header(&response, "x-request-id").ptr, 16);
    }
    CHECK_INT(server_connections(&fixture.server), 1);
    CHECK_INT(fixture.answered, 3);
    http_client_release(client);
    WAIT_UNTIL(server_connections(&fixture.server) == 0);
    fixture_stop();
}

TEST(connection__follows_version_and_connection_field)
{
    static const struct {
        const char *bytes;
        bool kept;
        const char *field;
    } cases[] = {
        {GET("/get"), true, NULL},
        {"GET /get HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "close"},
        {"GET /get HTTP/1.0\r\n\r\n", false, "close"},
        {"GET /get HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "keep-alive"},
        {"GET /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "close"},
    };

    fixture_begin();
    for (int i = 0; i < COUNT(cases); i++) {
        struct http_client *client = connect_client();
        struct client_response response;

        test_row("connection__follows_version_and_connection_field %d", i);
        response = ask(client, cases[i].bytes, 200);
        CHECK(view_eq(http_response_header(&response, "connection"), view_of(cases[i].field)));
        if (cases[i].kept)
            expect_alive(client);
        else
            expect_end(client);
    }
    fixture_stop();
}

static void check_echo(struct http_client *client, size_t len, bool chunked, struct rng *rng)
{
    struct buf out = BUF_INIT;
    struct client_response response;
    char *body = malloc(len + 1);
    size_t at = 0;

    for (size_t i = 0; i < len; i++)
        body[i] = (char)rng_u64(rng);
    buf_add_str(&out, "POST /echo HTTP/1.1\r\nHost: a\r\n");
    if (!chunked)
        buf_printf(&out, "Content-Length: %zu\r\n\r\n", len);
    else
        buf_add_str(&out, "Transfer-Encoding: chunked\r\n\r\n");
    while (at < len) {
        size_t n = chunked ? 1 + (size_t)rng_below(rng, len - at) : len;

        if (chunked)
            buf_printf(&out, "%zx\r\n", n);
        buf_add(&out, body + at, n);
        if (chunked)
            buf_add_str(&out, "\r\n");
        at += n;
    }
    if (chunked)
        buf_add_str(&out, "0\r\n\r\n");
    for (at = 0; at < out.len;) { /* in a few pieces */
        size_t n = 1 + (size_t)rng_below(rng, out.len - at);

        send_bytes(client, out.ptr + at, n);
        at += n;
    }
    response = expect(client, 200);
    CHECK_INT(response.body.len, len);
    CHECK(memcmp(response.body.ptr, body, len) == 0);
    buf_release(&out);
    free(body);
}

TEST(connection__takes_bodies_of_all_sizes)
{
    static const size_t sizes[] = {0, 1, 100, 10000, 16000, 16384, 16896, 32768, 100000, 262144};
    struct http_client *client = fixture_begin_client();
    struct rng rng;

    rng_init(&rng, 3);
    for (int i = 0; i < 2 * COUNT(sizes); i++) {
        test_row("connection__takes_bodies_of_all_sizes %zu %s", sizes[i / 2],
                 i % 2 ? "chunked" : "length");
        check_echo(client, sizes[i / 2], i % 2, &rng);
        WAIT_UNTIL(fixture_body_bytes() == 0);
    }
    fixture_stop();
}

TEST(connection__answers_in_order)
{
    struct http_client *client = fixture_begin_client();
    struct buf out AT_END(buf_release) = BUF_INIT;
    struct client_response response;
    char want[32];

    /* more than one buffer of requests, so that reading has to wait for answers */
    for (int i = 0; i < 400; i++)
        buf_printf(&out, "GET %s HTTP/1.1\r\nHost: a\r\nX-Request-Id: n%d\r\nX: %060d\r\n\r\n",
                   i % 40 == 1 ? "/late" : "/get", i, i);
    send_bytes(client, out.ptr, out.len);
    for (int i = 0; i < 400; i++) {
        response = expect(client, 200);
        snprintf(want, sizeof(want), "n%d", i);
        CHECK_VIEW(http_response_header(&response, "x-request-id"), want);
        CHECK_VIEW(response.body, i % 40 == 1 ? "late" : "ok");
    }
    expect_alive(client);
    fixture_stop();
}

/* What tests/e2e/contract_http.c cannot test with the daemon's own routes. */
TEST(connection__routes)
{
    static const struct {
        const char *request;
        int status;
        const char *allow, *code;
    } cases[] = {
        {"OPTIONS *", 404, NULL, "not_found"},
        {"CONNECT a:1", 404, NULL, "not_found"},
        {"PUT /get", 405, "GET, HEAD, POST", "method_not_allowed"},
        {"GET /nothing", 500, NULL, "internal"}, /* the handler does not answer */
    };
    struct http_client *client = fixture_begin_client();
    struct client_response response;
    char text[512];

    for (int i = 0; i < COUNT(cases); i++) {
        test_row("connection__routes %s", cases[i].request);
        snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].request);
        response = ask(client, text, cases[i].status);
        CHECK(view_eq(http_response_header(&response, "allow"), view_of(cases[i].allow)));
        check_code(&response, cases[i].code);
        expect_alive(client);
    }
    fixture_stop();
}

/* The response has no body byte, or the next answer could not be read. */
TEST(connection__answers_head_without_a_body)
{
    static const struct {
        const char *request;
        int status;
        const char *allow, *type;
    } cases[] = {
        {"HEAD /get HTTP/1.1\r\nHost: a\r\n\r\n", 200, NULL, "text/plain"},
        {"HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n", 405, "POST", "application/problem+json"},
    };
    struct http_client *client = fixture_begin_client();
    struct client_response response;
    struct err err;

    for (int i = 0; i < COUNT(cases); i++) {
        send_text(client, cases[i].request);
        CHECK_OK(http_client_receive(client, true, &response, &err), err);
        CHECK_INT(response.status, cases[i].status);
        CHECK(i || view_is(http_response_header(&response, "content-length"), "2"));
        CHECK(view_eq(http_response_header(&response, "allow"), view_of(cases[i].allow)));
        CHECK_VIEW(http_response_header(&response, "content-type"), cases[i].type);
        expect_alive(client);
    }
    fixture_stop();
}

/* The good request is answered, the bad one refused, the third never read.
 * tests/e2e/contract_http.c has the refused requests. */
TEST(connection__refuses_within_a_pipeline)
{
    struct http_client *client = fixture_begin_client();

    ask(client, GET("/get") "GET /get HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" GET("/get"), 200);
    expect_code(client, 400, "bad_host");
    expect_end(client);
    fixture_stop();
}

static void reset(struct http_client *client)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};

    CHECK(setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) == 0);
    http_client_release(client);
}

/* Also when nothing more can be read: the client has shut down its sending side, or the buffer is
 * full. */
TEST(connection__notices_that_the_client_is_gone)
{
    enum { OPEN, SHUT, FULL, CASES };
    static const char *const names[CASES] = {"open", "shut", "full"};
    static char body[32650];

    memset(body, 'b', sizeof(body));
    fixture_begin();
    for (int i = 0; i < CASES; i++) {
        struct http_client *client = connect_client();
        const size_t n = i == FULL ? sizeof(body) : 1;
        char head[128];
        /* 32768 bytes is a buffer size, of which HTTP_CALL_BODY_PADDING stay free */
        const int len = snprintf(head, sizeof(head),
                                 "GET /park HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", n);

        test_row("connection__notices_that_the_client_is_gone %s", names[i]);
        CHECK(i != FULL || (size_t)len + n == 32768 - HTTP_CALL_BODY_PADDING);
        send_text(client, head);
        send_bytes(client, body, n);
        if (i == SHUT)
            shutdown(client->fd, SHUT_WR);
        WAIT_UNTIL(fixture.parked == i + 1);
        usleep(20000);
        CHECK_INT(fixture.gone, i);
        reset(client);
        WAIT_UNTIL(fixture.gone == i + 1);
        WAIT_UNTIL(server_connections(&fixture.server) == 0);
    }
    fixture_stop();
    CHECK_INT(fixture.gone, CASES);
}

TEST(connection__answers_who_shut_only_sending)
{
    static const char *const begun[] = {
        "GET /late HTT", "POST /echo HTTP/1.1\r\nHost: a\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{}",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"};
    struct http_client *client = fixture_begin_client();

    send_text(client, GET("/late") GET("/get"));
    shutdown(client->fd, SHUT_WR);
    CHECK_VIEW(expect(client, 200).body, "late");
    CHECK_VIEW(expect(client, 200).body, "ok");
    expect_end(client);
    for (int i = 0; i < COUNT(begun); i++) {
        test_row("shut within %s", begun[i]);
        client = connect_client();
        send_text(client, begun[i]);
        shutdown(client->fd, SHUT_WR);
        expect_code(client, 400, "bad_request");
        expect_end(client);
    }
    fixture_stop();
}

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

TEST(connection__passes_ids_to_handlers)
{
    struct http_client *client = fixture_begin_client();
    struct client_response response;

    response = ask(client,
                   "GET /id?a=1&q=x%20y&qq=2 HTTP/1.1\r\nHost: a\r\nX-Request-Id: me-1\r\n"
                   "traceparent: " TRACE "\r\n\r\n",
                   200);
    CHECK_VIEW(response.body, "me-1 a=1&q=x%20y&qq=2 a " TRACE);
    CHECK_VIEW(http_response_header(&response, "x-request-id"), "me-1");
    response = ask(client,
                   "GET /id HTTP/1.1\r\nHost: a\r\nX-Request-Id: <script>\r\n"
                   "traceparent: 00-xyz\r\n\r\n",
                   200);
    CHECK_INT(response.body.len, 16 + 4); /* a generated id, the host, and three blanks */
    response =
        ask(client, "GET http://b:1/id HTTP/1.1\r\nHost: a\r\nX-Request-Id: me\r\n\r\n", 200);
    CHECK_VIEW(response.body, "me  b:1 ");
    fixture_stop();
}
