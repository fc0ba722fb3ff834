/* Tests of client/response.c. */
#include "client/response.h"

#include "base/rng.h"
#include "tests/test.h"

#define HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

struct row {
    const char *name, *bytes;
    int status; /* 0: refused; the stream ends after the bytes */
    const char *body, *behind;
    bool keep_alive, head_request;
};

static const struct row rows[] = {
    {"length", HEAD "Content-Length: 2\r\n\r\nok", 200, "ok", "", true, false},
    {"length, more behind", HEAD "content-length: 2\r\n\r\nokHTTP", 200, "ok", "HTTP", true, false},
    {"close", HEAD "Connection: close\r\nContent-Length: 0\r\n\r\n", 200, "", "", false, false},
    {"1.0", "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, "", "", false, false},
    {"1.0 kept", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 200, "",
     "", true, false},
    {"no phrase", "HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", 503, "", "", true, false},
    {"chunked", HEAD CHUNKED "2\r\nab\r\n1;x\r\nc\r\n0\r\nT: v\r\n\r\nHT", 200, "abc", "HT", true,
     false},
    {"until close", HEAD "\r\nall of it", 200, "all of it", "", false, false},
    {"204", "HTTP/1.1 204 No Content\r\n\r\nHT", 204, "", "HT", true, false},
    {"after 100", "HTTP/1.1 100 Continue\r\n\r\n" HEAD "Content-Length: 1\r\n\r\nx", 200, "x", "",
     true, false},
    {"of a HEAD", HEAD "Content-Length: 50\r\n\r\n", 200, "", "", true, true},
    {"cut in the head", HEAD "Content-Le", .status = 0},
    {"cut in the body", HEAD "Content-Length: 5\r\n\r\nabc", .status = 0},
    {"cut in a chunk", HEAD CHUNKED "5\r\nabc", .status = 0},
    {"nothing", "", .status = 0},
    {"no HTTP", "SSH-2.0-x\r\n", .status = 0},
    {"bad status", "HTTP/1.1 2x0 OK\r\n\r\n", .status = 0},
    {"bad length", HEAD "Content-Length: x\r\n\r\n", .status = 0},
    {"bad chunk", HEAD CHUNKED "z\r\n", .status = 0},
    {"chunk too long", HEAD CHUNKED "1\r\nab\r\n0\r\n\r\n", .status = 0},
    {"both lengths", HEAD "Content-Length: 1\r\n" CHUNKED, .status = 0},
    {"other coding", HEAD "Transfer-Encoding: gzip\r\n\r\n", .status = 0},
    {"no colon", HEAD "Nonsense\r\n\r\n", .status = 0},
    {"bare LF", "HTTP/1.1 200 OK\n\n", .status = 0},
};

/* In pieces of at most `most` bytes: of random sizes with rng, else of that size. */
static void run(const struct row *row, size_t most, struct rng *rng)
{
    struct response_reader r;
    enum response_progress got = RESPONSE_MORE;
    size_t total = strlen(row->bytes), at = 0, len = 0;
    char *held = NULL;

    response_reader_init(&r, row->head_request);
    do {
        size_t n = total - at < most ? total - at : most;

        n = n && rng ? 1 + (size_t)rng_below(rng, n) : n;
        held = realloc(held, len + n + (len + n == 0));
        memcpy(held + len, row->bytes + at, n);
        at += n;
        len += n;
        if (got == RESPONSE_MORE)
            got = response_reader_run(&r, held, &len, at == total);
    } while (at < total);
    CHECK_INT(got, row->status ? RESPONSE_DONE : RESPONSE_BAD);
    if (got == RESPONSE_DONE) {
        CHECK_INT(r.status, row->status);
        CHECK_VIEW(((struct view){held + r.body_start, r.body_len}), row->body);
        CHECK_VIEW(((struct view){held + r.end, len - r.end}), row->behind);
        CHECK_INT(r.keep_alive, row->keep_alive);
    }
    free(held);
}

TEST(response__reads_at_any_split)
{
    struct rng rng;

    rng_init(&rng, 2);
    for (int i = 0; i < COUNT(rows); i++) {
        test_row("response__reads_at_any_split %s", rows[i].name);
        run(&rows[i], SIZE_MAX, NULL);
        run(&rows[i], 1, NULL);
        for (int split = 0; split < 30; split++)
            run(&rows[i], SIZE_MAX, &rng);
    }
}

TEST(response__finds_fields)
{
    char bytes[] = HEAD "A:  b \r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    struct response_reader r;
    size_t len = sizeof(bytes) - 1;

    response_reader_init(&r, false);
    CHECK_INT(response_reader_run(&r, bytes, &len, false), RESPONSE_DONE);
    CHECK_VIEW(response_header(&r, bytes, "a"), "b");
    CHECK_VIEW(response_header(&r, bytes, "retry-after"), "1");
    CHECK(response_header(&r, bytes, "b").ptr == NULL);
}
