/* What a request may be like although no specification has it so. */
#include "adrank/decode.h"

#include "base/buf.h"
#include "tests/unit/impression/decoded.h"

static void check_decodes(struct decoded *d, const char *body)
{
    decode(d, view_of(body));
    if (d->status != DECODE_OK)
        FAIL("status %d: %s: %s", (int)d->status, d->problems.items[0].pointer,
             d->problems.items[0].detail);
}

/* All fields that are read, each null. */
TEST(decode__null_is_absent_everywhere)
{
    struct decoded d;
    const struct impression_request *r = &d.request;

    check_decodes(
        &d, "{\"id\":null,\"tmax\":null,\"user\":null,\"device\":null,\"site\":null,\"app\":null,"
            "\"regs\":null,\"imp\":null,\"badv\":null,\"bcat\":null,\"cur\":null,\"rank\":null}");
    CHECK_VIEW(r->id, "");
    CHECK_INT(r->devicetype, -1);
    CHECK(!r->has_utcoffset && !r->has_candidates && !r->ignored_site && !r->privacy);
    CHECK_INT(r->n_imps, 1);
    CHECK_VIEW(r->imps[0].id, "1");
    decoded_release(&d);
    check_decodes(
        &d,
        "{\"user\":{\"id\":\"u\",\"buyeruid\":null,\"consent\":null,\"gpc\":null,\"ext\":null},"
        "\"device\":{\"devicetype\":null,\"os\":null,\"language\":null,\"geo\":null,\"lmt\":null,"
        "\"dnt\":null,\"gpc\":null,\"ext\":{\"lmt\":null,\"dnt\":null,\"gpc\":null}},"
        "\"site\":{\"domain\":\"d\",\"bundle\":null,\"cat\":null,\"search\":null,\"keywords\":"
        "null},\"app\":null,"
        "\"regs\":{\"coppa\":null,\"gdpr\":null,\"us_privacy\":null,\"gpp\":null,\"gpp_sid\":null,"
        "\"gpc\":null,\"ext\":{\"coppa\":null,\"gdpr\":null,\"us_privacy\":null,\"gpp\":null,"
        "\"gpp_sid\":[null,null],\"gpc\":null}},"
        "\"imp\":[null,{\"id\":\"i\",\"tagid\":null,\"bidfloor\":null,\"bidfloorcur\":null},null],"
        "\"badv\":[null,\"b.example\",null],\"bcat\":[null],\"cur\":[\"USD\",null],"
        "\"rank\":{\"top_n\":null,\"behaviour\":[null,{\"t\":1,\"type\":\"view\",\"item\":null,"
        "\"text\":\"x\"},null],\"candidates\":[{\"adid\":\"a\",\"bid\":null,\"bid_type\":null,"
        "\"text\":null},null]}}");
    CHECK_VIEW(r->user_id, "u");
    CHECK_VIEW(r->domain, "d");
    CHECK_INT(r->devicetype, -1);
    CHECK_INT(r->privacy, 0);
    CHECK_INT(r->n_imps, 1);
    CHECK_VIEW(r->imps[0].id, "i");
    CHECK_INT(r->badv.n, 1);
    CHECK_VIEW(r->badv.items[0], "b.example");
    CHECK_INT(r->bcat.n, 0);
    CHECK_INT(r->cur.n, 1);
    CHECK_INT(r->n_behaviours, 1);
    CHECK_INT(r->n_candidates, 1);
    CHECK(isnan(r->candidates[0].bid));
    CHECK_INT(r->candidates[0].bid_type, -1);
    CHECK_INT(r->unknown_fields, 0);
    decoded_release(&d);
    check_decodes(&d, "{\"device\":{\"geo\":{\"country\":null,\"city\":null,\"utcoffset\":null}},"
                      "\"imp\":[null],\"rank\":{\"behaviour\":null,\"candidates\":[null]}}");
    CHECK(!r->has_utcoffset);
    CHECK_INT(r->n_imps, 1);
    CHECK(r->has_candidates);
    CHECK_INT(r->n_candidates, 0);
    decoded_release(&d);
}

TEST(decode__takes_integers_by_value)
{
    static const struct {
        const char *number;
        int value;
    } rows[] = {{"100", 100},
                {"100.0", 100},
                {"1e2", 100},
                {"1E+2", 100},
                {"1000e-1", 100},
                {"0.1e3", 100},
                {"100.000", 100},
                {"0.0", 0},
                {"-0.0", 0},
                {"0e999", 0},
                {"2147483647.0", INT32_MAX}};
    struct buf body = BUF_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decoded d;

        test_row("%s", rows[i].number);
        buf_clear(&body);
        buf_printf(&body,
                   "{\"tmax\":%s,\"device\":{\"devicetype\":%s},\"rank\":{\"behaviour\":[{\"t\":%s,"
                   "\"type\":\"view\",\"item\":\"a\"}]}}",
                   rows[i].number, rows[i].number, rows[i].number);
        check_decodes(&d, buf_str(&body));
        CHECK_INT(d.request.tmax_ms, rows[i].value);
        CHECK_INT(d.request.devicetype, rows[i].value);
        CHECK_INT(d.request.behaviours[0].t_ms, rows[i].value);
        decoded_release(&d);
    }
    buf_release(&body);
}

TEST(decode__takes_numbers_as_ids)
{
    static const struct {
        const char *number, *id;
    } rows[] = {
        {"7", "7"},
        {"-7", "-7"},
        {"0", "0"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"42.0", "42"},
        {"1e3", "1000"},
        {"1.5", "1.5"},
        {"9223372036854775807", "9223372036854775807"},
        {"18446744073709551615", "18446744073709551615"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"1e30", "1e30"},
        {"1e999", "1e999"},
    };
    struct buf body = BUF_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *n = rows[i].number;
        struct decoded d;

        test_row("%s", n);
        buf_clear(&body);
        buf_printf(&body,
                   "{\"id\":%s,\"user\":{\"id\":%s},\"imp\":[{\"id\":%s,\"tagid\":%s}],"
                   "\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"view\",\"item\":%s}],"
                   "\"candidates\":[{\"adid\":%s}]}}",
                   n, n, n, n, n, n);
        check_decodes(&d, buf_str(&body));
        CHECK_VIEW(d.request.id, rows[i].id);
        CHECK_VIEW(d.request.user_id, rows[i].id);
        CHECK_VIEW(d.request.imps[0].id, rows[i].id);
        CHECK_VIEW(d.request.imps[0].tagid, rows[i].id);
        CHECK_VIEW(d.request.behaviours[0].item, rows[i].id);
        CHECK_VIEW(d.request.candidates[0].adid, rows[i].id);
        decoded_release(&d);
    }
    buf_release(&body);
}

/* Three are the most: the rest is only JSON, and need not even be imps. */
TEST(decode__takes_the_first_imps)
{
    static const struct {
        const char *imps;
        int n, ignored;
    } rows[] = {
        {"{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"3\"}", 3, 0},
        {"{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"3\"},{\"id\":\"4\"}", 3, 1},
        {"{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"3\"},{\"id\":\"1\"},{},7", 3, 3},
        {"null,{\"id\":\"1\"},null,{\"id\":\"2\"},{\"id\":\"3\"},null", 3, 1},
    };
    struct buf body = BUF_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decoded d;

        test_row("%s", rows[i].imps);
        buf_clear(&body);
        buf_printf(&body, "{\"imp\":[%s],\"id\":\"behind\"}", rows[i].imps);
        check_decodes(&d, buf_str(&body));
        CHECK_INT(d.request.n_imps, rows[i].n);
        CHECK_INT(d.request.ignored_imps, rows[i].ignored);
        CHECK_VIEW(d.request.imps[2].id, "3");
        CHECK_VIEW(d.request.id, "behind");
        decoded_release(&d);
    }
    buf_release(&body);
}

TEST(decode__prefers_app_to_site)
{
    static const struct {
        const char *body, *domain;
        bool ignored;
    } rows[] = {
        {"{\"site\":{\"domain\":\"s\"},\"app\":{\"bundle\":\"a\"}}", "a", true},
        {"{\"app\":{\"bundle\":\"a\"},\"site\":{\"domain\":\"s\"}}", "a", true},
        {"{\"app\":{},\"site\":{\"domain\":\"s\"}}", "", true},
        {"{\"app\":null,\"site\":{\"domain\":\"s\"}}", "s", false},
        {"{\"app\":{\"domain\":\"a\"},\"site\":null}", "a", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decoded d;

        test_row("%s", rows[i].body);
        check_decodes(&d, rows[i].body);
        CHECK_VIEW(d.request.domain, rows[i].domain);
        CHECK_INT(d.request.ignored_site, rows[i].ignored);
        decoded_release(&d);
    }
}

TEST(decode__never_refuses_what_nobody_reads)
{
    struct decoded d;

    check_decodes(&d, "{\"x\":123456789012345678901234567890,\"y\":[1e999,-1e999,1e-999],\"ext\":"
                      "{\"id\":20000000000000000000},\"user\":{\"yob\":-9223372036854775809},"
                      "\"imp\":[{\"id\":\"1\",\"pmp\":{\"deals\":[{\"bidfloor\":1e400}]}}],"
                      "\"rank\":{\"\\u0000\":null},\"site\":{\"cat\":\"IAB3\"},\"id\":\"behind\"}");
    CHECK_VIEW(d.request.id, "behind");
    CHECK_INT(d.request.cat.n, 1);
    CHECK_VIEW(d.request.cat.items[0], "IAB3");
    decoded_release(&d);
}

/* ---- bounds ------------------------------------------------------------------------------------ */

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
    struct buf body = BUF_INIT;

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
    buf_release(&body);
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
    struct buf body = BUF_INIT;

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
    buf_release(&body);
}

TEST(decode__refuses_many_international_names)
{
    struct buf body = BUF_INIT;

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
    buf_release(&body);
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

TEST_MAIN
