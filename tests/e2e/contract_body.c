/* CONTRACT 3, when things go wrong: bodies that are no JSON, no request, or more than can be used. */
#include "tests/e2e/contract.h"

static struct driver daemon_;

static struct driver *shared(void)
{
    if (!daemon_.pid)
        driver_start(&daemon_, &(struct driver_args){.backend = "null"});
    return &daemon_;
}

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define BYTES(literal) ((struct view){literal, sizeof(literal) - 1})

static const struct contract_want not_json = {.status = 400, .code = "not_json"};
static const struct contract_want invalid = {.status = 422, .code = "invalid_request"};

/* As contract_post(), of bytes that may hold NUL. */
static struct view post(struct view body)
{
    static struct buf bytes;

    buf_clear(&bytes);
    buf_printf(&bytes, "POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", body.len);
    buf_add_view(&bytes, body);
    return buf_view(&bytes);
}

static void refuse(const struct view *rows, int n)
{
    for (int i = 0; i < n; i++) {
        test_row("not JSON: %.60s", rows[i].ptr);
        contract_expect(shared(), post(rows[i]), &not_json);
    }
}

/* ---- not JSON ---------------------------------------------------------------------------------- */

CONTRACT_TEST(not_json, syntax)
{
    static const struct view rows[] = {
        BYTES(""),
        BYTES(" "),
        BYTES("{"),
        BYTES("}"),
        BYTES("{\"id\":\"a\""),
        BYTES("{\"id\":\"a\",}"),
        BYTES("{\"id\" \"a\"}"),
        BYTES("{'id':\"a\"}"),
        BYTES("{id:\"a\"}"),
        BYTES("{\"id\":\"a\"}{}"),
        BYTES("{\"id\":\"a\"} x"),
        BYTES("{} /* comment */"),
        BYTES("{\"x\":NaN}"),
        BYTES("{\"x\":Infinity}"),
        BYTES("{\"x\":01}"),
        BYTES("{\"x\":+1}"),
        BYTES("{\"x\":1.}"),
        BYTES("{\"x\":.5}"),
        BYTES("{\"x\":0x1}"),
        BYTES("{\"x\":1e}"),
        BYTES("{\"x\":tru}"),
        BYTES("{\"x\":True}"),
        BYTES("{\"x\":[1,]}"),
        BYTES("{\"x\":[1 2]}"),
        BYTES("{\"x\":\"\\x41\"}"),
        BYTES("{\"x\":\"\\u12\"}"),
        BYTES("{\"x\":\"a\nb\"}"),
        BYTES("{\"x\":\"a\0b\"}"),
        BYTES("{}\0"),
        BYTES("\xef\xbb\xbf{}"),
        BYTES("{\"rank\":{\"candidates\":[{\"adid\":\"a1\"}}}"),
    };

    refuse(rows, COUNT(rows));
}

CONTRACT_TEST(not_json, utf8)
{
    static const struct view rows[] = {
        BYTES("{\"id\":\"\xff\"}"),             /* no such byte */
        BYTES("{\"id\":\"\xc3\"}"),             /* cut */
        BYTES("{\"id\":\"\xc0\xaf\"}"),         /* overlong */
        BYTES("{\"id\":\"\xed\xa0\x80\"}"),     /* a surrogate */
        BYTES("{\"id\":\"\xf4\x90\x80\x80\"}"), /* beyond U+10FFFF */
        BYTES("{\"x\":\"\x80\"}"),              /* in a field that is not read */
        BYTES("{\"\xff\":1}"),
        BYTES("{\"x\":\"\\ud800\"}"),
        BYTES("{\"id\":\"\\udc00\\ud800\"}"),
    };
    const char *body;

    refuse(rows, COUNT(rows));
    test_row("right UTF-8");
    body = contract_expect(shared(), contract_post(js("{'id':'\xe8\xb7\x91\\ud83d\\ude00'}"), ""),
                           &(struct contract_want){.status = 200});
    CHECK(strstr(body, "\xe8\xb7\x91\xf0\x9f\x98\x80"));
}

/* depth levels in all, the outermost object included. */
static const char *nested(int depth)
{
    char open[64], close[64];

    memset(open, '[', 64);
    memset(close, ']', 64);
    return js("{'x':%.*s%.*s}", depth - 1, open, depth - 1, close);
}

CONTRACT_TEST(not_json, depth)
{
    contract_expect(shared(), contract_post(nested(32), ""),
                    &(struct contract_want){.status = 200});
    contract_expect(shared(), contract_post(nested(33), ""), &not_json);
}

CONTRACT_TEST(not_json, duplicate_keys)
{
    static const char *const rows[] = {
        "{'id':'a','id':'a'}",
        "{'id':'a','\\u0069d':'b'}",
        "{'rank':{},'rank':{}}",
        "{'imp':[{'id':'1','bidfloor':1,'bidfloor':2}]}",
        "{'rank':{'candidates':[{'adid':'a1','bid':1,'bid':2}]}}",
        "{'user':{'id':'u','id':'v'}}",
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i]);
        contract_expect(shared(), contract_post(js("%s", rows[i]), ""), &not_json);
    }
    test_row("keys that do not matter");
    contract_expect(shared(), contract_post(js("{'x':1,'x':2,'rank':{'y':[],'y':{}}}"), ""),
                    &(struct contract_want){.status = 200});
}

/* ---- no request -------------------------------------------------------------------------------- */

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

struct invalid_row {
    const char *body, *pointers;
};

static void refuse_rows(const struct invalid_row *rows, int n)
{
    for (int i = 0; i < n; i++) {
        test_row("invalid: %.100s", rows[i].body);
        CHECK_STR(pointers(contract_expect(shared(), contract_post(js("%s", rows[i].body), ""),
                                           &invalid)),
                  rows[i].pointers);
    }
}

CONTRACT_TEST(invalid, wrong_type)
{
    static const struct invalid_row rows[] = {
        {"[]", ""},
        {"null", ""},
        {"'text'", ""},
        {"{'id':true}", "/id"},
        {"{'id':['r']}", "/id"},
        {"{'tmax':'50'}", "/tmax"},
        {"{'tmax':1.5}", "/tmax"},
        {"{'tmax':true}", "/tmax"},
        {"{'user':'u'}", "/user"},
        {"{'user':{'id':{}}}", "/user/id"},
        {"{'user':{'buyeruid':[]}}", "/user/buyeruid"},
        {"{'device':[]}", "/device"},
        {"{'device':{'devicetype':'4'}}", "/device/devicetype"},
        {"{'device':{'geo':{'utcoffset':'60'}}}", "/device/geo/utcoffset"},
        {"{'device':{'geo':{'country':1}}}", "/device/geo/country"},
        {"{'device':{'os':1,'language':2}}", "/device/os /device/language"},
        {"{'site':{'cat':1}}", "/site/cat"},
        {"{'site':{'cat':['IAB1',2]}}", "/site/cat/1"},
        {"{'app':{'bundle':1,'keywords':2}}", "/app/bundle /app/keywords"},
        {"{'imp':{}}", "/imp"},
        {"{'imp':['1']}", "/imp/0"},
        {"{'imp':[{'id':false}]}", "/imp/0/id"},
        {"{'imp':[{'id':'1','bidfloor':'1'}]}", "/imp/0/bidfloor"},
        {"{'imp':[{'id':'1','tagid':[1],'bidfloorcur':2}]}", "/imp/0/tagid /imp/0/bidfloorcur"},
        {"{'badv':'a','bcat':{},'cur':1}", "/badv /bcat /cur"},
        {"{'rank':[]}", "/rank"},
        {"{'rank':{'top_n':'3'}}", "/rank/top_n"},
        {"{'rank':{'candidates':{}}}", "/rank/candidates"},
        {"{'rank':{'candidates':['a1']}}", "/rank/candidates/0"},
        {"{'rank':{'candidates':[{'adid':'a1','bid':'1'}]}}", "/rank/candidates/0/bid"},
        {"{'rank':{'behaviour':[{'t':'1','type':1,'item':[2],'text':3}]}}",
         "/rank/behaviour/0/t /rank/behaviour/0/type /rank/behaviour/0/item "
         "/rank/behaviour/0/text"},
    };

    refuse_rows(rows, COUNT(rows));
}

CONTRACT_TEST(invalid, missing)
{
    static const struct invalid_row rows[] = {
        {"{'imp':[{}]}", "/imp/0/id"},
        {"{'imp':[{'id':''}]}", "/imp/0/id"},
        {"{'rank':{'candidates':[{'bid':1}]}}", "/rank/candidates/0/adid"},
        {"{'rank':{'candidates':[{'adid':''}]}}", "/rank/candidates/0/adid"},
        {"{'rank':{'behaviour':[{'type':'view','item':'i1'}]}}", "/rank/behaviour/0/t"},
        {"{'rank':{'behaviour':[{'t':1,'item':'i1'}]}}", "/rank/behaviour/0/type"},
        {"{'rank':{'behaviour':[{'t':1,'type':'view'}]}}", "/rank/behaviour/0"},
    };

    refuse_rows(rows, COUNT(rows));
}

CONTRACT_TEST(invalid, out_of_range)
{
    static const struct invalid_row rows[] = {
        {"{'tmax':-1}", "/tmax"},
        {"{'tmax':2147483648}", "/tmax"},
        {"{'tmax':123456789012345678901234567890}", "/tmax"},
        {"{'tmax':1e999}", "/tmax"},
        {"{'device':{'devicetype':-1}}", "/device/devicetype"},
        {"{'device':{'geo':{'utcoffset':1441}}}", "/device/geo/utcoffset"},
        {"{'imp':[{'id':'1','bidfloor':-0.01}]}", "/imp/0/bidfloor"},
        {"{'imp':[{'id':'1','bidfloor':1e300}]}", "/imp/0/bidfloor"},
        {"{'imp':[{'id':'1','bidfloor':1e999}]}", "/imp/0/bidfloor"},
        {"{'rank':{'top_n':0}}", "/rank/top_n"},
        {"{'rank':{'top_n':51}}", "/rank/top_n"},
        {"{'rank':{'candidates':[{'adid':'a1','bid':-1}]}}", "/rank/candidates/0/bid"},
        {"{'rank':{'candidates':[{'adid':'a1','bid_type':'cpx'}]}}", "/rank/candidates/0/bid_type"},
        {"{'rank':{'behaviour':[{'t':-1,'type':'view','item':'i'}]}}", "/rank/behaviour/0/t"},
        {"{'rank':{'behaviour':[{'t':1,'type':'like','item':'i'}]}}", "/rank/behaviour/0/type"},
        {"{'imp':[{'id':'1'},{'id':'2'},{'id':'1'}]}", "/imp/2/id"},
    };

    refuse_rows(rows, COUNT(rows));
}

/* Of {"badv":[1,1,...]}, with n numbers: those that are listed and those that the detail counts. */
static void check_count(int n, bool all)
{
    struct buf body = BUF_INIT;
    const char *detail, *more;
    json_t *problem;
    int listed;

    test_row("%d errors", n);
    for (int i = 0; i < n; i++)
        buf_add_str(&body, i ? ",1" : "{\"badv\":[1");
    buf_add_str(&body, "]}");
    problem =
        json_loads(contract_expect(shared(), contract_post(buf_str(&body), ""), &invalid), 0, NULL);
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
    buf_release(&body);
}

/* All in one answer; where memory bounds the list, the rest is counted. */
CONTRACT_TEST(invalid, every_error)
{
    static const struct invalid_row rows[] = {
        {"{'id':{},'tmax':-5,'user':{'id':[]},'imp':[{'id':'1'},{'bidfloor':'x'}],"
         "'rank':{'top_n':99,'candidates':[{'adid':'a1'},{'adid':[3],'bid':-2}]}}",
         "/id /tmax /user/id /imp/1/bidfloor /imp/1/id /rank/top_n /rank/candidates/1/adid "
         "/rank/candidates/1/bid"},
    };
    struct buf body = BUF_INIT;
    const char *last;

    refuse_rows(rows, COUNT(rows));
    test_row("200 errors");
    buf_add_str(&body, "{\"rank\":{\"candidates\":[{}");
    for (int i = 1; i < 200; i++)
        buf_add_str(&body, ",{}");
    buf_add_str(&body, "]}}");
    last = pointers(contract_expect(shared(), contract_post(buf_str(&body), ""), &invalid));
    CHECK(strstr(last, "/rank/candidates/0/adid /rank/candidates/1/adid "));
    CHECK(strstr(last, " /rank/candidates/199/adid"));
    buf_release(&body);
    check_count(1000, true);
    check_count(60000, false);
}

CONTRACT_TEST(problem, form)
{
    static const char *const targets[] = {"/nowhere", "/rank"};

    /* contract_receive() looks at every member; here, that the id of the request is the client's. */
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

/* ---- nothing, or too much ---------------------------------------------------------------------- */

CONTRACT_TEST(unknown, adid)
{
    const char *body = contract_expect(
        shared(),
        contract_post(js("{'imp':[{'id':'1'},{'id':'2'}],'rank':{'candidates':[{'adid':'nobody'},"
                         "{'adid':'a1'},{'adid':'other','bid':3},"
                         "{'adid':'mine','text':'yoga mat','bid':2}]}}"),
                      ""),
        &(struct contract_want){.status = 200});
    json_t *answer = contract_answer(body);

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
        answer =
            contract_answer(contract_expect(shared(), contract_post(js("%s", rows[i].body), ""),
                                            &(struct contract_want){.status = 200}));
        CHECK_INT(json_array_size(json_object_get(answer, "results")), 0);
        CHECK_INT(answer_filtered(answer, rows[i].reason), rows[i].count);
        CHECK_STR(answer_degraded(answer), "");
    }
}

/* words times the word, which is one token. */
static const char *words(const char *word, int n)
{
    struct buf text = BUF_INIT;
    const char *out;

    for (int i = 0; i < n; i++)
        buf_printf(&text, "%s ", word);
    out = js("%s", buf_str(&text));
    buf_release(&text);
    return out;
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

/* Newest first until it is full: what is oldest makes no difference. */
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
    test_row("the newest is longer than all");
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
    struct buf events = BUF_INIT;
    json_t *fits, *cut;

    buf_add_str(&events, "{'t':101,'type':'click','text':'mat'}");
    for (int i = 100; i > 1; i--)
        buf_printf(&events, ",{'t':%d,'type':'view','item':'nothing known'}", i);
    fits = contract_rank(shared(),
                         "{'rank':{'behaviour':[%s],'candidates':[{'adid':'a1'},{'adid':'a3'}]}}",
                         buf_str(&events));
    cut = contract_rank(shared(),
                        "{'rank':{'behaviour':[{'t':1,'type':'buy','text':'hose'},%s],"
                        "'candidates':[{'adid':'a1'},{'adid':'a3'}]}}",
                        buf_str(&events));
    buf_release(&events);
    CHECK_STR(answer_degraded(fits), "");
    CHECK_STR(answer_degraded(cut), "truncated");
    CHECK(answer_same_scores(fits, cut));
}

TEST(body__the_daemon_ends_well)
{
    CHECK_INT(driver_stop(shared()), 0);
}

TEST_MAIN
