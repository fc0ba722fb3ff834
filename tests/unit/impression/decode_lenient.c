/* What a request may be like although no specification has it so. */
#include "tests/unit/impression/decoded.h"

/* All fields that are read, each null. */
TEST(decode__null_is_absent_everywhere)
{
    const struct impression_request *r = &d.request;

    decode_ok("{'id':null,'tmax':null,'user':null,'device':null,'site':null,'app':null,"
              "'regs':null,'imp':null,'badv':null,'bcat':null,'cur':null,'rank':null}");
    CHECK_VIEW(r->id, "");
    CHECK_INT(r->devicetype, -1);
    CHECK(!r->has_utcoffset && !r->has_candidates && !r->ignored_site && !r->privacy);
    CHECK_INT(r->n_imps, 1);
    CHECK_VIEW(r->imps[0].id, "1");
    decode_ok("{'user':{'id':'u','buyeruid':null,'consent':null,'gpc':null,'ext':null},"
              "'device':{'devicetype':null,'os':null,'language':null,'geo':null,'lmt':null,"
              "'dnt':null,'gpc':null,'ext':{'lmt':null,'dnt':null,'gpc':null}},"
              "'site':{'domain':'d','bundle':null,'cat':null,'search':null,"
              "'keywords':null},'app':null,'regs':{'coppa':null,'gdpr':null,"
              "'us_privacy':null,'gpp':null,'gpp_sid':null,'gpc':null,'ext':{'coppa':null,"
              "'gdpr':null,'us_privacy':null,'gpp':null,'gpp_sid':[null,null],'gpc':null}},"
              "'imp':[null,{'id':'i','tagid':null,'bidfloor':null,'bidfloorcur':null},"
              "null],'badv':[null,'b.example',null],'bcat':[null],'cur':['USD',null],"
              "'rank':{'top_n':null,'behaviour':[null,{'t':1,'type':'view','item':null,"
              "'text':'x'},null],'candidates':[{'adid':'a','bid':null,'bid_type':null,"
              "'text':null},null]}}");
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
    decode_ok("{'device':{'geo':{'country':null,'city':null,'utcoffset':null}},"
              "'imp':[null],'rank':{'behaviour':null,'candidates':[null]}}");
    CHECK(!r->has_utcoffset);
    CHECK_INT(r->n_imps, 1);
    CHECK(r->has_candidates);
    CHECK_INT(r->n_candidates, 0);
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

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i].number);
        decode_ok("{'tmax':%s,'device':{'devicetype':%s},'rank':{'behaviour':[{'t':%s,"
                  "'type':'view','item':'a'}]}}",
                  rows[i].number, rows[i].number, rows[i].number);
        CHECK_INT(d.request.tmax_ms, rows[i].value);
        CHECK_INT(d.request.devicetype, rows[i].value);
        CHECK_INT(d.request.behaviours[0].t_ms, rows[i].value);
    }
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

    for (int i = 0; i < COUNT(rows); i++) {
        const char *n = rows[i].number;

        test_row("%s", n);
        decode_ok("{'id':%s,'user':{'id':%s},'imp':[{'id':%s,'tagid':%s}],"
                  "'rank':{'behaviour':[{'t':1,'type':'view','item':%s}],"
                  "'candidates':[{'adid':%s}]}}",
                  n, n, n, n, n, n);
        CHECK_VIEW(d.request.id, rows[i].id);
        CHECK_VIEW(d.request.user_id, rows[i].id);
        CHECK_VIEW(d.request.imps[0].id, rows[i].id);
        CHECK_VIEW(d.request.imps[0].tagid, rows[i].id);
        CHECK_VIEW(d.request.behaviours[0].item, rows[i].id);
        CHECK_VIEW(d.request.candidates[0].adid, rows[i].id);
    }
}

/* Three are the most: the rest is only JSON, and need not even be imps. */
TEST(decode__takes_the_first_imps)
{
    static const struct {
        const char *imps;
        int n, ignored;
    } rows[] = {
        {"{'id':'1'},{'id':'2'},{'id':'3'}", 3, 0},
        {"{'id':'1'},{'id':'2'},{'id':'3'},{'id':'4'}", 3, 1},
        {"{'id':'1'},{'id':'2'},{'id':'3'},{'id':'1'},{},7", 3, 3},
        {"null,{'id':'1'},null,{'id':'2'},{'id':'3'},null", 3, 1},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i].imps);
        decode_ok("{'imp':[%s],'id':'behind'}", rows[i].imps);
        CHECK_INT(d.request.n_imps, rows[i].n);
        CHECK_INT(d.request.ignored_imps, rows[i].ignored);
        CHECK_VIEW(d.request.imps[2].id, "3");
        CHECK_VIEW(d.request.id, "behind");
    }
}

TEST(decode__prefers_app_to_site)
{
    static const struct {
        const char *body, *domain;
        bool ignored;
    } rows[] = {
        {"{'site':{'domain':'s'},'app':{'bundle':'a'}}", "a", true},
        {"{'app':{'bundle':'a'},'site':{'domain':'s'}}", "a", true},
        {"{'app':{},'site':{'domain':'s'}}", "", true},
        {"{'app':null,'site':{'domain':'s'}}", "s", false},
        {"{'app':{'domain':'a'},'site':null}", "a", false},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i].body);
        decode_ok("%s", rows[i].body);
        CHECK_VIEW(d.request.domain, rows[i].domain);
        CHECK_INT(d.request.ignored_site, rows[i].ignored);
    }
}

TEST(decode__never_refuses_what_nobody_reads)
{
    decode_ok("{'x':123456789012345678901234567890,'y':[1e999,-1e999,1e-999],"
              "'ext':{'id':20000000000000000000},'user':{'yob':-9223372036854775809},"
              "'imp':[{'id':'1','pmp':{'deals':[{'bidfloor':1e400}]}}],"
              "'rank':{'\\u0000':null},'site':{'cat':'IAB3'},'id':'behind'}");
    CHECK_VIEW(d.request.id, "behind");
    CHECK_INT(d.request.cat.n, 1);
    CHECK_VIEW(d.request.cat.items[0], "IAB3");
}
