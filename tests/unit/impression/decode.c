/* Tests of impression/decode.c. */
#include "tests/unit/impression/decoded.h"

TEST(decode__reads_every_field)
{
    const struct impression_request *r = &d.request;

    decode_ok("{'id':'r-1','tmax':50,'user':{'id':'u42'},'device':{'devicetype':4,"
              "'os':'android','language':'en','geo':{'country':'DEU','city':'BER',"
              "'utcoffset':-60}},'site':{'domain':'shop.example','cat':['IAB22','IAB1'],"
              "'search':'trail shoes'},'imp':[{'id':'1','tagid':'home-top','bidfloor':0.30,"
              "'bidfloorcur':'EUR'},{'id':'2'}],'badv':['bad.example'],'bcat':['IAB7',"
              "'IAB8'],'cur':['USD'],'rank':{'top_n':3,'behaviour':[{'t':1790000000000,"
              "'type':'click','item':'sku9','text':'Lightweight'},{'t':0,'type':'search',"
              "'text':'\\u8dd1'}],'candidates':[{'adid':'a1','bid':1.20},{'adid':'a7'},"
              "{'adid':'x','bid':0,'bid_type':'cpa','text':'Jacket'}]}}");
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
}

TEST(decode__fills_in_what_is_absent)
{
    const struct impression_request *r = &d.request;

    decode_ok(" {\r\n}\t");
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
    decode_ok("{'imp':[],'rank':{'candidates':[]}}");
    CHECK_INT(r->n_imps, 1);
    CHECK(r->has_candidates);
    CHECK_INT(r->n_candidates, 0);
}

TEST(decode__chooses_between_fields)
{
    static const struct {
        const char *body, *user, *domain, *search;
        uint32_t privacy;
    } rows[] = {
        {"{'user':{'id':'a','buyeruid':'b'}}", "b", "", "", 0},
        {"{'user':{'id':'a','buyeruid':''}}", "a", "", "", 0},
        {"{'site':{'domain':'d','keywords':'k'}}", "", "d", "k", 0},
        {"{'site':{'search':'s','keywords':'k'}}", "", "", "s", 0},
        {"{'app':{'bundle':'b','search':'s'}}", "", "b", "s", 0},
        {"{'app':{'bundle':'b','domain':'d'}}", "", "d", "", 0},
        {"{'regs':{'coppa':1}}", "", "", "", 1 << PRIVACY_COPPA},
        {"{'regs':{'gdpr':1}}", "", "", "", 1 << PRIVACY_GDPR},
        {"{'device':{'lmt':1}}", "", "", "", 1 << PRIVACY_LMT},
        {"{'device':{'dnt':1}}", "", "", "", 1 << PRIVACY_DNT},
        {"{'regs':{'ext':{'gdpr':1}},'user':{'consent':'C','id':'a'}}", "a", "", "",
         1 << PRIVACY_GDPR | 1 << PRIVACY_CONSENT},
        {"{'device':{'dnt':0,'lmt':0},'regs':{'gdpr':0,'coppa':0}}", "", "", "", 0},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i].body);
        decode_ok("%s", rows[i].body);
        CHECK_VIEW(d.request.user_id, rows[i].user);
        CHECK_VIEW(d.request.domain, rows[i].domain);
        CHECK_VIEW(d.request.search, rows[i].search);
        CHECK_INT(d.request.privacy, rows[i].privacy);
    }
}

TEST(decode__counts_and_skips_unknown_fields)
{
    decode_ok("{'ext':{'a':[1,{'id':2,'id':3}],'b':'\\u0000'},'at':1,'id':'r',"
              "'user':{'yob':1980,'yob':1981},'imp':[{'secure':1,'id':'9',"
              "'banner':{'w':300}}],'':0,'a-name-longer-than-any-of-ours':0}");
    CHECK_INT(d.request.unknown_fields, 8);
    CHECK_VIEW(d.request.id, "r");
    CHECK_VIEW(d.request.imps[0].id, "9");
}

/* A key is known by all of its bytes, however they are written. */
TEST(decode__knows_keys_with_escapes_by_what_they_mean)
{
    decode_ok("{'\\u0069d':'r','id\\\"x':7,'tmax\\\"':'no','\\\"':1}");
    CHECK_VIEW(d.request.id, "r");
    CHECK_INT(d.request.unknown_fields, 3);
    decode_ok("{'id\\\"x':'evil','id':'good'}");
    CHECK_VIEW(d.request.id, "good");
}

TEST(decode__keeps_the_newest_behaviour)
{
    decode_ok("{'rank':{'behaviour':[{'t':5,'type':'view','item':'a'},{'t':1,'type':'view',"
              "'item':'b'},{'t':9,'type':'view','item':'c'},{'t':5,'type':'view',"
              "'item':'d'},{'t':2,'type':'view','item':'e'}]}}");
    CHECK(d.truncated);
    CHECK_INT(d.request.n_behaviours, 3);
    CHECK_VIEW(d.request.behaviours[0].item, "a");
    CHECK_VIEW(d.request.behaviours[1].item, "d");
    CHECK_VIEW(d.request.behaviours[2].item, "c");
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

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i].json);
        decode_ok("{'id':'%s','user':{'id':'behind'}}", rows[i].json);
        CHECK_VIEW(d.request.id, rows[i].text);
        CHECK_VIEW(d.request.user_id, "behind");
    }
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

    for (int i = 0; i < COUNT(rows); i++) {
        double want = strtod(rows[i], NULL) + 0.0;

        test_row("%s", rows[i]);
        decode_ok("{'imp':[{'id':'1','bidfloor':%s}]}", rows[i]);
        if (memcmp(&d.request.imps[0].bidfloor, &want, sizeof(want)) != 0)
            FAIL("%.17g, want %.17g", d.request.imps[0].bidfloor, want);
    }
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
    struct buf body AT_END(buf_release) = BUF_INIT;

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("0.(%d zeros)%s%s", rows[i].n_zeros, rows[i].digits, rows[i].exponent);
        buf_clear(&body);
        buf_add_str(&body, "{\"imp\":[{\"id\":\"1\",\"bidfloor\":0.");
        for (int zero = 0; zero < rows[i].n_zeros; zero++)
            buf_add_str(&body, "0");
        buf_printf(&body, "%s%s}]}", rows[i].digits, rows[i].exponent);
        decode(buf_view(&body));
        CHECK_INT(d.status, DECODE_OK);
        CHECK_NEAR(d.request.imps[0].bidfloor, rows[i].value, 0);
    }
}

TEST(decode__says_when_the_arena_is_full)
{
    static const char body[] = "{\"id\":\"\\n0123456789\",\"badv\":[\"a\",\"b\"],\"imp\":[{\"id\":"
                               "\"1\"}],\"rank\":{\"behaviour\":["
                               "{\"t\":5,\"type\":\"view\",\"item\":\"a\"},"
                               "{\"t\":1,\"type\":\"view\",\"item\":\"b\"},"
                               "{\"t\":9,\"type\":\"view\",\"item\":\"c\"},"
                               "{\"t\":9,\"type\":\"view\",\"item\":\"c\"}]}}";
    struct padded padded AT_END(padded_free) = padded_new(VIEW_LIT(body));
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
}
