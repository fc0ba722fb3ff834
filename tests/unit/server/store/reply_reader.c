/* Whatever a peer sends to the reader, every reply belongs to a waiting command and memory is
 * bounded. */
#include "server/store/reply_reader.h"

#include "tests/test.h"

#define MAX_ELEMENTS 4

static struct reply_reader reader;
static struct reply_bounds bounds;
static int owed;

static void begin(int n_owed, const struct store_expected *expected, struct budget *memory)
{
    reply_reader_init(&reader, memory);
    bounds = (struct reply_bounds){expected, MAX_ELEMENTS, reply_reader_max_bytes(NULL, 0)};
    owed = n_owed;
}

static void receive(const char *bytes, size_t len)
{
    size_t room;
    char *into = reply_reader_room(&reader, &room);

    CHECK(into && len <= room);
    memcpy(into, bytes, len);
    reply_reader_received(&reader, len);
}

/* As a link does after a read: NULL, or why the link ends. *n: replies received, each a separate
 * call. */
static const char *feed(const char *bytes, size_t len, int *n)
{
    enum reply_progress progress;

    receive(bytes, len);
    while ((progress = reply_reader_next(&reader, owed ? &bounds : NULL)) == REPLY_WHOLE) {
        CHECK(owed-- > 0);
        CHECK_INT(reply_reader_n_whole(&reader), 1);
        reply_reader_drop(&reader);
        (*n)++;
    }
    CHECK(progress != REPLY_PART || reply_reader_held(&reader) <= bounds.max_bytes);
    return progress == REPLY_PART ? NULL : reader.why;
}

static const char *feed_by(size_t step, const char *bytes, size_t len, int *n)
{
    const char *why = NULL;

    for (size_t at = 0; !why && at < len; at += step)
        why = feed(bytes + at, at + step < len ? step : len - at, n);
    return why;
}

TEST(reply_reader__admits_what_was_asked_for)
{
    static const struct store_expected list = {1u << STORE_ARRAY, 1u << STORE_STRING, "no list",
                                               NULL};
    static const struct store_expected number = {1u << STORE_INTEGER, 0, "no number", NULL};
    static const struct {
        const char *bytes;
        int owed, replies;
        const char *why; /* NULL: the link continues */
        const struct store_expected *expected;
    } rows[] = {
        {"+OK\r\n", 1, 1, NULL, NULL},
        {"-ERR\r\n:1\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n", 6, 6, NULL, NULL},
        {"*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n", 1, 1, NULL, NULL},
        {"*2\r\n$1\r\na\r\n$1", 1, 0, NULL, NULL},
        {"+OK\r\n+OK\r\n", 1, 1, "unexpected reply", NULL},
        {"+OK\r\n+", 1, 1, "unexpected reply", NULL},
        {"*0\r\n*1\r\n", 1, 1, "unexpected reply", NULL},
        {"$-1\r\n:1\r\n", 1, 1, "unexpected reply", NULL},
        {":1\r\n$-1\r\n", 1, 1, "unexpected reply", NULL},
        {"*5\r\n", 1, 0, "more elements", NULL},
        {"*2147483647\r\n", 1, 0, "more elements", NULL},
        {"*1\r\n*1\r\n", 1, 0, "nested array", NULL},
        {"*1\r\n*0\r\n", 1, 0, "nested array", NULL},
        {"*1\r\n$4194305\r\n", 1, 0, "too long", NULL},
        {"$4000000000\r\n", 1, 0, "too long", NULL},
        {"$4000000\r\n", 1, 0, NULL, NULL},
        {"$123456789012345678901234567890123", 1, 0, "too long", NULL},
        {"+", 1, 0, NULL, NULL},
        {":12\r", 1, 0, NULL, NULL},
        {":9223372036854775807\r\n:-9223372036854775808\r\n", 2, 2, NULL, NULL},
        {":9223372036854775808\r\n", 1, 0, "malformed reply", NULL},
        {"$1\r\naXX", 1, 0, "malformed reply", NULL},
        {"$-2\r\n", 1, 0, "malformed reply", NULL},
        {"+O\rK\r\n", 1, 0, "malformed reply", NULL},
        {"HTTP/1.1", 1, 0, "malformed reply", NULL},
        {"%1\r\n", 1, 0, "not a RESP2 type", NULL},
        {"*1\r\n,1.5\r\n", 1, 0, "not a RESP2 type", NULL},
        {"*2\r\n:1\r\n$-1\r\n", 1, 1, NULL, NULL},
        {"*2\r\n$1\r\na\r\n$1\r\nb\r\n*0\r\n-ERR\r\n", 3, 3, NULL, &list},
        {"*2\r\n$1\r\na\r\n:1\r\n", 1, 0, "no list", &list},
        {"*1\r\n-ERR\r\n", 1, 0, "no list", &list},
        {"*-1\r\n", 1, 0, "no list", &list},
        {"$1\r\na\r\n", 1, 0, "no list", &list},
        {":1\r\n-ERR\r\n", 2, 2, NULL, &number},
        {"+1\r\n", 1, 0, "no number", &number},
    };

    for (int i = 0; i < COUNT(rows); i++)
        for (size_t step = 1; step < 100; step *= 2) {
            const char *why;
            int n = 0;

            test_row("reply_reader: by %zu bytes: %s", step, rows[i].bytes);
            begin(rows[i].owed, rows[i].expected, NULL);
            why = feed_by(step, rows[i].bytes, strlen(rows[i].bytes), &n);
            if (rows[i].why ? !why || !strstr(why, rows[i].why) : why != NULL)
                FAIL("%s, want %s", why ? why : "goes on", rows[i].why ? rows[i].why : "goes on");
            CHECK_INT(n, rows[i].replies);
            reply_reader_release(&reader);
        }
}

/* A link keeps its charge for the next reply unless memory is short, as each of many workers may
 * have a link. */
TEST(reply_reader__keeps_nothing_while_memory_is_short)
{
    enum { LIMIT = 4 << 20, OTHERS = LIMIT / 16 * 13 };
    static struct budget memory;
    int64_t bytes[BUDGET_KINDS];

    budget_init(&memory, LIMIT, 0);
    for (int is_short = 0; is_short < 2; is_short++) {
        int n = 0;

        if (is_short)
            CHECK(budget_charge(&memory, BUDGET_ARENA, OTHERS, 0));
        begin(1, NULL, &memory);
        CHECK(!feed("$5\r\nab", 6, &n));
        budget_read(&memory, bytes);
        CHECK(bytes[BUDGET_REDIS] > 0);
        CHECK(!feed("cde\r\n", 5, &n));
        CHECK_INT(n, 1);
        budget_read(&memory, bytes);
        CHECK_INT(bytes[BUDGET_REDIS] > 0, !is_short);
        reply_reader_release(&reader);
        budget_read(&memory, bytes);
        CHECK_INT(bytes[BUDGET_REDIS], 0);
    }
}

/* More than 4 MiB may be requested: then that much may arrive. */
TEST(reply_reader__leaves_room_for_what_is_asked_for)
{
    const struct store_command commands[] = {{.max_elements = 2048, .max_element_bytes = 2062},
                                             {.max_elements = 2048, .max_element_bytes = 2062}};
    const size_t bytes = reply_reader_max_bytes(commands, 2);

    CHECK_INT(reply_reader_max_bytes(commands, 0), 4 << 20);
    CHECK(bytes > 4096 * 2062 && bytes < 12 << 20);
}

/* The replies of a call are delivered together, even if their bytes have moved meanwhile. */
TEST(reply_reader__keeps_the_replies_of_a_call)
{
    static const char tail[] = "*2\r\n$1\r\na\r\n:5\r\n$-1\r\n*1\r\n$2\r\nbc\r\n+OK\r\n";
    static char big[100000];
    const struct store_reply *replies;
    int n = 0;

    memset(big, 'x', sizeof(big));
    begin(9, NULL, NULL);
    CHECK(!feed(":1\r\n", 4, &n)); /* of an earlier call */
    for (int call = 0; call < 2; call++) {
        char head[32];

        snprintf(head, sizeof(head), "$%zu\r\n", sizeof(big));
        for (size_t at = 0; tail[at]; at++) {
            receive(&tail[at], 1);
            (void)reply_reader_next(&reader, &bounds);
            CHECK_INT(reply_reader_n_whole(&reader),
                      (at >= 14) + (at >= 19) + (at >= 31) + (at >= 36));
        }
        for (size_t part = 0; part < 3; part++) {
            const char *bytes = (const char *[]){head, big, "\r\n"}[part];
            size_t len = (size_t[]){strlen(head), sizeof(big), 2}[part];

            for (size_t at = 0; at < len; at += 5000) {
                receive(bytes + at, at + 5000 < len ? 5000 : len - at);
                CHECK_INT(reply_reader_next(&reader, &bounds),
                          part == 2 ? REPLY_WHOLE : REPLY_PART);
            }
        }
        CHECK_INT(reply_reader_n_whole(&reader), 5);
        replies = reply_reader_replies(&reader);
        CHECK(view_eq(replies[4].text, (struct view){big, sizeof(big)}));
        CHECK_INT(replies[0].n, 2);
        CHECK(view_is(replies[0].elements[0].text, "a"));
        CHECK_INT(replies[0].elements[1].integer, 5);
        CHECK_INT(replies[1].type, STORE_NIL);
        CHECK(view_is(replies[2].elements[0].text, "bc"));
        CHECK(view_is(replies[3].text, "OK"));
        reply_reader_drop(&reader);
    }
    reply_reader_release(&reader);
}
