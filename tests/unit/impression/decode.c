#include "adrank/decode.h"

#include "base/buf.h"
#include "tests/test.h"
#include "tests/unit/impression/padded.h"

static const struct decode_limits limits = {
    .max_imps = 3, .max_candidates = 4, .max_behaviour = 3, .max_top_n = 10};

struct decoded {
    struct padded body;
    struct arena arena;
    struct impression_request request;
    struct problems problems;
    bool truncated;
    enum decode_status status;
};

static struct decoded decode_view(struct view body)
{
    struct decoded d = {.body = padded_new(body)};

    arena_init(&d.arena, 4096, 0);
    return d;
}

/* The problems point at the arena, so both stay where the caller has them. */
static void decode(struct decoded *d, struct view body)
{
    *d = decode_view(body);
    problems_init(&d->problems, &d->arena, 16);
    d->status =
        decode_request(d->body.text, &limits, &d->arena, &d->request, &d->truncated, &d->problems);
}

static void decoded_release(struct decoded *d)
{
    arena_release(&d->arena);
    padded_free(&d->body);
}

static void check_decodes(struct decoded *d, const char *body)
{
    decode(d, view_of(body));
    if (d->status != DECODE_OK)
        FAIL("status %d: %s: %s", (int)d->status, d->problems.items[0].pointer,
             d->problems.items[0].detail);
}

TEST(decode__reads_every_field)
{
    struct decoded d;
    const struct impression_request *r = &d.request;

    check_decodes(&d,
                  "{\"id\":\"r-1\",\"tmax\":50,"
                  "\"user\":{\"id\":\"u42\"},"
                  "\"device\":{\"devicetype\":4,\"os\":\"android\",\"language\":\"en\",\"geo\":"
                  "{\"country\":\"DEU\",\"city\":\"BER\",\"utcoffset\":-60}},"
                  "\"site\":{\"domain\":\"shop.example\",\"cat\":[\"IAB22\",\"IAB1\"],\"search\":"
                  "\"trail shoes\"},"
                  "\"imp\":[{\"id\":\"1\",\"tagid\":\"home-top\",\"bidfloor\":0.30,"
                  "\"bidfloorcur\":\"EUR\"},{\"id\":\"2\"}],"
                  "\"badv\":[\"bad.example\"],\"bcat\":[\"IAB7\",\"IAB8\"],\"cur\":[\"USD\"],"
                  "\"rank\":{\"top_n\":3,"
                  "\"behaviour\":[{\"t\":1790000000000,\"type\":\"click\",\"item\":\"sku9\","
                  "\"text\":\"Lightweight\"},{\"t\":0,\"type\":\"search\",\"text\":\"\\u8dd1\"}],"
                  "\"candidates\":[{\"adid\":\"a1\",\"bid\":1.20},{\"adid\":\"a7\"},"
                  "{\"adid\":\"x\",\"bid\":0,\"bid_type\":\"cpa\",\"text\":\"Jacket\"}]}}");
    CHECK_VIEW(r->id, "r-1");
    CHECK_INT(r->tmax_ms, 50);
    CHECK_VIEW(r->user_id, "u42");
    CHECK(!r->privacy);
    CHECK_INT(r->devicetype, 4);
    CHECK_VIEW(r->os, "android");
    CHECK_VIEW(r->language, "en");
    CHECK_VIEW(r->country, "DEU");
    CHECK_VIEW(r->city, "BER");
    CHECK(r->has_utcoffset);
    CHECK_INT(r->utcoffset_min, -60);
    CHECK_VIEW(r->domain, "shop.example");
    CHECK_INT(r->cat.n, 2);
    CHECK_VIEW(r->cat.items[1], "IAB1");
    CHECK_VIEW(r->search, "trail shoes");
    CHECK_INT(r->n_imps, 2);
    CHECK_VIEW(r->imps[0].id, "1");
    CHECK_VIEW(r->imps[0].tagid, "home-top");
    CHECK_NEAR(r->imps[0].bidfloor, 0.30, 0);
    CHECK_VIEW(r->imps[0].bidfloorcur, "EUR");
    CHECK_VIEW(r->imps[1].id, "2");
    CHECK_VIEW(r->imps[1].tagid, "");
    CHECK_NEAR(r->imps[1].bidfloor, 0, 0);
    CHECK_INT(r->badv.n, 1);
    CHECK_VIEW(r->badv.items[0], "bad.example");
    CHECK_INT(r->bcat.n, 2);
    CHECK_VIEW(r->bcat.items[1], "IAB8");
    CHECK_INT(r->cur.n, 1);
    CHECK_VIEW(r->cur.items[0], "USD");
    CHECK_INT(r->top_n, 3);
    CHECK_INT(r->n_behaviours, 2);
    CHECK(r->behaviours[0].t_ms == 1790000000000);
    CHECK_INT(r->behaviours[0].type, BEHAVIOUR_CLICK);
    CHECK_VIEW(r->behaviours[0].item, "sku9");
    CHECK_VIEW(r->behaviours[0].text, "Lightweight");
    CHECK_INT(r->behaviours[1].type, BEHAVIOUR_SEARCH);
    CHECK_VIEW(r->behaviours[1].text, "\xe8\xb7\x91");
    CHECK(r->has_candidates);
    CHECK_INT(r->n_candidates, 3);
    CHECK_NEAR(r->candidates[0].bid, 1.2, 0);
    CHECK_INT(r->candidates[0].bid_type, -1);
    CHECK(isnan(r->candidates[1].bid));
    CHECK_NEAR(r->candidates[2].bid, 0, 0);
    CHECK_INT(r->candidates[2].bid_type, BID_CPA);
    CHECK_VIEW(r->candidates[2].text, "Jacket");
    CHECK_INT(r->unknown_fields, 0);
    CHECK(!d.truncated);
    decoded_release(&d);
}

TEST(decode__fills_in_what_is_absent)
{
    struct decoded d;
    const struct impression_request *r = &d.request;

    check_decodes(&d, " {\r\n}\t");
    CHECK_VIEW(r->id, "");
    CHECK_INT(r->tmax_ms, 0);
    CHECK_VIEW(r->user_id, "");
    CHECK_INT(r->devicetype, -1);
    CHECK(!r->has_utcoffset);
    CHECK_INT(r->n_imps, 1);
    CHECK_VIEW(r->imps[0].id, "1");
    CHECK_NEAR(r->imps[0].bidfloor, 0, 0);
    CHECK(!r->has_candidates);
    CHECK_INT(r->n_behaviours, 0);
    CHECK_INT(r->top_n, 0);
    CHECK(!r->privacy);
    decoded_release(&d);
    check_decodes(&d, "{\"imp\":[],\"rank\":{\"candidates\":[]}}");
    CHECK_INT(r->n_imps, 1);
    CHECK(r->has_candidates);
    CHECK_INT(r->n_candidates, 0);
    decoded_release(&d);
}

TEST(decode__chooses_between_fields)
{
    static const struct {
        const char *body, *user, *domain, *search;
        int privacy;
    } rows[] = {
        {"{\"user\":{\"id\":\"a\",\"buyeruid\":\"b\"}}", "b", "", "", 0},
        {"{\"user\":{\"id\":\"a\",\"buyeruid\":\"\"}}", "a", "", "", 0},
        {"{\"site\":{\"domain\":\"d\",\"keywords\":\"k\"}}", "", "d", "k", 0},
        {"{\"site\":{\"search\":\"s\",\"keywords\":\"k\"}}", "", "", "s", 0},
        {"{\"app\":{\"bundle\":\"b\",\"search\":\"s\"}}", "", "b", "s", 0},
        {"{\"app\":{\"bundle\":\"b\",\"domain\":\"d\"}}", "", "d", "", 0},
        {"{\"regs\":{\"coppa\":1}}", "", "", "", 1},
        {"{\"regs\":{\"gdpr\":1}}", "", "", "", 1},
        {"{\"device\":{\"lmt\":1}}", "", "", "", 1},
        {"{\"device\":{\"dnt\":1}}", "", "", "", 1},
        {"{\"device\":{\"dnt\":0,\"lmt\":0},\"regs\":{\"gdpr\":0,\"coppa\":0}}", "", "", "", 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decoded d;

        test_row("%s", rows[i].body);
        check_decodes(&d, rows[i].body);
        CHECK_VIEW(d.request.user_id, rows[i].user);
        CHECK_VIEW(d.request.domain, rows[i].domain);
        CHECK_VIEW(d.request.search, rows[i].search);
        CHECK_INT(d.request.privacy, rows[i].privacy);
        decoded_release(&d);
    }
}

TEST(decode__refuses_what_is_not_json)
{
    static const struct {
        const char *body, *why;
    } rows[] = {
        {"", "empty"},
        {"  ", "ends too early"},
        {"{", "ends too early"},
        {"{\"id\"", "colon"},
        {"{\"id\":", "ends too early"},
        {"{\"id\":\"a\"", "comma"},
        {"{\"id\":\"a\",}", "key is missing"},
        {"{\"id\":\"a\" \"tmax\":1}", "comma"},
        {"{,}", "key is missing"},
        {"{\"x\":[1,]}", "not a JSON value"},
        {"{\"x\":[1 2]}", "comma"},
        {"{\"x\":[}", "not a JSON value"},
        {"{\"x\":{]}", "key is missing"},
        {"{}}", "follows"},
        {"{} {}", "follows"},
        {"{}x", "follows"},
        {"nul", "not a JSON value"},
        {"{\"x\":tru}", "not a JSON value"},
        {"{\"x\":True}", "not a JSON value"},
        {"{\"x\":NaN}", "not a JSON value"},
        {"{\"x\":Infinity}", "not a JSON value"},
        {"{\"x\":'a'}", "not a JSON value"},
        {"{x:1}", "key is missing"},
        {"{/**/}", "key is missing"},
        {"{\"tmax\":01}", "malformed"},
        {"{\"tmax\":-}", "malformed"},
        {"{\"tmax\":+1}", "not a JSON value"},
        {"{\"tmax\":.5}", "not a JSON value"},
        {"{\"tmax\":1.}", "malformed"},
        {"{\"tmax\":1.e5}", "malformed"},
        {"{\"tmax\":1e}", "malformed"},
        {"{\"tmax\":1e+}", "malformed"},
        {"{\"tmax\":0x10}", "comma"},
        {"{\"tmax\":1.2.3}", "comma"},
        {"{\"tmax\":18446744073709551616}", "64 bits"},
        {"{\"tmax\":-9223372036854775809}", "64 bits"},
        {"{\"x\":1e400}", "64 bits"},
        {"{\"x\":-1e400}", "64 bits"},
        {"{\"x\":\"a", "not closed"},
        {"{\"x\":\"a\\\"}", "not closed"},
        {"{\"x\":\"\\x\"}", "escape"},
        {"{\"x\":\"\\u12g4\"}", "escape"},
        {"{\"x\":\"\\u123\"}", "escape"},
        {"{\"x\":\"\\ud800\"}", "escape"},
        {"{\"x\":\"\\udc00\"}", "escape"},
        {"{\"x\":\"\\ud800\\u0041\"}", "escape"},
        {"{\"x\":\"\\ud800\\ud800\"}", "escape"},
        {"{\"x\":\"\\ud800x\"}", "escape"},
        {"{\"x\":\"a\nb\"}", "control"},
        {"{\"x\":\"a\x1f\"}", "control"},
        {"{\"x\":\"a\\n\x01\"}", "control"},
        {"{\"x\":\"\x80\"}", "UTF-8"},
        {"{\"x\":\"\xc0\x80\"}", "UTF-8"},
        {"{\"x\":\"\xe0\x80\x80\"}", "UTF-8"},
        {"{\"x\":\"\xed\xa0\x80\"}", "UTF-8"},
        {"{\"x\":\"\xf4\x90\x80\x80\"}", "UTF-8"},
        {"{\"x\":\"\xe4\xb8\"}", "UTF-8"},
        {"{\"x\":\"\\n\xe4\xb8\"}", "UTF-8"},
        {"{\"\xff\":1}", "UTF-8"},
        {"\xef\xbb\xbf{}", "not a JSON value"},
        {"{}\x0b", "follows"},
        {"{\"id\":\"a\",\"id\":\"a\"}", "twice"},
        {"{\"id\":\"a\",\"\\u0069d\":\"a\"}", "twice"},
        {"{\"rank\":{\"candidates\":[{\"adid\":\"a\",\"adid\":\"b\"}]}}", "twice"},
        {"{\"device\":{\"geo\":{\"city\":\"a\",\"x\":1,\"city\":\"b\"}}}", "twice"},
        {"{\"tmax\":\"wrong type\",\"x\":}", "not a JSON value"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decoded d;

        test_row("%zu %s", i, rows[i].why);
        decode(&d, view_of(rows[i].body));
        CHECK_INT(d.status, DECODE_NOT_JSON);
        CHECK_INT(d.problems.n, 1);
        CHECK_STR(d.problems.items[0].pointer, "");
        if (!strstr(d.problems.items[0].detail, rows[i].why))
            FAIL("%s", d.problems.items[0].detail);
        decoded_release(&d);
    }
}

TEST(decode__refuses_a_nul_byte_between_values)
{
    static const char body[] = "{\0}";
    struct decoded d;

    decode(&d, (struct view){body, 3});
    CHECK_INT(d.status, DECODE_NOT_JSON);
    decoded_release(&d);
    decode(&d, (struct view){"{}\0", 3});
    CHECK_INT(d.status, DECODE_NOT_JSON);
    decoded_release(&d);
}

TEST(decode__every_prefix_of_a_request_is_not_json)
{
    static const char body[] = "{\"id\":\"\\u8dd1\\n\",\"x\":[true,null,-1.5e3,\"\xe8\xb7\x91\"],"
                               "\"rank\":{\"candidates\":[{\"adid\":\"a\",\"bid\":0.5}]}}";

    for (size_t n = 0; n < sizeof(body) - 1; n++) {
        struct decoded d;

        decode(&d, (struct view){body, n});
        if (d.status != DECODE_NOT_JSON)
            FAIL("%zu bytes: status %d", n, (int)d.status);
        decoded_release(&d);
    }
}

static void nested(struct buf *out, int levels, const char *open, const char *close)
{
    buf_clear(out);
    buf_add_str(out, "{\"x\":");
    for (int i = 0; i < levels; i++)
        buf_add_str(out, open);
    if (*open == '{')
        buf_add_str(out, "1");
    for (int i = 0; i < levels; i++)
        buf_add_str(out, close);
    buf_add_str(out, "}");
}

TEST(decode__takes_32_levels_and_no_more)
{
    static const struct {
        const char *open, *close;
    } rows[] = {{"[", "]"}, {"{\"a\":", "}"}};
    struct buf body = BUF_INIT;

    for (size_t i = 0; i < 2; i++)
        for (int levels = 30; levels <= 33; levels++) {
            struct decoded d;

            test_row("%s %d", rows[i].open, levels);
            nested(&body, levels, rows[i].open, rows[i].close);
            decode(&d, buf_view(&body));
            CHECK_INT(d.status, levels <= 31 ? DECODE_OK : DECODE_NOT_JSON);
            decoded_release(&d);
        }
    buf_release(&body);
}

TEST(decode__refuses_what_is_not_a_request)
{
    static const struct {
        const char *body, *pointer, *detail;
    } rows[] = {
        {"[]", "", "must be an object"},
        {"1", "", "must be an object"},
        {"null", "", "must be an object"},
        {"\"x\"", "", "must be an object"},
        {"{\"id\":1}", "/id", "must be a string"},
        {"{\"id\":null}", "/id", "must be a string"},
        {"{\"id\":\"a\\u0000\"}", "/id", "must not hold U+0000"},
        {"{\"tmax\":\"50\"}", "/tmax", "must be an integer"},
        {"{\"tmax\":50.0}", "/tmax", "must be an integer"},
        {"{\"tmax\":-1}", "/tmax", "must be within 0 and 2147483647"},
        {"{\"tmax\":2147483648}", "/tmax", "must be within 0 and 2147483647"},
        {"{\"tmax\":18446744073709551615}", "/tmax", "must be within 0 and 2147483647"},
        {"{\"tmax\":true}", "/tmax", "must be an integer"},
        {"{\"user\":\"u\"}", "/user", "must be an object"},
        {"{\"user\":[]}", "/user", "must be an object"},
        {"{\"user\":{\"id\":42}}", "/user/id", "must be a string"},
        {"{\"user\":{\"buyeruid\":{}}}", "/user/buyeruid", "must be a string"},
        {"{\"device\":1}", "/device", "must be an object"},
        {"{\"device\":{\"devicetype\":-1}}", "/device/devicetype", "must be within 0 and"},
        {"{\"device\":{\"devicetype\":\"phone\"}}", "/device/devicetype", "must be an integer"},
        {"{\"device\":{\"os\":1}}", "/device/os", "must be a string"},
        {"{\"device\":{\"language\":[]}}", "/device/language", "must be a string"},
        {"{\"device\":{\"lmt\":2}}", "/device/lmt", "must be 0 or 1"},
        {"{\"device\":{\"dnt\":-1}}", "/device/dnt", "must be 0 or 1"},
        {"{\"device\":{\"dnt\":1.0}}", "/device/dnt", "must be 0 or 1"},
        {"{\"device\":{\"dnt\":true}}", "/device/dnt", "must be 0 or 1"},
        {"{\"device\":{\"geo\":[]}}", "/device/geo", "must be an object"},
        {"{\"device\":{\"geo\":{\"country\":1}}}", "/device/geo/country", "must be a string"},
        {"{\"device\":{\"geo\":{\"city\":1}}}", "/device/geo/city", "must be a string"},
        {"{\"device\":{\"geo\":{\"utcoffset\":1441}}}", "/device/geo/utcoffset",
         "must be within -1440 and 1440"},
        {"{\"device\":{\"geo\":{\"utcoffset\":-1441}}}", "/device/geo/utcoffset",
         "must be within -1440 and 1440"},
        {"{\"device\":{\"geo\":{\"utcoffset\":0.5}}}", "/device/geo/utcoffset",
         "must be an integer"},
        {"{\"site\":1}", "/site", "must be an object"},
        {"{\"site\":{\"domain\":1}}", "/site/domain", "must be a string"},
        {"{\"site\":{\"cat\":\"IAB1\"}}", "/site/cat", "must be an array of strings"},
        {"{\"site\":{\"cat\":[\"a\",1]}}", "/site/cat/1", "must be a string"},
        {"{\"site\":{\"search\":1}}", "/site/search", "must be a string"},
        {"{\"site\":{\"keywords\":[]}}", "/site/keywords", "must be a string"},
        {"{\"app\":[]}", "/app", "must be an object"},
        {"{\"app\":{\"bundle\":1}}", "/app/bundle", "must be a string"},
        {"{\"site\":{},\"app\":{}}", "/app", "stands beside site"},
        {"{\"regs\":1}", "/regs", "must be an object"},
        {"{\"regs\":{\"coppa\":2}}", "/regs/coppa", "must be 0 or 1"},
        {"{\"regs\":{\"gdpr\":\"1\"}}", "/regs/gdpr", "must be 0 or 1"},
        {"{\"imp\":{}}", "/imp", "must be an array of objects"},
        {"{\"imp\":[1]}", "/imp/0", "must be an object"},
        {"{\"imp\":[{}]}", "/imp/0/id", "is missing"},
        {"{\"imp\":[{\"id\":\"\"}]}", "/imp/0/id", "must not be empty"},
        {"{\"imp\":[{\"id\":1}]}", "/imp/0/id", "must be a string"},
        {"{\"imp\":[{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"1\"}]}", "/imp/2/id",
         "is the id of /imp/0 too"},
        {"{\"imp\":[{\"id\":\"1\",\"tagid\":1}]}", "/imp/0/tagid", "must be a string"},
        {"{\"imp\":[{\"id\":\"1\",\"bidfloor\":-0.01}]}", "/imp/0/bidfloor", "must be within 0"},
        {"{\"imp\":[{\"id\":\"1\",\"bidfloor\":1e300}]}", "/imp/0/bidfloor", "must be within 0"},
        {"{\"imp\":[{\"id\":\"1\",\"bidfloor\":\"1\"}]}", "/imp/0/bidfloor", "must be a number"},
        {"{\"imp\":[{\"id\":\"1\",\"bidfloorcur\":1}]}", "/imp/0/bidfloorcur", "must be a string"},
        {"{\"imp\":[{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"3\"},{\"id\":\"4\"}]}", "/imp",
         "more than 3 items"},
        {"{\"badv\":\"x\"}", "/badv", "must be an array of strings"},
        {"{\"badv\":[{}]}", "/badv/0", "must be a string"},
        {"{\"bcat\":[\"a\",null]}", "/bcat/1", "must be a string"},
        {"{\"cur\":[1]}", "/cur/0", "must be a string"},
        {"{\"rank\":[]}", "/rank", "must be an object"},
        {"{\"rank\":{\"top_n\":0}}", "/rank/top_n", "must be within 1 and 10"},
        {"{\"rank\":{\"top_n\":11}}", "/rank/top_n", "must be within 1 and 10"},
        {"{\"rank\":{\"top_n\":\"3\"}}", "/rank/top_n", "must be an integer"},
        {"{\"rank\":{\"behaviour\":{}}}", "/rank/behaviour", "must be an array of objects"},
        {"{\"rank\":{\"behaviour\":[[]]}}", "/rank/behaviour/0", "must be an object"},
        {"{\"rank\":{\"behaviour\":[{\"type\":\"view\",\"item\":\"a\"}]}}", "/rank/behaviour/0/t",
         "is missing"},
        {"{\"rank\":{\"behaviour\":[{\"t\":-1,\"type\":\"view\",\"item\":\"a\"}]}}",
         "/rank/behaviour/0/t", "must be at least 0"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1.5,\"type\":\"view\",\"item\":\"a\"}]}}",
         "/rank/behaviour/0/t", "must be an integer"},
        {"{\"rank\":{\"behaviour\":[{\"t\":9223372036854775808,\"type\":\"view\",\"item\":\"a\"}]}"
         "}",
         "/rank/behaviour/0/t", "must be at least 0"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"item\":\"a\"}]}}", "/rank/behaviour/0/type",
         "is missing"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"like\",\"item\":\"a\"}]}}",
         "/rank/behaviour/0/type", "must be one of view, click, cart, buy, search"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":1,\"item\":\"a\"}]}}",
         "/rank/behaviour/0/type", "must be a string"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"buy\"}]}}", "/rank/behaviour/0",
         "needs an item or a text"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"buy\",\"item\":7}]}}",
         "/rank/behaviour/0/item", "must be a string"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"buy\",\"text\":7}]}}",
         "/rank/behaviour/0/text", "must be a string"},
        {"{\"rank\":{\"candidates\":{}}}", "/rank/candidates", "must be an array of objects"},
        {"{\"rank\":{\"candidates\":[\"a1\"]}}", "/rank/candidates/0", "must be an object"},
        {"{\"rank\":{\"candidates\":[{\"bid\":1}]}}", "/rank/candidates/0/adid", "is missing"},
        {"{\"rank\":{\"candidates\":[{\"adid\":\"\"}]}}", "/rank/candidates/0/adid",
         "must not be empty"},
        {"{\"rank\":{\"candidates\":[{\"adid\":\"a\",\"bid\":-1}]}}", "/rank/candidates/0/bid",
         "must be within 0"},
        {"{\"rank\":{\"candidates\":[{\"adid\":\"a\",\"bid\":null}]}}", "/rank/candidates/0/bid",
         "must be a number"},
        {"{\"rank\":{\"candidates\":[{\"adid\":\"a\",\"bid_type\":\"cpx\"}]}}",
         "/rank/candidates/0/bid_type", "must be one of cpm, cpc, cpa"},
        {"{\"rank\":{\"candidates\":[{\"adid\":\"a\",\"text\":{}}]}}", "/rank/candidates/0/text",
         "must be a string"},
        {"{\"rank\":{\"candidates\":[{\"adid\":\"a\"},{\"adid\":\"b\"},{\"adid\":\"c\"},"
         "{\"adid\":\"d\"},{\"adid\":\"e\"}]}}",
         "/rank/candidates", "more than 4 items"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decoded d;

        test_row("%zu %s", i, rows[i].pointer);
        decode(&d, view_of(rows[i].body));
        CHECK_INT(d.status, DECODE_INVALID);
        CHECK_INT(d.problems.n, 1);
        CHECK_STR(d.problems.items[0].pointer, rows[i].pointer);
        if (!strstr(d.problems.items[0].detail, rows[i].detail))
            FAIL("%s", d.problems.items[0].detail);
        decoded_release(&d);
    }
}

TEST(decode__tells_every_problem_and_repeats_nothing)
{
    struct decoded d;

    decode(&d, VIEW_LIT("{\"tmax\":\"SECRET\",\"user\":{\"id\":1},\"imp\":[{\"id\":\"SECRET\"},"
                        "{\"id\":\"SECRET\"},{\"tagid\":\"SECRET\"}],\"rank\":{\"behaviour\":["
                        "{\"t\":1,\"type\":\"SECRET\",\"item\":\"SECRET\"}]},\"SECRET\":1}"));
    CHECK_INT(d.status, DECODE_INVALID);
    CHECK_INT(d.problems.n, 4);
    CHECK_STR(d.problems.items[0].pointer, "/tmax");
    CHECK_STR(d.problems.items[1].pointer, "/user/id");
    CHECK_STR(d.problems.items[2].pointer, "/imp/2/id");
    CHECK_STR(d.problems.items[3].pointer, "/rank/behaviour/0/type");
    for (size_t i = 0; i < d.problems.n; i++)
        CHECK(!strstr(d.problems.items[i].detail, "SECRET"));
    decoded_release(&d);
}

TEST(decode__keeps_at_most_max_problems)
{
    struct buf body = BUF_INIT;
    struct decoded d;

    buf_add_str(&body, "{\"rank\":{\"behaviour\":[{}");
    for (int i = 0; i < 20000; i++)
        buf_add_str(&body, ",{}");
    buf_add_str(&body, "]}}");
    decode(&d, buf_view(&body));
    CHECK_INT(d.status, DECODE_INVALID);
    CHECK_INT(d.problems.n, 16);
    CHECK_INT(d.problems.dropped, 2 * 20001 - 16);
    decoded_release(&d);
    buf_release(&body);
}

TEST(decode__counts_and_skips_unknown_fields)
{
    struct decoded d;

    check_decodes(&d,
                  "{\"ext\":{\"a\":[1,{\"id\":2,\"id\":3}],\"b\":\"\\u0000\"},\"at\":1,\"id\":"
                  "\"r\",\"user\":{\"yob\":1980,\"yob\":1981},\"imp\":[{\"secure\":1,\"id\":"
                  "\"9\",\"banner\":{\"w\":300}}],\"\":0,\"a-name-longer-than-any-of-ours\":0}");
    CHECK_INT(d.request.unknown_fields, 8);
    CHECK_VIEW(d.request.id, "r");
    CHECK_VIEW(d.request.imps[0].id, "9");
    decoded_release(&d);
}

/* A key is known by all of its bytes, however they are written. */
TEST(decode__knows_keys_with_escapes_by_what_they_mean)
{
    struct decoded d;

    check_decodes(&d, "{\"\\u0069d\":\"r\",\"id\\\"x\":7,\"tmax\\\"\":\"no\",\"\\\"\":1}");
    CHECK_VIEW(d.request.id, "r");
    CHECK_INT(d.request.unknown_fields, 3);
    decoded_release(&d);
    check_decodes(&d, "{\"id\\\"x\":\"evil\",\"id\":\"good\"}");
    CHECK_VIEW(d.request.id, "good");
    decoded_release(&d);
}

TEST(decode__keeps_the_newest_behaviour)
{
    struct decoded d;

    check_decodes(&d, "{\"rank\":{\"behaviour\":["
                      "{\"t\":5,\"type\":\"view\",\"item\":\"a\"},"
                      "{\"t\":1,\"type\":\"view\",\"item\":\"b\"},"
                      "{\"t\":9,\"type\":\"view\",\"item\":\"c\"},"
                      "{\"t\":5,\"type\":\"view\",\"item\":\"d\"},"
                      "{\"t\":2,\"type\":\"view\",\"item\":\"e\"}]}}");
    CHECK(d.truncated);
    CHECK_INT(d.request.n_behaviours, 3);
    CHECK_VIEW(d.request.behaviours[0].item, "a");
    CHECK_VIEW(d.request.behaviours[1].item, "d");
    CHECK_VIEW(d.request.behaviours[2].item, "c");
    decoded_release(&d);
}

TEST(decode__unescapes_strings)
{
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"plain", "plain"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u8dD1\\uFFFF", "A\xc3\xa9\xe8\xb7\x91\xef\xbf\xbf"},
        {"\\ud83d\\ude00!", "\xf0\x9f\x98\x80!"},
        {"\\uDBFF\\uDFFF", "\xf4\x8f\xbf\xbf"},
        {"\xef\xbf\xbd\xf0\x9f\x98\x80\xc2\x80\xe0\xa0\x80\xed\x9f\xbf",
         "\xef\xbf\xbd\xf0\x9f\x98\x80\xc2\x80\xe0\xa0\x80\xed\x9f\xbf"},
        {"0123456789abcdef0123456789abcdef\\n0123456789abcdef",
         "0123456789abcdef0123456789abcdef\n0123456789abcdef"},
    };
    struct buf body = BUF_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decoded d;

        test_row("%s", rows[i].json);
        buf_clear(&body);
        buf_printf(&body, "{\"id\":\"%s\",\"user\":{\"id\":\"behind\"}}", rows[i].json);
        check_decodes(&d, buf_str(&body));
        CHECK_VIEW(d.request.id, rows[i].text);
        CHECK_VIEW(d.request.user_id, "behind");
        decoded_release(&d);
    }
    buf_release(&body);
}

TEST(decode__reads_numbers_exactly)
{
    static const char *const rows[] = {
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1",
        "0.1",
        "0.30",
        "123456789.123456789",
        "1e0",
        "1E5",
        "1e-5",
        "1.5e+3",
        "9007199254740993e-8",
        "0.000001",
        "1e-300",
        "4.9e-324",
        "1e-400",
        "0.1000000000000000055511151231257827021181583404541015625",
        "999999999.99999999999999999999999999",
        "100000000000000000000e-20",
        "12345678.9e1",
        "0e999999999",
        "0.00000000000000000000000000000000000000000001",
        "1000000000",
        "3.14159265358979323846",
        "18014398509481985e-8",
        "123456789012345678e-9",
    };
    struct buf body = BUF_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decoded d;
        double want = strtod(rows[i], NULL) + 0.0;

        test_row("%s", rows[i]);
        buf_clear(&body);
        buf_printf(&body, "{\"imp\":[{\"id\":\"1\",\"bidfloor\":%s}]}", rows[i]);
        check_decodes(&d, buf_str(&body));
        if (memcmp(&d.request.imps[0].bidfloor, &want, sizeof(want)) != 0)
            FAIL("%.17g, want %.17g", d.request.imps[0].bidfloor, want);
        decoded_release(&d);
    }
    buf_release(&body);
}

/* Zeros and an exponent that are both beyond any double still cancel. */
TEST(decode__reads_numbers_of_any_length)
{
    static const struct {
        int n_zeros;
        const char *digits, *exponent;
        double value;
    } rows[] = {
        {150000, "1", "e100000", 0}, {150000, "1", "e150001", 1}, {150000, "25", "e+150002", 25},
        {99999, "5", "e100000", 5},  {10, "1", "e-150000", 0},
    };
    struct buf body = BUF_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decoded d;

        test_row("0.(%d zeros)%s%s", rows[i].n_zeros, rows[i].digits, rows[i].exponent);
        buf_clear(&body);
        buf_add_str(&body, "{\"imp\":[{\"id\":\"1\",\"bidfloor\":0.");
        for (int zero = 0; zero < rows[i].n_zeros; zero++)
            buf_add_str(&body, "0");
        buf_printf(&body, "%s%s}]}", rows[i].digits, rows[i].exponent);
        check_decodes(&d, buf_str(&body));
        CHECK_NEAR(d.request.imps[0].bidfloor, rows[i].value, 0);
        decoded_release(&d);
    }
    buf_release(&body);
}

TEST(decode__says_when_the_arena_is_full)
{
    static const char body[] = "{\"id\":\"\\n0123456789\",\"badv\":[\"a\",\"b\"],\"imp\":[{\"id\":"
                               "\"1\"}],\"rank\":{\"behaviour\":["
                               "{\"t\":5,\"type\":\"view\",\"item\":\"a\"},"
                               "{\"t\":1,\"type\":\"view\",\"item\":\"b\"},"
                               "{\"t\":9,\"type\":\"view\",\"item\":\"c\"},"
                               "{\"t\":9,\"type\":\"view\",\"item\":\"c\"}]}}";
    struct padded padded = padded_new(VIEW_LIT(body));
    bool enough = false;

    for (size_t limit = 1; !enough; limit += 64) {
        struct impression_request request;
        struct problems problems;
        struct arena arena;
        enum decode_status status;
        bool truncated;

        arena_init(&arena, 256, limit);
        problems_init(&problems, &arena, 16);
        status = decode_request(padded.text, &limits, &arena, &request, &truncated, &problems);
        enough = status == DECODE_OK;
        CHECK(enough || status == DECODE_OUT_OF_MEMORY);
        CHECK(limit < 1 << 16);
        arena_release(&arena);
    }
    padded_free(&padded);
}

TEST_MAIN
