/* How much a request may hold, and how much memory it may take to read it. */

#include "base/buf.h"
#include "tests/unit/impression/decoded.h"

static void repeat(struct buf *out, const char *what, int n)
{
    while (n--)
        buf_add_str(out, what);
}

TEST(decode__refuses_long_ids)
{
    static const struct {
        const char *head, *tail, *pointer;
    } rows[] = {
        {"{\"id\":\"", "\"}", "/id"},
        {"{\"user\":{\"id\":\"", "\"}}", "/user/id"},
        {"{\"user\":{\"buyeruid\":\"", "\"}}", "/user/buyeruid"},
        {"{\"imp\":[{\"id\":\"", "\"}]}", "/imp/0/id"},
        {"{\"imp\":[{\"id\":\"1\",\"tagid\":\"", "\"}]}", "/imp/0/tagid"},
        {"{\"imp\":[{\"id\":\"1\",\"bidfloorcur\":\"", "\"}]}", "/imp/0/bidfloorcur"},
        {"{\"rank\":{\"candidates\":[{\"adid\":\"", "\"}]}}", "/rank/candidates/0/adid"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"buy\",\"item\":\"", "\"}]}}",
         "/rank/behaviour/0/item"},
    };
    /* What may be written 256 bytes long; a control character is written with six. */
    static const struct {
        const char *letter;
        int most;
    } letters[] = {{"a", 256}, {"\xe8\xb7\x91", 85}, {"\\\"", 128}, {"\\u0001", 42}};
    struct buf body AT_END(buf_release) = BUF_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t k = 0; k < sizeof(letters) / sizeof(letters[0]); k++)
            for (int more = 0; more <= 1; more++) {
                struct decoded d;

                test_row("%s, %d of %s", rows[i].pointer, letters[k].most + more,
                         letters[k].letter);
                buf_clear(&body);
                buf_add_str(&body, rows[i].head);
                repeat(&body, letters[k].letter, letters[k].most + more);
                buf_add_str(&body, rows[i].tail);
                decode(&d, buf_view(&body));
                CHECK_INT(d.status, more ? DECODE_INVALID : DECODE_OK);
                if (more) {
                    CHECK_STR(d.problems.items[0].pointer, rows[i].pointer);
                    CHECK_STR(d.problems.items[0].detail, "must be at most 256 bytes long");
                }
                decoded_release(&d);
            }
    test_row("a number");
    buf_clear(&body);
    buf_add_str(&body, "{\"id\":1");
    repeat(&body, "0", 256);
    buf_add_str(&body, "}");
    {
        struct decoded d;

        decode(&d, buf_view(&body));
        CHECK_INT(d.status, DECODE_INVALID);
        decoded_release(&d);
    }
}

TEST(decode__refuses_long_lists)
{
    static const struct {
        const char *head, *tail, *pointer;
        int most;
    } rows[] = {
        {"{\"badv\":[", "]}", "/badv", DECODE_MAX_BADV},
        {"{\"bcat\":[", "]}", "/bcat", DECODE_MAX_BCAT},
        {"{\"cur\":[", "]}", "/cur", DECODE_MAX_NAMES},
        {"{\"site\":{\"cat\":[", "]}}", "/site/cat", DECODE_MAX_NAMES},
        {"{\"app\":{\"cat\":[", "]}}", "/app/cat", DECODE_MAX_NAMES},
    };
    struct buf body AT_END(buf_release) = BUF_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int more = 0; more <= 1; more++) {
            struct decoded d;

            test_row("%s, %d", rows[i].pointer, rows[i].most + more);
            buf_clear(&body);
            buf_add_str(&body, rows[i].head);
            repeat(&body, "\"a\",", rows[i].most + more - 1);
            buf_add_str(&body, "\"a\"");
            buf_add_str(&body, rows[i].tail);
            decode(&d, buf_view(&body));
            CHECK_INT(d.status, more ? DECODE_INVALID : DECODE_OK);
            if (more)
                CHECK_STR(d.problems.items[0].pointer, rows[i].pointer);
            decoded_release(&d);
        }
}

TEST(decode__refuses_many_international_names)
{
    struct buf body AT_END(buf_release) = BUF_INIT;

    for (int more = 0; more <= 1; more++) {
        struct decoded d;

        buf_clear(&body);
        buf_add_str(&body, "{\"badv\":[\"plain.example\"");
        repeat(&body, ",\"\xe4\xbe\x8b.example\",\"plain.example\"",
               DECODE_MAX_BADV_INTERNATIONAL_BYTES / 11 + more);
        buf_add_str(&body, "]}");
        decode(&d, buf_view(&body));
        CHECK_INT(d.status, more ? DECODE_INVALID : DECODE_OK);
        if (more)
            CHECK_STR(d.problems.items[0].pointer, "/badv");
        decoded_release(&d);
    }
}

TEST(decode__bounds_what_is_made_of_a_request)
{
    static const struct {
        const char *body, *pointer; /* NULL: taken */
    } rows[] = {
        {"{\"imp\":[{\"id\":1},{\"id\":2}],\"rank\":{\"top_n\":1,\"candidates\":[{\"adid\":1},"
         "{\"adid\":2}]}}",
         NULL},
        {"{\"imp\":[{\"id\":1},{\"id\":2}],\"rank\":{\"candidates\":[{\"adid\":1},{\"adid\":2},"
         "{\"adid\":3}]}}",
         "/rank/candidates"},
        {"{\"imp\":[{\"id\":1},{\"id\":2},{\"id\":3}],\"rank\":{\"top_n\":1}}", NULL},
        {"{\"imp\":[{\"id\":1},{\"id\":2},{\"id\":3}],\"rank\":{\"top_n\":2}}", "/rank/top_n"},
        {"{\"imp\":[{\"id\":1},{\"id\":2},{\"id\":3}]}", "/rank/top_n"},
        {"{\"imp\":[{\"id\":1},{\"id\":2},{\"id\":3}],\"rank\":{\"candidates\":[{\"adid\":1}]}}",
         NULL},
        {"{\"imp\":[{\"id\":1}],\"rank\":{\"top_n\":3}}", NULL},
        {"{\"imp\":[{\"id\":1}],\"rank\":{\"top_n\":4}}", "/rank/top_n"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decode_limits bounded = limits;
        struct padded body = padded_new(view_of(rows[i].body));
        struct impression_request request;
        struct problems problems;
        struct arena arena;
        bool truncated;

        test_row("%s", rows[i].body);
        bounded.max_pairs = 5;
        bounded.max_results = 3;
        bounded.top_n = 2;
        arena_init(&arena, 4096, 0);
        problems_init(&problems, &arena, 16);
        CHECK_INT(decode_request(body.text, &bounded, &arena, &request, &truncated, &problems),
                  rows[i].pointer ? DECODE_INVALID : DECODE_OK);
        if (rows[i].pointer)
            CHECK_STR(problems.items[0].pointer, rows[i].pointer);
        arena_release(&arena);
        padded_free(&body);
    }
}

#define BODY_BYTES (256 << 10)

/* head, what again and again up to BODY_BYTES, tail: what the arena holds of it. */
static size_t held_of(const char *head, const char *what, const char *tail)
{
    static const struct decode_limits usual = {
        .max_imps = 16, .max_candidates = 200, .max_behaviour = 100, .max_top_n = 50};
    struct buf text = BUF_INIT;
    struct impression_request request;
    struct problems problems;
    struct padded body;
    struct arena arena;
    bool truncated;
    size_t held;

    buf_add_str(&text, head);
    while (text.len + strlen(what) + strlen(tail) < BODY_BYTES)
        buf_add_str(&text, what);
    buf_add_str(&text, tail);
    body = padded_new(buf_view(&text));
    arena_init(&arena, 32 << 10, 0);
    problems_init_bytes(&problems, &arena, 128 << 10);
    CHECK(decode_request(body.text, &usual, &arena, &request, &truncated, &problems) !=
          DECODE_NOT_JSON);
    held = arena.held_bytes;
    arena_release(&arena);
    padded_free(&body);
    buf_release(&text);
    return held;
}

TEST(decode__takes_memory_in_proportion_to_the_body)
{
    static const struct {
        const char *head, *what, *tail;
    } rows[] = {
        {"{\"badv\":[\"\"", ",\"\"", "]}"},
        {"{\"badv\":[\"\"", ",\"a\"", "]}"},
        {"{\"badv\":[\"\"", ",\"\\n\"", "]}"},
        {"{\"badv\":[1", ",1", "]}"},
        {"{\"badv\":[1", ",\"\"", "]}"},
        {"{\"bcat\":[null", ",null", "]}"},
        {"{\"cur\":[[]", ",[]", "]}"},
        {"{\"imp\":[1", ",1", "]}"},
        {"{\"imp\":[{}", ",{}", "]}"},
        {"{\"imp\":[null", ",null", "]}"},
        {"{\"rank\":{\"behaviour\":[1", ",1", "]}}"},
        {"{\"rank\":{\"behaviour\":[{}", ",{}", "]}}"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"buy\",\"item\":\"\"}",
         ",{\"t\":1,\"type\":\"buy\"}", "]}}"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"buy\",\"item\":\"a\"}",
         ",{\"t\":1,\"type\":\"buy\",\"item\":1}", "]}}"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"buy\",\"item\":\"a\"}",
         ",{\"t\":1,\"type\":\"buy\",\"item\":\"\\n\"}", "]}}"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"buy\",\"item\":\"a\"}",
         ",{\"t\":1,\"type\":\"buy\",\"item\":1e0}", "]}}"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1e-400,\"type\":\"buy\",\"item\":\"a\"}",
         ",{\"t\":1,\"type\":\"buy\",\"item\":\"b\"}", "]}}"},
        {"{\"rank\":{\"candidates\":[1", ",1", "]}}"},
        {"{\"rank\":{\"candidates\":[{}", ",{}", "]}}"},
        {"{\"rank\":{\"candidates\":[{\"adid\":1}", ",{\"adid\":1}", "]}}"},
        {"{\"x\":[0", ",\"\\n\"", "]}"},
        {"{\"x\":[0", ",0.1234567890123456789012", "]}"},
        {"{\"x\":{\"\":0", ",\"\\n\":0", "}}"},
        {"{\"regs\":{\"gpp_sid\":[0", ",\"\\n\"", "]}}"},
        {"{\"id\":\"", "\\n", "\"}"},
        {"{\"tmax\":0.", "1", "}"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t held;

        test_row("%s%s...", rows[i].head, rows[i].what);
        held = held_of(rows[i].head, rows[i].what, rows[i].tail);
        if (held > 4 * BODY_BYTES)
            FAIL("the arena holds %zu bytes", held);
    }
}
