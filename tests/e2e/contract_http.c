/* CONTRACT 3, when things go wrong: requests that are invalid HTTP. */
#include <sys/socket.h>

#include "tests/e2e/contract.h"
#include "tests/refused_requests.h"

/* tests/unit/server/net/http_reader.c has the refused requests. */
CONTRACT_TEST(grammar, refusals)
{
    for (int i = 0; i < COUNT(refused_requests); i++) {
        const struct refused_request *row = &refused_requests[i];

        test_row("%s: %s", row->code, row->name);
        contract_expect(shared(), view_of(row->bytes), CONTRACT_CLOSES(row->status, row->code));
    }
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

/* A body of exactly the maximum size, and a larger one. */
static struct view chunked(const char *largest, const char *more)
{
    return view_of(js("POST /rank HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "%x\r\n%s\r\n%s0\r\n\r\n",
                      MAX_BODY, largest, more));
}

CONTRACT_TEST(size, body)
{
    const char *largest = js("{}%*s", MAX_BODY - 2, "");

    contract_expect(shared(), client_post(largest, ""), CONTRACT_OK);
    contract_expect(shared(), client_post(js("%s ", largest), ""),
                    CONTRACT_CLOSES(413, "body_too_large"));
    test_row("in chunks");
    contract_expect(shared(), chunked(largest, ""), CONTRACT_OK);
    contract_expect(shared(), chunked(largest, "1\r\n \r\n"),
                    CONTRACT_CLOSES(413, "body_too_large"));
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
    test_row("a query is not part of the path");
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
        CHECK(strstr(contract_expect(shared(),
                                     client_post("{}", js("Content-Type: %s\r\n", refused[i])),
                                     CONTRACT_REFUSES(415, "unsupported_media_type")),
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
    while (n < sizeof(interim) - 1) { /* the client waits for it before sending the body */
        CHECK_INT(http_client_wait_end(&client, 10000), HTTP_CLIENT_MORE);
        n += (size_t)recv(client.fd, bytes + n, sizeof(interim) - 1 - n, 0);
    }
    CHECK_STR(bytes, interim);
    client_send(&client, VIEW_LIT("{}"));
    contract_receive(&client, CONTRACT_OK);
    contract_end(shared(), &client, false);
}

/* No 100 for a refused head; as the body may follow or not, nothing after the head can be read. */
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
