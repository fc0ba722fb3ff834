/* What a peer may send, at the reader itself: whatever comes, a reply has a command that waits for it, and memory is
 * bounded. */
#include <stdlib.h>

#include "base/rng.h"
#include "server/store/link_state.h"
#include "tests/test.h"

#define MAX_EVENTS 4

static struct features_link peer;
static redisAsyncContext redis;

static void begin(int owed)
{
    memset(&peer, 0, sizeof(peer));
    redis.c.reader = redisReaderCreate();
    CHECK(redis.c.reader);
    peer.redis = &redis;
    bounds_set(&peer, MAX_EVENTS);
    peer.owed = owed;
}

static void end(void)
{
    redis.c.reader->fn = peer.plain;
    redisReaderFree(redis.c.reader);
}

/* As hiredis does after a read: NULL, or why the link ends. *n: replies that came. */
static const char *feed(const char *bytes, size_t len, int *n)
{
    const char *why;
    void *reply = NULL;

    if (redisReaderFeed(redis.c.reader, bytes, len) != REDIS_OK)
        return "no memory";
    for (;;) {
        if (redisReaderGetReply(redis.c.reader, &reply) != REDIS_OK)
            return peer.broken ? peer.broken : redis.c.reader->errstr;
        if (!reply)
            break;
        CHECK(peer.owed > 0); /* else hiredis asserts */
        peer.plain->freeObject(reply);
        bounds_reply_ends(&peer);
        (*n)++;
    }
    why = bounds_check(&peer);
    CHECK(why || features_link_held(&peer) <= peer.max_bytes);
    return why;
}

TEST(reply_bounds__admit_what_was_asked_for)
{
    static const struct {
        const char *bytes;
        int owed, replies;
        const char *why; /* NULL: the link goes on */
    } rows[] = {
        {"+OK\r\n", 1, 1, NULL},
        {"-ERR\r\n:1\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n", 6, 6, NULL},
        {"*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n", 1, 1, NULL},
        {"*2\r\n$1\r\na\r\n$1", 1, 0, NULL},
        {"+OK\r\n+OK\r\n", 1, 1, "nobody waits"},
        {"+OK\r\n+", 1, 1, "nobody waits"},
        {"*0\r\n*1\r\n", 1, 1, "nobody waits"},
        {"$-1\r\n:1\r\n", 1, 1, "nobody waits"},
        {":1\r\n$-1\r\n", 1, 1, "nobody waits"},
        {"*5\r\n", 1, 0, "more elements"},
        {"*2147483647\r\n", 1, 0, "more elements"},
        {"*1\r\n*1\r\n", 1, 0, "a list in a list"},
        {"*1\r\n*0\r\n", 1, 0, "a list in a list"},
        {"*1\r\n$4194305\r\n", 1, 0, "too long"},
        {"$4000000000\r\n", 1, 0, "too long"},
        {"$4000000\r\n", 1, 0, NULL},
        {"$123456789012345678901234567890123", 1, 0, "too long"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *why;
        int n = 0;

        test_row("reply_bounds: %s", rows[i].bytes);
        begin(rows[i].owed);
        why = feed(rows[i].bytes, strlen(rows[i].bytes), &n);
        if (rows[i].why ? !why || !strstr(why, rows[i].why) : why != NULL)
            FAIL("%s, want %s", why ? why : "goes on", rows[i].why ? rows[i].why : "goes on");
        CHECK_INT(n, rows[i].replies);
        end();
        test_row("reply_bounds: by bytes: %s", rows[i].bytes);
        begin(rows[i].owed);
        why = NULL;
        n = 0;
        for (size_t at = 0; !why && rows[i].bytes[at]; at++)
            why = feed(&rows[i].bytes[at], 1, &n);
        CHECK_INT(why != NULL, rows[i].why != NULL);
        CHECK_INT(n, rows[i].replies);
        end();
    }
}

/* A link keeps what it has charged for the next reply, but where memory is short: there may be a link for each of many
 * workers. */
TEST(reply_bounds__keep_nothing_while_memory_is_short)
{
    enum { LIMIT = 4 << 20, OTHERS = LIMIT / 16 * 13 };
    static struct budget memory;
    int64_t bytes[BUDGET_KINDS];

    budget_init(&memory, LIMIT, 0);
    for (int is_short = 0; is_short < 2; is_short++) {
        int n = 0;

        if (is_short)
            CHECK(budget_charge(&memory, BUDGET_ARENA, OTHERS, 0));
        begin(1);
        peer.memory = &memory;
        CHECK(!feed("$5\r\nab", 6, &n));
        budget_read(&memory, bytes);
        CHECK(bytes[BUDGET_REDIS] > 0);
        CHECK(!feed("cde\r\n", 5, &n));
        CHECK_INT(n, 1);
        budget_read(&memory, bytes);
        CHECK_INT(bytes[BUDGET_REDIS] > 0, !is_short);
        bounds_return(&peer, peer.charged_bytes);
        end();
    }
}

/* More events than 4 MiB hold may be asked for: then so much may come. */
TEST(reply_bounds__leave_room_for_whole_events)
{
    begin(1);
    CHECK_INT(peer.max_bytes, 4 << 20);
    bounds_set(&peer, 4096);
    CHECK(peer.max_bytes > 4096 * 2062 && peer.max_bytes < 12 << 20);
    end();
}

static size_t mutate(struct rng *rng, char *bytes, size_t len, size_t room)
{
    static const char alphabet[] = "*$+-:_#,(=%~>|0123456789\r\n\r\n\r\n-a";

    for (uint64_t k = rng_below(rng, 6); k > 0 && len > 1; k--) {
        size_t at = (size_t)rng_below(rng, len);

        switch (rng_below(rng, 3)) {
        case 0:
            bytes[at] = alphabet[rng_below(rng, sizeof(alphabet) - 1)];
            break;
        case 1:
            memmove(bytes + at, bytes + at + 1, --len - at);
            break;
        default:
            if (len < room) {
                memmove(bytes + at + 1, bytes + at, len++ - at);
                bytes[at] = alphabet[rng_below(rng, sizeof(alphabet) - 1)];
            }
        }
    }
    return len;
}

TEST(reply_bounds__hold_whatever_comes)
{
    static const char *const seeds[] = {"*4\r\n$1\r\na\r\n$3\r\nbcd\r\n$0\r\n\r\n$1\r\nd\r\n",
                                        "+OK\r\n*0\r\n$-1\r\n:12\r\n",
                                        "-ERR wrong\r\n*2\r\n$1\r\nx\r\n$2\r\nyz\r\n",
                                        "*1\r\n*1\r\n*1\r\n*1\r\n$1\r\nx\r\n",
                                        "%1\r\n+a\r\n:1\r\n~2\r\n#t\r\n,1.5\r\n>1\r\n_\r\n",
                                        "$1000\r\nabcdef"};
    int n_ended = 0, n_replies = 0;
    struct rng rng;

    rng_init(&rng, 7);
    for (int i = 0; i < 60000; i++) {
        const char *seed = seeds[rng_below(&rng, sizeof(seeds) / sizeof(seeds[0]))];
        const char *why = NULL;
        size_t len = strlen(seed), step;
        char bytes[128];

        memcpy(bytes, seed, len);
        len = mutate(&rng, bytes, len, sizeof(bytes));
        step = 1 + (size_t)rng_below(&rng, len);
        begin((int)rng_below(&rng, 4));
        for (size_t at = 0; at < len && !why; at += step)
            why = feed(bytes + at, at + step < len ? step : len - at, &n_replies);
        n_ended += why != NULL;
        end();
    }
    CHECK(n_ended > 1000 && n_replies > 1000);
}

TEST_MAIN
