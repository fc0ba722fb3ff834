/* What the decoder does not take, and what it says of it. */
#include "adrank/decode.h"

#include "base/buf.h"
#include "tests/unit/impression/decoded.h"

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
        {"{\"x\":1e400x}", "comma"},
        {"{\"x\":-}", "malformed"},
        {"{\"x\":01}", "malformed"},
        {"{\"x\":[1.e5]}", "malformed"},
        {"{\"id\":nil}", "not a JSON value"},
        {"{\"id\":nulL}", "not a JSON value"},
        {"{\"id\":null,\"id\":\"a\"}", "twice"},
        {"{\"regs\":{\"gdpr\":0,\"gdpr\":1}}", "twice"},
        {"{\"regs\":{\"ext\":{},\"ext\":{\"gdpr\":1}}}", "twice"},
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
        {"\xef\xbb\xbf{}", "not a JSON value: starts with a byte order mark"},
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
        {"{\"id\":true}", "/id", "must be a string"},
        {"{\"id\":[\"a\"]}", "/id", "must be a string"},
        {"{\"id\":\"a\\u0000\"}", "/id", "must not hold U+0000"},
        {"{\"tmax\":\"50\"}", "/tmax", "must be an integer"},
        {"{\"tmax\":50.5}", "/tmax", "must be an integer"},
        {"{\"tmax\":1e-400}", "/tmax", "must be an integer"},
        {"{\"tmax\":-1e0}", "/tmax", "must be within 0 and 2147483647"},
        {"{\"tmax\":3e9}", "/tmax", "must be within 0 and 2147483647"},
        {"{\"tmax\":1e999}", "/tmax", "must be within 0 and 2147483647"},
        {"{\"tmax\":18446744073709551616}", "/tmax", "must be within 0 and 2147483647"},
        {"{\"tmax\":-9223372036854775809}", "/tmax", "must be within 0 and 2147483647"},
        {"{\"tmax\":-1}", "/tmax", "must be within 0 and 2147483647"},
        {"{\"tmax\":2147483648}", "/tmax", "must be within 0 and 2147483647"},
        {"{\"tmax\":18446744073709551615}", "/tmax", "must be within 0 and 2147483647"},
        {"{\"tmax\":true}", "/tmax", "must be an integer"},
        {"{\"user\":\"u\"}", "/user", "must be an object"},
        {"{\"user\":[]}", "/user", "must be an object"},
        {"{\"user\":{\"id\":[42]}}", "/user/id", "must be a string"},
        {"{\"user\":{\"buyeruid\":{}}}", "/user/buyeruid", "must be a string"},
        {"{\"device\":1}", "/device", "must be an object"},
        {"{\"device\":{\"devicetype\":-1}}", "/device/devicetype", "must be within 0 and"},
        {"{\"device\":{\"devicetype\":\"phone\"}}", "/device/devicetype", "must be an integer"},
        {"{\"device\":{\"os\":1}}", "/device/os", "must be a string"},
        {"{\"device\":{\"language\":[]}}", "/device/language", "must be a string"},
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
        {"{\"site\":{\"cat\":1}}", "/site/cat", "must be an array of strings"},
        {"{\"site\":{\"cat\":[\"a\",1]}}", "/site/cat/1", "must be a string"},
        {"{\"site\":{\"search\":1}}", "/site/search", "must be a string"},
        {"{\"site\":{\"keywords\":[]}}", "/site/keywords", "must be a string"},
        {"{\"app\":[]}", "/app", "must be an object"},
        {"{\"app\":{\"bundle\":1}}", "/app/bundle", "must be a string"},
        {"{\"imp\":{}}", "/imp", "must be an array of objects"},
        {"{\"imp\":[1]}", "/imp/0", "must be an object"},
        {"{\"imp\":[{}]}", "/imp/0/id", "is missing"},
        {"{\"imp\":[{\"id\":\"\"}]}", "/imp/0/id", "must not be empty"},
        {"{\"imp\":[{\"id\":{}}]}", "/imp/0/id", "must be a string"},
        {"{\"imp\":[{\"id\":null}]}", "/imp/0/id", "is missing"},
        {"{\"imp\":[null,{\"id\":\"1\"},{\"tagid\":null}]}", "/imp/2/id", "is missing"},
        {"{\"imp\":[{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"1\"}]}", "/imp/2/id",
         "is the id of /imp/0 too"},
        {"{\"imp\":[{\"id\":\"1\"},{\"id\":1}]}", "/imp/1/id", "is the id of /imp/0 too"},
        {"{\"imp\":[{\"id\":\"1\",\"tagid\":true}]}", "/imp/0/tagid", "must be a string"},
        {"{\"imp\":[{\"id\":\"1\",\"bidfloor\":-0.01}]}", "/imp/0/bidfloor", "must be within 0"},
        {"{\"imp\":[{\"id\":\"1\",\"bidfloor\":1e300}]}", "/imp/0/bidfloor", "must be within 0"},
        {"{\"imp\":[{\"id\":\"1\",\"bidfloor\":\"1\"}]}", "/imp/0/bidfloor", "must be a number"},
        {"{\"imp\":[{\"id\":\"1\",\"bidfloorcur\":1}]}", "/imp/0/bidfloorcur", "must be a string"},
        {"{\"badv\":\"x\"}", "/badv", "must be an array of strings"},
        {"{\"badv\":[{}]}", "/badv/0", "must be a string"},
        {"{\"bcat\":[\"a\",null,7]}", "/bcat/2", "must be a string"},
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
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":\"buy\",\"item\":[7]}]}}",
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
        {"{\"rank\":{\"candidates\":[{\"adid\":\"a\",\"bid\":\"1\"}]}}", "/rank/candidates/0/bid",
         "must be a number"},
        {"{\"rank\":{\"candidates\":[{\"adid\":\"a\",\"bid\":1e999}]}}", "/rank/candidates/0/bid",
         "must be within 0"},
        {"{\"rank\":{\"candidates\":[{\"adid\":null}]}}", "/rank/candidates/0/adid", "is missing"},
        {"{\"rank\":{\"behaviour\":[{\"t\":null,\"type\":\"buy\",\"item\":\"a\"}]}}",
         "/rank/behaviour/0/t", "is missing"},
        {"{\"rank\":{\"behaviour\":[{\"t\":1,\"type\":null,\"item\":\"a\"}]}}",
         "/rank/behaviour/0/type", "is missing"},
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

    decode(&d, VIEW_LIT("{\"tmax\":\"SECRET\",\"user\":{\"id\":[1]},\"imp\":[{\"id\":\"SECRET\"},"
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

TEST_MAIN
