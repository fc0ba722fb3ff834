/* What the decoder refuses, and the problems that it reports. */
#include "tests/refused_bodies.h"
#include "tests/unit/impression/decoded.h"

TEST(decode__refuses_what_is_not_json)
{
    for (int i = 0; i < COUNT(not_json_bodies); i++)
        for (const char *const *body = not_json_bodies[i].bodies; *body; body++) {
            test_row("%s: %s", not_json_bodies[i].why, *body);
            decode(view_of(refused_body(*body)));
            CHECK_INT(d.status, DECODE_NOT_JSON);
            CHECK_INT(d.problems.n, 1);
            CHECK_STR(d.problems.items[0].pointer, "");
            if (!strstr(d.problems.items[0].detail, not_json_bodies[i].why))
                FAIL("%s", d.problems.items[0].detail);
        }
}

TEST(decode__refuses_a_nul_byte)
{
    static const struct view rows[] = {VIEW_LIT("{\0}"), VIEW_LIT("{}\0"),
                                       VIEW_LIT("{\"x\":\"\0\"}")};

    for (int i = 0; i < COUNT(rows); i++) {
        decode(rows[i]);
        CHECK_INT(d.status, DECODE_NOT_JSON);
    }
}

TEST(decode__every_prefix_of_a_request_is_not_json)
{
    static const char body[] = "{\"id\":\"\\u8dd1\\n\",\"x\":[true,null,-1.5e3,\"\xe8\xb7\x91\"],"
                               "\"rank\":{\"candidates\":[{\"adid\":\"a\",\"bid\":0.5}]}}";

    for (size_t n = 0; n < sizeof(body) - 1; n++) {
        decode((struct view){body, n});
        if (d.status != DECODE_NOT_JSON)
            FAIL("%zu bytes: status %d", n, (int)d.status);
    }
}

TEST(decode__takes_32_levels_and_no_more)
{
    for (int levels = 30; levels <= 33; levels++) {
        const enum decode_status want = levels <= 31 ? DECODE_OK : DECODE_NOT_JSON;

        decode_repeated("{'x':", "[", levels, js("%s}", js_repeat(levels, "]")));
        CHECK_INT(d.status, want);
        decode_repeated("{'x':", "{'a':", levels, js("1%s}", js_repeat(levels, "}")));
        CHECK_INT(d.status, want);
    }
}

/* text as in invalid_bodies. */
static void check_invalid(const char *text, const char *detail)
{
    const char *body = invalid_body(text);
    char found[256] = "";

    test_row("%s: %s", detail, text);
    decode(view_of(refused_body(body)));
    CHECK_INT(d.status, DECODE_INVALID);
    for (size_t i = 0; i < d.problems.n; i++)
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s",
                 d.problems.items[i].pointer, *d.problems.items[i].pointer ? " " : "");
    CHECK_VIEW(((struct view){text, (size_t)(body - text)}), found);
    if (!strstr(d.problems.items[0].detail, detail))
        FAIL("%s", d.problems.items[0].detail);
}

TEST(decode__refuses_what_is_not_a_request)
{
    for (int i = 0; i < COUNT(invalid_bodies); i++)
        for (const char *const *text = invalid_bodies[i].cases; *text; text++)
            check_invalid(*text, invalid_bodies[i].detail);
    check_invalid("/rank/top_n {'rank':{'top_n':11}}", "must be within 1 and 10");
    check_invalid("/rank/candidates {'rank':{'candidates':[{'adid':'a'},{'adid':'b'},{'adid':'c'},"
                  "{'adid':'d'},{'adid':'e'}]}}",
                  "more than 4 items");
}

TEST(decode__reports_every_problem_and_repeats_nothing)
{
    decode(view_of(js("{'tmax':'SECRET','user':{'id':[1]},'imp':[{'id':'SECRET'},{'id':'SECRET'},"
                      "{'tagid':'SECRET'}],'rank':{'behaviour':["
                      "{'t':1,'type':'SECRET','item':'SECRET'}]},'SECRET':1}")));
    CHECK_INT(d.status, DECODE_INVALID);
    CHECK_INT(d.problems.n, 4);
    CHECK_STR(d.problems.items[0].pointer, "/tmax");
    CHECK_STR(d.problems.items[1].pointer, "/user/id");
    CHECK_STR(d.problems.items[2].pointer, "/imp/2/id");
    CHECK_STR(d.problems.items[3].pointer, "/rank/behaviour/0/type");
    for (size_t i = 0; i < d.problems.n; i++)
        CHECK(!strstr(d.problems.items[i].detail, "SECRET"));
}

TEST(decode__keeps_at_most_max_problems)
{
    decode_repeated("{'rank':{'behaviour':[{}", ",{}", 20000, "]}}");
    CHECK_INT(d.status, DECODE_INVALID);
    CHECK_INT(d.problems.n, 16);
    CHECK_INT(d.problems.dropped, 2 * 20001 - 16);
}
