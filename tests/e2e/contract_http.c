/* CONTRACT 3, when things go wrong: what is wrong with a request as HTTP. */
#include <sys/socket.h>

#include "tests/e2e/contract.h"
#include "tests/refused_requests.h"

#define BYTES(literal) ((struct view){literal, sizeof(literal) - 1})

static void refuse(const struct refused_request *row)
{
    test_row("%s: %s", row->code, row->name);
    contract_expect(
        shared(), view_of(row->bytes),
        &(struct contract_want){.status = row->status, .code = row->code, .closed = true});
}

static bool is_about_coding(const struct refused_request *row)
{
    return strcmp(row->code, "bad_chunk") == 0 || strcmp(row->code, "transfer_encoding") == 0;
}

CONTRACT_TEST(grammar, refusals)
{
    for (int i = 0; i < COUNT(refused_requests); i++)
        if (!is_about_coding(&refused_requests[i]))
            refuse(&refused_requests[i]);
}

CONTRACT_TEST(grammar, ends_early)
{
    static const struct view rows[] = {
        BYTES("POST /ra"),
        BYTES("POST /rank HTTP/1.1\r\nHost: a\r\n"),
        BYTES("POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{}"),
        BYTES("POST /rank HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct http_client client;

        test_row("ends early: %s", rows[i].ptr);
        client_open(&client, shared()->address);
        client_send(&client, rows[i]);
        CHECK(shutdown(client.fd, SHUT_WR) == 0);
        contract_receive(&client, CONTRACT_CLOSES(400, "bad_request"));
        contract_end(shared(), &client, true);
    }
}

CONTRACT_TEST(grammar, control_bytes)
{
    static const struct view rows[] = {
        BYTES("POST /rank HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n"),
        BYTES("POST /rank HTTP/1.1\r\nHost: a\r\nX\0A: b\r\n\r\n"),
        BYTES("POST /ra\0nk HTTP/1.1\r\nHost: a\r\n\r\n"),
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("NUL in %s", rows[i].ptr);
        contract_expect(shared(), rows[i], CONTRACT_CLOSES(400, "bad_request"));
    }
}

CONTRACT_TEST(grammar, host)
{
    contract_expect(shared(), VIEW_LIT("POST /rank HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}"),
                    &(struct contract_want){.status = 200, .closed = true});
}

/* ---- Transfer-Encoding ----------------------------------------------------------------------- */

static struct view chunked(const char *rest)
{
    return view_of(
        js("POST /rank HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s", rest));
}

CONTRACT_TEST(coding, chunked)
{
    static const char *const rows[] = {
        "8\r\n{'id':'c\r\n3\r\n1'}\r\n0\r\n\r\n",
        "B\r\n{'id':'c1'}\r\n0\r\n\r\n",
        "b;a=b;c='d e'\r\n{'id':'c1'}\r\n0;last\r\n\r\n",
        "0000000b\r\n{'id':'c1'}\r\n00\r\n\r\n",
        "b\r\n{'id':'c1'}\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n",
    };

    for (int i = 0; i < COUNT(rows); i++) {
        const char *body;

        test_row("chunked: %s", rows[i]);
        body = contract_expect(shared(), chunked(rows[i]), CONTRACT_OK);
        CHECK(strstr(body, "\"id\":\"c1\""));
    }
}

CONTRACT_TEST(coding, refusals)
{
    char extension[6000];

    for (int i = 0; i < COUNT(refused_requests); i++)
        if (is_about_coding(&refused_requests[i]))
            refuse(&refused_requests[i]);
    test_row("extensions without end");
    memset(extension, 'e', sizeof(extension) - 1);
    extension[sizeof(extension) - 1] = '\0';
    contract_expect(shared(), chunked(js("2;%s\r\n{}\r\n0\r\n\r\n", extension)),
                    CONTRACT_CLOSES(400, "bad_chunk"));
}

/* ---- sizes ----------------------------------------------------------------------------------- */

/* A head of exactly n bytes, with a body {}. */
static const char *head_of(int n)
{
    static const char before[] = "POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nX-A: ";
    static char bytes[20000];
    int fill = n - (int)strlen(before) - 4;

    snprintf(bytes, sizeof(bytes), "%s%0*d\r\n\r\n{}", before, fill, 0);
    return bytes;
}

CONTRACT_TEST(size, head_bytes)
{
    contract_expect(shared(), view_of(head_of(16384)), CONTRACT_OK);
    contract_expect(shared(), view_of(head_of(16385)), CONTRACT_CLOSES(431, "head_too_large"));
    test_row("a target without end");
    contract_expect(shared(), view_of(js("GET /%0*d HTTP/1.1\r\n", 17000, 0)),
                    CONTRACT_CLOSES(431, "head_too_large"));
}

static struct view fields_of(int n)
{
    struct buf text AT_END(buf_release) = BUF_INIT;

    buf_add_str(&text, "POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n");
    for (int i = 2; i < n; i++)
        buf_printf(&text, "X-%d: v\r\n", i);
    return view_of(js("%s\r\n{}", buf_str(&text)));
}

CONTRACT_TEST(size, head_fields)
{
    contract_expect(shared(), fields_of(64), CONTRACT_OK);
    contract_expect(shared(), fields_of(65), CONTRACT_CLOSES(431, "head_too_large"));
}

#define MAX_BODY 262144

/* {} and blanks. */
static const char *body_of(int n)
{
    return js("{}%*s", n - 2, "");
}

CONTRACT_TEST(size, body)
{
    const char *largest = body_of(MAX_BODY), *larger = body_of(MAX_BODY + 1);
    struct contract_want refused = {.status = 413, .code = "body_too_large", .closed = true};

    contract_expect(shared(), client_post(largest, ""), CONTRACT_OK);
    contract_expect(shared(), client_post(larger, ""), &refused);
    test_row("told by the head alone");
    contract_expect(
        shared(),
        VIEW_LIT("POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        &refused);
    test_row("in chunks");
    contract_expect(shared(), chunked(js("%x\r\n%s\r\n0\r\n\r\n", MAX_BODY, largest)), CONTRACT_OK);
    contract_expect(shared(), chunked(js("%x\r\n%s\r\n1\r\n \r\n0\r\n\r\n", MAX_BODY, largest)),
                    &refused);
}

/* ---- routes ---------------------------------------------------------------------------------- */

CONTRACT_TEST(route, path)
{
    static const char *const rows[] = {"/",       "/ranks",   "/rank/",       "/RANK",
                                       "/%72ank", "/metrics", "/admin/reload"};

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("path %s", rows[i]);
        contract_expect(
            shared(),
            view_of(js("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", rows[i])),
            CONTRACT_REFUSES(404, "not_found"));
    }
    test_row("a query is no part of the path");
    contract_expect(shared(),
                    VIEW_LIT("POST /rank?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"),
                    CONTRACT_OK);
}

CONTRACT_TEST(route, method)
{
    static const struct {
        const char *method, *path, *allow;
    } rows[] = {{"GET", "/rank", "Allow: POST"},    {"PUT", "/rank", "Allow: POST"},
                {"DELETE", "/rank", "Allow: POST"}, {"OPTIONS", "/rank", "Allow: POST"},
                {"post", "/rank", "Allow: POST"},   {"POST", "/readyz", "Allow: GET, HEAD"},
                {"head", "/rank", "Allow: POST"},   {"POST", "/livez", "Allow: GET, HEAD"}};

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s %s", rows[i].method, rows[i].path);
        contract_expect(
            shared(),
            view_of(js("%s %s HTTP/1.1\r\nHost: a\r\n\r\n", rows[i].method, rows[i].path)),
            &(struct contract_want){
                .status = 405, .code = "method_not_allowed", .header = rows[i].allow});
    }
}

CONTRACT_TEST(route, content_type)
{
    static const char *const refused[] = {"text/plain",
                                          "multipart/form-data; boundary=x",
                                          "application/octet-stream",
                                          "text/json",
                                          "application/jsonp",
                                          "application/json+",
                                          "+json",
                                          "/+json",
                                          "application/+json",
                                          "application/xml",
                                          "text/html; a=application/json",
                                          ""};
    static const char *const taken[] = {
        "Content-Type: application/json\r\n",
        "Content-Type: Application/JSON ; charset=utf-8\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n", /* what curl -d sends */
        "Content-Type: Application/X-WWW-Form-Urlencoded;charset=utf-8\r\n",
        "Content-Type: application/vnd.openrtb+json\r\n",
        "Content-Type: application/ld+JSON; version=2.6\r\n"};

    for (int i = 0; i < COUNT(refused); i++) {
        test_row("content type \"%s\"", refused[i]);
        contract_expect(shared(), client_post("{}", js("Content-Type: %s\r\n", refused[i])),
                        CONTRACT_REFUSES(415, "unsupported_media_type"));
        CHECK(strstr(
            driver_raw(shared()->address, client_post("{}", js("Content-Type: %s\r\n", refused[i])))
                ->body,
            "send Content-Type: application/json"));
    }
    for (int i = 0; i < COUNT(taken); i++) {
        test_row("%s", taken[i]);
        contract_expect(shared(), client_post("{}", taken[i]), CONTRACT_OK);
    }
    test_row("no content type");
    contract_expect(shared(),
                    VIEW_LIT("POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"),
                    CONTRACT_OK);
}

CONTRACT_TEST(route, content_encoding)
{
    static const char *const refused[] = {"gzip", "br", "deflate", "identity, gzip"};

    for (int i = 0; i < COUNT(refused); i++) {
        test_row("content encoding %s", refused[i]);
        contract_expect(shared(), client_post("{}", js("Content-Encoding: %s\r\n", refused[i])),
                        &(struct contract_want){.status = 415,
                                                .code = "unsupported_encoding",
                                                .header = "Accept-Encoding: identity"});
    }
    test_row("identity");
    contract_expect(shared(), client_post("{}", "Content-Encoding: identity\r\n"), CONTRACT_OK);
}

/* ---- Expect ---------------------------------------------------------------------------------- */

CONTRACT_TEST(expect, continued)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char bytes[sizeof(interim)] = "";
    struct http_client client;
    size_t n = 0;

    client_open(&client, shared()->address);
    client_send(&client, VIEW_LIT("POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                                  "Expect: 100-continue\r\n\r\n"));
    while (n < sizeof(interim) - 1) { /* the client waits for it: no byte of the body is out */
        CHECK_INT(http_client_wait_end(&client, 10000), HTTP_CLIENT_MORE);
        n += (size_t)recv(client.fd, bytes + n, sizeof(interim) - 1 - n, 0);
    }
    CHECK_STR(bytes, interim);
    client_send(&client, VIEW_LIT("{}"));
    contract_receive(&client, CONTRACT_OK);
    contract_end(shared(), &client, false);
}

/* No 100 for a head that is refused; as the body may follow or not, nothing can be read after it.
 */
CONTRACT_TEST(expect, refused_head)
{
    static const struct {
        const char *head;
        struct contract_want want;
    } rows[] = {
        {"POST /nowhere HTTP/1.1\r\nContent-Length: 2\r\n",
         {.status = 404, .code = "not_found", .closed = true}},
        {"PUT /rank HTTP/1.1\r\nContent-Length: 2\r\n",
         {.status = 405, .code = "method_not_allowed", .header = "Allow: POST", .closed = true}},
        {"POST /rank HTTP/1.1\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n",
         {.status = 415, .code = "unsupported_media_type", .closed = true}},
        {"POST /rank HTTP/1.1\r\nContent-Length: 262145\r\n",
         {.status = 413, .code = "body_too_large", .closed = true}},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct http_client client;
        char bytes[13] = "";

        test_row("expect: %s", rows[i].head);
        client_open(&client, shared()->address);
        client_send(&client,
                    view_of(js("%sHost: a\r\nExpect: 100-continue\r\n\r\n", rows[i].head)));
        CHECK_INT(http_client_wait_end(&client, 10000), HTTP_CLIENT_MORE);
        CHECK_INT(recv(client.fd, bytes, 12, MSG_PEEK | MSG_WAITALL), 12);
        CHECK_STR(bytes, js("HTTP/1.1 %d", rows[i].want.status));
        contract_receive(&client, &rows[i].want);
        contract_end(shared(), &client, true);
    }
}

CONTRACT_DAEMON_ENDS(http)
