/* Tests of server/net/response_head.c. */
#include "server/net/response_head.h"

#include "tests/test.h"

TEST(answer_head__writes_the_head)
{
    struct buf out AT_END(buf_release) = BUF_INIT;
    struct http_response answer = {
        .status = 422, .headers = VIEW_LIT("Retry-After: 1\r\n"), .body = VIEW_LIT("{}")};

    response_head(&out, &answer,
                  &(struct response_head_args){.date = "D", .request_id = "r", .close = true});
    CHECK_STR(buf_str(&out),
              "HTTP/1.1 422 Unprocessable Content\r\nDate: D\r\nContent-Type: "
              "application/json\r\nContent-Length: 2\r\nX-Request-Id: r\r\n"
              "Cache-Control: no-store\r\nConnection: close\r\nRetry-After: 1\r\n\r\n");
    answer = (struct http_response){.status = 200, .content_type = "text/plain"};
    response_head(&out, &answer,
                  &(struct response_head_args){.date = "D", .request_id = "r", .keep_alive = true});
    CHECK_STR(buf_str(&out),
              "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\nX-Request-Id: r\r\n"
              "Cache-Control: no-store\r\nConnection: keep-alive\r\n\r\n");
}

TEST(answer_head__writes_dates)
{
    static const struct {
        int64_t unix_s;
        const char *date;
    } cases[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* the one of RFC 9110 */
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
    };
    char out[HTTP_DATE_BYTES];

    for (int i = 0; i < COUNT(cases); i++) {
        http_date(cases[i].unix_s, out);
        CHECK_STR(out, cases[i].date);
    }
}

/* Every status of a problem has a reason phrase. */
TEST(answer_head__names_every_status)
{
    for (int i = 0; i < PROBLEM_CODES; i++)
        if (!http_reason(problem_kinds[i].status)[0])
            FAIL("%d has no phrase", problem_kinds[i].status);
}

TEST(answer_head__echoes_sane_ids_only)
{
    char longest[HTTP_CALL_ID_MAX + 2];

    memset(longest, 'a', sizeof(longest));
    CHECK(request_id_is_valid(VIEW_LIT("r-1")));
    CHECK(request_id_is_valid(VIEW_LIT("0af7651916cd43dd:8448/eb+211=c8._Z")));
    CHECK(request_id_is_valid((struct view){longest, HTTP_CALL_ID_MAX}));
    CHECK(!request_id_is_valid((struct view){longest, HTTP_CALL_ID_MAX + 1}));
    CHECK(!request_id_is_valid((struct view){NULL, 0}));
    CHECK(!request_id_is_valid(VIEW_LIT("")));
    CHECK(!request_id_is_valid(VIEW_LIT("a b")));
    CHECK(!request_id_is_valid(VIEW_LIT("a\"b")));
    CHECK(!request_id_is_valid(VIEW_LIT("<a>")));
    CHECK(!request_id_is_valid(VIEW_LIT("\xc3\xa9")));
    CHECK(!request_id_is_valid((struct view){"a\0b", 3}));
}
