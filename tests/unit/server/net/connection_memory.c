/* Connections over real sockets: which one is closed when the memory budget is full. */
#include "server/net/connection_pool.h"

#include "tests/unit/server/net/server_fixture.h"

#define LIMIT (32 << 20)

static char bytes[262144];
static int64_t filled;

/* One worker, bodies of up to 256 KiB, and a budget of 32 MiB. */
static void open_fixture(void)
{
    memset(bytes, 'b', sizeof(bytes));
    fixture_init();
    fixture.options.workers = 1;
    fixture.memory_bytes = LIMIT;
    fixture_start();
    budget_set_limit(&fixture.memory, LIMIT, 0);
}

static int64_t kind_bytes(enum budget_kind kind)
{
    return atomic_load(&fixture.memory.kind_bytes[kind]);
}

/* Charges other memory, up to less than 1 KiB below `most`. */
static void fill(int64_t most)
{
    while (atomic_load(&fixture.memory.held_bytes) + 1024 <= most) {
        CHECK(budget_charge(&fixture.memory, BUDGET_ARENA, 1024, 1024));
        filled += 1024;
    }
}

static void empty(void)
{
    budget_return(&fixture.memory, BUDGET_ARENA, filled);
    filled = 0;
}

static void close_fixture(void)
{
    empty();
    fixture_stop();
}

/* A POST /echo of n bytes, of which this many are sent and received. */
static struct http_client *begin(size_t n, size_t n_sent)
{
    struct http_client *client = connect_client();
    int64_t before = fixture_body_bytes();
    char head[128];

    snprintf(head, sizeof(head), POST("%zu"), n);
    send_text(client, head);
    send_bytes(client, bytes, n_sent);
    WAIT_UNTIL(fixture_body_bytes() >= before + (int64_t)n_sent);
    return client;
}

/* Sends the last n bytes of a body of `len`, which is echoed. */
static void complete(struct http_client *client, size_t n, size_t len)
{
    send_bytes(client, bytes, n);
    CHECK_INT(expect(client, 200).body.len, len);
}

static void expect_refused(struct http_client *client)
{
    expect_code(client, 503, "body_memory");
    expect_end(client);
}

TEST(memory__a_small_request_ends_the_largest)
{
    struct http_client *larger, *smaller;

    open_fixture();
    smaller = begin(100000, 90000);
    larger = begin(200000, 190000);
    fill(LIMIT / 8 * 7);
    connect_idle(1);
    expect_refused(larger);
    empty(); /* or the other one, also large, could not continue */
    complete(smaller, 10000, 100000);
    close_fixture();
}

TEST(memory__a_large_request_ends_a_newer_one_only)
{
    struct http_client *first, *second;

    open_fixture();
    first = begin(200000, 100000);
    second = begin(200000, 190000);
    fill(LIMIT / 2);
    complete(first, 100000, 200000);
    expect_refused(second);
    close_fixture();
}

TEST(memory__the_newest_large_request_goes_itself)
{
    struct http_client *first, *second;

    open_fixture();
    first = begin(200000, 190000);
    second = begin(200000, 100000);
    fill(LIMIT / 2);
    send_bytes(second, bytes, 100000);
    expect_refused(second);
    complete(first, 10000, 200000);
    close_fixture();
}

/* Unread answers are kept within the budget; the newest connection is cut. */
TEST(memory__answers_that_are_not_taken_are_bounded)
{
    struct http_client *clients[3];
    int64_t before = 0;

    open_fixture();
    for (int i = 0; i < 3; i++) {
        clients[i] = connect_client();
        send_text(clients[i], GET("/big"));
        if (i < 2)
            WAIT_UNTIL(kind_bytes(BUDGET_ANSWER) > before + (1 << 20));
        before = kind_bytes(BUDGET_ANSWER);
        if (i == 1)
            fill(LIMIT / 8 * 5);
    }
    WAIT_UNTIL(server_connections(&fixture.server) == 2);
    for (int i = 0; i < 2; i++)
        CHECK_INT(expect(clients[i], 200).body.len, BIG_BYTES);
    close_fixture();
}

/* Heads count as well, even before they are a complete request. */
TEST(memory__heads_are_charged)
{
    struct http_client *client;

    open_fixture();
    client = connect_client();
    send_text(client, "GET /get HTTP/1.1\r\nX: ");
    send_bytes(client, bytes, 10000);
    WAIT_UNTIL(fixture_body_bytes() >= 10000);
    http_client_release(client);
    WAIT_UNTIL(fixture_body_bytes() == 0);
    close_fixture();
}

/* Written pages of a buffer are resident, however much of it has been served. */
TEST(memory__served_bytes_count_as_long_as_their_buffer_is_held)
{
    enum { N = 12000 / (sizeof(GET("/get")) - 1) };
    struct http_client *client;
    struct buf out AT_END(buf_release) = BUF_INIT;

    open_fixture();
    client = connect_client();
    for (int i = 0; i < N; i++)
        buf_add_str(&out, GET("/get"));
    buf_add_str(&out, "GET ");
    send_bytes(client, out.ptr, out.len);
    for (int i = 0; i < N; i++)
        expect(client, 200);
    CHECK(fixture_body_bytes() >= 4096);
    ask(client, "/get HTTP/1.1\r\nHost: a\r\n\r\n", 200);
    WAIT_UNTIL(fixture_body_bytes() == 0);
    close_fixture();
}
