/* CONTRACT 3, when things go wrong: bodies that are not JSON, not a valid request, or more than can
 * be used.
 */
#include "tests/e2e/contract.h"
#include "tests/refused_bodies.h"

static const struct contract_want not_json = {.status = 400, .code = "not_json"};
static const struct contract_want invalid = {.status = 422, .code = "invalid_request"};

/* ---- not JSON -------------------------------------------------------------------------------- */

CONTRACT_TEST(not_json, syntax)
{
    for (int i = 0; i < COUNT(not_json_bodies); i++)
        for (const char *const *body = not_json_bodies[i].bodies; *body; body++) {
            test_row("not JSON: %.60s", *body);
            contract_expect(shared(), client_post(refused_body(*body), ""), &not_json);
        }
}

/* ---- not a valid request --------------------------------------------------------------------- */

/* The errors' pointers in order, "/id /imp/0/id". */
static const char *pointers(const char *body)
{
    static struct buf out;
    json_t *problem = json_loads(body, 0, NULL);
    const json_t *error;
    size_t i;

    buf_clear(&out);
    json_array_foreach(json_object_get(problem, "errors"), i, error)
    {
        CHECK(json_string_length(json_object_get(error, "detail")) > 0);
        buf_printf(&out, "%s%s", i ? " " : "",
                   json_string_value(json_object_get(error, "pointer")));
    }
    json_decref(problem);
    return buf_str(&out);
}

/* text as in invalid_bodies. */
static void refuse_invalid(const char *text)
{
    const char *body = invalid_body(text), *got;

    test_row("invalid: %.100s", text);
    got = pointers(contract_expect(shared(), client_post(refused_body(body), ""), &invalid));
    CHECK_VIEW(((struct view){text, body > text ? (size_t)(body - text) - 1 : 0}), got);
}

CONTRACT_TEST(invalid, fields)
{
    for (int i = 0; i < COUNT(invalid_bodies); i++)
        for (const char *const *text = invalid_bodies[i].cases; *text; text++)
            refuse_invalid(*text);
}

/* {"badv":[1,1,...]} with n numbers: how many errors are listed and how many more the detail
 * counts. */
static void check_count(int n, bool all)
{
    const char *detail, *more;
    json_t *problem;
    int listed;

    test_row("%d errors", n);
    problem = json_loads(
        contract_expect(shared(), client_post(js("{'badv':[%s]}", js_list(n, "1")), ""), &invalid),
        0, NULL);
    listed = (int)json_array_size(json_object_get(problem, "errors"));
    detail = json_string_value(json_object_get(problem, "detail"));
    more = detail ? strstr(detail, ", and ") : NULL;
    if (all) {
        CHECK(!detail);
        CHECK_INT(listed, n);
    } else {
        CHECK(more);
        CHECK(listed > 1000);
        CHECK_INT(listed + atoi(more + strlen(", and ")), n);
    }
    json_decref(problem);
}

/* All errors come in one answer; beyond the limit of the list they are only counted. */
CONTRACT_TEST(invalid, every_error)
{
    const char *last;

    refuse_invalid("/id /tmax /user/id /imp/1/bidfloor /imp/1/id /rank/top_n "
                   "/rank/candidates/1/adid /rank/candidates/1/bid "
                   "{'id':{},'tmax':-5,'user':{'id':[]},'imp':[{'id':'1'},{'bidfloor':'x'}],"
                   "'rank':{'top_n':99,'candidates':[{'adid':'a1'},{'adid':[3],'bid':-2}]}}");
    test_row("200 errors");
    last = pointers(contract_expect(
        shared(), client_post(js("{'rank':{'candidates':[%s]}}", js_list(200, "{}")), ""),
        &invalid));
    CHECK(strstr(last, "/rank/candidates/0/adid /rank/candidates/1/adid "));
    CHECK(strstr(last, " /rank/candidates/199/adid"));
    check_count(1000, true);
    check_count(60000, false);
}

CONTRACT_TEST(problem, form)
{
    static const char *const targets[] = {"/nowhere", "/rank"};

    /* contract_receive() checks every member; this checks that the request id is the client's. */
    for (int i = 0; i < 2; i++) {
        const char *body = contract_expect(
            shared(),
            view_of(js("GET %s HTTP/1.1\r\nHost: a\r\nX-Request-Id: my-id.1\r\n\r\n", targets[i])),
            &(struct contract_want){.status = i ? 405 : 404,
                                    .code = i ? "method_not_allowed" : "not_found",
                                    .header = "X-Request-Id: my-id.1"});

        CHECK(strstr(body, "\"request_id\":\"my-id.1\""));
    }
}

CONTRACT_TEST(problem, repeats_nothing)
{
    static const char *const rows[] = {
        "{'user':{'id':'zebra-42'},'id':[7]}",
        "{'user':{'id':'zebra-42'},'zebra':}",
        "{'zebra':1,'rank':{'candidates':[{'adid':'a1','bid_type':'zebra'}]}}",
        "{'rank':{'behaviour':[{'t':1,'type':'zebra','text':'zebra'}]}}",
        "{'imp':[{'id':'zebra'},{'id':'zebra'}]}",
        "{'id':'zebra','id':'zebra'}",
        "zebra",
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct driver_response *r = driver_rank(shared(), js("%s", rows[i]));

        test_row("%s", rows[i]);
        CHECK(r->status == 400 || r->status == 422);
        CHECK(!strstr(r->body, "zebra") && !strstr(r->head, "zebra"));
    }
    CHECK(!strstr(driver_log(shared()), "zebra"));
}

/* ---- nothing, or too much -------------------------------------------------------------------- */

CONTRACT_TEST(unknown, adid)
{
    json_t *answer = contract_rank(
        shared(), "{'imp':[{'id':'1'},{'id':'2'}],'rank':{'candidates':[{'adid':'nobody'},"
                  "{'adid':'a1'},{'adid':'other','bid':3},"
                  "{'adid':'mine','text':'yoga mat','bid':2}]}}");

    CHECK_STR(answer_ads(answer, "1"), "mine a1");
    CHECK_STR(answer_ads(answer, "2"), "mine a1");
    CHECK_INT(answer_filtered(answer, "unknown"), 4); /* pairs of imp and ad */
    CHECK_STR(answer_degraded(answer), "");
}

CONTRACT_TEST(nothing, to_show)
{
    static const struct {
        const char *body, *reason;
        int count;
    } rows[] = {
        {"{'rank':{'candidates':[]}}", "floor", 0},
        {"{'rank':{'candidates':[{'adid':'nobody'}]}}", "unknown", 1},
        {"{'imp':[{'id':'1','bidfloor':1000}],'rank':{'candidates':[{'adid':'a1'}]}}", "floor", 1},
        {"{'cur':['EUR'],'rank':{'candidates':[{'adid':'a1'}]}}", "currency", 1},
        {"{'rank':{'candidates':[{'adid':'a9'}]}}", "inactive", 1},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        json_t *answer;

        test_row("%s", rows[i].body);
        answer = contract_rank(shared(), "%s", rows[i].body);
        CHECK_INT(answer_size(answer), 0);
        CHECK_INT(answer_filtered(answer, rows[i].reason), rows[i].count);
        CHECK_STR(answer_degraded(answer), "");
    }
}

/* The word, which is one token, repeated `words` times. */
static const char *words(const char *word, int n)
{
    struct buf text AT_END(buf_release) = BUF_INIT;

    for (int i = 0; i < n; i++)
        buf_printf(&text, "%s ", word);
    return js("%s", buf_str(&text));
}

static json_t *rank_text(const char *text)
{
    return contract_rank(shared(), "{'rank':{'candidates':[{'adid':'x','bid':1,'text':'%s'}]}}",
                         text);
}

/* An ad has 32 of the model's 128 positions, one of them for [SEP]. */
CONTRACT_TEST(truncated, ad_text)
{
    json_t *fits = rank_text(words("mat", 31)), *cut = rank_text(words("mat", 32));

    CHECK_STR(answer_degraded(fits), "");
    CHECK_STR(answer_degraded(cut), "truncated");
    CHECK(answer_same_scores(fits, cut));
    CHECK(!answer_same_scores(rank_text(words("mat", 30)), cut));
}

/* Newest first until the input is full: the oldest events make no difference. */
CONTRACT_TEST(truncated, behaviour_text)
{
    static const char request[] = "{'rank':{'behaviour':[%s"
                                  "{'t':2000,'type':'view','text':'%s'},"
                                  "{'t':3000,'type':'click','text':'yoga mat'}],"
                                  "'candidates':[{'adid':'a1'},{'adid':'a3'}]}}";
    const char *text = words("hose", 82);
    json_t *fits = contract_rank(shared(), request, "", text);
    json_t *cut = contract_rank(shared(), request,
                                "{'t':1000,'type':'buy','text':'phone case for light'},"
                                "{'t':1001,'type':'buy','text':'trail jacket and garden'},",
                                text);
    json_t *other = contract_rank(shared(), request, "", words("hose", 81));

    CHECK_STR(answer_degraded(fits), "");
    CHECK_STR(answer_degraded(cut), "truncated");
    CHECK(answer_same_scores(fits, cut));
    CHECK(!answer_same_scores(fits, other));
    test_row("the newest alone exceeds the limit");
    cut = contract_rank(shared(),
                        "{'rank':{'behaviour':[{'t':1,'type':'view','text':'%s'}],"
                        "'candidates':[{'adid':'a1'}]}}",
                        words("hose", 400));
    CHECK_STR(answer_degraded(cut), "truncated");
    contract_good(shared());
}

/* rank.max_behaviour is 100. */
CONTRACT_TEST(truncated, behaviour_events)
{
    static const char request[] =
        "{'rank':{'behaviour':[%s{'t':2000,'type':'click','text':'mat'},%s],"
        "'candidates':[{'adid':'a1'},{'adid':'a3'}]}}";
    const char *events = js_list(99, "{'t':1#,'type':'view','item':'nothing known'}");
    json_t *fits = contract_rank(shared(), request, "", events);
    json_t *cut = contract_rank(shared(), request, "{'t':1,'type':'buy','text':'hose'},", events);

    CHECK_STR(answer_degraded(fits), "");
    CHECK_STR(answer_degraded(cut), "truncated");
    CHECK(answer_same_scores(fits, cut));
}

CONTRACT_DAEMON_ENDS(body)
