/* The reader on a table of requests, each fed whole, byte by byte and at random splits. */
#include "server/net/http_reader.h"

#include "base/buf.h"
#include "tests/refused_requests.h"
#include "tests/test.h"
#include "tests/unit/server/net/http_run.h"

#define LIMIT_HEAD 1024
#define LIMIT_FIELDS 8
#define LIMIT_BODY 64
#define OK .status = 0

struct row {
    const char *name;
    const char *bytes;
    int status;         /* 0: accepted; else that of the refusal */
    const char *code;   /* of the refusal */
    const char *path;   /* if accepted; NULL: "/" */
    const char *body;   /* NULL: empty */
    const char *behind; /* left for the next request; NULL: nothing */
};

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X256 X64 X64 X64 X64

static const struct row rows[] = {
    {"get", "GET / HTTP/1.1\r\n" H "\r\n", OK},
    {"get with query", "GET /a/b?c=d&e HTTP/1.1\r\n" H "\r\n", OK, .path = "/a/b"},
    {"1.0 without host", "GET / HTTP/1.0\r\n\r\n", OK},
    {"1.9 is 1.1", "GET / HTTP/1.9\r\n" H "\r\n", OK},
    {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", OK},
    {"host with port", "GET / HTTP/1.1\r\nHost: example.com:8080\r\n\r\n", OK},
    {"host of IPv6", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", OK},
    {"absolute form", "GET http://a:80/p?q HTTP/1.1\r\n" H "\r\n", OK, .path = "/p"},
    {"absolute form without path", "GET HTTPS://a HTTP/1.1\r\n" H "\r\n", OK, .path = ""},
    {"absolute form with query alone", "GET http://a?q HTTP/1.1\r\n" H "\r\n", OK, .path = ""},
    {"asterisk", "OPTIONS * HTTP/1.1\r\n" H "\r\n", OK, .path = "*"},
    {"authority", "CONNECT a:443 HTTP/1.1\r\n" H "\r\n", OK, .path = ""},
    {"percent in path", "GET /%7Ea HTTP/1.1\r\n" H "\r\n", OK, .path = "/%7Ea"},
    {"one empty line ahead", "\r\nGET / HTTP/1.1\r\n" H "\r\n", OK},
    {"blanks around a value", "GET / HTTP/1.1\r\nHost: \t a \t \r\n\r\n", OK},
    {"empty value", "GET / HTTP/1.1\r\n" H "X:\r\n\r\n", OK},
    {"obs-text in a value", "GET / HTTP/1.1\r\n" H "X: \xc3\xa9\xff\r\n\r\n", OK},
    {"any method", "BREW!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" H "\r\n", OK},
    {"any value", "GET / HTTP/1.1\r\n" H "X: \t!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\r\n\r\n", OK},
    {"any path", "GET /!$&'()*+,-.:;=@_~/?/ HTTP/1.1\r\n" H "\r\n", OK,
     .path = "/!$&'()*+,-.:;=@_~/"},
    {"body", POST "Content-Length: 5\r\n\r\nhello", OK, .body = "hello"},
    {"length zero", POST "Content-Length: 0\r\n\r\n", OK},
    {"length with leading zeros", POST "Content-Length: 0005\r\n\r\nhello", OK, .body = "hello"},
    {"length at the limit", POST "Content-Length: 64\r\n\r\n" X64, OK, .body = X64},
    {"pipelined", POST "Content-Length: 2\r\n\r\nabGET /", OK, .body = "ab", .behind = "GET /"},
    {"body of a get", "GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nxGE", OK, .body = "x",
     .behind = "GE"},
    {"chunked", CHUNKED "5\r\nhello\r\n0\r\n\r\n", OK, .body = "hello"},
    {"chunked, letters of any case", POST "TRANSFER-ENCODING: Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
     OK, .body = "x"},
    {"several chunks", CHUNKED "1\r\na\r\n2\r\nbc\r\n00A\r\n0123456789\r\n0\r\n\r\n", OK,
     .body = "abc0123456789"},
    {"chunk extensions", CHUNKED "1;a=b;c=\"d e\"\r\nx\r\n0;z\r\n\r\n", OK, .body = "x"},
    {"trailers", CHUNKED "1\r\nx\r\n0\r\nA: b\r\nContent-Length:7\r\n\r\n", OK, .body = "x"},
    {"chunked, pipelined", CHUNKED "1\r\nx\r\n0\r\n\r\nGET / HT", OK, .body = "x",
     .behind = "GET / HT"},
    {"empty chunked", CHUNKED "0\r\n\r\n", OK},
    {"chunks up to the limit", CHUNKED "20\r\n" X16 X16 "\r\n20\r\n" X16 X16 "\r\n0\r\n\r\n", OK,
     .body = X64},
    {"chunk bytes that look like framing", CHUNKED "7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", OK,
     .body = "0\r\n\r\n\r\n"},

    /* by the limits */
    {"body over the limit", POST "Content-Length: 65\r\n\r\n", .status = 413,
     .code = "body_too_large"},
    {"chunks over the limit", CHUNKED "40\r\n" X64 "\r\n1\r\n", .status = 413,
     .code = "body_too_large"},
    {"too many trailers",
     CHUNKED "0\r\nA:1\r\nA:2\r\nA:3\r\nA:4\r\nA:5\r\nA:6\r\nA:7\r\nA:8\r\nA:9\r\n\r\n",
     .status = 431, .code = "head_too_large"},
    {"trailers too long", CHUNKED "0\r\nA:" X256 X256 X256 X256 "\r\n\r\n", .status = 431,
     .code = "head_too_large"},
    {"too many fields",
     "GET / HTTP/1.1\r\n" H "A:1\r\nA:2\r\nA:3\r\nA:4\r\nA:5\r\nA:6\r\nA:7\r\nA:8\r\n\r\n",
     .status = 431, .code = "head_too_large"},
    {"as many fields as allowed",
     "GET / HTTP/1.1\r\n" H "A:1\r\nA:2\r\nA:3\r\nA:4\r\nA:5\r\nA:6\r\nA:7\r\n\r\n", OK},
    {"field too long", "GET / HTTP/1.1\r\n" H "X: " X256 X256 X256 X256 "\r\n\r\n", .status = 431,
     .code = "head_too_large"},
    {"target too long", "GET /" X256 X256 X256 X256, .status = 431, .code = "head_too_large"},
};

static const struct http_reader_limits limits = {
    .max_head_bytes = LIMIT_HEAD,
    .max_fields = LIMIT_FIELDS,
    .max_body_bytes = LIMIT_BODY,
};

/* The result for bytes that arrive all at once. */
static struct http_run run_whole(struct view bytes)
{
    struct http_run run;

    http_run_begin(&run, &limits);
    http_run_all(&run, bytes, bytes.len, NULL);
    return run;
}

static void check_refused(struct view bytes, enum problem_code problem)
{
    struct http_run run = run_whole(bytes);

    free(run.held);
    CHECK_INT(run.last, HTTP_REFUSED);
    CHECK_INT(run.reader.refusal.problem, problem);
}

static void check(const struct row *row, const struct http_run *run)
{
    const struct http_reader *r = &run->reader;
    const char *behind = row->behind ? row->behind : "";

    if (row->status) {
        CHECK_INT(run->last, HTTP_REFUSED);
        CHECK_STR(problem_kinds[r->refusal.problem].code, row->code);
        CHECK_INT(problem_kinds[r->refusal.problem].status, row->status);
        CHECK(problem_kinds[r->refusal.problem].closes);
        CHECK(r->refusal.detail != NULL);
        return;
    }
    if (run->last == HTTP_REFUSED)
        FAIL("refused: %s", r->refusal.detail);
    CHECK_INT(run->last, HTTP_DONE);
    CHECK_INT(run->heads, 1);
    CHECK_VIEW(http_span_view(r->head.path, run->held), row->path ? row->path : "/");
    CHECK_VIEW(((struct view){run->held + r->body.start, r->body.len}), row->body ? row->body : "");
    CHECK_VIEW(((struct view){run->held + r->end, run->len - r->end}), behind);
}

/* Whole, byte by byte and at random splits. */
static void check_splits(const struct row *row, struct rng *rng)
{
    struct view bytes = view_of(row->bytes);
    struct http_run run;

    test_row("http_reader__reads_and_refuses %s", row->name);
    for (int split = -2; split < 50; split++) {
        http_run_begin(&run, &limits);
        http_run_all(&run, bytes, split == -1 ? 1 : bytes.len, split < 0 ? NULL : rng);
        check(row, &run);
        free(run.held);
    }
}

TEST(http_reader__reads_and_refuses)
{
    struct rng rng;

    rng_init(&rng, 7);
    for (int i = 0; i < COUNT(rows); i++)
        check_splits(&rows[i], &rng);
    for (int i = 0; i < COUNT(refused_requests); i++) {
        const struct refused_request *refused = &refused_requests[i];

        check_splits(&(struct row){.name = refused->name,
                                   .bytes = refused->bytes,
                                   .status = refused->status,
                                   .code = refused->code},
                     &rng);
    }
}

/* A request that is well-formed so far is never refused or complete early: every proper prefix
 * needs more. */
TEST(http_reader__wants_more_of_every_prefix)
{
    for (int i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].bytes) - (rows[i].behind ? strlen(rows[i].behind) : 0);

        for (size_t n = 1; !rows[i].status && n < len; n++) {
            struct http_run run = run_whole((struct view){rows[i].bytes, n});

            if (run.last != HTTP_MORE)
                FAIL("%s: %zu of %zu bytes", rows[i].name, n, len);
            free(run.held);
        }
    }
}

/* The table above cannot contain NUL. */
TEST(http_reader__refuses_nul)
{
    check_refused(VIEW_LIT("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"), PROBLEM_BAD_REQUEST);
    check_refused(VIEW_LIT("GET / HTTP/1.1\r\nHost: a\r\nX\0A: b\r\n\r\n"), PROBLEM_BAD_REQUEST);
    check_refused(VIEW_LIT("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"), PROBLEM_BAD_REQUEST);
    check_refused(VIEW_LIT(CHUNKED "1\0\r\nx\r\n0\r\n\r\n"), PROBLEM_BAD_CHUNK);
}

/* Exactly max_head_bytes are accepted, one more is not, wherever the pieces end. */
TEST(http_reader__holds_the_heads_limit)
{
    char bytes[LIMIT_HEAD + 2];
    struct http_run run;

    for (size_t len = LIMIT_HEAD; len <= LIMIT_HEAD + 1; len++) {
        snprintf(bytes, sizeof(bytes), "GET / HTTP/1.1\r\nHost: a\r\nX: %0*d\r\n\r\n",
                 (int)len - 32, 0);
        CHECK_INT(strlen(bytes), len);
        for (int one = 0; one <= 1; one++) {
            http_run_begin(&run, &limits);
            http_run_all(&run, view_of(bytes), one ? 1 : len, NULL);
            free(run.held);
            CHECK_INT(run.last, len == LIMIT_HEAD ? HTTP_DONE : HTTP_REFUSED);
            if (len > LIMIT_HEAD)
                CHECK_INT(run.reader.refusal.problem, PROBLEM_HEAD_TOO_LARGE);
        }
    }
}

TEST(http_reader__bounds_chunk_extensions)
{
    struct buf bytes AT_END(buf_release) = BUF_INIT;

    buf_add_str(&bytes, CHUNKED);
    for (int i = 0; i < 20; i++)
        buf_printf(&bytes, "1;%0250d\r\nx\r\n", 0);
    check_refused(buf_view(&bytes), PROBLEM_BAD_CHUNK);
}

/* Held bytes never exceed head, body and the last piece: chunk framing is removed as it arrives. */
TEST(http_reader__squeezes_chunks)
{
    static const char *const chunk = "1\r\nx\r\n";
    struct http_run run;
    size_t head = strlen(CHUNKED);

    http_run_begin(&run, &limits);
    http_run_feed(&run, CHUNKED, head);
    for (int i = 1; i <= LIMIT_BODY; i++) {
        http_run_feed(&run, chunk, strlen(chunk));
        CHECK_INT(run.len, head + (size_t)i);
    }
    http_run_feed(&run, "0\r\n\r\n", 5);
    CHECK_INT(run.last, HTTP_DONE);
    CHECK_INT(run.len, head + LIMIT_BODY);
    free(run.held);
}

TEST(http_reader__reports_persistence_and_expectation)
{
    static const struct {
        const char *bytes;
        bool keep_alive, expects;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" H "\r\n", true, false},
        {"GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\n" H "Connection: foo, CLOSE\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: close\r\n\r\n", false,
         false},
        {"GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\n\r\n", false, false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false, false},
        {POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", true, true},
        {POST "Expect: 100-continue\r\n\r\n", true, false}, /* no body follows */
        {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx", false, false},
    };

    for (int i = 0; i < COUNT(cases); i++) {
        struct http_run run = run_whole(view_of(cases[i].bytes));

        test_row("http_reader__reports_persistence_and_expectation %d", i);
        free(run.held);
        CHECK_INT(run.last, HTTP_DONE);
        CHECK_INT(run.reader.head.keep_alive, cases[i].keep_alive);
        CHECK_INT(run.reader.head.expect_continue, cases[i].expects);
    }
}

TEST(http_reader__finds_fields)
{
    struct http_run run =
        run_whole(VIEW_LIT("GET /p?q=1 HTTP/1.1\r\n" H "X-A:  one \r\nx-a: two\r\n\r\n"));

    CHECK_INT(run.last, HTTP_DONE);
    CHECK_VIEW(http_head_find(&run.reader.head, run.held, "X-a"), "one");
    CHECK(http_head_find(&run.reader.head, run.held, "x-b").ptr == NULL);
    CHECK_VIEW(http_span_view(run.reader.head.query, run.held), "q=1");
    CHECK_VIEW(http_span_view(run.reader.head.method, run.held), "GET");
    free(run.held);
}

TEST(http_reader__started_by_a_byte_of_the_request)
{
    struct http_run run;

    http_run_begin(&run, &limits);
    http_run_feed(&run, "\r", 1);
    CHECK(!http_reader_started(&run.reader));
    http_run_feed(&run, "\n", 1);
    CHECK(!http_reader_started(&run.reader));
    CHECK_INT(run.len, 0);
    http_run_feed(&run, "G", 1);
    CHECK(http_reader_started(&run.reader));
    free(run.held);
}
